#ifndef LBUILD_PROJECT_SETTINGS_H
#define LBUILD_PROJECT_SETTINGS_H

#include "project/value.h"
#include "support/strv.h"

/* Values that users set, with the places where they were written. */

/* Where a value was written. */
struct origin {
    const char *file; /* the project file, "--set", or NULL for a default */
    int line, column; /* 1 and up; 0 without a file */
};

struct setting {
    char *name;  /* in a free section: the name that the user chose */
    char *value; /* NULL: not set, and without a default in the table; lines of a continued value
                    are joined by '\n' */
    struct origin origin;
    struct origin *lines; /* of each line of a continued value; NULL for a value of one line */
    size_t line_count, line_cap;
    size_t length, room; /* of the value while lines are added to it; room 0: not known */
};

/* More settings in one section are a mistake: each is compared with all others. */
#define SETTINGS_MAX 10000

struct settings {
    struct setting *items;
    size_t len, cap;
};

void setting_release(struct setting *setting);
/* Replaces the value; NULL unsets it. */
void setting_set(struct setting *setting, const char *value, const struct origin *origin);
/* Copies all but the name. */
void setting_copy(struct setting *to, const struct setting *from);
/* Appends a line to the value. */
void setting_continue(struct setting *setting, const char *value, const struct origin *origin);
/* Bytes of the value, without counting those of a continued one. */
size_t setting_length(const struct setting *setting);
/* Where line `index` (from 0) of the value was written. */
struct origin setting_line(const struct setting *setting, size_t index);
/* Unquotes the value and checks it by its type; complaints about it go to the list. */
void setting_settle(struct setting *setting, enum value_type type, struct strv *complaints);

/* The setting of this name, or NULL. Valid until the next settings_add. */
struct setting *settings_find(const struct settings *settings, const char *name);
/* Adds a setting, which is valid until the next settings_add. */
struct setting *settings_add(struct settings *settings, const char *name);
void settings_release(struct settings *settings);

/* "FILE:LINE:COLUMN", "--set" or "default"; caller frees. */
char *origin_text(const struct origin *origin);
/* Adds "FILE:LINE:COLUMN: ..." */
void settings_complain(struct strv *complaints, const struct origin *origin, const char *format,
                       ...) __attribute__((format(printf, 3, 4)));

#endif
