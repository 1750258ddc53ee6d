#ifndef LBUILD_DOCKERFILE_BUILDER_H
#define LBUILD_DOCKERFILE_BUILDER_H

#include "dockerfile/writer.h"

/* The blocks of the builder stage, and what brings their result into the final one. */

/* What the builder stages leave: the program, and files of the image below two folders. */
#define DOCKERFILE_PROGRAM "/out/program"
#define DOCKERFILE_CACHE "/cache"
#define DOCKERFILE_DEPS "/out/deps" /* in the stage "deps" */
#define DOCKERFILE_APP "/out/app"
/* Where the final stage on scratch keeps the two apart, for a template that has dependencies. */
#define DOCKERFILE_DEPS_TOP "/deps"
#define DOCKERFILE_APP_TOP "/app"

struct builder_packages {
    const struct strv *names;
    const char *manager;                /* as in struct plan */
    const char *image;                  /* where they are installed */
    const struct origin *origin, *from; /* of the packages and of the image */
    const char *key;                    /* what messages call the packages */
};
/* RUN that installs packages, if there are any; the builder's own. */
void builder_add_packages(struct writer *w, const struct builder_packages *packages);
void builder_install(struct writer *w);
/* RUNs that compile and link: the same commands as the host engine's, in the same order. */
void builder_compile(struct writer *w);
/* " -O2 ...", " main.c ..." for a compile command of the template's own. */
void builder_flags(struct writer *w);
void builder_sources(struct writer *w);
/* RUN that gathers [files], and the COPYs of program and [files]. */
void builder_files(struct writer *w);
void builder_copy(struct writer *w);
/* What stands in front of the image's paths in the final stage: "", or DOCKERFILE_APP_TOP. */
const char *builder_top(const struct writer *w);

#endif
