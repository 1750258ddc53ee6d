#ifndef LBUILD_SUPPORT_OPTIONS_H
#define LBUILD_SUPPORT_OPTIONS_H

#include "support/buf.h"
#include "support/error.h"
#include "support/strv.h"

#include <stdbool.h>
#include <stddef.h>

/* Command-line options from tables, which also make the help text.
 *
 * "--name value" and "--name=value", "-n value" and "-nvalue"; "--" ends the options; options and
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
    const char *argument; /* what the help calls the value: "FILE"; NULL for a flag */
    const char *help;     /* one sentence or several, each with a capital and a full stop */
};

/* The rows of one options struct. A command lists several tables: its own options, then those that
 * it shares with other commands. The list ends with a table without rows. Of two rows with one name
 * the first counts, so that a command can give a shared option its own meaning. */
struct option_table {
    const struct option_row *rows; /* up to a row without a name */
    size_t at;                     /* offset of their struct in the one that is filled */
};

/* Reads argv[1..] into *into (zeroed by the caller) and adds operands to `operands`; texts in *into
 * point into argv. Errors are ERROR_USAGE. */
int options_parse(const struct option_table *tables, const char *const *argv, void *into,
                  struct strv *operands, struct error *err) must_check;
/* Adds the options of a command line that options_parse took, without those named in `but` (NULL at
 * the end), each as one word: "--NAME" or "--NAME=VALUE". Operands are left out. */
void options_forward(const struct option_table *tables, const char *const *argv,
                     const char *const *but, struct strv *out);
/* Adds the lines of help for the tables. */
void options_help(const struct option_table *tables, struct buf *out);

#endif
