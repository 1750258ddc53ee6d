#ifndef LBUILD_PIPELINE_FACTS_H
#define LBUILD_PIPELINE_FACTS_H

#include "base/base.h"
#include "dockerfile/context.h"
#include "pipeline_options.h"
#include "plan/plan.h"
#include "project/project.h"
#include "provenance/provenance.h"
#include "store/store.h"
#include "support/error.h"
#include "support/strv.h"
#include "template/template.h"

#include <stdbool.h>

/* Everything that a plan is made from, as it was found on this machine. */
struct facts {
    struct project project;
    struct provenance provenance;
    struct template template;
    struct store store;
    struct context context; /* may be large: a build releases it once the engine has worked */
    size_t context_files;
    struct base base;
    bool base_known;
    struct strv left_out; /* cleaned paths in the project's folder that lbuild writes itself: the
                             output, the depfile, the stamp */
    struct strv inputs;   /* absolute paths that the base was read from, where it is a file */
};

enum facts_base {
    FACTS_BASE_PEEK, /* use what the store knows of the base; never the network */
    FACTS_BASE_LOAD, /* fetch what is missing */
};

/* Gathers all of it. When the project file has more than one mistake, each of them goes to standard
 * error, and *err counts them. */
int facts_gather(const struct pipeline_options *options, enum facts_base how, struct facts *facts,
                 struct error *err) must_check;
/* Only the project file; `complaints` gets all of its mistakes. */
int facts_project(const struct pipeline_options *options, struct strv *complaints,
                  struct facts *facts, struct error *err) must_check;
/* Only the base of a project that was read. Fetches it when it is missing, so that later builds
 * find it. */
int facts_load_base(const struct pipeline_options *options, struct facts *facts,
                    struct error *err) must_check;
void facts_release(struct facts *facts);

/* How an image is fetched for this project. */
struct base_request facts_base_request(const struct pipeline_options *options,
                                       const struct facts *facts, const char *reference);
/* The plan that follows from the facts and the options. */
int facts_plan(const struct pipeline_options *options, const struct facts *facts, struct plan *plan,
               struct error *err) must_check;

#endif
