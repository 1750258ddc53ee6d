#ifndef LBUILD_LAYER_LAYER_NOTE_H
#define LBUILD_LAYER_LAYER_NOTE_H

#include "layer/layer.h"

/* The cache's knowledge of a layer that was made, in small files under objects/. */
struct layer_note {
    struct layer layer;
    struct digest sources; /* of the stat data of the files it was made from; empty: not known, or
                              not settled yet */
};

/* False: there is no such note, it is damaged, or its blob is gone. */
bool layer_note_read(const struct store *store, const char *name, struct layer_note *note);
int layer_note_write(const struct store *store, const char *name, const struct layer_note *note,
                     struct error *err) must_check;

#endif
