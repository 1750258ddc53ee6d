#ifndef LBUILD_SUPPORT_RFC3339_H
#define LBUILD_SUPPORT_RFC3339_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds since 1970 as "2023-11-14T22:13:20Z" (RFC 3339, in UTC). Can write the years 0 to 9999.
 * Caller frees. */
char *rfc3339(int64_t seconds);
/* Reads a time in this form, with any offset and with any fraction, which is cut off. False, with
 * *out untouched, for any other text. */
bool rfc3339_read(const char *text, int64_t *out);

#endif
