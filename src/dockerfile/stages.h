#ifndef LBUILD_DOCKERFILE_STAGES_H
#define LBUILD_DOCKERFILE_STAGES_H

#include "dockerfile/writer.h"

/* The user's own stages, each with a blank line after it. Their commands are the user's shell text,
 * unchanged; secrets and SSH are mounted where a stage asks for them, which docker's classic
 * builder can't do. `taken`: the names of the template's stages. */
void stages_write(struct writer *w, const struct strv *taken);
/* COPY of one path of the project or of a stage; `top` goes in front of an absolute destination. */
void stages_copy(struct writer *w, const struct stage_copy *copy, const char *top);

#endif
