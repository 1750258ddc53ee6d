#ifndef LBUILD_ENGINE_ENGINE_H
#define LBUILD_ENGINE_ENGINE_H

#include "base/base.h"
#include "dockerfile/context.h"
#include "layer/layer.h"
#include "plan/plan.h"
#include "store/store.h"
#include "support/error.h"
#include "support/jobserver.h"
#include "support/strv.h"

#include <stdbool.h>

struct dockerfile;
struct secrets;
struct work;

/* What the user asks of an engine, under the names that people type for docker and buildx
 * (docs/engines.md). NULL, false, empty and 0: not said. An engine that lacks one says so in its
 * table. */
struct engine_options {
    const char *network; /* of RUN steps: "none", "host" or "default" */
    bool no_cache;
    struct strv cache_from, cache_to; /* as the engine writes them */
    struct strv build_args;           /* "NAME=VALUE", or "NAME" for the environment's value */
    const char *target;               /* the stage to stop after: no image is made */
    struct strv secrets, ssh;         /* in buildx's syntax */
    const char *builder;              /* buildx: the builder's name */
    const char *addr;                 /* buildctl: where buildkitd listens */
    const char *tls_dir, *tls_ca, *tls_cert, *tls_key, *tls_server_name;
    const char *timeout_text;
    int timeout; /* seconds for the engine's work; 0: no limit */
};
void engine_options_release(struct engine_options *options);
/* Reads the texts among them: ERROR_USAGE for a --network or --timeout ("90", "90s", "15m", "2h")
 * that makes no sense. */
int engine_options_check(struct engine_options *options, struct error *err) must_check;
/* All of it as text, for a cache's key; values of secrets are files or variables, and are not in
 * it. */
void engine_options_key(const struct engine_options *options, struct buf *key);

/* An image that stages are FROM (the base of the final one is not among them), in lbuild's store:
 * verified, and for the right platform. Engines take it from there, so that they need no registry.
 */
struct engine_base {
    char *reference; /* as the Dockerfile has it behind FROM or COPY --from= */
    struct base base;
};

struct engine_job {
    const struct plan *plan;
    const struct store *store;
    int jobs;                    /* compilers at a time, at least 1 */
    struct jobserver *jobserver; /* make's, which the compilers count in; or NULL */
    struct strv *inputs; /* gets the absolute path of every file that was read (sources, headers,
                            compiler; not [files]), may repeat */
    const struct context *context; /* the project's files after the ignore rules: what [files] may
                                      take. NULL: no [files] */
    void (*waiting)(void *data);   /* called when the engine is about to wait for other programs,
                                      maybe more than once; or NULL */
    bool (*large)(
        void *data,
        struct layer_sink *sink); /* for layers that are made: see struct layer_format; or NULL */
    void *data;
    const struct engine_options *options;
    int64_t deadline; /* process_clock() when --timeout is over; 0: never */
    /* For engines with containers; NULL and 0 for the host engine. */
    const struct dockerfile
        *dockerfile; /* DOCKERFILE_FILES: the final stage on scratch holds what is to be exported */
    const struct engine_base *bases;
    size_t base_count;
    const struct secrets *secrets; /* what the plan's stages ask for, each found */
    struct work *work; /* private folder: stays until the image is written, so the tree's files may
                          lie there */
};

/* What an engine can't do: the option's name without dashes ("tls*": all that begin so), and the
 * reason as the rest of "--NAME: ". */
struct engine_lack {
    const char *option, *reason;
};

struct engine {
    const char *name;
    const char *help;
    bool containers; /* wants the Dockerfile, the bases, the secrets and the work folder */
    const struct engine_lack *lacks; /* ends with a NULL option */
    /* Whether it can run here, asked before anything is fetched; the error says what is missing and
     * the command that installs it (ERROR_ENGINE; ERROR_RETRY for a remote one that doesn't
     * answer). At most a second or two. */
    int (*available)(const struct plan *plan, const struct engine_options *options,
                     struct error *err);
    /* For `lbuild doctor`: "1.28.2, rootless"; NULL when there is nothing to say. Caller frees.
     * NULL here: no such thing. */
    char *(*version)(const struct engine_options *options);
    /* Makes the final stage's own files (program, [files]) and lists them in *tree, cleaned paths,
     * modes normalised. The files stay good until job->work goes, or the next build. A failing
     * compiler or RUN is ERROR_BUILD, its output already on standard error. With options->target
     * nothing is listed. */
    int (*build)(const struct engine_job *job, struct tree *tree, struct error *err);
};

/* The engines, one line each in engine/list.h, NULL at the end; one by its name, or NULL. */
extern const struct engine *const engines[];
const struct engine *engine_find(const char *name);

/* ERROR_USAGE when the engine lacks an option that was given: the option, the reason, and who has
 * it. */
int engine_refuse(const struct engine *engine, const struct engine_options *options,
                  struct error *err) must_check;
/* The engine of --engine `wanted`. NULL and "auto" choose: host where the plan and the options
 * allow it, else the first of engine/list.h that has what they ask for and works here (those are
 * asked; host only for a command of the template). *why (caller frees) says how it came. NULL with
 * ERROR_USAGE for an unknown name or an engine that lacks an option, ERROR_ENGINE when the plan
 * needs another or none works. */
const struct engine *engine_choose(const char *wanted, const struct plan *plan,
                                   const struct engine_options *options, char **why,
                                   struct error *err) must_check;

#endif
