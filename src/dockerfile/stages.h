#ifndef LBUILD_DOCKERFILE_STAGES_H
#define LBUILD_DOCKERFILE_STAGES_H

#include "dockerfile/writer.h"

/* The stages of the user's own, each with a blank line behind it. What they run is the user's shell
 * text, as it stands; secrets and SSH are mounted where a stage asks for them, which docker's
 * classic builder can't. `taken`: the template's own stages. */
void stages_write(struct writer *w, const struct strv *taken);
/* COPY of one thing from the project or from a stage; `top` comes in front of an absolute
 * destination. */
void stages_copy(struct writer *w, const struct stage_copy *copy, const char *top);

#endif
