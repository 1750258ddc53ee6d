#ifndef LBUILD_IMAGE_IMAGETREE_H
#define LBUILD_IMAGE_IMAGETREE_H

#include "image/imagefile.h"
#include "layer/rootfs.h"

/* A sound image with its merged tree, for size, diff and inspect. */
struct imagetree {
    struct imagefile image;
    struct rootfs *root;
    uint64_t file_bytes; /* of all files of all layers, hidden ones included */
};
/* Like imagefile_load and imagefile_verified. Faults of single entries are ignored. */
int imagetree_load(const char *path, const struct imagefile_choice *choice,
                   const struct store *store, struct imagetree *tree, struct error *err) must_check;
void imagetree_release(struct imagetree *tree);

#endif
