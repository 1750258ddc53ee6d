#ifndef LBUILD_OUTPUT_COPY_H
#define LBUILD_OUTPUT_COPY_H

#include "store/verify.h"
#include "support/tar.h"

/* Where the blobs of an image come from. Both are borrowed. */
struct blob_source {
    const struct store *store;
    struct verify *verified; /* blobs that this process has hashed already, or NULL */
};

/* Passes a blob of the store on to `sink` and verifies it on the way: size and digest. While one
 * thread reads and writes, another hashes, through 1 MiB of buffers. A damaged blob is put away in
 * the store: ERROR_REGISTRY, build again; what the sink got is worthless then. `sink` NULL: only
 * verify. */
int copy_blob(const struct blob_source *from, const struct digest *digest, uint64_t size,
              byte_sink sink, void *data, struct error *err) must_check;

#endif
