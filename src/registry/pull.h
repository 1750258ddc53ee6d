#ifndef LBUILD_REGISTRY_PULL_H
#define LBUILD_REGISTRY_PULL_H

#include "lambda/arch.h"
#include "registry/client.h"
#include "registry/manifest.h"
#include "registry/reference.h"
#include "store/store.h"
#include "support/json.h"

/* Pulls the image for one platform into the store: index, manifest, config, layers. Blobs that the
 * store has aren't fetched. A download that was cut continues where it stopped, in this run or a
 * later one. Everything is verified: a digest in the reference, Docker-Content-Digest, sizes and
 * digests of manifest, config and layers, and Content-Type against the body's mediaType.
 *
 * *manifest: the digest of the platform's manifest, which the store has as it was served. Memory
 * doesn't grow with the layers. Errors: those of client.h; a false digest, size or type and an
 * image for another platform are ERROR_REGISTRY. */
int pull_image(const struct reference *reference, enum arch arch, const struct store *store,
               const struct client_settings *settings, struct digest *manifest,
               struct error *err) must_check;

/* The steps of pull_image, for callers that read images which need not suit Lambda. */
struct pull_from {
    struct client *client;
    const char *name; /* for messages */
};

/* Fetches and verifies one manifest or index. *digest is its digest, and reply->body has its bytes.
 * With `expected` it must have that digest. Returns NULL on an error. Caller frees, and releases
 * the reply. */
struct js *pull_document(const struct pull_from *from, const char *tag_or_digest,
                         const struct digest *expected, struct http_reply *reply,
                         struct digest *digest, struct error *err) must_check;
/* Brings a blob into the store, verified. `what` names it in the progress display. */
int pull_blob(const struct pull_from *from, const struct store *store,
              const struct descriptor *blob, const char *what, struct error *err) must_check;

#endif
