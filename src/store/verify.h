#ifndef LBUILD_STORE_VERIFY_H
#define LBUILD_STORE_VERIFY_H

#include "store/store.h"
#include "support/tar.h"

/* Verifies blobs of the store in a thread while the program waits for a compiler: hashing the base
 * takes about as long as compiling a small file. Blobs not hashed in time are verified by whoever
 * reads them. */
struct verify;

/* Gets the bytes on their way through the thread: each blob is announced, then comes in parts. They
 * count as verified only after verify_finish says so. When a callback returns -1, the sink gets
 * nothing more, but verifying goes on. */
struct verify_sink {
    int (*blob)(void *data, const struct digest *digest, uint64_t size, struct error *err);
    byte_sink bytes;
    void *data;
};

/* Verifies `count` blobs in order, each once. The sink may be NULL; it is copied, its data
 * borrowed. NULL when no thread can be started: then nothing is gained or lost. */
struct verify *verify_start(const struct store *store, const struct digest *blobs, size_t count,
                            const struct verify_sink *sink);
/* Waits for the last blob: true when all of them are good and the sink took every byte. `verify`
 * may be NULL: false. */
bool verify_finish(struct verify *verify);
/* A descriptor at the start of a blob that was found good and is still the same file (by inode,
 * size and times); it belongs to `verify`. Waits while the blob is being hashed. -1: verify it
 * yourself. `verify` may be NULL. */
int verify_take(struct verify *verify, const struct digest *blob);
/* Stops the thread and closes the blobs. */
void verify_free(struct verify *verify);
DEFINE_AUTOPTR(verify)

#endif
