#include "image/imagetree.h"

#include <stdlib.h>

static void pass_over(void *data, enum rootfs_fault fault, size_t layer, const char *path,
                      const char *text)
{
    (void)data;
    (void)fault;
    (void)layer;
    (void)path;
    (void)text;
}

static void add_size(void *data, size_t layer, const struct listing_entry *entry)
{
    struct imagetree *tree = data;
    (void)layer;
    tree->file_bytes += entry->type == TAR_FILE ? (uint64_t)entry->size : 0;
}

static int merge(struct imagetree *tree, const struct store *store, struct error *err)
{
    const struct rootfs_judge judge = {pass_over, add_size, tree};
    autofree struct digest *layers = xcalloc(tree->image.layer_count, sizeof *layers);
    for (size_t i = 0; i < tree->image.layer_count; i++)
        layers[i] = tree->image.layers[i].scan.digest;
    tree->root = rootfs_judge(store, layers, tree->image.layer_count, &judge, err);
    return tree->root ? 0 : -1;
}

int imagetree_load(const char *path, const struct imagefile_choice *choice,
                   const struct store *store, struct imagetree *tree, struct error *err)
{
    if (imagefile_load(path, choice, store, &tree->image, err) == 0 &&
        imagefile_verified(&tree->image, err) == 0 && merge(tree, store, err) == 0)
        return 0;
    imagetree_release(tree);
    return -1;
}

void imagetree_release(struct imagetree *tree)
{
    rootfs_free(tree->root);
    imagefile_release(&tree->image);
    *tree = (struct imagetree){0};
}
