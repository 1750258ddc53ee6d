#ifndef LBUILD_LAYER_LISTING_H
#define LBUILD_LAYER_LISTING_H

#include "layer/strict.h"
#include "store/store.h"
#include "support/tar.h"

/* What layers hold, without reading them again. Each layer's list of files is made once, when the
 * layer enters the store, and kept by its digest. The lists of an image's layers add up to its
 * merged tree (rootfs.h). */

/* Reads a layer blob of the store (a plain tar, or gzip of any number of members) and keeps its
 * list, of at most 1,000,000 entries. Verifies the blob's digest and its content's diff_id
 * (`diff_id` empty: any is fine, and it is filled in). Refuses names longer than 4,096 bytes. Names
 * that lead out of the image stay in the list, marked; rootfs_load refuses them. Does nothing when
 * the list exists already. Wrong digests and hostile content are ERROR_REGISTRY. */
int listing_make(const struct store *store, const struct digest *blob, struct digest *diff_id,
                 struct error *err) must_check;

/* An entry of a list. Whiteouts are entries like any others. */
enum listing_flag {
    LISTING_ESCAPES = 1,      /* the name leads out of the image; `path` has it unchanged */
    LISTING_LINK_ESCAPES = 2, /* the target of this hard link does; `link` has it unchanged */
    LISTING_ABSOLUTE = 4,     /* the name begins with a slash, which `path` leaves out */
};
struct listing_entry {
    const char *path;  /* cleaned */
    const char *link;  /* target of a link, cleaned if that is a hard link; else NULL */
    const char *facts; /* lines of lambda/program.h, or NULL */
    int64_t uid, gid, mtime, size;
    uint64_t print; /* of a file's content: it differs only if the content does. Can be forged */
    enum tar_type type;
    unsigned mode;
    unsigned flags; /* enum listing_flag */
};

/* What a list says about the whole layer. */
struct listing {
    struct digest diff_id;
    uint64_t count;              /* entries */
    uint64_t size, content_size; /* of the blob, and of the tar inside */
    uint64_t members;            /* of the gzip data; 0: the blob is a plain tar */
    /* What other unpackers refuse, as in struct strict; "" for nothing. */
    char odd_header[STRICT_NOTE], odd_type[STRICT_NOTE];
};
/* Whether there is a list, judging by its head alone. Damage after the head only shows when the
 * list is read. */
bool listing_known(const struct store *store, const struct digest *blob, struct listing *out);

/* Reads a list without holding it in memory. NULL when it is missing or damaged; a list made by
 * another version counts as damaged. */
struct listing_reader;
struct listing_reader *listing_reader_open(const struct store *store, const struct digest *blob,
                                           struct listing *about) must_check;
void listing_reader_free(struct listing_reader *reader);
DEFINE_AUTOPTR(listing_reader)
/* The next entry, in the layer's order; its strings are valid until the next call. 1; 0 at the end;
 * -1 with ERROR_BUILD when the file has changed since it was opened. */
int listing_reader_next(struct listing_reader *reader, struct listing_entry *entry,
                        struct error *err) must_check;

/* Makes a list from entries and contents that are at hand, for a caller that writes a layer. The
 * store is borrowed. */
struct listing_writer;
struct listing_writer *listing_writer_new(const struct store *store);
void listing_writer_free(struct listing_writer *writer);
DEFINE_AUTOPTR(listing_writer)
/* Begins the next entry; the content of the previous one is complete. ERROR_REGISTRY for what no
 * list can hold: more than 1,000,000 entries, 256 MiB of names, a name longer than 4,096 bytes. */
int listing_writer_entry(struct listing_writer *writer, const struct tar_entry *entry,
                         struct error *err) must_check;
void listing_writer_data(struct listing_writer *writer, const void *bytes, size_t length);
/* Completes the list and keeps it under the blob's digest. `about` describes the layer; its count
 * is ignored. */
int listing_writer_save(struct listing_writer *writer, const struct digest *blob,
                        const struct listing *about, struct error *err) must_check;

/* A blob from any source, read to its end. Whatever it is, its digest and size are found. When it
 * is a layer, plain or gzip, its list is kept under its digest too. */
struct listing_scan {
    struct digest digest, diff_id; /* diff_id: empty when there is no list */
    uint64_t size, content_size, members;
    bool listed;
    bool zstd; /* it begins like zstd data, and isn't read further */
    bool gzip;
    char *trouble; /* why there is no list; NULL when there is one */
    char odd_header[STRICT_NOTE], odd_type[STRICT_NOTE]; /* as in struct listing */
};
/* `named`: the digest that the blob should have, or NULL. When a list is kept under that
 * digest, the content isn't read again. -1 only when the source or the store fails; any other
 * trouble is in *out. */
int listing_scan(const struct store *store, tar_source source, void *data,
                 const struct digest *named, struct listing_scan *out,
                 struct error *err) must_check;
/* The result that listing_scan would have for a blob with this list and digest. */
struct listing_scan listing_scan_known(const struct listing *known, const struct digest *digest);
void listing_scan_release(struct listing_scan *scan);

#endif
