#ifndef LBUILD_PROJECT_H
#define LBUILD_PROJECT_H

#include "support/buf.h"
#include "support/error.h"
#include "support/strv.h"

#include <stdbool.h>
#include <stddef.h>

/* The project file: an INI file (by inih) checked against one key table, keys.h. docs/project-file.md describes it for
 * users. */

enum key_id {
#define KEY(id, section, key, type, fallback, help) KEY_##id,
#include "keys.h"
#undef KEY
    KEY_COUNT
};

/* Where a value was written. */
struct origin {
    const char *file; /* the project file, "--set", or NULL for a default */
    int line, column; /* 1 and up; 0 without a file */
};

struct setting {
    char *name;  /* of a free section: the name that the user chose */
    char *value; /* NULL: not set, and without a default in the table */
    struct origin origin;
};

/* Sections in which every name is allowed. */
enum free_section { SECTION_ENV, SECTION_LABELS, SECTION_FILES, FREE_SECTION_COUNT };

struct settings {
    struct setting *items;
    size_t len, cap;
};

struct project {
    char *dir;  /* of the project file, absolute */
    char *file; /* path as it is shown in messages */
    struct setting values[KEY_COUNT];
    struct settings free[FREE_SECTION_COUNT];
    char *profile; /* the chosen one, or NULL */
};

struct project_options {
    const char *dir;       /* NULL: the current one */
    const char *file;      /* NULL: lbuild.ini in dir */
    const char *profile;   /* NULL: none */
    const struct strv *set; /* "section.key=value", or NULL */
};

/* Reads and checks everything. All complaints of the file come at once: *err then holds the first, and `complaints` (may be
 * NULL) each as its own line "FILE:LINE:COLUMN: ...". Errors: ERROR_PROJECT; --set and --profile: ERROR_USAGE. */
int project_load(const struct project_options *options, struct project *project, struct strv *complaints,
                 struct error *err) must_check;
void project_release(struct project *project);

/* The value of a key, NULL when it is neither set nor has a default in the table. */
const char *project_get(const struct project *project, enum key_id key);
bool project_is_set(const struct project *project, enum key_id key);
/* The words of a value: separated by blanks or newlines, with '...', "..." and backslash as in a shell, nothing expanded. */
int project_words(const struct project *project, enum key_id key, struct strv *out, struct error *err) must_check;
bool project_bool(const struct project *project, enum key_id key);
/* "FILE:LINE:COLUMN", "--set" or "default"; caller frees. */
char *origin_text(const struct origin *origin);
/* "section.key" of a table row. */
const char *project_key_name(enum key_id key);
/* The reference of all sections and keys, made from the table. */
void project_reference(struct buf *out);

#endif
