#ifndef LBUILD_PROJECT_PROJECT_H
#define LBUILD_PROJECT_PROJECT_H

#include "project/keys.h"
#include "project/settings.h"
#include "project/stages.h"
#include "support/buf.h"
#include "support/error.h"
#include "support/strv.h"

#include <stdbool.h>
#include <stddef.h>

/* The project file: an INI file (by inih) that is checked against one table of keys, list.h.
 * docs/project-file.md describes it for users. */

struct project {
    char *dir;  /* of the project file, absolute */
    char *file; /* path for messages */
    struct setting values[KEY_COUNT];
    struct settings free[FREE_SECTION_COUNT];
    struct stages stages;
    char *profile; /* the chosen one, or NULL */
};

struct project_options {
    const char *dir;        /* NULL: the current one */
    const char *file;       /* NULL: lbuild.ini in dir */
    const char *profile;    /* NULL: none */
    const struct strv *set; /* "section.key=value", or NULL */
};

/* Reads and checks the whole file. All complaints come at once: *err has the first, and
 * `complaints` (may be NULL) has each as a line "FILE:LINE:COLUMN: ...". Errors: ERROR_PROJECT;
 * ERROR_USAGE for a wrong --set or --profile. */
int project_load(const struct project_options *options, struct project *project,
                 struct strv *complaints, struct error *err) must_check;
void project_release(struct project *project);

/* The value of a key, or NULL when it is not set and the table has no default for it. */
const char *project_get(const struct project *project, enum key_id key);
bool project_is_set(const struct project *project, enum key_id key);
/* Adds the words of a value. They are separated by blanks or newlines, with '...', "..." and
 * backslash as in a shell; nothing is expanded. */
int project_words(const struct project *project, enum key_id key, struct strv *out,
                  struct error *err) must_check;
bool project_bool(const struct project *project, enum key_id key);

#endif
