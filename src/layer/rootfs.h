#ifndef LBUILD_LAYER_ROOTFS_H
#define LBUILD_LAYER_ROOTFS_H

#include "layer/listing.h"

/* A file system as the layers make it, base first. Paths are cleaned: no leading slash; "" is the
 * root. */
struct rootfs;
struct rootfs_entry {
    const char *path, *link; /* link: target of a symbolic link, else NULL */
    const char *facts;       /* lines of lambda/program.h, or NULL */
    int64_t uid, gid, mtime, size;
    uint64_t print;         /* as in listing_entry */
    enum tar_type type : 8; /* hard links are resolved: TAR_FILE */
    unsigned mode : 12;
    unsigned layer : 12; /* from 1; 0: no layer names this directory */
};
/* A list that is missing or damaged is made anew. count 0: an empty root. Names that a symbolic
 * link of the image leads out of it (absolute, or by "..") are ERROR_REGISTRY, and so is a name
 * below a file, a hard link to nothing, and more than 2,000,000 entries or 4,095 layers in all. An
 * entry takes about 100 bytes besides its names. */
struct rootfs *rootfs_load(const struct store *store, const struct digest *layers, size_t count,
                           struct error *err) must_check;

/* What is wrong about an entry: it is left out of a tree that is only looked at. */
enum rootfs_fault {
    ROOTFS_ESCAPES,    /* its name, or its hard link, leads out of the image, by itself or through a
                          link */
    ROOTFS_BELOW_FILE, /* its name leads through something that is no directory, or through a cycle
                          of links */
    ROOTFS_NO_TARGET,  /* a hard link to nothing, or to a directory */
    ROOTFS_WHITEOUT,   /* ".wh." and no name, or more than an empty file */
    ROOTFS_ABSOLUTE,   /* its name begins with a slash; it is in the tree all the same */
    ROOTFS_ROOT,       /* the root is something else than a directory */
    ROOTFS_NO_PARENT,  /* no layer lists its folder before it; it is in the tree all the same. Not
                          looked for by rootfs_load */
    ROOTFS_DUPLICATE,  /* its layer has the name twice; the last one counts. Not looked for by
                          rootfs_load */
    ROOTFS_NO_FAULT,
};
struct rootfs_judge {
    /* `text`: what is wrong, without the layer. `layer` from 1. */
    void (*fault)(void *data, enum rootfs_fault fault, size_t layer, const char *path,
                  const char *text);
    /* Each entry as its layer has it, before it gets its place; or NULL. */
    void (*entry)(void *data, size_t layer, const struct listing_entry *entry);
    void *data;
};
/* As rootfs_load, with every fault told instead of refused; a layer without a digest counts as
 * empty. NULL only for a list that is missing or damaged (ERROR_BUILD), too many entries or layers,
 * or 64 MiB of names of directories that no layer lists. */
struct rootfs *rootfs_judge(const struct store *store, const struct digest *layers, size_t count,
                            const struct rootfs_judge *judge, struct error *err) must_check;
void rootfs_free(struct rootfs *rootfs);
DEFINE_AUTOPTR(rootfs)
/* The entry itself, links not followed; NULL when there is none. Directories that no layer names,
 * but that entries are in, are there as 0755, 0:0, time 0; the root is only there when a layer
 * names it. */
const struct rootfs_entry *rootfs_find(const struct rootfs *rootfs, const char *path);
/* The real path behind `path` as the kernel would find it inside this root, following the links in
 * its directories but not the last component (as COPY does with a destination); parts that don't
 * exist stay as they are. NULL with ERROR_PROJECT for a cycle, or a file where a directory must be.
 * Caller frees. */
char *rootfs_resolve(const struct rootfs *rootfs, const char *path, struct error *err) must_check;
/* All entries, sorted by the bytes of their paths. */
size_t rootfs_count(const struct rootfs *rootfs);
const struct rootfs_entry *rootfs_at(const struct rootfs *rootfs, size_t index);

#endif
