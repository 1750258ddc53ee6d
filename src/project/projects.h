#ifndef LBUILD_PROJECT_PROJECTS_H
#define LBUILD_PROJECT_PROJECTS_H

#include "support/error.h"
#include "support/strv.h"

/* Finds projects below a folder, for trees of several functions. */
enum { PROJECTS_MAX = 1000, PROJECTS_FOLDERS_MAX = 200000, PROJECTS_DEPTH_MAX = 100 };

/* Adds the folders that have an lbuild.ini, which may include `dir` itself, as paths that start
 * with `dir` (without "."), sorted by bytes. Follows no links, and skips names that start with a
 * dot, node_modules, bower_components, __pycache__, and what the .dockerignore in `dir` leaves out.
 * Errors: ERROR_PROJECT for a folder without a project, for more than the caps above, for a broken
 * .dockerignore; ERROR_BUILD for an unreadable folder. */
int projects_find(const char *dir, struct strv *out, struct error *err) must_check;

#endif
