#ifndef LBUILD_LAYER_ROOTFS_H
#define LBUILD_LAYER_ROOTFS_H

#include "layer/listing.h"

/* The merged tree of an image's layers, base first (OCI image-spec layer.md, "Applying
 * changesets"). Paths are cleaned, without a leading slash; "" is the root. */
struct rootfs;
struct rootfs_entry {
    const char *path, *link; /* link: target of a symbolic link, else NULL */
    const char *facts;       /* lines of lambda/program.h, or NULL */
    int64_t uid, gid, mtime, size;
    uint64_t print;         /* as in listing_entry */
    enum tar_type type : 8; /* hard links are resolved to TAR_FILE */
    unsigned mode : 12;
    unsigned layer : 12; /* from 1; 0: no layer names this directory */
};
/* Merges the lists of the layers; a list that is missing or damaged is made again. count 0: an
 * empty root. Links are followed inside of the image. ERROR_REGISTRY: a name with ".." above the
 * root, a name below a file, a hard link to nothing, and more than 2,000,000 entries or 4,095
 * layers in all. An entry takes about 100 bytes plus its names. */
struct rootfs *rootfs_load(const struct store *store, const struct digest *layers, size_t count,
                           struct error *err) must_check;

/* What is wrong with an entry. A tree that is only judged leaves such entries out. */
enum rootfs_fault {
    ROOTFS_ESCAPES,    /* its name or hard link leads out of the image */
    ROOTFS_BELOW_FILE, /* its name leads through something other than a directory, or a cycle of
                          links */
    ROOTFS_NO_TARGET,  /* a hard link to nothing, or to a directory */
    ROOTFS_WHITEOUT,   /* a whiteout without a name, or one that isn't an empty file */
    ROOTFS_ABSOLUTE,   /* its name begins with a slash; it is in the tree nevertheless.
                          rootfs_load allows it */
    ROOTFS_ROOT,       /* the root is not a directory */
    ROOTFS_NO_PARENT,  /* no layer lists its folder before it; it is in the tree nevertheless.
                          rootfs_load allows it */
    ROOTFS_DUPLICATE, /* its layer has the name twice; the last one counts. rootfs_load allows it */
    ROOTFS_NO_FAULT,
};
struct rootfs_judge {
    /* `text`: what is wrong, without naming the layer. `layer` counts from 1. */
    void (*fault)(void *data, enum rootfs_fault fault, size_t layer, const char *path,
                  const char *text);
    /* Gets each entry as its layer has it, before it is merged; or NULL. */
    void (*entry)(void *data, size_t layer, const struct listing_entry *entry);
    void *data;
};
/* Like rootfs_load, but reports every fault instead of failing; a layer with an empty digest counts
 * as empty. NULL only for a list that is missing or damaged (ERROR_BUILD), too many entries or
 * layers, more than 384 MiB of names and facts, or 64 MiB of names of directories that no layer
 * lists. */
struct rootfs *rootfs_judge(const struct store *store, const struct digest *layers, size_t count,
                            const struct rootfs_judge *judge, struct error *err) must_check;
void rootfs_free(struct rootfs *rootfs);
DEFINE_AUTOPTR(rootfs)

/* The entry at a path, links not followed; NULL when there is none. Directories that no layer names
 * but that hold entries exist as 0755, 0:0, time 0. The root exists only when a layer names it. */
const struct rootfs_entry *rootfs_find(const struct rootfs *rootfs, const char *path);
/* The real path that the kernel would find for `path` inside this root: links are followed in its
 * directories but not in the last component, as COPY does with a destination. Parts that don't
 * exist stay as they are. NULL with ERROR_PROJECT for a cycle, or for a file where a directory must
 * be. Caller frees. */
char *rootfs_resolve(const struct rootfs *rootfs, const char *path, struct error *err) must_check;
/* All entries, sorted by the bytes of their paths. */
size_t rootfs_count(const struct rootfs *rootfs);
const struct rootfs_entry *rootfs_at(const struct rootfs *rootfs, size_t index);

#endif
