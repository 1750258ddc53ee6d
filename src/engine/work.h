#ifndef LBUILD_ENGINE_WORK_H
#define LBUILD_ENGINE_WORK_H

#include "store/store.h"
#include "support/error.h"

/* A private folder for temporary files. Releasing it removes it; when lbuild was killed, a later
 * build does. */
struct work {
    char *path;
    int lock;
};
#define WORK_INIT                                                                                  \
    {                                                                                              \
        .lock = -1                                                                                 \
    }
int work_open(const struct store *store, struct work *work, struct error *err) must_check;
void work_release(struct work *work);

#endif
