#include "support/makerule.h"
#include "support/own.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t lines(const struct buf *text)
{
    size_t count = 0;
    for (size_t i = 0; i < text->len; i++)
        count += text->data[i] == '\n';
    return count;
}

/* Reads a depfile and writes one with the same paths, in which no path takes more than its own two
 * lines: one as a prerequisite, one as an empty rule. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(strv) paths = {0}, none = {0};
    AUTO(buf) rules = {0}, frame = {0};
    autofree char *text = xstrndup((const char *)data, size);
    if (makerule_read(text, "/d", &paths) != 0)
        return 0;

    for (size_t i = 0; i < paths.len; i++)
        if (paths.items[i][0] != '/')
            abort();

    makerule_write("out", &none, &frame);
    makerule_write("out", &paths, &rules);
    bool always = strstr(buf_text(&rules), "\n.PHONY: lbuild-always\n");
    size_t own = lines(&rules) - lines(&frame) - (always ? 5 : 0);
    if (own % 2 != 0 || (always ? own / 2 >= paths.len : own / 2 != paths.len))
        abort();
    return 0;
}
