#include "support/ignore.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first line is the path, the rest the rules. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;

    if (!end || end == data || memchr(data, '\0', (size_t)(end - data)))
        return 0;
    autofree char *path = xstrndup((const char *)data, (size_t)(end - data));
    AUTOPTR(ignore)
    ignore = ignore_parse((const char *)end + 1, size - (size_t)(end + 1 - data), "input", &err);
    if (ignore) {
        bool out = ignore_matches(ignore, path);
        (void)(ignore_may_reinclude(ignore, path) && out);
    }
    return 0;
}
