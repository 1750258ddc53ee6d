#ifndef LBUILD_IMAGE_IMAGE_H
#define LBUILD_IMAGE_IMAGE_H

#include "base/base.h"
#include "layer/layer.h"
#include "plan/plan.h"
#include "support/buf.h"

/* Base, own layer and plan made into an OCI image: config and manifest as bytes. Pure: no clock, no
 * environment, no files. */
struct image_blob {
    struct digest digest;
    uint64_t size;
};

struct image {
    enum arch arch;
    char *variant;    /* of the base's config, or NULL */
    char *name;       /* repository name for naming and the digest reference */
    struct strv tags; /* full references, at least one */
    struct buf config, manifest;
    struct digest config_digest, manifest_digest;
    struct image_blob *layers; /* base first */
    size_t layer_count;
};

/* The base's config is carried over, unknown keys included; Env is merged, Labels too; Entrypoint,
 * Cmd, WorkingDir are the plan's. history agrees with the layers whatever the base had. Media types
 * are all OCI. Labels and manifest annotations carry org.opencontainers.image.* of the plan (OCI
 * image-spec annotations.md), base.name and base.digest included. */
int image_make(const struct base *base, const struct layer *layers, size_t layer_count,
               const struct plan *plan, struct image *image, struct error *err) must_check;
void image_release(struct image *image);

#endif
