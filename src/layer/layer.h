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

/* A second place for a blob, besides the store, while it is made: it gets the bytes in parts, and
 * at the end their digest and size. It gets nothing more once the layer or the sink has failed. A
 * failing sink doesn't fail the layer. */
struct layer_sink {
    byte_sink bytes;
    int (*done)(void *data, const struct digest *digest, uint64_t size, struct error *err);
    void *data;
};

/* What a layer's bytes depend on besides its files, and who else gets them. */
struct layer_format {
    int64_t epoch; /* mtime of every entry */
    enum gzip_level level;
    /* Called before a layer of 16 MiB or more is made, never for one that the store has. True:
     * *sink is set. May be NULL. */
    bool (*large)(void *data, struct layer_sink *sink);
    void *data;
};

/* `level`: a name that gzip_level_parse knows; any other name means the default level. Nobody else
 * gets the bytes. */
struct layer_format layer_format(int64_t epoch, const char *level);

/* Writes the tree as one layer into the store: one gzip member, sorted by path bytes with parents
 * first, every ancestor directory listed (with the base's mode and owner where the base has it,
 * else 0755 0:0), each path once, no hard links, uid and gid 0. Paths are resolved through the
 * base's symbolic links first (rootfs_resolve), as COPY does. Two entries with one path, or a file
 * where another entry needs a directory: ERROR_PROJECT, naming both. A file that changes while it
 * is read: ERROR_BUILD. Notes under objects/ find the blob again: by the tree's shape and its
 * files' times, without reading a file; else by the tar's digest, so that nothing is compressed
 * twice. The layer is hashed and listed (listing.h) while it is written. Memory stays under 32 MiB
 * whatever the files hold, and under 8 MiB while the programs among them are small; each entry
 * takes another 100 bytes plus its path. */
int layer_make(const struct tree *tree, const struct rootfs *rootfs,
               const struct layer_format *format, const struct store *store, struct layer *layer,
               struct error *err) must_check;

#endif
