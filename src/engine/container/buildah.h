#ifndef LBUILD_ENGINE_CONTAINER_BUILDAH_H
#define LBUILD_ENGINE_CONTAINER_BUILDAH_H

#include "engine/container/container.h"
#include "engine/install.h"

/* buildah, and podman, which builds with buildah's code: the same options, output and storage. */
struct buildah {
    const char *program, *build; /* "buildah" "bud" */
    int major, minor;            /* the first version with --output, --hooks-dir and --pull=false */
    struct install_names packages;
};
/* What neither of them can do. */
extern const struct engine_lack buildah_lacks[];
int buildah_available(const struct buildah *kind, struct error *err) must_check;
char *buildah_version(const struct buildah *kind);
int buildah_build(const struct buildah *kind, const struct engine_job *job, struct tree *tree,
                  struct error *err) must_check;

#endif
