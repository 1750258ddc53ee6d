#ifndef LBUILD_IMAGE_DIFF_H
#define LBUILD_IMAGE_DIFF_H

#include "image/imagetree.h"
#include "support/json.h"

/* What differs between two images, added to *out as JSON objects. A side without the value has no
 * member.
 *
 *     {"kind": "setting", "name": "config.Cmd", "a": ..., "b": ...}
 *     {"kind": "file", "path": "var/task/app", "change": "added" | "removed" | "changed",
 *      "what": [{"name": "mode", "a": ..., "b": ...}]}
 */
void diff_settings(const struct imagefile *a, const struct imagefile *b, struct js *out);
void diff_files(const struct imagetree *a, const struct imagetree *b, struct js *out);

#endif
