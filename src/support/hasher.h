#ifndef LBUILD_SUPPORT_HASHER_H
#define LBUILD_SUPPORT_HASHER_H

#include "support/digest.h"
#include "support/own.h"

#include <stddef.h>

/* A SHA-256 that is computed in its own thread while the caller goes on unpacking. The caller
 * itself hashes the first MiB, since small inputs need no thread, and everything when no thread can
 * be started. Takes about 1 MiB of memory. */
struct hasher;
struct hasher *hasher_new(struct error *err) must_check;
void hasher_free(struct hasher *hasher);
DEFINE_AUTOPTR(hasher)
/* The bytes are copied. */
void hasher_add(struct hasher *hasher, const void *bytes, size_t length);
/* Waits until all bytes are hashed. */
void hasher_finish(struct hasher *hasher, struct digest *out);

#endif
