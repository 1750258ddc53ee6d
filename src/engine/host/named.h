#ifndef LBUILD_ENGINE_HOST_NAMED_H
#define LBUILD_ENGINE_HOST_NAMED_H

#include "support/strv.h"

/* Files that the words of a compiler's or a linker's command name. Dependency files don't list
 * them: option files (@FILE), specs, profiles, version scripts, plugins. */

/* `argv` with each @FILE followed by the words of that file, and of the files that it names in
 * turn. Relative names start at `dir`. */
void named_expand(const struct strv *argv, const char *dir, struct strv *out);

/* The regular files among the words and their parts (after "@", "=", a comma or -T), as absolute
 * paths, without the first word, which is the compiler, and without files that the command writes.
 * A word that only looks like one costs a compile too many. */
void named_files(const struct strv *words, const char *dir, struct strv *out);

#endif
