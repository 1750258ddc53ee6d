#ifndef LBUILD_PIPELINE_OPTIONS_H
#define LBUILD_PIPELINE_OPTIONS_H

#include "base/base.h"
#include "engine/engine.h"
#include "support/error.h"
#include "support/options.h"
#include "support/strv.h"

#include <stdbool.h>

/* What -o means: "FILE", "-", or buildx's "type=TYPE,dest=PATH" with ",compression=LEVEL". A member
 * that isn't given is NULL. */
struct pipeline_output {
    char *type, *dest, *compression;
};

/* What the user asks for: the options of the verbs on a project. */
struct pipeline_options {
    const char *dir, *file, *profile, *platform, *pull, *ca_file, *epoch, *output, *engine;
    const char *metadata_file, *image_refs, *iidfile, *progress, *code_quality, *depfile, *stamp;
    struct strv set, tags, mirrors, dirs; /* dirs: where --all looks */
    bool all, json, arm64, x86_64, offline, locked, quiet, verbose, dry_run;
    int jobs;
    struct engine_options how; /* what is asked of the engine */

    /* Set by pipeline_settle. */
    struct pipeline_output out; /* what `output` means */
    enum pull_policy policy;    /* what `pull` and `offline` mean */
};
void pipeline_options_release(struct pipeline_options *options);

/* Their rows, in three tables: which project, its plan, its build. A verb takes the first one, two
 * or all three. */
extern const struct option_row pipeline_project_rows[], pipeline_plan_rows[], pipeline_build_rows[];

/* The architecture that --platform, --arm64 or --x86-64 asks for, as arch_parse
 * takes it; NULL: none. */
const char *pipeline_arch(const struct pipeline_options *options);

/* Checks what options_parse read, fills in what follows from it, and sets up the log. An operand is
 * an error, unless --all makes it a folder to look in; NULL: the verb has operands of its own. */
int pipeline_settle(struct pipeline_options *options, const struct strv *operands,
                    struct error *err) must_check;

#endif
