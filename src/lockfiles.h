#ifndef LBUILD_LOCKFILES_H
#define LBUILD_LOCKFILES_H

#include "template.h"

/* The template's lock files that the project in `dir` has, in the order of the head: those of `files` (cleaned paths of the context) that
 * hold the text which makes one strict, where the head asks for that. Files over 32 MiB are ERROR_BUILD. */
int lockfiles_find(const struct template *t, const char *dir, const struct strv *files, struct strv *out, struct error *err) must_check;

#endif
