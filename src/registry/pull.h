#ifndef LBUILD_REGISTRY_PULL_H
#define LBUILD_REGISTRY_PULL_H

#include "arch.h"
#include "registry/client.h"
#include "registry/reference.h"
#include "store.h"

/* Pulls the image for one platform into the store: index, manifest, config, layers. What the store has
 * already isn't fetched; a layer that was cut goes on where it stopped, in this run or a later one.
 * Everything is verified: a digest in the reference, Docker-Content-Digest, sizes and digests of manifest,
 * config and layers; Content-Type against the body's mediaType.
 *
 * *manifest: digest of the platform's manifest, which is in the store as it was served. Memory stays small
 * whatever the layers' sizes. Errors: as in client.h; a lie about a digest, a size or a type and an image for
 * another platform are ERROR_REGISTRY. */
int pull_image(const struct reference *reference, enum arch arch, const struct store *store,
               const struct client_settings *settings, struct digest *manifest, struct error *err) must_check;

#endif
