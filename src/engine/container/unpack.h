#ifndef LBUILD_ENGINE_CONTAINER_UNPACK_H
#define LBUILD_ENGINE_CONTAINER_UNPACK_H

#include "support/error.h"

/* Unpacks a build context that context_write wrote to a folder, which is made: for engines that
 * take none from a tar. Files, folders and symbolic links with their modes; anything else in it, or
 * a path that leaves the folder, is ERROR_INTERNAL. Errors of the file system: ERROR_BUILD. */
int unpack(const char *tar, const char *dir, struct error *err) must_check;

#endif
