#include "command/warnings.h"

#include "support/log.h"

void warn_of_engines(const struct plan *plan)
{
    const char *base = plan->base_reference;
    if (base_is_file(base))
        log_warn(
            "only buildah and podman can build on '%s'; for docker, load the image and set [image] base to its name",
            base);
    if (plan->family == FAMILY_SCRATCH && plan->arch != arch_native())
        log_warn(
            "docker takes the architecture of an image on scratch from its command line alone: add --platform linux/%s",
            arch_oci(plan->arch));
}
