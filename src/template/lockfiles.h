#ifndef LBUILD_TEMPLATE_LOCKFILES_H
#define LBUILD_TEMPLATE_LOCKFILES_H

#include "template/template.h"

/* The template's lock files that the project in `dir` has, in the order of the head: those of
 * `files` (cleaned paths of the context) that hold the text which makes one strict and no open
 * version, where the head asks for that. *open: "FILE:LINE: what is open" of the first that has
 * one, NULL for none; caller frees. Files over 32 MiB, 1 MiB where versions are looked for, are
 * ERROR_BUILD. */
int lockfiles_find(const struct template *t, const char *dir, const struct strv *files,
                   struct strv *out, char **open, struct error *err) must_check;

#endif
