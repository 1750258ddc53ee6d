#ifndef LBUILD_SUPPORT_OPTIONS_H
#define LBUILD_SUPPORT_OPTIONS_H

#include "support/buf.h"
#include "support/error.h"
#include "support/strv.h"

#include <stdbool.h>
#include <stddef.h>

/* Command-line options from one table, which also makes the help text.
 *
 * "--name value" and "--name=value", "-n value" and "-nvalue"; "--" ends options; options and
 * operands may mix. The error for an unknown option names the nearest known one. */
enum option_type {
    OPTION_FLAG,  /* bool: set to true */
    OPTION_TEXT,  /* const char *: the last one wins */
    OPTION_LIST,  /* struct strv: each one is added */
    OPTION_COUNT, /* int: a whole number from 1 to 1024 */
};

struct option_row {
    char letter; /* 0: none */
    const char *name;
    enum option_type type;
    size_t offset;        /* of the field in the options struct */
    const char *argument; /* name of the value in the help, e.g. "FILE"; NULL for a flag */
    const char *help;
};

/* Reads argv[1..] by the table into *into, which the caller has zeroed. Operands are added to
 * `operands`; borrowed texts point into argv. Errors are ERROR_USAGE. */
int options_parse(const struct option_row *rows, size_t count, const char *const *argv, void *into,
                  struct strv *operands, struct error *err) must_check;
/* Adds the options of a command line that options_parse accepted, each as one word "--NAME" or
 * "--NAME=VALUE", without those named in `but` (NULL-terminated) and without operands. */
void options_forward(const struct option_row *rows, size_t count, const char *const *argv,
                     const char *const *but, struct strv *out);
/* Adds the help lines of the table. */
void options_help(const struct option_row *rows, size_t count, struct buf *out);

#endif
