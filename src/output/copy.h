#ifndef LBUILD_OUTPUT_COPY_H
#define LBUILD_OUTPUT_COPY_H

#include "store/verify.h"
#include "support/tar.h"

/* Where the blobs of an image come from. Both are borrowed. */
struct blob_source {
    const struct store *store;
    struct verify *verified; /* blobs that this process has hashed already, or NULL */
};

/* Passes a blob to `sink` and verifies its size and digest on the way. One thread reads and
 * writes while another hashes, through 1 MiB of buffers. A damaged blob is removed from the
 * store: ERROR_REGISTRY, build again; the bytes that the sink got are worthless then. `sink`
 * NULL: only verify. */
int copy_blob(const struct blob_source *from, const struct digest *digest, uint64_t size,
              byte_sink sink, void *data, struct error *err) must_check;

#endif
