#ifndef LBUILD_DEPFILE_H
#define LBUILD_DEPFILE_H

#include "pipeline.h"

/* Tells make, and ninja, which reads the same language, what a build has read. */

/* The time up to which the result will be up to date, in ns since 1970; call it before the first
 * file is read. Waits until later changes get later times: 10 ms at most, and not at all when
 * neither a depfile nor a stamp is asked for. */
int64_t depfile_begin(const struct pipeline_options *options);

/* Writes options->depfile after a successful build: one rule whose target is options->stamp
 * (without one, the output) and whose prerequisites are the files and folders that the image
 * depends on. Does nothing when no depfile is asked for. *looked comes from depfile_begin; it grows
 * when our own files changed a folder that is among the prerequisites. */
int depfile_write(const struct pipeline_options *options, const struct pipeline *p, int64_t *looked,
                  struct error *err) must_check;

/* Sets the time of options->stamp, if there is one: make builds again when a
 * prerequisite is newer. */
int depfile_stamp(const struct pipeline_options *options, int64_t looked,
                  struct error *err) must_check;

#endif
