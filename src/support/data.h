#ifndef LBUILD_SUPPORT_DATA_H
#define LBUILD_SUPPORT_DATA_H

#include "support/error.h"
#include "support/strv.h"

/* The data that lbuild was installed with: templates and runtimes. $LBUILD_DATA
 * names another folder. */

/* "DATA/RELATIVE"; caller frees. */
char *data_path(const char *relative);
/* Sets *err by errno and returns -1: ERROR_INTERNAL for a missing file, since the installation is
 * incomplete; ERROR_BUILD for everything else, e.g. no descriptors left or a bad disk. */
int data_failed(const char *path, struct error *err);
/* The names of the regular files below a folder that end in `suffix`, relative to it, sorted.
 * Errors are data_failed()'s. */
int data_files(const char *folder, const char *suffix, struct strv *out,
               struct error *err) must_check;

#endif
