#ifndef LBUILD_DOCKERFILE_BLOCKS_H
#define LBUILD_DOCKERFILE_BLOCKS_H

#include "dockerfile/writer.h"

/* Writes what the template's head asks for: blocks of the body, and values in it. */

/* COPY of the lock file and manifests into the working directory; no line when there are none. */
void template_write_manifest(struct writer *w);
/* RUN of [compile] or, without one, the RUNs that compile C. */
void template_write_compile(struct writer *w);
/* RUN that puts the project into its folder below /out/app. */
void template_write_app(struct writer *w);
void template_write_input(struct writer *w, const struct template_placeholder *p);

#endif
