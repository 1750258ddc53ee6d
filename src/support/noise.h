#ifndef LBUILD_SUPPORT_NOISE_H
#define LBUILD_SUPPORT_NOISE_H

#include <stddef.h>

/* Bytes that deflate can't make smaller, as those of images, archives and other compressed files:
 * to look for matches in them takes longer than in any others, for nothing. */

/* Runs are whole units from the start of `bytes`; shorter ones aren't worth losing the window that
 * deflate looks back (RFC 1951: 32 KiB). */
#define NOISE_UNIT 8192
#define NOISE_RUN 32768

/* The length of the first such run, whose start is left in `start`; 0, and `length` in `start`,
 * when there is none. Each unit in it has all bytes about equally often (codes would save less than
 * 1 %), and next to nothing twice. Depends on the bytes alone. */
size_t noise_find(const unsigned char *bytes, size_t length, size_t *start);

#endif
