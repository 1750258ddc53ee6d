#ifndef LBUILD_ENGINE_HANDLER_H
#define LBUILD_ENGINE_HANDLER_H

#include "layer/layer.h"
#include "plan/plan.h"

/* Warns when a C or C++ program with lbuild's runtime doesn't contain the name of the handler that
 * Lambda will ask for. Only a warning: the program may build its table of handlers at run time. */
void handler_look(const struct plan *plan, const struct tree *tree);

#endif
