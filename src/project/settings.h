#ifndef LBUILD_PROJECT_SETTINGS_H
#define LBUILD_PROJECT_SETTINGS_H

#include "project/value.h"
#include "support/strv.h"

/* What users set: values with the place where each was written. */

/* Where a value was written. */
struct origin {
    const char *file; /* the project file, "--set", or NULL for a default */
    int line, column; /* 1 and up; 0 without a file */
};

struct setting {
    char *name;  /* of a free section: the name that the user chose */
    char *value; /* NULL: not set, and without a default in the table; the lines of a continued one
                    are joined by '\n' */
    struct origin origin;
    struct origin *lines; /* of each line of a continued value; NULL for one that isn't */
    size_t line_count, line_cap;
};

struct settings {
    struct setting *items;
    size_t len, cap;
};

void setting_release(struct setting *setting);
/* Makes it this value alone; NULL takes it back. */
void setting_set(struct setting *setting, const char *value, const struct origin *origin);
/* Makes `to` what `from` is, but for the name. */
void setting_copy(struct setting *to, const struct setting *from);
/* Goes on with the value on a line of its own. */
void setting_continue(struct setting *setting, const char *value, const struct origin *origin);
/* Where line `index`, from 0, of the value was written. */
struct origin setting_line(const struct setting *setting, size_t index);
/* Makes the value what counts from here on: out of its quotes, of the right type. Complains
 * otherwise. */
void setting_settle(struct setting *setting, enum value_type type, struct strv *complaints);

/* The one with this name, or NULL; a new one. Both are good until the next settings_add. */
struct setting *settings_find(const struct settings *settings, const char *name);
struct setting *settings_add(struct settings *settings, const char *name);
void settings_release(struct settings *settings);

/* "FILE:LINE:COLUMN", "--set" or "default"; caller frees. */
char *origin_text(const struct origin *origin);
/* Adds "FILE:LINE:COLUMN: ..." */
void settings_complain(struct strv *complaints, const struct origin *origin, const char *format,
                       ...) __attribute__((format(printf, 3, 4)));

#endif
