#ifndef LBUILD_OUTPUT_COPY_H
#define LBUILD_OUTPUT_COPY_H

#include "store/store.h"
#include "support/tar.h"

/* Passes a blob of the store on to `sink` and verifies it on the way: size and digest. While one
 * thread reads and writes, another hashes, through 1 MiB of buffers. A damaged blob is put away in
 * the store: ERROR_REGISTRY, build again; what the sink got is worthless then. `sink` NULL: only
 * verify. */
int copy_blob(const struct store *store, const struct digest *digest, uint64_t size, byte_sink sink,
              void *data, struct error *err) must_check;

#endif
