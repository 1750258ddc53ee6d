#ifndef LBUILD_ENGINE_HOST_COMPILE_COMMAND_H
#define LBUILD_ENGINE_HOST_COMPILE_COMMAND_H

#include "engine/engine.h"
#include "engine/host/objects.h"
#include "engine/work.h"

/* The host engine's other half: a program made by the command of the template's [compile]. The
 * command runs in the project's folder with an environment made by lbuild. Its caches go into
 * lbuild's store, or where that compiler always keeps them. */

/* Whether the command's program is on PATH; nothing is started. ERROR_ENGINE with the remedy. */
int command_maybe(const struct plan *plan, struct error *err) must_check;
/* Runs the command and proves the program that it makes. *path gets the program's path in the
 * store; caller frees. ERROR_BUILD when the command fails, or the kind that a matching
 * [failure:NAME] of the template gives; ERROR_LAMBDA for a program that Lambda couldn't start. */
int command_program(const struct engine_job *job, struct objects *objects, const struct work *work,
                    char **path, struct error *err) must_check;

#endif
