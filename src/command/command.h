#ifndef LBUILD_COMMAND_COMMAND_H
#define LBUILD_COMMAND_COMMAND_H

#include "support/buf.h"
#include "support/error.h"

/* The verbs: one file each in command/, one line each in command/list.h, one page each in docs/. */
struct command {
    const char *name;
    const char *operands; /* for the usage line: "[NAME]" */
    const char *summary;  /* one line */
    /* argv[0] is the verb. Results go to `out`, which main writes to standard output, and progress
     * to standard error. Prints no error: main prints *err. */
    int (*run)(const char *const *argv, struct buf *out, struct error *err);
    /* Adds the options' lines of help. NULL: the verb has no options. */
    void (*help)(struct buf *out);
};

extern const struct command *const commands[]; /* NULL at the end */
const struct command *command_find(const char *name);
/* Adds the help of a verb: usage, summary, options. */
void command_help(const struct command *command, struct buf *out);

#endif
