#ifndef LBUILD_VALUE_H
#define LBUILD_VALUE_H

#include <stdbool.h>

/* What a setting's value may look like, by the type that keys.h gives it. Pure. */
enum value_type {
    TYPE_TEXT,     /* anything; "..." allows blanks at the ends, \n and \t */
    TYPE_NAME,     /* lower-case name as image repositories allow it */
    TYPE_LANGUAGE, /* a template's name */
    TYPE_HANDLER,  /* no blanks, at most 128 bytes (Lambda API reference, FunctionConfiguration) */
    TYPE_BASE,     /* one word */
    TYPE_ARCH,
    TYPE_LIBC,
    TYPE_OUTPUT,
    TYPE_BOOL,
    TYPE_PATH,     /* one path, relative to the project file */
    TYPE_ABSOLUTE, /* a path in the image */
    TYPE_WORDS,
    TYPE_PATHS,
    TYPE_PATTERNS,
};

/* Whether a value of this type is a list of words (ini_words). */
bool value_is_list(enum value_type type);
/* What is wrong with a value, remedy included; NULL when nothing is. Caller frees. */
char *value_check(enum value_type type, const char *value);
/* The same for an entry of [env], [labels] and [files]. */
char *value_check_env(const char *name);
char *value_check_label(const char *name);
char *value_check_file(const char *source, const char *dest);
/* Whether an image repository or a profile may be called so. */
bool value_is_name(const char *name);
/* The truth of a TYPE_BOOL value. */
bool value_bool(const char *value);

#endif
