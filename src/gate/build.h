#ifndef LBUILD_GATE_BUILD_H
#define LBUILD_GATE_BUILD_H

#include "image/image.h"
#include "project/project.h"
#include "store/store.h"

/* The gate at the end of a build: like `lbuild check` on the file that is about to appear, but
 * reads the store. [check] in the project says which rules to ignore. Prints each finding on a
 * line, notes only with --verbose; ERROR_LAMBDA when there is an error among them. `file`: the
 * image's name in messages. */
int gate_build(const struct image *image, const struct project *project, const struct store *store,
               const char *file, struct error *err) must_check;

#endif
