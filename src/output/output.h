#ifndef LBUILD_OUTPUT_OUTPUT_H
#define LBUILD_OUTPUT_OUTPUT_H

#include "image/image.h"
#include "layer/layer.h"
#include "output/copy.h"

struct output_begun; /* the part of an output that is made before the image is known */

/* Where a finished image goes: one file per kind in output/, and one line in output/list.h.
 * Blobs are verified while they are copied: a damaged one ends the build (ERROR_REGISTRY,
 * build again) before anything appears. An output appears whole or not at all, and the old one
 * stays until then. */
struct output {
    const char *name; /* TYPE in -o type=TYPE,dest=PATH */
    const char *help;
    /* Begins an output at `path` early: *sink gets the base's layers, each once and in order, while
     * the compiler works. NULL: nothing can be written yet. The pointer itself may be NULL. The
     * store must outlive the begun output. */
    struct output_begun *(*begin)(const struct store *store, const char *path,
                                  struct verify_sink *sink);
    /* Continues a begun output, whose bytes so far are verified, with a layer that is still being
     * made (layer.h): *sink gets its bytes. `index` counts the image's distinct layers. False: it
     * can't take this layer now. The pointer is NULL where `begin` is. */
    bool (*layer)(struct output_begun *begun, size_t index, struct layer_sink *sink);
    /* Ends a begun output, or does nothing for NULL. Without a write before, no output appears. */
    void (*abandon)(struct output_begun *begun);
    /* Writes the output. `path`: "-" is standard output, where the kind allows it. `begun`: NULL,
     * or a begun output whose bytes so far are verified (verify_finish): it is continued where its
     * sink stopped, with the same bytes as a result. The caller still abandons it. */
    int (*write)(const struct image *image, const struct blob_source *from,
                 struct output_begun *begun, const char *path, struct error *err);
};

/* One of the outputs in output/list.h by its name, or NULL. */
const struct output *output_find(const char *name);

#endif
