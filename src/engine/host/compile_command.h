#ifndef LBUILD_ENGINE_HOST_COMPILE_COMMAND_H
#define LBUILD_ENGINE_HOST_COMPILE_COMMAND_H

#include "engine/engine.h"
#include "engine/host/objects.h"
#include "engine/work.h"

/* The host engine's other half: a program made by the command of the template's [compile]. It runs
 * in the project's folder, with an environment of lbuild's; what it makes of its own (caches) goes
 * into lbuild's store or where that compiler always has it. */

/* Whether its program is on PATH; nothing is started. ERROR_ENGINE with the remedy. */
int command_maybe(const struct plan *plan, struct error *err) must_check;
/* Runs it, and proves what comes out. *path is where it lies in the store; caller frees.
 * ERROR_BUILD when the command fails, or what the template's [failure:NAME] say; ERROR_LAMBDA for a
 * program that Lambda couldn't start. */
int command_program(const struct engine_job *job, struct objects *objects, const struct work *work,
                    char **path, struct error *err) must_check;

#endif
