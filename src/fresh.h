#ifndef LBUILD_FRESH_H
#define LBUILD_FRESH_H

#include "pipeline.h"

/* Decides that nothing changed from stat data, as git's index does, before any library is loaded.
 * The record of a build says what it read (files with size, times and inode; folders with their
 * names; files that were missing) and what it made. It is kept only when nothing was touched
 * while the build ran, so that equal stat data means equal content. */

/* What a build printed and wrote, to be printed again. */
struct fresh_result {
    char *name;       /* of the image */
    char *output;     /* path of the image */
    struct strv tags; /* full references, at least one */
    struct digest manifest, config;
    uint64_t manifest_size;
};
void fresh_result_release(struct fresh_result *result);

/* The time by the clock that stamps files, in ns. Take it before the first file is read. */
int64_t fresh_now(void);

/* 1: the last build with the same options, environment and lbuild still holds, and *result tells
 * of it. 0: build. */
int fresh_check(const struct pipeline_options *options, struct fresh_result *result);
/* Remembers a build that has just succeeded. `started`: fresh_now before the build. Never fails:
 * without a record the next build merely looks closer. */
void fresh_record(const struct pipeline_options *options, const struct pipeline *p,
                  int64_t started);

#endif
