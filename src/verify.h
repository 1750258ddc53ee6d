#ifndef LBUILD_VERIFY_H
#define LBUILD_VERIFY_H

#include "store.h"

/* Verifies blobs of the store in a thread, while the program waits for a compiler: hashing the base takes
 * about as long as compiling a small file. What wasn't reached in time is left to the one who needs it. */
struct verify;

/* Starts with the first of `count` blobs, in order. NULL when no thread can be had: then nothing is gained or
 * lost. */
struct verify *verify_start(const struct store *store, const struct digest *blobs, size_t count);
/* A descriptor at the start of a blob that was found good, and that is the same file still (by its times); it
 * belongs to `verify`. Waits for a blob that is being hashed just now. -1: verify it yourself. `verify` may
 * be NULL. */
int verify_take(struct verify *verify, const struct digest *blob);
/* Stops the thread and closes what it opened. */
void verify_free(struct verify *verify);
DEFINE_AUTOPTR(verify)

#endif
