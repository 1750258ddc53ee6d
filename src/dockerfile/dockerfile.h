#ifndef LBUILD_DOCKERFILE_DOCKERFILE_H
#define LBUILD_DOCKERFILE_DOCKERFILE_H

#include "dockerfile/builder.h"
#include "dockerfile/text.h"
#include "plan/plan.h"
#include "template/template.h"

enum dockerfile_kind {
    DOCKERFILE_IMAGE, /* makes the image, for `lbuild render` and `lbuild context` */
    DOCKERFILE_FILES, /* the same text with the final stage on scratch: what it holds is what the
                         image adds to its base. Of a template that has dependencies, they lie below
                         DOCKERFILE_DEPS_TOP and the rest below DOCKERFILE_APP_TOP */
    DOCKERFILE_REST,  /* the same without the dependencies */
};

/* Plan and template made into the text of a multi-stage Dockerfile. Pure. What lbuild writes itself
 * is what docker's classic builder, BuildKit, buildah and podman all have: plain stages, COPY
 * --from, ENV, LABEL, shell-form RUN; no syntax line, heredocs, --link or --chmod, mounts only
 * where a stage asks for secrets or SSH, and no line or command that is too long for one of them.
 * Every value of the project is quoted for where it stands, but for the commands of a stage, which
 * are shell text. What can't be written there (a line break outside of CMD, bytes that are not
 * UTF-8) is ERROR_PROJECT with the setting's file:line:column, and so is, for DOCKERFILE_FILES, a
 * template with a RUN in its final stage. *out is released by the caller in any case. */
int dockerfile_render(const struct plan *plan, const struct template *t, enum dockerfile_kind kind,
                      struct dockerfile *out, struct error *err) must_check;

#endif
