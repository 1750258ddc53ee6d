#include "engine/host/linker_output.h"

#include "support/own.h"

#include <stdlib.h>
#include <string.h>

/* The function that the linker's line warns of, or NULL. Caller frees. */
static char *warned_function(const char *line)
{
    const char *start = strstr(line, ": warning: Using '");
    if (!start || !strstr(start, "' in statically linked applications requires at runtime"))
        return NULL;
    start += strlen(": warning: Using '");
    return xstrndup(start, strcspn(start, "'"));
}

/* "ld: x.o: reference to iconv_open", as --trace-symbol asks for. */
static bool is_trace(const char *line)
{
    return strstr(line, ": reference to iconv_open") || strstr(line, ": definition of iconv_open");
}

/* Whether the line says that the program has glibc's iconv_open, and not another library's. */
static bool is_iconv(const char *line)
{
    return strstr(line, "libc.a(") && strstr(line, ": definition of iconv_open");
}

/* clang remarks that -static makes -no-pie useless; gcc 6 and older need both. */
static bool is_idle_talk(const char *line)
{
    return strstr(line, "argument unused during compilation: '-no-pie'") != NULL;
}

/* "ld: x.o: in function `f':" says where the next lines are from. */
static bool is_heading(const char *line)
{
    size_t length = strlen(line);
    return length > 2 && strstr(line, ": in function `") && strcmp(line + length - 2, "':") == 0;
}

void linker_output_sift(const char *output, struct strv *functions, struct buf *rest)
{
    autofree char *heading = NULL;
    while (*output) {
        size_t length = strcspn(output, "\n");
        autofree char *line = xstrndup(output, length);
        char *function = warned_function(line);
        output += length + (output[length] == '\n');
        if (function) {
            strv_take(functions, function);
        } else if (is_trace(line)) {
            if (is_iconv(line))
                strv_add(functions, "iconv_open");
        } else if (is_idle_talk(line)) {
            continue;
        } else if (is_heading(line)) {
            free(heading);
            heading = take(line);
        } else {
            if (heading)
                buf_addf(rest, "%s\n", heading);
            free(take(heading));
            buf_addf(rest, "%s\n", line);
        }
    }

    strv_sort(functions);
    strv_unique(functions);
}
