#ifndef LBUILD_ENGINE_ENGINE_H
#define LBUILD_ENGINE_ENGINE_H

#include "base/base.h"
#include "dockerfile/context.h"
#include "layer/tree.h"
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
 * (docs/engines.md). NULL, false, empty and 0: not given. An engine that lacks an option says so in
 * its table. */
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
/* Checks the options and reads --timeout ("90", "90s", "15m", "2h"). ERROR_USAGE for a value that
 * makes no sense. */
int engine_options_check(struct engine_options *options, struct error *err) must_check;
/* All options as text, for a cache's key. The values of secrets, in files or
 * variables, are not in it. */
void engine_options_key(const struct engine_options *options, struct buf *key);

/* An image that stages are FROM (not the base of the final stage), in lbuild's store, verified and
 * for the right platform. Engines take it from there and need no registry. */
struct engine_base {
    char *reference; /* as the Dockerfile has it after FROM or COPY --from= */
    struct base base;
};

struct engine_job {
    const struct plan *plan;
    const struct store *store;
    int jobs;                    /* compilers at a time, at least 1 */
    struct jobserver *jobserver; /* make's, whose slots the compilers take; or NULL */
    struct strv *inputs; /* gets the absolute path of every file that was read (sources, headers,
                            compiler; not [files]), perhaps more than once */
    bool *unlisted;      /* gets whether it read files that nobody listed; or NULL */
    const struct context *context; /* the project's files that aren't ignored, for [files].
                                      NULL: no [files] */
    void (*waiting)(void *data);   /* called when the engine is about to wait for other programs,
                                      perhaps more than once; or NULL */
    void *data;                    /* for `waiting` */
    const struct engine_options *options;
    int64_t deadline; /* process_clock() when --timeout is over; 0: never */

    /* For engines with containers; NULL and 0 for the host engine. The Dockerfile is of the kind
     * DOCKERFILE_FILES: a final stage on scratch holds the files to export. */
    const struct dockerfile *dockerfile;
    const struct engine_base *bases;
    size_t base_count;
    const struct secrets *secrets; /* what the plan's stages ask for, all of it found */
    struct work *work;             /* private folder, kept until the image is written: the tree's
                                      files may lie there */
};

/* What an engine can't do: the option's name without dashes ("tls*": all names that begin with
 * tls), and the reason, which continues "--NAME: ". */
struct engine_lack {
    const char *option, *reason;
};

struct engine {
    const char *name;
    const char *help;
    bool containers; /* wants the Dockerfile, the bases, the secrets and the work folder */
    const struct engine_lack *lacks; /* ends with a NULL option */
    /* Whether the engine can run here, asked before anything is fetched. The error says what is
     * missing and the command that installs it (ERROR_ENGINE; ERROR_RETRY for a remote engine that
     * doesn't answer). Takes a second or two at most. */
    int (*available)(const struct plan *plan, const struct engine_options *options,
                     struct error *err);
    /* For `lbuild doctor`, e.g. "1.28.2, rootless"; returns NULL when there is nothing to say.
     * Caller frees. A NULL function: the engine has no version. */
    char *(*version)(const struct engine_options *options);
    /* Makes the final stage's own files (program, [files]) and lists them in *tree with clean paths
     * and normal modes. The files stay until job->work is released, or until the next build. A
     * failing compiler or RUN is ERROR_BUILD, its output already on standard error. With
     * options->target nothing is listed. */
    int (*build)(const struct engine_job *job, struct tree *tree, struct error *err);
};

/* The engines in the order of engine/list.h, NULL at the end. */
extern const struct engine *const engines[];
/* The engine of that name, or NULL. */
const struct engine *engine_find(const char *name);

/* ERROR_USAGE when the engine lacks an option that was given: names the option, the reason, and the
 * engines that have it. */
int engine_refuse(const struct engine *engine, const struct engine_options *options,
                  struct error *err) must_check;
/* The engine for --engine `wanted`. NULL and "auto" choose: host where the plan and the options
 * allow it, otherwise the first of engine/list.h that has what they ask for and is available (host
 * is asked only when the template has a command). *why (caller frees) says why it was chosen.
 * Returns NULL with ERROR_USAGE for an unknown name or an engine that lacks an option, ERROR_ENGINE
 * when the plan needs another engine or none works. */
const struct engine *engine_choose(const char *wanted, const struct plan *plan,
                                   const struct engine_options *options, char **why,
                                   struct error *err) must_check;

#endif
