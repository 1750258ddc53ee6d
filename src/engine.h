#ifndef LBUILD_ENGINE_H
#define LBUILD_ENGINE_H

#include "context.h"
#include "layer.h"
#include "plan.h"
#include "store.h"
#include "support/error.h"
#include "support/jobserver.h"
#include "support/strv.h"

/* What executes a plan: one file per engine in engine/, one line each in engine/list.h. */
struct engine_job {
    const struct plan *plan;
    const struct store *store;
    int jobs;             /* compilers at a time, at least 1 */
    struct jobserver *jobserver; /* make's, which the compilers count in; or NULL */
    struct strv *inputs;  /* gets the absolute path of every file that was read (sources, headers, compiler), may repeat */
    const struct context *context; /* the project's files after the ignore rules: what [files] may take. NULL: no [files] */
    void (*waiting)(void *data); /* called when the engine is about to wait for other programs, maybe more than once; or NULL */
    void *data;
};

struct engine {
    const char *name;
    const char *help;
    /* Whether it can run here; the error says what is missing and the command that installs it (ERROR_ENGINE). */
    int (*available)(const struct plan *plan, struct error *err);
    /* Makes the final stage's own files (program, [files]) and lists them in *tree, cleaned paths, modes normalised. The files
     * stay good until the next build. A failing compiler is ERROR_BUILD, its output already on standard error. */
    int (*build)(const struct engine_job *job, struct tree *tree, struct error *err);
};

/* The engines, one line each in engine/list.h, NULL at the end; one by its name, or NULL. */
extern const struct engine *const engines[];
const struct engine *engine_find(const char *name);

#endif
