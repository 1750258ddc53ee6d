#ifndef LBUILD_DOCKERFILE_H
#define LBUILD_DOCKERFILE_H

#include "plan.h"
#include "support/buf.h"
#include "template.h"

#include <stdbool.h>

/* Plan and template made into the text of a multi-stage Dockerfile. Pure. What lbuild writes itself is what docker's classic
 * builder, BuildKit, buildah and podman all have: plain stages, COPY --from, ENV, LABEL, shell-form RUN; no syntax line,
 * mounts, heredocs, --link or --chmod, and no line or command that is too long for one of them. Every value of the project is
 * quoted for where it stands. What can't be written there (a line break outside of CMD, bytes that are not UTF-8) is
 * ERROR_PROJECT with the setting's file:line:column. */
int dockerfile_render(const struct plan *plan, const struct template *t, struct buf *out, struct error *err) must_check;

/* The name of the text's file in the build context. */
#define DOCKERFILE_NAME "Dockerfile.lbuild"
/* Where the context keeps files that engines would read as their own: the project's .dockerignore. */
#define DOCKERFILE_HELD ".lbuild/held"
/* Whether the context keeps this path of the project there. */
bool dockerfile_holds(const char *path);

#endif
