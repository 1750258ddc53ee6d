#ifndef LBUILD_IMAGE_IMAGETREE_H
#define LBUILD_IMAGE_IMAGETREE_H

#include "image/imagefile.h"
#include "layer/rootfs.h"

/* A sound image with its merged tree: what size, diff and inspect look at. */
struct imagetree {
    struct imagefile image;
    struct rootfs *root;
    uint64_t file_bytes; /* of all files of all layers, those too that later layers hide */
};
/* As imagefile_load and imagefile_verified; faults of single entries are passed over. */
int imagetree_load(const char *path, const struct imagefile_choice *choice,
                   const struct store *store, struct imagetree *tree, struct error *err) must_check;
void imagetree_release(struct imagetree *tree);

#endif
