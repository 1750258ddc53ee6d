#ifndef LBUILD_TEMPLATE_LOCKFILES_H
#define LBUILD_TEMPLATE_LOCKFILES_H

#include "template/template.h"

/* The template's lock files that the project in `dir` has, in the order of the head. `files` are
 * the cleaned paths of the context. A lock file whose head names a text that makes it strict must
 * hold that text, and one whose versions are looked at may have no open version. *open: "FILE:LINE:
 * what is open" for the first that has one, else NULL; caller frees. A file over 32 MiB, or 1 MiB
 * where versions are looked at, is ERROR_BUILD. */
int lockfiles_find(const struct template *t, const char *dir, const struct strv *files,
                   struct strv *out, char **open, struct error *err) must_check;

#endif
