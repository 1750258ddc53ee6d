#ifndef LBUILD_OUTPUT_DELIVERY_H
#define LBUILD_OUTPUT_DELIVERY_H

#include "base/base.h"
#include "output/output.h"

/* An image on its way into an output. While the compilers work, before the image is known, the
 * base's layers are hashed and written into the output. */
struct delivery {
    const struct output *output;
    const char *path;           /* borrowed */
    struct output_begun *begun; /* NULL: not begun, or this kind can't begin early */
    struct verify *verified;    /* the base's layers */
};

/* ERROR_USAGE when there is no output of that type. */
int delivery_open(struct delivery *delivery, const char *type, const char *path,
                  struct error *err) must_check;
/* Begins with the base; does nothing the second time. The store must outlive *delivery. */
void delivery_begin(struct delivery *delivery, const struct base *base, const struct store *store);
/* Whether layer number `index` of the image, which is about to be made, can go straight into the
 * output; then *sink gets its bytes. Waits for the base's layers, which come first. */
bool delivery_layer(struct delivery *delivery, size_t index, struct layer_sink *sink);
/* Writes the rest of the output and lets it appear. */
int delivery_write(struct delivery *delivery, const struct image *image, const struct store *store,
                   struct error *err) must_check;
/* Ends the delivery. Without a write, no output appears. */
void delivery_release(struct delivery *delivery);

#endif
