#ifndef LBUILD_TEMPLATE_LOCKFILES_H
#define LBUILD_TEMPLATE_LOCKFILES_H

#include "template/template.h"

/* The template's lock files that the project in `dir` has, in the order of the head. `files` are
 * the cleaned paths of the context. Where the head names a text that makes a lock file strict, the
 * file must contain it; where it names elements that hold versions, none of them may be open.
 * *open: "FILE:LINE: what is open" for the first that has one, else NULL; caller frees. A file over
 * 32 MiB, or 1 MiB where versions are read, is ERROR_BUILD. */
int lockfiles_find(const struct template *t, const char *dir, const struct strv *files,
                   struct strv *out, char **open, struct error *err) must_check;

#endif
