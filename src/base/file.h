#ifndef LBUILD_BASE_FILE_H
#define LBUILD_BASE_FILE_H

#include "base/base.h"
#include "registry/manifest.h"
#include "support/strv.h"

/* Shared by the sources that read files. */

/* The parts of "PREFIX:PATH[:TAG]". The path ends at its first colon, unless there is a file whose
 * name is all of "PATH:TAG". */
struct file_reference {
    char *path; /* absolute, links resolved */
    char *tag;  /* NULL without one */
};

/* ERROR_REGISTRY when there is no such file. */
int file_reference_parse(const struct base_request *request, struct file_reference *out,
                         struct error *err) must_check;
void file_reference_release(struct file_reference *reference);
/* *key is the reference together with what stat tells about the path `below` it ("" for the file
 * itself), so that a changed file has another key. Caller frees. */
int file_reference_key(const struct base_request *request, const char *below, char **key,
                       struct error *err) must_check;

/* Remembers a name of an archive. One that comes twice, or more than 10,000, is ERROR_REGISTRY:
 * tools disagree about which of two files counts. */
int file_name_once(struct strv *seen, const char *path, struct error *err) must_check;

/* A layout that is copied into the store. */
struct layout {
    const struct base_request *request;
    const struct store *store;
    const char *path; /* of the folder or the archive */
    const char *tag;  /* NULL: the only image there is */
    /* Makes sure that a blob is in the store. */
    int (*bring)(const struct layout *layout, const struct descriptor *blob, struct error *err);
};

/* Follows a layout's index.json to one image and brings all of its blobs. */
int layout_fetch(const struct layout *layout, const struct buf *index, struct digest *manifest,
                 struct error *err) must_check;

#endif
