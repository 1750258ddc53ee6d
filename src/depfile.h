#ifndef LBUILD_DEPFILE_H
#define LBUILD_DEPFILE_H

#include "pipeline.h"

/* What a build read, told to make (and to ninja, which reads the same language). */

/* The time to which the result will be up to date, in ns since 1970, to be taken before the first
 * file is read. Waits until later changes have later times: 10 ms at most, and not at all when no
 * depfile is asked for. */
int64_t depfile_begin(const struct pipeline_options *options);

/* Writes options->depfile after a build that went well: one rule whose target is options->stamp, or
 * the output without one, and whose prerequisites are the files and folders that decided on the
 * image; then, as gcc -MP does, a rule for each of them, so that one that is gone means "build
 * again" and not "no rule to make target". Does nothing when no depfile is asked for. *looked:
 * depfile_begin's; it grows when our own files changed a folder that is among the prerequisites. */
int depfile_write(const struct pipeline_options *options, const struct pipeline *p, int64_t *looked,
                  struct error *err) must_check;

/* Touches options->stamp, if there is one, with that time: make builds again for what is newer. */
int depfile_stamp(const struct pipeline_options *options, int64_t looked,
                  struct error *err) must_check;

#endif
