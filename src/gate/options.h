#ifndef LBUILD_GATE_OPTIONS_H
#define LBUILD_GATE_OPTIONS_H

#include "gate/gate.h"
#include "project/project.h"

/* What a user asks of the gate, on the command line and in the project file. */

/* "500000", "200MB", "1.5GiB": kB, MB and GB count in thousands, KiB, MiB and GiB in 1,024.
 * ERROR_USAGE with `where` in front. */
int gate_parse_size(const char *text, const char *where, uint64_t *out,
                    struct error *err) must_check;
/* The ids in a list of words, each of which may be several with commas between; they must exist. */
int gate_take_ids(const struct strv *words, const char *where, struct strv *out,
                  struct error *err) must_check;
/* Adds what [check] of a project says: ids to ignore, and the budget where none is set yet.
 * ERROR_PROJECT. */
int gate_take_project(const struct project *project, struct strv *ignore, uint64_t *budget,
                      struct error *err) must_check;

#endif
