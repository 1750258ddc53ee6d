#ifndef LBUILD_ENGINE_EXECUTE_H
#define LBUILD_ENGINE_EXECUTE_H

#include "dockerfile/dockerfile.h"
#include "engine/engine.h"
#include "engine/secrets.h"
#include "engine/work.h"

/* The step from the plan to the final stage's files: which engine, what it is given, and its run.
 */
struct execution {
    const struct base *base; /* of the final stage; set by the caller */
    const struct engine *engine;
    char *why; /* it was chosen */
    struct dockerfile dockerfile;
    struct secrets secrets;
    struct engine_base *bases; /* images that stages are FROM */
    size_t base_count, base_cap;
    bool has_deps;   /* the template has dependencies, which become a layer of their own: */
    bool deps_known; /* `deps_layer` is it already, from an earlier build; else it is made of `deps`
                      */
    struct layer deps_layer;
    struct digest deps_key;
    struct tree deps;
    struct work work; /* holds the files of the tree */
};

/* Chooses the engine for --engine `wanted` (NULL: auto) and adds the decision to the plan. */
int execution_choose(const char *wanted, const struct engine_options *options, struct plan *plan,
                     struct execution *execution, struct error *err) must_check;
/* Runs the chosen engine on the job (plan, store, jobs, inputs, context, options set by the caller)
 * and fills *tree. Images that the Dockerfile is FROM are fetched as `like` says: its folder, pull
 * policy and mirrors. The tree's files stay until *execution is released. */
int execution_run(struct execution *execution, struct engine_job *job,
                  const struct template *template, const struct base_request *like,
                  struct tree *tree, struct error *err) must_check;
/* The layer of dependencies, made unless it is known. `rootfs`: of the base. */
int execution_deps(struct execution *execution, const struct engine_job *job,
                   const struct rootfs *rootfs, struct error *err) must_check;
/* A base that is a file or folder of this machine is an input like any source: adds its paths. */
void execution_watch(const struct base_request *request, struct strv *inputs);
void execution_release(struct execution *execution);

#endif
