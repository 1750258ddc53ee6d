#ifndef LBUILD_DOCKERFILE_H
#define LBUILD_DOCKERFILE_H

#include "plan.h"
#include "support/buf.h"
#include "template.h"

/* Plan and template made into the text of a multi-stage Dockerfile. Pure. Uses only what docker's classic builder, BuildKit,
 * buildah and podman all have: plain stages, COPY --from, ENV, LABEL, shell-form RUN; no syntax line, mounts, heredocs,
 * --link or --chmod. Every value of the project is quoted for where it stands; the one that can't be expressed (a newline in
 * ENV on the classic builder, NUL) is ERROR_PROJECT with the setting's file:line:column. */
int dockerfile_render(const struct plan *plan, const struct template *t, struct buf *out, struct error *err) must_check;

/* The placeholders that a body may use. */
struct dockerfile_placeholder {
    const char *name;
    enum template_quoting quoting; /* the one that the body must ask for */
    bool mandatory;
    const char *help;
};
extern const struct dockerfile_placeholder dockerfile_placeholders[];
extern const size_t dockerfile_placeholder_count;

#endif
