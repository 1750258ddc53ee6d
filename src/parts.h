#ifndef LBUILD_PARTS_H
#define LBUILD_PARTS_H

#include "support/buf.h"
#include "support/digest.h"
#include "support/error.h"
#include "support/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The files inside of an image file or an image folder, each read once: hashed as they are and, when they are gzip, as what
 * they unpack to. Small JSON texts are kept. Errors are ERROR_REGISTRY. Limits: 10,000 files, 32 MiB of texts, and 32 GiB
 * unpacked (Lambda takes 10 GB). */
struct part {
    char *path;    /* cleaned */
    char *link;    /* what it is a link to (docker save has such), cleaned; else NULL */
    char *trouble; /* why the gzip data can't be unpacked; else NULL */
    struct digest digest, diff_id; /* of the bytes, and of what they unpack to (the same when they aren't gzip) */
    uint64_t size, content_size;
    struct buf text; /* the bytes, when they look like JSON and are at most 4 MiB; else empty */
};

struct parts;
/* A tar file of any dialect (gzip too) is read at once; from a folder each file when it is asked for. */
struct parts *parts_load(const char *path, struct error *err) must_check;
void parts_free(struct parts *parts);
DEFINE_AUTOPTR(parts)
bool parts_is_folder(const struct parts *parts);
/* The file with this path, links followed; NULL with an error when it isn't there. Owned by the parts. */
const struct part *parts_get(struct parts *parts, const char *path, struct error *err);
/* Whether there is one. */
bool parts_has(struct parts *parts, const char *path);

#endif
