#ifndef LBUILD_COMMAND_WARNINGS_H
#define LBUILD_COMMAND_WARNINGS_H

#include "plan/plan.h"

/* Warns of what a Dockerfile can't say to every engine, with the remedy. */
void warn_of_engines(const struct plan *plan);

#endif
