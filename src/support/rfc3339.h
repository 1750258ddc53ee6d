#ifndef LBUILD_SUPPORT_RFC3339_H
#define LBUILD_SUPPORT_RFC3339_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds since 1970 as "2023-11-14T22:13:20Z" (RFC 3339, in UTC). The years 0 to 9999 are what it
 * can write. Caller frees. */
char *rfc3339(int64_t seconds);
/* The other way around, with any offset and any fraction, which is cut off. False, and *out
 * untouched, when it isn't such a text. */
bool rfc3339_read(const char *text, int64_t *out);

#endif
