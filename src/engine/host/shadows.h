#ifndef LBUILD_ENGINE_HOST_SHADOWS_H
#define LBUILD_ENGINE_HOST_SHADOWS_H

#include "support/strv.h"

/* Files that a compiler would read instead of the ones it read, if they existed: a header
 * of the same name in a folder that it searches. Dependency files don't say where the
 * compiler looked in vain. */

/* The folders that were listed in this run, each once. */
struct shadows {
    struct shadows_folder **items;
    size_t len;
};
void shadows_release(struct shadows *shadows);

/* The folders that a command searches: its -I, -iquote, -isystem, -idirafter and -L, relative ones
 * below `dir`, and the first of the built-in folders of gcc and clang. */
void shadows_folders(const struct strv *argv, const char *dir, struct strv *out);

/* Other files with the name of an input (types.h, or sys/types.h and so on up its path) in one of
 * the folders, or in the folder of an input below `dir`. Sorted. A folder is listed at its first
 * use: files that appear in it later aren't seen. */
void shadows_find(struct shadows *shadows, const struct strv *folders, const char *dir,
                  const struct strv *inputs, struct strv *out);

/* The folders that were listed and lie outside `dir`. */
void shadows_outside(const struct shadows *shadows, const char *dir, struct strv *out);

#endif
