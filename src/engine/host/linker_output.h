#ifndef LBUILD_ENGINE_HOST_LINKER_OUTPUT_H
#define LBUILD_ENGINE_HOST_LINKER_OUTPUT_H

#include "support/buf.h"
#include "support/strv.h"

/* Sorts a linker's output. Functions that need shared libraries even in static programs
 * (getaddrinfo, getpwnam, dlopen ...; GNU ld warns "Using 'NAME' in statically linked applications
 * requires at runtime ...") go to `functions`, sorted, each once; so does glibc's iconv_open, when
 * the linker was told to trace it. Useless lines are dropped, and every other line goes to `rest`.
 */
void linker_output_sift(const char *output, struct strv *functions, struct buf *rest);

#endif
