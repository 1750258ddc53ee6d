#ifndef LBUILD_IMAGE_EXTRACT_H
#define LBUILD_IMAGE_EXTRACT_H

#include "image/imagefile.h"

/* Takes one file of at most 2 GiB out of an image file. The topmost layer that has the file counts,
 * unless a higher layer removes it (OCI image-spec layer.md, "Whiteouts"). `path` is cleaned; `to`
 * must not exist yet and gets mode 0700. Errors: ERROR_LAMBDA when the image has no such file or it
 * isn't a regular one; ERROR_USAGE for an image in docker's own format; ERROR_REGISTRY for damaged
 * layers; ERROR_BUILD for the file system. */
int extract_file(const char *image_path, const struct imagefile *image, const char *path,
                 const char *to, struct error *err) must_check;

#endif
