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

#endif
