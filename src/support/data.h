#ifndef LBUILD_SUPPORT_DATA_H
#define LBUILD_SUPPORT_DATA_H

#include "support/error.h"
#include "support/strv.h"

/* The data that lbuild was installed with: templates and runtimes. $LBUILD_DATA
 * names another folder. */

/* "DATA/RELATIVE"; caller frees. */
char *data_path(const char *relative);
/* The names of the regular files below a folder that end in `suffix`, relative to it, sorted. A
 * missing folder is ERROR_INTERNAL: the installation is incomplete. */
int data_files(const char *folder, const char *suffix, struct strv *out,
               struct error *err) must_check;

#endif
