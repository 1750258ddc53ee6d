#ifndef LBUILD_SUPPORT_HASHER_H
#define LBUILD_SUPPORT_HASHER_H

#include "support/digest.h"
#include "support/own.h"

#include <stddef.h>

/* A SHA-256 that a thread of its own works out, while the caller goes on unpacking. The first MiB
 * is hashed by the caller: small things need no thread. About 1 MiB of memory. Where no thread can
 * be had, the caller does it all. */
struct hasher;
struct hasher *hasher_new(struct error *err) must_check;
void hasher_free(struct hasher *hasher);
DEFINE_AUTOPTR(hasher)
/* The bytes are copied. */
void hasher_add(struct hasher *hasher, const void *bytes, size_t length);
/* Waits for the last of them. */
void hasher_finish(struct hasher *hasher, struct digest *out);

#endif
