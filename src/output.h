#ifndef LBUILD_OUTPUT_H
#define LBUILD_OUTPUT_H

#include "image.h"
#include "store.h"

/* Where a finished image goes: one file per kind in output/, one line each in output/list.h. Blobs are verified while they
 * are copied: a damaged one ends the build (ERROR_REGISTRY, build again) before anything appears. An output appears whole or
 * not at all, and what was there before stays until then. */
struct output {
    const char *name; /* the TYPE of -o type=TYPE,dest=PATH */
    const char *help;
    /* `path` is absolute or relative to the current directory; "-" is standard output where the kind allows it. */
    int (*write)(const struct image *image, const struct store *store, const char *path, struct error *err);
};

/* The outputs, one line each in output/list.h, NULL at the end; one by its name, or NULL. */
extern const struct output *const outputs[];
const struct output *output_find(const char *name);

#endif
