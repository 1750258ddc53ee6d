#ifndef LBUILD_IMAGE_PARTS_H
#define LBUILD_IMAGE_PARTS_H

#include "layer/listing.h"
#include "registry/manifest.h"
#include "registry/reference.h"
#include "support/buf.h"
#include "support/digest.h"
#include "support/error.h"
#include "support/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The files that an image consists of, in an image file, an image folder or a registry: each read
 * once, hashed, and when it is a layer unpacked and listed (listing.h). Small JSON texts are kept.
 * Errors are ERROR_REGISTRY. Limits: 10,000 files, 32 MiB of texts, and 32 GiB unpacked (Lambda
 * takes 10 GB). */
struct part {
    char *path;           /* cleaned */
    char *link;           /* what it is a link to (docker save has such), cleaned; else NULL */
    struct digest digest; /* of the bytes */
    uint64_t size;
    struct buf text; /* the bytes, when they look like JSON and are at most 4 MiB; else empty */
    struct listing_scan scan; /* of what isn't text */
};

struct parts_registry {
    const struct reference *reference;
    const struct strv *mirrors; /* "HOST=URL" */
    const char *ca_file;        /* or NULL */
};

struct parts;
/* A tar file of any dialect (gzip too) is read at once; from a folder each file when it is asked
 * for. The store keeps the lists. */
struct parts *parts_load(const char *path, const struct store *store, struct error *err) must_check;
/* From a registry the blobs come into the store; a layer whose list is known isn't fetched.
 * *document gets what the reference leads to, a manifest or an index, verified; the caller frees
 * it. All but the store is borrowed for the call. */
struct parts *parts_fetch(const struct parts_registry *from, const struct store *store,
                          struct js **document, struct digest *digest,
                          struct error *err) must_check;
void parts_free(struct parts *parts);
DEFINE_AUTOPTR(parts)
bool parts_is_folder(const struct parts *parts);
/* The file with this path, links followed; NULL with an error when it isn't there. Owned by the
 * parts. */
const struct part *parts_get(struct parts *parts, const char *path, struct error *err);
/* The blob of a descriptor; whether it is the one that was named is for the caller to see. A
 * document is a manifest or an index. */
const struct part *parts_blob(struct parts *parts, const struct descriptor *descriptor,
                              bool document, struct error *err);
/* Whether there is one. */
bool parts_has(struct parts *parts, const char *path);

#endif
