#ifndef LBUILD_PROJECT_VALUE_H
#define LBUILD_PROJECT_VALUE_H

#include <stdbool.h>

/* Checks the values of settings by the types that list.h gives them. Pure. */

enum value_type {
    TYPE_TEXT,     /* anything; "..." allows blanks at the ends, \n and \t */
    TYPE_NAME,     /* lower case, as image repositories allow it */
    TYPE_LANGUAGE, /* a template's name */
    TYPE_STANDARD, /* of C or C++, as in -std */
    TYPE_HANDLER,  /* no blanks, at most 128 bytes (Lambda API reference, FunctionConfiguration) */
    TYPE_BASE,     /* one word */
    TYPE_ARCH,
    TYPE_LIBC,
    TYPE_OUTPUT,
    TYPE_LEVEL, /* of compression */
    TYPE_BOOL,
    TYPE_PATH,     /* one path, relative to the project file */
    TYPE_ABSOLUTE, /* a path in the image */
    TYPE_WORDS,
    TYPE_PATHS,
    TYPE_PATTERNS,
    TYPE_MANAGER, /* a package manager */
    TYPE_LINES,   /* one entry per line */
    TYPE_SHELL,   /* commands, one per line, unchanged */
};

/* Whether a value of this type keeps its quotes: lists of words (ini_words), lines
 * and shell text do. */
bool value_keeps_quotes(enum value_type type);

/* What is wrong with a value, and the remedy, as the end of a message; NULL when nothing is wrong.
 * Caller frees. */
char *value_check(enum value_type type, const char *value);
/* The same for an entry of [env], [labels] and [files]. */
char *value_check_env(const char *name);
char *value_check_label(const char *name);
char *value_check_file(const char *source, const char *dest);
/* The same for an entry of [secrets], and for the name of a stage. */
char *value_check_secret(const char *name, const char *value);
char *value_check_stage(const char *name);

/* Whether it is a valid name of an image repository or a profile. */
bool value_is_name(const char *name);
/* Whether a TYPE_BOOL value means yes. */
bool value_bool(const char *value);

#endif
