#ifndef LBUILD_FRESH_H
#define LBUILD_FRESH_H

#include "pipeline.h"

/* "Nothing changed", decided from stat data before any library is loaded: as git's index does it.
 * The record of a build says what it read (files with size, times and inode; folders with their
 * names; files that were not there) and what it made. It is kept only when nothing was touched
 * while the build ran, so that an equal stat means equal content. */

/* What a build printed and wrote, to be said again. */
struct fresh_result {
    char *name;       /* of the image */
    char *output;     /* where it lies */
    struct strv tags; /* full references, at least one */
    struct digest manifest, config;
    uint64_t manifest_size;
};
void fresh_result_release(struct fresh_result *result);

/* The clock of file times, to be taken before the first file is read. */
int64_t fresh_now(void);

/* Whether the last build with the same options, environment and lbuild still stands: then 1 and
 * *result. 0: build. */
int fresh_check(const struct pipeline_options *options, struct fresh_result *result);
/* Remembers a build that has just succeeded. `started`: fresh_now before it. Never fails: without a
 * record the next build merely looks closer. */
void fresh_record(const struct pipeline_options *options, const struct pipeline *p,
                  int64_t started);

#endif
