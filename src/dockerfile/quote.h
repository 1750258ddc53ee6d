#ifndef LBUILD_DOCKERFILE_QUOTE_H
#define LBUILD_DOCKERFILE_QUOTE_H

#include "support/buf.h"

#include <stdbool.h>

/* Write values so that every Dockerfile parser (docker's classic builder, BuildKit, buildah and
 * podman), and the shell that a parser passes them to, read back exactly the same bytes. Each
 * function adds to `out` and returns NULL, or returns why the value can't be written there ("has a
 * line break"), and `out` is then unusable. Pure. */

/* One word for a POSIX shell on a RUN line: unchanged if that is safe, else '...'. */
const char *quote_shell(const char *value, struct buf *out);
/* One string of a JSON array, with its quotes. */
const char *quote_json(const char *value, struct buf *out);
/* "value" for ENV, LABEL and WORKDIR, where builders expand $NAME and read backslash escapes. */
const char *quote_env(const char *value, struct buf *out);
/* Whether a path of COPY can be written unchanged. If not, the caller must use the array form with
 * quote_copy_json, since builders expand $NAME and drop quotes there, too. */
bool quote_is_safe_path(const char *path);
const char *quote_copy_json(const char *path, struct buf *out);
/* An image reference or a platform: letters, digits and . _ - : / @ + only, and no '-' in front. */
const char *quote_plain(const char *value, struct buf *out);

#endif
