#ifndef LBUILD_DOCKERFILE_WARNINGS_H
#define LBUILD_DOCKERFILE_WARNINGS_H

#include "plan/plan.h"
#include "support/strv.h"

/* What a Dockerfile can't say to every engine, each with the remedy. */
void dockerfile_warnings(const struct plan *plan, struct strv *out);

#endif
