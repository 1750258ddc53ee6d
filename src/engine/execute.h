#ifndef LBUILD_ENGINE_EXECUTE_H
#define LBUILD_ENGINE_EXECUTE_H

#include "dockerfile/dockerfile.h"
#include "engine/engine.h"
#include "engine/secrets.h"
#include "engine/work.h"
#include "layer/layer.h"

/* The step from the plan to the final stage's files: the engine, what it is given, and its run. */
struct execution {
    const struct base *base; /* base of the final stage; set by the caller */
    const struct engine *engine;
    char *why; /* reason for the choice of the engine */
    struct dockerfile dockerfile;
    struct secrets secrets;
    struct engine_base *bases; /* images that stages are FROM */
    size_t base_count, base_cap;
    bool has_deps;   /* the template has dependencies, which get a layer of their own */
    bool deps_known; /* `deps_layer` comes from an earlier build; otherwise it is made of `deps` */
    struct layer deps_layer;
    struct digest deps_key;
    struct tree deps;
    struct work work; /* holds the files of the tree */
};

/* Chooses the engine for --engine `wanted` (NULL: auto). */
int execution_choose(const char *wanted, const struct engine_options *options,
                     const struct plan *plan, struct execution *execution,
                     struct error *err) must_check;
/* Completes the job (the caller has set plan, store, jobs, inputs, context and options) with
 * what the chosen engine needs. For one with containers these are the Dockerfile, the
 * secrets, and the images that the Dockerfile is FROM, fetched with the folder, pull policy
 * and mirrors of `like`. */
int execution_prepare(struct execution *execution, struct engine_job *job,
                      const struct template *template, const struct base_request *like,
                      struct error *err) must_check;
/* Runs the engine on a job that was prepared and fills *tree, whose files stay until
 * *execution is released. */
int execution_run(struct execution *execution, const struct engine_job *job, struct tree *tree,
                  struct error *err) must_check;
/* Adds the paths of a base that is a file or folder on this machine: it is an input
 * like any source. */
void execution_watch(const struct base_request *request, struct strv *inputs);
void execution_release(struct execution *execution);

#endif
