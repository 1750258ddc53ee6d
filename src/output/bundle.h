#ifndef LBUILD_OUTPUT_BUNDLE_H
#define LBUILD_OUTPUT_BUNDLE_H

#include "image/image.h"

/* The files of an OCI image layout that also carries docker's manifest.json, so that every tool
 * accepts it (OCI image-spec image-layout.md; docker's image spec v1.2, "Combined Image JSON"). */
struct bundle_file {
    char *path;        /* "blobs/sha256/HEX", "index.json", ... */
    const char *bytes; /* its content, borrowed from the bundle or the image; NULL: the blob with
                          this digest in the store */
    struct digest digest;
    uint64_t size;
};

/* The layers come first, in their order, so that the base's can be written before the rest is
 * known. A blob that occurs twice is listed once. */
struct bundle {
    struct bundle_file *files;
    size_t len, cap;
    struct buf index, docker_manifest;
};

/* Makes the texts and paths; the blobs stay where they are. The image must outlive the bundle. */
void bundle_make(const struct image *image, struct bundle *bundle);
void bundle_release(struct bundle *bundle);
/* "blobs/sha256/HEX"; caller frees. */
char *bundle_blob_path(const struct digest *digest);

#endif
