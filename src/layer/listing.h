#ifndef LBUILD_LAYER_LISTING_H
#define LBUILD_LAYER_LISTING_H

#include "store/store.h"
#include "support/tar.h"

/* What layers hold, without reading them again: each layer's file list is made once, when it enters
 * the store, and kept by the layer's digest; the lists of an image's layers add up to its merged
 * tree (OCI image-spec layer.md, "Applying changesets"). */

/* Reads a layer blob of the store, plain or gzip of any number of members: verifies the blob's
 * digest and the diff_id of its content (`diff_id` empty: any; it is filled in), refuses names
 * longer than 4,096 bytes, and keeps the list (at most 1,000,000 entries). Names that lead out of
 * the image are in the list, marked; rootfs_load refuses them. Does nothing when the list is
 * already there. Wrong digests and hostile content are ERROR_REGISTRY. */
int listing_make(const struct store *store, const struct digest *blob, struct digest *diff_id,
                 struct error *err) must_check;

/* An entry of a list. Whiteouts are entries like others. */
enum listing_flag {
    LISTING_ESCAPES =
        1, /* the name leads out of the image; `path` is the name as it stands there */
    LISTING_LINK_ESCAPES = 2, /* so does the target of this hard link, which is kept as it is */
    LISTING_ABSOLUTE = 4,     /* the name begins with a slash, which `path` lacks */
    LISTING_XATTRS = 8,       /* it has extended attributes */
};
struct listing_entry {
    const char *path; /* cleaned */
    const char
        *link; /* target of a symbolic or hard link (a hard link's is cleaned too), else NULL */
    const char *facts; /* lines of lambda/program.h, or NULL */
    int64_t uid, gid, mtime, size;
    uint64_t
        print; /* of a file's content: another print, other content. Not proof against forgery */
    enum tar_type type;
    unsigned mode;
    unsigned flags; /* enum listing_flag */
};
/* What a list says of the whole layer. */
struct listing {
    struct digest diff_id;
    uint64_t count;              /* entries */
    uint64_t size, content_size; /* of the blob, and of the tar in it */
    uint64_t members;            /* of the gzip data; 0: the blob is a plain tar */
};
/* Whether there is a list, going by its head alone. Whoever reads it finds out when the rest is
 * damaged. */
bool listing_known(const struct store *store, const struct digest *blob, struct listing *out);

/* Reads a list, which is never in memory as a whole. NULL when it is missing or damaged; a list
 * made by another version counts as damaged. */
struct listing_reader;
struct listing_reader *listing_reader_open(const struct store *store, const struct digest *blob,
                                           struct listing *about) must_check;
void listing_reader_free(struct listing_reader *reader);
DEFINE_AUTOPTR(listing_reader)
/* The next entry, in the order of the layer; its strings are good until the next call. 0 at the
 * end, -1 with ERROR_BUILD when the file has changed since it was opened. */
int listing_reader_next(struct listing_reader *reader, struct listing_entry *entry,
                        struct error *err) must_check;

/* Makes a list from entries and contents that are at hand, for who writes a layer. The store is
 * borrowed. */
struct listing_writer;
struct listing_writer *listing_writer_new(const struct store *store);
void listing_writer_free(struct listing_writer *writer);
DEFINE_AUTOPTR(listing_writer)
/* The next entry; the content of the one before is complete. ERROR_REGISTRY for what no list holds:
 * more than 1,000,000 entries, 256 MiB of names, a name longer than 4,096 bytes. */
int listing_writer_entry(struct listing_writer *writer, const struct tar_entry *entry,
                         struct error *err) must_check;
void listing_writer_data(struct listing_writer *writer, const void *bytes, size_t length);
/* What there is to say of the whole layer: `about`, but for its count. */
int listing_writer_save(struct listing_writer *writer, const struct digest *blob,
                        const struct listing *about, struct error *err) must_check;

/* A blob from anywhere, read to its end: whatever it is, its digest and size come out. When it is a
 * layer, plain or gzip, its list is kept under its digest as well. */
struct listing_scan {
    struct digest digest, diff_id; /* diff_id: empty when there is no list */
    uint64_t size, content_size, members;
    bool listed;
    bool zstd; /* it begins as zstd data does: not looked into */
    bool gzip;
    char *trouble; /* why there is no list; NULL with one */
};
/* `named`: the digest that the blob should have, or NULL: when a list is kept under it, the content
 * needs not be looked at again. -1 only when the source fails, or the store: else the trouble is in
 * *out. */
int listing_scan(const struct store *store, tar_source source, void *data,
                 const struct digest *named, struct listing_scan *out,
                 struct error *err) must_check;
void listing_scan_release(struct listing_scan *scan);

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
