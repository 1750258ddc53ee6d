#ifndef LBUILD_OUTPUT_FOLDER_H
#define LBUILD_OUTPUT_FOLDER_H

#include "support/error.h"

/* A folder that holds an OCI image layout, and whose place a new one takes. lbuild owns these names
 * alone: oci-layout, index.json, docker's manifest.json and blobs/ALG/HEX. */

/* Whether the folder may be replaced: it is missing or empty, or it holds a layout with at most one
 * image and nothing else. Otherwise ERROR_USAGE, which names the first thing that would be lost. */
int folder_check(const char *path, struct error *err) must_check;
/* Removes the files of a layout, whole or half-written, and the folder. Whatever else lies in it
 * stays, and is an error that names it. A missing folder is fine. */
int folder_remove(const char *path, struct error *err) must_check;

#endif
