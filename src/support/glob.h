#ifndef LBUILD_SUPPORT_GLOB_H
#define LBUILD_SUPPORT_GLOB_H

#include <stdbool.h>

/* Whether a cleaned path matches a pattern of [build] sources: '*' and '?' stay within one folder,
 * "[a-z]" and "[!a-z]" are sets, a component "**" stands for any number of folders, none included,
 * and '\' takes the next character as it is. Time is at most proportional to pattern times path per
 * "**"-free part. */
bool glob_match(const char *pattern, const char *path);

#endif
