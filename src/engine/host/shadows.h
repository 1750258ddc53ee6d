#ifndef LBUILD_ENGINE_HOST_SHADOWS_H
#define LBUILD_ENGINE_HOST_SHADOWS_H

#include "support/strv.h"

/* Files that a compiler would read in place of those that it did read, if they were there: a header
 * of the same name in a folder that it searches. Dependency files don't tell where it looked in
 * vain. */

/* The folders that were listed in this run, each once. */
struct shadows {
    struct shadows_folder **items;
    size_t len;
};
void shadows_release(struct shadows *shadows);

/* The folders that a command searches: its -I, -iquote, -isystem, -idirafter and -L, relative ones
 * below `dir`, and the first one that gcc and clang have of their own. */
void shadows_folders(const struct strv *argv, const char *dir, struct strv *out);

/* The files that are called like one of the inputs (types.h, or sys/types.h and so on up its path)
 * in one of the folders, or in the folder of an input below `dir`, and aren't that input. Sorted. A
 * folder is listed at its first use: what comes into it later isn't seen. */
void shadows_find(struct shadows *shadows, const struct strv *folders, const char *dir,
                  const struct strv *inputs, struct strv *out);

/* The folders that were listed and lie outside of `dir`. */
void shadows_outside(const struct shadows *shadows, const char *dir, struct strv *out);

#endif
