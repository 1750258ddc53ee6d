#ifndef LBUILD_REGISTRY_PULL_H
#define LBUILD_REGISTRY_PULL_H

#include "lambda/arch.h"
#include "registry/client.h"
#include "registry/manifest.h"
#include "registry/reference.h"
#include "store/store.h"
#include "support/json.h"

/* Pulls the image for one platform into the store: index, manifest, config, layers. What the store
 * has already isn't fetched; a layer that was cut goes on where it stopped, in this run or a later
 * one. Everything is verified: a digest in the reference, Docker-Content-Digest, sizes and digests
 * of manifest, config and layers; Content-Type against the body's mediaType.
 *
 * *manifest: digest of the platform's manifest, which is in the store as it was served. Memory
 * stays small whatever the layers' sizes. Errors: as in client.h; a lie about a digest, a size or a
 * type and an image for another platform are ERROR_REGISTRY. */
int pull_image(const struct reference *reference, enum arch arch, const struct store *store,
               const struct client_settings *settings, struct digest *manifest,
               struct error *err) must_check;

/* The parts of it, for who wants to look at an image that may be none for Lambda. */
struct pull_from {
    struct client *client;
    const char *name; /* for messages */
};

/* Fetches and verifies one manifest or index; *digest is what it has, and its bytes are
 * reply->body. With `expected` it must have that digest. NULL: an error. Caller frees, and releases
 * the reply. */
struct js *pull_document(const struct pull_from *from, const char *tag_or_digest,
                         const struct digest *expected, struct http_reply *reply,
                         struct digest *digest, struct error *err) must_check;
/* Brings a blob into the store, verified. `what` is what it is called while it comes. */
int pull_blob(const struct pull_from *from, const struct store *store,
              const struct descriptor *blob, const char *what, struct error *err) must_check;

#endif
