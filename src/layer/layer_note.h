#ifndef LBUILD_LAYER_LAYER_NOTE_H
#define LBUILD_LAYER_LAYER_NOTE_H

#include "store/store.h"

/* What the cache knows of a layer that was made, in small files under objects/. */
struct layer_note {
    struct digest digest, diff_id;
    uint64_t size, content_size;
    struct digest
        sources; /* of the stat data of what it was made from; empty text: they said nothing yet */
};

/* False: no such note, a damaged one, or its blob is gone. */
bool layer_note_read(const struct store *store, const char *name, struct layer_note *note);
int layer_note_write(const struct store *store, const char *name, const struct layer_note *note,
                     struct error *err) must_check;

#endif
