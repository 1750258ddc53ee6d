#ifndef LBUILD_ENGINE_HANDLER_H
#define LBUILD_ENGINE_HANDLER_H

#include "layer/layer.h"
#include "plan/plan.h"

/* Warns when a C or C++ program with lbuild's runtime doesn't hold the name of the handler that it
 * will be asked for. A warning alone: a table of handlers may be made when the program runs. */
void handler_look(const struct plan *plan, const struct tree *tree);

#endif
