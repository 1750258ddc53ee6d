#ifndef LBUILD_OUTPUT_DELIVERY_H
#define LBUILD_OUTPUT_DELIVERY_H

#include "base/base.h"
#include "output/output.h"

/* An image on its way into one output. What can be done before the image is known is done while the
 * compilers work: hashing the base's layers, and writing them into the output. */
struct delivery {
    const struct output *output;
    const char *path;           /* borrowed */
    struct output_begun *begun; /* NULL: not begun, or this kind of output can't be */
    struct verify *verified;    /* the base's layers */
};

/* ERROR_USAGE when there is no output of that type. */
int delivery_open(struct delivery *delivery, const char *type, const char *path,
                  struct error *err) must_check;
/* Begins with the base; does nothing the second time. The store must outlive *delivery. */
void delivery_begin(struct delivery *delivery, const struct base *base, const struct store *store);
/* Whether layer number `index` of the image, which is about to be made, goes straight into the
 * output: then *sink gets its bytes. Waits for the base, which comes first. */
bool delivery_layer(struct delivery *delivery, size_t index, struct layer_sink *sink);
/* Writes what isn't written yet, and the output appears. */
int delivery_write(struct delivery *delivery, const struct image *image, const struct store *store,
                   struct error *err) must_check;
/* What was begun and not written never appears. */
void delivery_release(struct delivery *delivery);

#endif
