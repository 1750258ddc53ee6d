#include "dockerfile/warnings.h"

void dockerfile_warnings(const struct plan *plan, struct strv *out)
{
    const char *base = plan->base_reference;

    if (base_is_file(base))
        strv_addf(out,
                  "only buildah and podman can build on '%s'; for docker, load the image and set "
                  "[image] base to its name",
                  base);
    if (plan->family == FAMILY_SCRATCH && plan->arch != arch_native())
        strv_addf(out,
                  "docker takes the architecture of an image on scratch from its command line "
                  "alone: add --platform linux/%s",
                  arch_oci(plan->arch));
}
