#ifndef LBUILD_LISTING_H
#define LBUILD_LISTING_H

#include "store.h"
#include "support/tar.h"

/* What layers hold, without reading them again: each layer's file list is made once, when it enters the store, and kept
 * by the layer's digest; the lists of an image's layers add up to its merged tree (OCI image-spec layer.md, "Applying
 * changesets"). */

/* Reads a layer blob of the store, plain or gzip of any number of members: verifies the blob's digest and the diff_id of its
 * content (`diff_id` empty: any; it is filled in), refuses names that are absolute or escape the root after cleaning, and
 * names longer than 4,096 bytes, and keeps the list (at most 1,000,000 entries). Does nothing when the list is already there.
 * Wrong digests and hostile content are ERROR_REGISTRY. */
int listing_make(const struct store *store, const struct digest *blob, struct digest *diff_id, struct error *err) must_check;

/* A list in memory, entries in the order of the layer. Whiteouts are entries like others. */
struct listing_entry {
    int64_t uid, gid, mtime, size;
    uint32_t path, link; /* where in listing.names the cleaned path and the link target start; UINT32_MAX: no target */
    uint32_t mode;
    uint32_t type; /* enum tar_type; a hard link's target is cleaned too */
};
struct listing {
    char *data;
    const struct listing_entry *entries;
    size_t count;
    const char *names;
    struct digest diff_id;
};
/* 1 and the list, or 0 when it is missing or damaged; a list made by another version counts as damaged. */
int listing_load(const struct store *store, const struct digest *blob, struct listing *out);
void listing_release(struct listing *listing);

/* A file system as the layers make it, base first. Paths are cleaned: no leading slash; "" is the root. */
struct rootfs;
struct rootfs_entry {
    const char *path, *link; /* link: target of a symbolic link, else NULL */
    enum tar_type type;      /* hard links are resolved: TAR_FILE */
    unsigned mode;
    int64_t uid, gid, mtime, size;
};
/* A list that is missing or damaged is made anew. count 0: an empty root. Names that a symbolic link of the image leads out of
 * it (absolute, or by "..") are ERROR_REGISTRY, and so is a name below a file, a hard link to nothing, and more than
 * 2,000,000 entries in all. */
struct rootfs *rootfs_load(const struct store *store, const struct digest *layers, size_t count, struct error *err) must_check;
void rootfs_free(struct rootfs *rootfs);
DEFINE_AUTOPTR(rootfs)
/* The entry itself, links not followed; NULL when there is none. Directories that no layer names, but that entries are in,
 * are there as 0755, 0:0, time 0; the root is only there when a layer names it. */
const struct rootfs_entry *rootfs_find(const struct rootfs *rootfs, const char *path);
/* The real path behind `path` as the kernel would find it inside this root, following the links in its directories but not
 * the last component (as COPY does with a destination); parts that don't exist stay as they are. NULL with ERROR_PROJECT
 * for a cycle, or a file where a directory must be. Caller frees. */
char *rootfs_resolve(const struct rootfs *rootfs, const char *path, struct error *err) must_check;
/* All entries, sorted by the bytes of their paths. */
size_t rootfs_count(const struct rootfs *rootfs);
const struct rootfs_entry *rootfs_at(const struct rootfs *rootfs, size_t index);

#endif
