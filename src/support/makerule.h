#ifndef LBUILD_SUPPORT_MAKERULE_H
#define LBUILD_SUPPORT_MAKERULE_H

#include "support/buf.h"
#include "support/error.h"
#include "support/strv.h"

/* Rules in make's language, as depfiles hold them: read as compilers and linkers write them, and
 * written for make and for ninja, which reads the same language. */

/* The prerequisites of the first rule in a text, as paths that are absolute or relative to `dir`.
 * -1: the text has no rule. */
int makerule_read(const char *text, const char *dir, struct strv *out) must_check;

/* Appends one rule with the paths as prerequisites; then, as gcc -MP does, an empty rule for each
 * of them, so that a missing file means "build again" and not "no rule to make target". Where a
 * path can't be written in make's language (a line break, a tab, ";" or "|" in it, or a blank, "\",
 * "&" or ")" at its end), the target is always out of date. The target itself must be writable. */
void makerule_write(const char *target, const struct strv *paths, struct buf *out);

#endif
