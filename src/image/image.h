#ifndef LBUILD_IMAGE_IMAGE_H
#define LBUILD_IMAGE_IMAGE_H

#include "base/base.h"
#include "layer/layer.h"
#include "plan/plan.h"
#include "support/buf.h"

/* Makes an OCI image of the base, its own layers and the plan: config and manifest as bytes. Pure:
 * no clock, no environment, no files. */
struct image_blob {
    struct digest digest;
    uint64_t size;
};

struct image {
    enum arch arch;
    char *variant;    /* of the base's config, or NULL */
    char *name;       /* repository name, also for the reference by digest */
    struct strv tags; /* full references, at least one */
    struct buf config, manifest;
    struct digest config_digest, manifest_digest;
    struct image_blob *layers; /* base first */
    size_t layer_count;
};

/* Carries over the base's config, unknown keys included. Env and Labels are merged;
 * Entrypoint, Cmd and WorkingDir come from the plan. The history matches the layers,
 * whatever the base's says. All media types are OCI's. Labels and the manifest's
 * annotations carry the plan's org.opencontainers.image.* (OCI image-spec annotations.md),
 * base.name and base.digest included. */
int image_make(const struct base *base, const struct layer *layers, size_t layer_count,
               const struct plan *plan, struct image *image, struct error *err) must_check;
void image_release(struct image *image);

#endif
