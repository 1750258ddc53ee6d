#include "imagetree.h"

#include <stdlib.h>

static void pass_over(void *data, enum rootfs_fault fault, size_t layer, const char *path, const char *text)
{
    (void)data;
    (void)fault;
    (void)layer;
    (void)path;
    (void)text;
}

static int merge(struct imagetree *tree, const struct store *store, struct error *err)
{
    static const struct rootfs_judge judge = {pass_over, NULL};
    size_t count = tree->image.layer_count;
    autofree const struct listing **lists = xcalloc(count, sizeof *lists);
    tree->lists = xcalloc(count, sizeof *tree->lists);
    for (size_t i = 0; i < count; i++) {
        lists[i] = &tree->lists[i];
        if (listing_load(store, &tree->image.layers[i].scan.digest, &tree->lists[i]) != 1)
            return error_set(err, ERROR_BUILD, "the list of the layer '%s' is gone from the cache; try again",
                             tree->image.layers[i].scan.digest.text);
    }
    tree->root = rootfs_judge(lists, count, &judge, err);
    return tree->root ? 0 : -1;
}

int imagetree_load(const char *path, const struct imagefile_choice *choice, const struct store *store, struct imagetree *tree,
                   struct error *err)
{
    if (imagefile_load(path, choice, store, &tree->image, err) == 0 && imagefile_verified(&tree->image, err) == 0 &&
        merge(tree, store, err) == 0)
        return 0;
    imagetree_release(tree);
    return -1;
}

void imagetree_release(struct imagetree *tree)
{
    for (size_t i = 0; tree->lists && i < tree->image.layer_count; i++)
        listing_release(&tree->lists[i]);
    free(tree->lists);
    rootfs_free(tree->root);
    imagefile_release(&tree->image);
    *tree = (struct imagetree){0};
}
