#ifndef LBUILD_DOCKERFILE_QUOTE_H
#define LBUILD_DOCKERFILE_QUOTE_H

#include "support/buf.h"

#include <stdbool.h>

/* Values written so that every Dockerfile parser (docker's classic builder, BuildKit, buildah and
 * podman) and the shell behind it read back exactly the same bytes. Each adds to `out` and returns
 * NULL, or says what about the value can't be written there ("has a line break"); `out` is then not
 * to be used. Pure. */

/* One word for a POSIX shell on a RUN line: as it stands where that is safe, else '...'. */
const char *quote_shell(const char *value, struct buf *out);
/* One string of a JSON array, with its quotes. */
const char *quote_json(const char *value, struct buf *out);
/* "value" for ENV, LABEL and WORKDIR, where builders expand $NAME and read backslash escapes. */
const char *quote_env(const char *value, struct buf *out);
/* A path of COPY: as it stands where that is safe for every form, else the caller must use the
 * array form with quote_copy_json, in which builders still expand $NAME and drop quotes. */
bool quote_is_safe_path(const char *path);
const char *quote_copy_json(const char *path, struct buf *out);
/* An image reference or a platform: nothing but letters, digits and . _ - : / @ + (no '-' in
 * front). */
const char *quote_plain(const char *value, struct buf *out);

#endif
