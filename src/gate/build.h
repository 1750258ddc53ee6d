#ifndef LBUILD_GATE_BUILD_H
#define LBUILD_GATE_BUILD_H

#include "image/image.h"
#include "project/project.h"
#include "store/store.h"

/* The gate at the end of a build: as `lbuild check` on the file that is about to appear, from what
 * is in the store. [check] of the project says what doesn't count. Errors among the findings are
 * told, each on a line, and are ERROR_LAMBDA; warnings are told too, notes with --verbose. `file`:
 * what the image is called in messages. */
int gate_build(const struct image *image, const struct project *project, const struct store *store,
               const char *file, struct error *err) must_check;

#endif
