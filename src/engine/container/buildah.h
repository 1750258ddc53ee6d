#ifndef LBUILD_ENGINE_CONTAINER_BUILDAH_H
#define LBUILD_ENGINE_CONTAINER_BUILDAH_H

#include "engine/container/container.h"
#include "engine/install.h"

/* buildah, and podman, whose `build` is buildah's: the same options, the same words, the same
 * storage. */
struct buildah {
    const char *program, *build; /* "buildah" "bud" */
    int major, minor; /* of the first version that has --output, --hooks-dir and --pull=false */
    struct install_names packages;
};
/* What neither can do. */
extern const struct engine_lack buildah_lacks[];
int buildah_available(const struct buildah *kind, struct error *err) must_check;
char *buildah_version(const struct buildah *kind);
int buildah_build(const struct buildah *kind, const struct engine_job *job, struct tree *tree,
                  struct error *err) must_check;

#endif
