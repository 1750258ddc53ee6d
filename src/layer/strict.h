#ifndef LBUILD_LAYER_STRICT_H
#define LBUILD_LAYER_STRICT_H

#include "support/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* What the tar reader of docker, podman, umoci and crane refuses though libarchive understands it
 * (Go's archive/tar, strconv.go and reader.go). It reads the headers alone, and gives up without a
 * word where these don't fit together: that is libarchive's to say. */
enum { STRICT_NOTE = 160 };
struct strict {
    char block[512];
    size_t used;
    uint64_t skip;      /* bytes until the next header */
    uint64_t pending;   /* bytes of content after the extra headers of a sparse file */
    struct buf records; /* of the PAX header that is being read */
    uint64_t left;      /* bytes of these that are missing */
    char kind;          /* 'x' or 'g': it is being read; else 0 */
    int64_t size;       /* from a PAX header for the next entry; -1: none */
    bool sparse, ended;
    char name[101];           /* of the latest header */
    char header[STRICT_NOTE]; /* the first header that can't be read, and why; "" for none */
    char type[STRICT_NOTE];   /* the first entry of a type that unpackers don't know */
};
void strict_begin(struct strict *strict);
/* Takes the next bytes of an unpacked layer. */
void strict_feed(struct strict *strict, const void *bytes, size_t length);
void strict_release(struct strict *strict);

#endif
