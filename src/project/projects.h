#ifndef LBUILD_PROJECT_PROJECTS_H
#define LBUILD_PROJECT_PROJECTS_H

#include "support/error.h"
#include "support/strv.h"

/* The projects below a folder: for trees of several functions. */
enum { PROJECTS_MAX = 1000, PROJECTS_FOLDERS_MAX = 200000, PROJECTS_DEPTH_MAX = 100 };

/* Adds the folders that hold an lbuild.ini, `dir` itself included: each as a path that starts with
 * `dir` ("." is left away), sorted by bytes. Links are not followed. Not looked into: names that
 * start with a dot, node_modules, bower_components,
 * __pycache__, and what the .dockerignore in `dir` leaves out. Errors: ERROR_PROJECT for a folder
 * without any, for more than the caps above, for a broken .dockerignore; ERROR_BUILD for what can't
 * be read. */
int projects_find(const char *dir, struct strv *out, struct error *err) must_check;

#endif
