#ifndef LBUILD_SUPPORT_IGNORE_H
#define LBUILD_SUPPORT_IGNORE_H

#include "support/error.h"
#include "support/own.h"

#include <stdbool.h>
#include <stddef.h>

/* The rules of a .dockerignore file, with the meaning that moby/patternmatcher gives them: paths
 * are cleaned, "*", "?", "[a-z]" and "**", "!" exceptions, the last match wins, a match of a
 * directory covers everything below it; comments, blank lines, leading slashes, a BOM, CRLF. Caps:
 * 1 MiB, 10,000 rules, 65,535 bytes a line. */
struct ignore;

#define IGNORE_FILE_MAX (1024 * 1024)

/* `name` is for messages. Errors: ERROR_PROJECT with "NAME:LINE:COLUMN: ". A pattern that
 * engines refuse, or read in different ways (a letter after a backslash, a star in brackets),
 * is an error too. */
struct ignore *ignore_parse(const char *text, size_t length, const char *name,
                            struct error *err) must_check;
void ignore_free(struct ignore *ignore);
DEFINE_AUTOPTR(ignore)
/* Whether a cleaned path (of a file or a directory) is left out. NULL has no rules. */
bool ignore_matches(const struct ignore *ignore, const char *path);
/* Whether a "!" rule could let in something below a directory that is left out. */
bool ignore_may_reinclude(const struct ignore *ignore, const char *directory);

#endif
