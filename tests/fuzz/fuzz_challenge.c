#include "registry/challenge.h"
#include "support/own.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(challenges) list = {0};
    autofree char *text = xstrndup((const char *)data, size);
    challenges_parse(&list, text);
    challenges_parse(&list, text);
    if (list.len > 16)
        abort();
    (void)challenges_find(&list, CHALLENGE_BEARER);
    return 0;
}
