#ifndef LBUILD_DOCKERFILE_DOCKERFILE_H
#define LBUILD_DOCKERFILE_DOCKERFILE_H

#include "dockerfile/builder.h"
#include "dockerfile/text.h"
#include "plan/plan.h"
#include "template/template.h"

enum dockerfile_kind {
    DOCKERFILE_IMAGE, /* makes the image, for `lbuild render` and `lbuild context` */
    DOCKERFILE_FILES, /* the same text with the final stage on scratch, so that it holds just the
                         files that the image adds to its base. If the template makes dependencies,
                         they lie below DOCKERFILE_DEPS_TOP, the rest below DOCKERFILE_APP_TOP */
    DOCKERFILE_REST,  /* like DOCKERFILE_FILES, without the dependencies */
};

/* Makes the text of a multi-stage Dockerfile from plan and template. Pure. lbuild's own lines use
 * only what docker's classic builder, BuildKit, buildah and podman all understand: plain stages,
 * COPY --from, ENV, LABEL, shell-form RUN; no syntax line, heredocs, --link or --chmod, mounts only
 * where a stage asks for secrets or SSH, and no line or command that is too long for one of them.
 * Every value of the project is quoted for its place, except the commands of a stage, which are
 * shell text. ERROR_PROJECT with the setting's file:line:column: a value that can't be written at
 * its place (a line break outside of CMD, bytes that are not UTF-8), and, unless `kind` is
 * DOCKERFILE_IMAGE, a template with a RUN in its final stage. The caller always releases *out. */
int dockerfile_render(const struct plan *plan, const struct template *t, enum dockerfile_kind kind,
                      struct dockerfile *out, struct error *err) must_check;

#endif
