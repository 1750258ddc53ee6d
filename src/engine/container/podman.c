#include "engine/container/buildah.h"

#include <stdlib.h>

/* podman, which builds with buildah inside. */

static const struct buildah kind = {
    .program = "podman",
    .build = "build",
    .major = 4,
    .minor = 0,
    .packages = {"podman", "podman", "podman", "podman", "podman"},
};

static int available(const struct plan *plan, const struct engine_options *options,
                     struct error *err)
{
    (void)plan;
    (void)options;
    if (getenv("CONTAINER_HOST") || getenv("CONTAINER_CONNECTION"))
        return error_set(err, ERROR_ENGINE,
                         "CONTAINER_HOST or CONTAINER_CONNECTION sends podman to another machine, "
                         "but lbuild needs podman on this one; unset them");
    return buildah_available(&kind, err);
}

static char *version(const struct engine_options *options)
{
    (void)options;
    return buildah_version(&kind);
}

static int build(const struct engine_job *job, struct tree *tree, struct error *err)
{
    return buildah_build(&kind, job, tree, err);
}

const struct engine engine_podman = {
    .name = "podman",
    .help = "like buildah, for machines that have podman",
    .containers = true,
    .lacks = buildah_lacks,
    .available = available,
    .version = version,
    .build = build,
};
