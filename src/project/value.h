#ifndef LBUILD_PROJECT_VALUE_H
#define LBUILD_PROJECT_VALUE_H

#include <stdbool.h>

/* What a setting's value may look like, by the type that list.h gives it. Pure. */
enum value_type {
    TYPE_TEXT,     /* anything; "..." allows blanks at the ends, \n and \t */
    TYPE_NAME,     /* lower-case name as image repositories allow it */
    TYPE_LANGUAGE, /* a template's name */
    TYPE_STANDARD, /* of C or C++, as -std takes it */
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
    TYPE_LINES,   /* one entry a line */
    TYPE_SHELL,   /* commands, one a line, taken as they stand */
};

/* Whether a value of this type keeps its quotes: a list of words (ini_words), lines or shell text.
 */
bool value_keeps_quotes(enum value_type type);
/* What is wrong with a value, remedy included; NULL when nothing is. Caller frees. */
char *value_check(enum value_type type, const char *value);
/* The same for an entry of [env], [labels] and [files]. */
char *value_check_env(const char *name);
char *value_check_label(const char *name);
char *value_check_file(const char *source, const char *dest);
/* The same for an entry of [secrets], and for the name of a stage. */
char *value_check_secret(const char *name, const char *value);
char *value_check_stage(const char *name);
/* Whether an image repository or a profile may be called so. */
bool value_is_name(const char *name);
/* The truth of a TYPE_BOOL value. */
bool value_bool(const char *value);

#endif
