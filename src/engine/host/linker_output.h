#ifndef LBUILD_ENGINE_HOST_LINKER_OUTPUT_H
#define LBUILD_ENGINE_HOST_LINKER_OUTPUT_H

#include "support/buf.h"
#include "support/strv.h"

/* Divides what a linker said: functions of which it warns that static programs need shared
 * libraries for them (getaddrinfo, getpwnam, dlopen ...; GNU ld's "Using 'NAME' in statically
 * linked applications requires at runtime ...") go to `functions`, sorted, each once; what says
 * nothing to anybody is dropped; every other line goes to `rest`. */
void linker_output_sift(const char *output, struct strv *functions, struct buf *rest);

#endif
