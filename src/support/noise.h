#ifndef LBUILD_SUPPORT_NOISE_H
#define LBUILD_SUPPORT_NOISE_H

#include <stddef.h>

/* Bytes that deflate can't make smaller, e.g. those of pictures, archives and other compressed
 * files. Looking for matches in them takes longer than in any other bytes, and finds nothing. */

/* Runs are made of whole units, counted from the start of `bytes`. Shorter runs aren't worth losing
 * the window in which deflate looks back (RFC 1951: 32 KiB). */
#define NOISE_UNIT 8192
#define NOISE_RUN 32768

/* The length of the first such run, with its offset in *start; 0 when there is none, with `length`
 * in *start. In each unit of a run all byte values are about equally frequent (codes would save
 * less than 1 %), and next to nothing is repeated. The result depends on the bytes alone. */
size_t noise_find(const unsigned char *bytes, size_t length, size_t *start);

#endif
