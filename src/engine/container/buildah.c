#include "engine/container/buildah.h"

/* buildah: without a daemon, as root or rootless. */

static const struct buildah kind = {
    .program = "buildah",
    .build = "bud",
    .major = 1,
    .minor = 24,
    .packages = {"buildah", "buildah", "buildah", "buildah", "buildah"},
};

static int available(const struct plan *plan, const struct engine_options *options,
                     struct error *err)
{
    (void)plan;
    (void)options;
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

const struct engine engine_buildah = {
    .name = "buildah",
    .help = "containers without a daemon, as root or rootless",
    .containers = true,
    .lacks = buildah_lacks,
    .available = available,
    .version = version,
    .build = build,
};
