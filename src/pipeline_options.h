#ifndef LBUILD_PIPELINE_OPTIONS_H
#define LBUILD_PIPELINE_OPTIONS_H

#include "base/base.h"
#include "engine/engine.h"
#include "support/error.h"
#include "support/options.h"
#include "support/strv.h"

#include <stdbool.h>

/* What -o means: "FILE", "-", or "type=TYPE,dest=PATH,compression=LEVEL" as buildx has it. NULL
 * members: not said. */
struct pipeline_output {
    char *type, *dest, *compression;
};

/* What the user asked for: the options that every verb on a project shares. */
struct pipeline_options {
    const char *dir, *file, *profile, *platform, *pull, *ca_file, *epoch, *output, *engine;
    const char *metadata_file, *image_refs, *iidfile, *progress, *code_quality, *depfile, *stamp;
    struct strv set, tags, mirrors, dirs; /* dirs: with --all, where to look */
    bool all, json, arm64, x86_64, offline, locked, quiet, verbose, dry_run;
    int jobs;
    struct engine_options how; /* what is asked of the engine */
    /* Set by pipeline_settle. */
    struct pipeline_output out; /* what `output` means */
    enum pull_policy policy;    /* what `pull` means; --offline is not in it */
};
void pipeline_options_release(struct pipeline_options *options);
/* Their rows for options_parse; `count` gets how many. The first PIPELINE_PLAN_ROWS are about the
 * plan alone.
 */
enum { PIPELINE_PLAN_ROWS = 16 };
const struct option_row *pipeline_option_rows(size_t *count);
/* Help for those rows, where -o means something else than the image. */
void pipeline_help_plan(const char *argument, const char *help, struct buf *out);
/* Parses argv[1..] into *options; an operand is an error. */
int pipeline_parse(const char *const *argv, size_t rows, struct pipeline_options *options,
                   struct error *err) must_check;

/* What pipeline_parse does after the command line was read: for who reads it with rows of its own.
 */
int pipeline_settle(struct pipeline_options *options, struct error *err) must_check;

#endif
