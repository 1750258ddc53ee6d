#ifndef LBUILD_DOCKERFILE_TEXT_H
#define LBUILD_DOCKERFILE_TEXT_H

#include "support/buf.h"

#include <stdbool.h>

/* The text of a Dockerfile and, for each line, what it was made from. Knows nothing of plans. */

struct dockerfile_line {
    int line;    /* counted from 1 */
    char *where; /* "lbuild.ini:12:1" or "c.template:20:1" */
};

struct dockerfile {
    struct buf text;
    struct dockerfile_line
        *lines; /* each holds from its line on, up to the next one's; ascending */
    size_t line_count, line_cap;
    size_t counted; /* of the text: so far its lines are counted */
    int line;       /* how many line breaks that part has */
};
void dockerfile_release(struct dockerfile *dockerfile);

/* What a line was made from, for a message about a RUN that failed; NULL for a line before the
 * first one. */
const char *dockerfile_where(const struct dockerfile *dockerfile, int line);
/* The line that the text ends in, and all that follow, were made from `where`. */
void dockerfile_mark(struct dockerfile *dockerfile, const char *where);

/* The name of the text's file in the build context. */
#define DOCKERFILE_NAME "Dockerfile.lbuild"
/* Where the context keeps files that engines would read as their own: the project's .dockerignore.
 */
#define DOCKERFILE_HELD ".lbuild/held"
/* Whether the context keeps this path of the project there. */
bool dockerfile_holds(const char *path);

#endif
