#include "support/own.h"
#include "template/openversion.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A version that is found has a line of the text and no control characters. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(strv) elements = {0}, patterns = {0};
    AUTO(openversion) found = {0};
    autofree char *text = xstrndup((const char *)data, size);

    strv_add(&elements, "a/b");
    strv_add(&patterns, "*,*");
    strv_add(&patterns, "*SNAPSHOT");
    struct error err = {0};
    if (openversion_find(text, strlen(text), &elements, &patterns, &found, &err) != 0)
        abort();
    if (found.version && (found.line < 1 || strpbrk(found.version, "\n\r\t\033")))
        abort();
    return 0;
}
