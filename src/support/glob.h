#ifndef LBUILD_SUPPORT_GLOB_H
#define LBUILD_SUPPORT_GLOB_H

#include <stdbool.h>

/* Whether a cleaned path matches a pattern of [build] sources: '*' and '?' stay within one folder,
 * "[a-z]" and "[!a-z]" are sets, a component "**" stands for any number of folders, none included,
 * and '\' makes the next character literal. The time is at most proportional to
 * pattern times path. */
bool glob_match(const char *pattern, const char *path);

#endif
