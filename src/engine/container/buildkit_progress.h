#ifndef LBUILD_ENGINE_CONTAINER_BUILDKIT_PROGRESS_H
#define LBUILD_ENGINE_CONTAINER_BUILDKIT_PROGRESS_H

#include "support/strv.h"

#include <stdbool.h>
#include <stddef.h>

/* What BuildKit says with --progress plain (buildkit, util/progress/progressui): docker build,
 * docker buildx build and buildctl print the same. Read line by line, so that nothing waits for the
 * end. Pure; what a line makes of it is bounded, whatever it says. */

enum { PROGRESS_TAIL = 20 /* lines kept of a step's output */, PROGRESS_STEPS_MAX = 10000 };

/* "#5 [build 2/3] RUN make": a step of a stage. Others (the context, metadata, exports) are
 * BuildKit's own business. */
struct progress_step {
    unsigned number;
    char *stage;   /* "build 2/3" */
    char *command; /* "RUN make", as one line */
    struct strv tail;
    char *error; /* what was said of its failure, or NULL */
};

struct buildkit_progress {
    struct progress_step *steps;
    size_t len, cap;
    size_t failed; /* steps that did, so far */
    char *error;   /* the last thing that it called an error, or NULL */
    char *last; /* the last line that belongs to nothing, or NULL: programs that end early say why
                   without a form */
    int line;   /* of the Dockerfile, where it says so (BuildKit 0.9 and later do); 0: unknown */
};
void buildkit_progress_release(struct buildkit_progress *progress);

enum progress_event {
    PROGRESS_NOTHING,
    PROGRESS_BEGIN,  /* a step began, or was found in the cache */
    PROGRESS_OUTPUT, /* a step's output */
};
/* Takes in one line, without its line break. For BEGIN and OUTPUT *step gets the step (good until
 * the next call), *text what it said (points into the line). */
enum progress_event buildkit_progress_line(struct buildkit_progress *progress,
                                           const char *file /* the Dockerfile's name */,
                                           const char *line, const struct progress_step **step,
                                           const char **text);
/* The step that failed, NULL when none did. The failure of one ends the others, which may then
 * report it as theirs: it is the one whose error the build ends with and whose command that names,
 * as far as it can be told, else the first. */
const struct progress_step *buildkit_progress_failed(const struct buildkit_progress *progress);
/* Why, without the layers of "failed to solve" that say nothing; "" when nothing was said. Points
 * into *progress. */
const char *buildkit_progress_reason(const struct buildkit_progress *progress);

#endif
