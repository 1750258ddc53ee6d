#include "dockerfile/text.h"

#include "support/own.h"

#include <stdlib.h>
#include <string.h>

bool dockerfile_holds(const char *path)
{
    return strcmp(path, ".dockerignore") == 0 || strcmp(path, ".containerignore") == 0;
}

const char *dockerfile_where(const struct dockerfile *dockerfile, int line)
{
    const char *where = NULL;
    for (size_t i = 0; i < dockerfile->line_count && dockerfile->lines[i].line <= line; i++)
        where = dockerfile->lines[i].where;
    return where;
}

void dockerfile_mark(struct dockerfile *dockerfile, const char *where)
{
    for (; dockerfile->counted < dockerfile->text.len; dockerfile->counted++)
        dockerfile->line += dockerfile->text.data[dockerfile->counted] == '\n';

    int line = dockerfile->line + 1;
    size_t count = dockerfile->line_count;
    if (count > 0 && dockerfile->lines[count - 1].line == line) {
        free(dockerfile->lines[count - 1].where);
        dockerfile->lines[count - 1].where = xstrdup(where);
        return;
    }
    if (count > 0 && strcmp(dockerfile->lines[count - 1].where, where) == 0)
        return;
    grow(dockerfile->lines, dockerfile->line_count, dockerfile->line_cap);
    dockerfile->lines[dockerfile->line_count++] = (struct dockerfile_line){line, xstrdup(where)};
}

void dockerfile_release(struct dockerfile *dockerfile)
{
    for (size_t i = 0; i < dockerfile->line_count; i++)
        free(dockerfile->lines[i].where);
    free(dockerfile->lines);
    buf_release(&dockerfile->text);
    *dockerfile = (struct dockerfile){0};
}
