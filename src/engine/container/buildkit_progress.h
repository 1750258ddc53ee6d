#ifndef LBUILD_ENGINE_CONTAINER_BUILDKIT_PROGRESS_H
#define LBUILD_ENGINE_CONTAINER_BUILDKIT_PROGRESS_H

#include "support/strv.h"

#include <stdbool.h>
#include <stddef.h>

/* BuildKit's output with --progress plain (buildkit, util/progress/progressui): docker build,
 * docker buildx build and buildctl print the same. It is read line by line, so that nothing waits
 * for the end. Pure; no line can make it grow without bound. */

enum { PROGRESS_TAIL = 20 /* lines kept of a step's output */, PROGRESS_STEPS_MAX = 10000 };

/* "#5 [build 2/3] RUN make": a step of a stage. Other steps (the context, metadata, exports) are
 * BuildKit's own business. */
struct progress_step {
    unsigned number;
    char *stage;   /* "build 2/3" */
    char *command; /* "RUN make", as one line */
    struct strv tail;
    char *error; /* the words about its failure, or NULL */
};

struct buildkit_progress {
    struct progress_step *steps;
    size_t len, cap;
    size_t failed; /* steps that failed so far */
    char *error;   /* the last text that BuildKit called an error, or NULL */
    char *last;    /* the last line of no known form, or NULL: programs that end early
                      say why in any form */
    int line;      /* line of the Dockerfile, where BuildKit gives it (0.9 and later); 0: unknown */
};
void buildkit_progress_release(struct buildkit_progress *progress);

enum progress_event {
    PROGRESS_NOTHING,
    PROGRESS_BEGIN,  /* a step began, or was found in the cache */
    PROGRESS_OUTPUT, /* a step's output */
};
/* Takes in one line, without its line break. For BEGIN and OUTPUT *step gets the step (valid until
 * the next call), *text its words (they point into the line). */
enum progress_event buildkit_progress_line(struct buildkit_progress *progress,
                                           const char *file /* the Dockerfile's name */,
                                           const char *line, const struct progress_step **step,
                                           const char **text);
/* The step that failed, NULL when none did. The failure of one step ends the others, which may
 * report it as their own. As far as can be told, it is the step whose error the build ends with and
 * whose command that error names, else the first. */
const struct progress_step *buildkit_progress_failed(const struct buildkit_progress *progress);
/* The reason, without prefixes like "failed to solve: " that say nothing; "" when none was given.
 * Points into *progress. */
const char *buildkit_progress_reason(const struct buildkit_progress *progress);

#endif
