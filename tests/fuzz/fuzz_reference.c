#include "registry/reference.h"
#include "support/own.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An accepted reference has a full name, and that name is read as the same reference. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    AUTO(reference) reference = {0};
    AUTO(reference) again = {0};
    autofree char *text = xstrndup((const char *)data, size);
    if (reference_parse(text, &reference, &err) != 0)
        return 0;

    autofree char *name = reference_name(&reference);
    if (reference_parse(name, &again, &err) != 0)
        abort();
    autofree char *second = reference_name(&again);
    if (strcmp(name, second) != 0 || !reference_host_valid(reference.host))
        abort();
    return 0;
}
