#ifndef LBUILD_STORE_VERIFY_H
#define LBUILD_STORE_VERIFY_H

#include "store/store.h"
#include "support/tar.h"

/* Verifies blobs of the store in a thread, while the program waits for a compiler: hashing the base
 * takes about as long as compiling a small file. What wasn't reached in time is left to the one who
 * needs it. */
struct verify;

/* Where the bytes may go on their way through the thread: each blob is announced, then comes in
 * parts. They are not verified before verify_finish says so. -1 from either: the sink gets nothing
 * more, the verifying goes on. */
struct verify_sink {
    int (*blob)(void *data, const struct digest *digest, uint64_t size, struct error *err);
    byte_sink bytes;
    void *data;
};

/* Starts with the first of `count` blobs, in order, each once. The sink (copied; its data is
 * borrowed) may be NULL. NULL when no thread can be had: then nothing is gained or lost. */
struct verify *verify_start(const struct store *store, const struct digest *blobs, size_t count,
                            const struct verify_sink *sink);
/* Waits for the last blob: true when all of them are good and the sink took every byte. `verify`
 * may be NULL: false. */
bool verify_finish(struct verify *verify);
/* A descriptor at the start of a blob that was found good, and that is the same file still (by its
 * times); it belongs to `verify`. Waits for a blob that is being hashed just now. -1: verify it
 * yourself. `verify` may be NULL. */
int verify_take(struct verify *verify, const struct digest *blob);
/* Stops the thread and closes what it opened. */
void verify_free(struct verify *verify);
DEFINE_AUTOPTR(verify)

#endif
