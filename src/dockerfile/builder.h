#ifndef LBUILD_DOCKERFILE_BUILDER_H
#define LBUILD_DOCKERFILE_BUILDER_H

#include "dockerfile/writer.h"

/* The blocks of the builder stage, and the COPYs that bring their results into the final one. */

/* Where the builder stages leave their results: the program, and two folders of files. */
#define DOCKERFILE_PROGRAM "/out/program"
#define DOCKERFILE_CACHE "/cache"
#define DOCKERFILE_DEPS "/out/deps" /* in the stage "deps" */
#define DOCKERFILE_APP "/out/app"
/* Where a final stage on scratch keeps dependencies, if there are any, and the rest. */
#define DOCKERFILE_DEPS_TOP "/deps"
#define DOCKERFILE_APP_TOP "/app"

struct builder_packages {
    const struct strv *names;
    const char *manager;                /* as in struct plan */
    const char *image;                  /* the image that they are installed in */
    const struct origin *origin, *from; /* of the packages, and of the image */
    const char *key;                    /* of the packages, for messages */
};
/* RUN that installs packages, if there are any; builder_install: the builder stage's. */
void builder_add_packages(struct writer *w, const struct builder_packages *packages);
void builder_install(struct writer *w);

/* RUNs that compile and link: the host engine's commands in the same order. */
void builder_compile(struct writer *w);
/* " -O2 ..." and " main.c ..." for a template that has its own compile command. */
void builder_flags(struct writer *w);
void builder_sources(struct writer *w);

/* RUN that gathers [files], and the COPYs of program and [files]. */
void builder_files(struct writer *w);
void builder_copy(struct writer *w);
/* The prefix of the image's paths in the final stage: "" or DOCKERFILE_APP_TOP. */
const char *builder_top(const struct writer *w);

#endif
