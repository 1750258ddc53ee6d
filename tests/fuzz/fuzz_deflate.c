#include "support/deflate.h"

#include "support/own.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t start = 0, end = 0;
    autofree unsigned char *copy = xmalloc(size + DEFLATE_SLACK);
    if (size > 0)
        memcpy(copy, data, size);
    memset(copy + size, 0xff, DEFLATE_SLACK);
    if (deflate_last_block(copy, size, &start, &end) && (start >= end || (end + 7) / 8 != size))
        abort();
    return 0;
}
