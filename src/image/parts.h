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

/* The files that make up an image, in an image file, an image folder or a registry. Each is
 * read once and hashed; a layer is also unpacked and listed (listing.h). Small JSON texts are
 * kept. Errors are ERROR_REGISTRY. Limits: 10,000 files, 32 MiB of texts, and 32 GiB unpacked
 * (Lambda allows 10 GB). */
struct part {
    char *path;           /* cleaned */
    char *link;           /* target of a link (docker save writes some), cleaned; else NULL */
    struct digest digest; /* of the bytes */
    uint64_t size;
    struct buf text; /* the bytes, if they look like JSON and are at most 4 MiB; else empty */
    struct listing_scan scan; /* of a part that isn't text */
};

struct parts_registry {
    const struct reference *reference;
    const struct strv *mirrors; /* "HOST=URL" */
    const char *ca_file;        /* or NULL */
};

struct parts;
/* A tar file of any dialect (gzip too) is read as a whole; in a folder, each file is read on
 * request. The store keeps the lists. */
struct parts *parts_load(const char *path, const struct store *store, struct error *err) must_check;
/* Opens an image in a registry. Its blobs are fetched into the store on request, except layers
 * whose list is known. *document gets the manifest or index that the reference leads to, verified;
 * the caller frees it. All arguments but the store are borrowed for the call only. */
struct parts *parts_fetch(const struct parts_registry *from, const struct store *store,
                          struct js **document, struct digest *digest,
                          struct error *err) must_check;
/* Hides our logins in an error that quotes what the registry sent. Returns -1. */
int parts_censor(const struct parts *parts, struct error *err);
void parts_free(struct parts *parts);
DEFINE_AUTOPTR(parts)

/* Whether the image is a folder. */
bool parts_is_folder(const struct parts *parts);
/* The file with this path, links followed; NULL with an error when there is none.
 * Owned by the parts. */
const struct part *parts_get(struct parts *parts, const char *path, struct error *err);
/* The blob of a descriptor; the caller checks whether its digest and size are as named. A document
 * is a manifest or an index. */
const struct part *parts_blob(struct parts *parts, const struct descriptor *descriptor,
                              bool document, struct error *err);
/* Whether there is a file with this path. */
bool parts_has(struct parts *parts, const char *path);

#endif
