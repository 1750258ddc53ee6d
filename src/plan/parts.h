#ifndef LBUILD_PLAN_PARTS_H
#define LBUILD_PLAN_PARTS_H

#include "plan/plan.h"

/* What the files of a plan share: plan_make calls plan_*_decide, one file each. Each sets members
 * of the plan and adds its decisions. Errors: ERROR_PROJECT with the setting's place. */

/* Decides the builder, packages and lock file from what the template says about them. */
int plan_template_decide(const struct plan_facts *facts, struct plan *plan,
                         struct error *err) must_check;
/* Decides how C sources are compiled and linked. */
int plan_compile_decide(const struct plan_facts *facts, struct plan *plan,
                        struct error *err) must_check;
/* Decides the stages, [files] from stages, secrets, and what kind of engine they need. */
int plan_stages_decide(const struct project *project, const struct template *t, struct plan *plan,
                       struct error *err) must_check;
void plan_stages_release(struct plan *plan);

/* Adds a decision that rests on a setting, or on `otherwise` if that isn't set. */
void plan_decide_key(struct plan *plan, const struct plan_facts *facts, enum key_id key,
                     const char *value, const char *otherwise);
/* ERROR_PROJECT at the place of a setting. */
int plan_wrong(const struct project *project, enum key_id key, struct error *err, const char *text);

/* Adds a copy of the pair, or nothing if `value` is NULL; `origin` may be NULL. */
void plan_pairs_add(struct plan_pairs *pairs, const char *name, const char *value,
                    const struct origin *origin);
void plan_pairs_release(struct plan_pairs *pairs);

/* The image reference that a [image] base value stands for: "al2023" becomes
 * public.ecr.aws/lambda/provided:al2023. Caller frees. */
char *plan_base_reference(const char *value);
/* The builder image of a word ("al2023", "al2"), or the reference as it is. Caller frees. */
char *plan_builder_reference(const char *value);

#endif
