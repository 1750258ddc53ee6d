#ifndef LBUILD_DOCKERFILE_TEXT_H
#define LBUILD_DOCKERFILE_TEXT_H

#include "support/buf.h"

#include <stdbool.h>

/* The text of a Dockerfile and, for each line, the place that it was made from. Knows
 * nothing about plans. */

struct dockerfile_line {
    int line;    /* counted from 1 */
    char *where; /* "lbuild.ini:12:1" or "c.template:20:1" */
};

struct dockerfile {
    struct buf text;
    struct dockerfile_line *lines; /* each is valid up to the next one's line; ascending */
    size_t line_count, line_cap;
    size_t counted; /* bytes of the text in which line breaks are counted */
    int line;       /* line breaks in them */
};
void dockerfile_release(struct dockerfile *dockerfile);

/* Where a line came from, for messages about a failed RUN; NULL: before the first mark. */
const char *dockerfile_where(const struct dockerfile *dockerfile, int line);
/* Notes that the text's last line and all lines after it were made from `where`. */
void dockerfile_mark(struct dockerfile *dockerfile, const char *where);

/* The name of the text's file in the build context. */
#define DOCKERFILE_NAME "Dockerfile.lbuild"
/* Where the context keeps files that engines would apply themselves, e.g. .dockerignore. */
#define DOCKERFILE_HELD ".lbuild/held"
/* Whether this path of the project is one of them. */
bool dockerfile_holds(const char *path);

#endif
