#ifndef LBUILD_ENGINE_CONTAINER_UNPACK_H
#define LBUILD_ENGINE_CONTAINER_UNPACK_H

#include "support/error.h"

/* Unpacks a build context that context_write made, for engines that take no tar. Makes the folder,
 * and in it files, folders and symbolic links with their modes. Anything else, or a path that
 * leaves the folder, is ERROR_INTERNAL. Errors of the file system: ERROR_BUILD. */
int unpack(const char *tar, const char *dir, struct error *err) must_check;

#endif
