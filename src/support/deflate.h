#ifndef LBUILD_SUPPORT_DEFLATE_H
#define LBUILD_SUPPORT_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>

enum { DEFLATE_SLACK = 16 };

/* Finds, in bits from the start, where the last block of a deflate stream (RFC 1951) starts and
 * ends. The blocks are walked without producing the plain bytes, several times faster than
 * decompressing. `packed` holds `length` bytes of stream, then DEFLATE_SLACK readable bytes of any
 * value. False: not such a stream, or it doesn't end in the last byte. */
bool deflate_last_block(const unsigned char *packed, size_t length, size_t *start, size_t *end);

#endif
