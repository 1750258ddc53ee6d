#ifndef LBUILD_LAYER_LAYER_H
#define LBUILD_LAYER_LAYER_H

#include "layer/rootfs.h"
#include "layer/tree.h"
#include "store/store.h"
#include "support/gzip.h"

struct layer {
    struct digest digest, diff_id;
    uint64_t size;         /* of the blob */
    uint64_t content_size; /* of the tar */
};

/* Where a blob goes besides the store, while it is made: its bytes in parts, then what it has
 * become. After an error, of the layer or of its own, it gets nothing more; its own are no error of
 * the layer. */
struct layer_sink {
    byte_sink bytes;
    int (*done)(void *data, const struct digest *digest, uint64_t size, struct error *err);
    void *data;
};

/* What the bytes of a layer depend on besides its files, and who else wants them. */
struct layer_format {
    int64_t epoch; /* mtime of every entry */
    enum gzip_level level;
    /* Called before a layer of 16 MiB or more is made (never for one that the store has): true and
     * *sink set, or false. May be NULL. */
    bool (*large)(void *data, struct layer_sink *sink);
    void *data;
};
/* `level` is one of gzip_level_parse's names; another one counts as the default. Nobody else wants
 * the bytes. */
struct layer_format layer_format(int64_t epoch, const char *level);

/* Writes the tree as one layer into the store: gzip in one member, sorted by path bytes with
 * parents first, every ancestor directory listed (with the base's mode and owner where the base has
 * it, else 0755 0:0), each path once, no hard links, uid and gid 0. Paths go through the base's
 * symbolic links first (rootfs_resolve), as COPY's do. Two entries with one path, a file where
 * another entry needs a directory: ERROR_PROJECT, naming both. A file that changes while it is
 * read: ERROR_BUILD. Notes under objects/ find the blob again: by the tree's shape and its files'
 * times without reading one, else by the tar's digest, so that nothing is compressed twice. Hashed
 * and listed (listing.h) while written; memory stays under 32 MiB whatever the files' content, and
 * under 8 MiB while the programs in it are small; an entry takes 100 bytes and its path besides. */
int layer_make(const struct tree *tree, const struct rootfs *rootfs,
               const struct layer_format *format, const struct store *store, struct layer *layer,
               struct error *err) must_check;

#endif
