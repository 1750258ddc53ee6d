#ifndef LBUILD_OUTPUT_OUTPUT_H
#define LBUILD_OUTPUT_OUTPUT_H

#include "image/image.h"
#include "layer/layer.h"
#include "output/copy.h"

struct output_begun; /* what a kind of output has made before the image was known */

/* Where a finished image goes: one file per kind in output/, one line each in output/list.h. Blobs
 * are verified while they are copied: a damaged one ends the build (ERROR_REGISTRY, build again)
 * before anything appears. An output appears whole or not at all, and what was there before stays
 * until then. */
struct output {
    const char *name; /* the TYPE of -o type=TYPE,dest=PATH */
    const char *help;
    /* Opens an output at `path` early: *sink gets the base's layers, each once, in their order,
     * while the compiler works. NULL: nothing can be done yet. This function may be NULL. The store
     * must outlive what is begun. */
    struct output_begun *(*begin)(const struct store *store, const char *path,
                                  struct verify_sink *sink);
    /* What was begun, all it got being verified, goes on with a layer that is only just being made
     * (layer.h), number `index` of the image's distinct ones: *sink gets its bytes. False: not now.
     * NULL where `begin` is. */
    bool (*layer)(struct output_begun *begun, size_t index, struct layer_sink *sink);
    /* Ends what was begun; without a write nothing of it appears. NULL is fine. */
    void (*abandon)(struct output_begun *begun);
    /* `path` is absolute or relative to the current directory; "-" is standard output where the
     * kind allows it. `begun` is taken up where its sink was left, all it got being verified
     * (verify_finish), or NULL; the bytes are the same. It stays the caller's to abandon. */
    int (*write)(const struct image *image, const struct blob_source *from,
                 struct output_begun *begun, const char *path, struct error *err);
};

/* One of the outputs in output/list.h by its name, or NULL. */
const struct output *output_find(const char *name);

#endif
