#ifndef LBUILD_BASE_FILE_H
#define LBUILD_BASE_FILE_H

#include "base/base.h"
#include "registry/manifest.h"

/* What the sources that read files have in common. */

/* "PREFIX:PATH[:TAG]" taken apart. The path ends at its first colon, unless a file is called like
 * the whole. */
struct file_reference {
    char *path; /* absolute, links resolved */
    char *tag;  /* NULL without one */
};
/* ERROR_REGISTRY when there is no such file. */
int file_reference_parse(const struct base_request *request, struct file_reference *out,
                         struct error *err) must_check;
void file_reference_release(struct file_reference *reference);
/* The reference with all that stat tells about `path` below it ("" for the file itself): another
 * file, another key. */
int file_reference_key(const struct base_request *request, const char *below, char **key,
                       struct error *err) must_check;

/* A layout on its way into the store. */
struct layout {
    const struct base_request *request;
    const struct store *store;
    const char *path; /* of the folder or the archive */
    const char *tag;  /* NULL: the only image there is */
    /* Makes sure that a blob is in the store. */
    int (*bring)(const struct layout *layout, const struct descriptor *blob, struct error *err);
};
/* Follows a layout's index.json to one image and brings all blobs of it. */
int layout_fetch(const struct layout *layout, const struct buf *index, struct digest *manifest,
                 struct error *err) must_check;

#endif
