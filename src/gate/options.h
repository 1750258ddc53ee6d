#ifndef LBUILD_GATE_OPTIONS_H
#define LBUILD_GATE_OPTIONS_H

#include "gate/gate.h"
#include "project/project.h"

/* What a user asks of the gate, on the command line and in the project file. */

/* Reads "500000", "200MB" or "1.5GiB": kB, MB and GB are powers of 1,000, KiB, MiB and GiB of
 * 1,024. ERROR_USAGE; the message begins with `where`. */
int gate_parse_size(const char *text, const char *where, uint64_t *out,
                    struct error *err) must_check;
/* Appends the ids in a list of words, each of which may hold several ids with commas between.
 * ERROR_USAGE for an unknown id. */
int gate_take_ids(const struct strv *words, const char *where, struct strv *out,
                  struct error *err) must_check;
/* Adds the settings in [check] of a project: ids to ignore, and the budget where none is
 * set yet. ERROR_PROJECT. */
int gate_take_project(const struct project *project, struct strv *ignore, uint64_t *budget,
                      struct error *err) must_check;

#endif
