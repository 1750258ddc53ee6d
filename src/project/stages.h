#ifndef LBUILD_PROJECT_STAGES_H
#define LBUILD_PROJECT_STAGES_H

#include "project/keys.h"
#include "project/settings.h"

#include <stdbool.h>

/* [stage:NAME] of the project file: a build stage of the user's own. */

#define STAGES_MAX 100
/* The stage of the template in which the program is made; no section may be called so. */
#define STAGE_BUILD "build"

struct stage_copy {
    char *stage;  /* where it is copied from; NULL: the project */
    char *source; /* cleaned: relative to the project ("" is all of it), or absolute in the stage */
    char *dest;   /* what it becomes: absolute, or relative to the working directory */
    struct origin origin;
};

struct stage_copies {
    struct stage_copy *items;
    size_t len, cap;
};

struct stage {
    char *name;
    struct origin origin; /* of the section */
    struct setting values[STAGE_KEY_COUNT];
    /* What stages_settle reads from them. */
    struct strv packages, secrets, ssh;
    struct settings env; /* "" for values; quotes are gone */
    struct settings run; /* commands, as they stand; lines of one are joined by '\n'. No names */
    struct stage_copies copies;
};

struct stages {
    struct stage *items;
    size_t len, cap;
};

void stages_release(struct stages *stages);
void stage_copies_release(struct stage_copies *copies);
/* The one with this name, or NULL; good until the next stages_add. */
struct stage *stages_find(const struct stages *stages, const char *name);
/* A new one; complaints of its name go to the list. NULL when there are too many. */
struct stage *stages_add(struct stages *stages, const char *name, const struct origin *origin,
                         struct strv *complaints);

/* Reads each value by its type. */
void stages_settle(struct stages *stages, struct strv *complaints);
/* Looks at all of them together: each has what it needs, names only stages that there are, and
 * needs itself in no way. `files` is the section [files]. */
void stages_check(const struct stages *stages, const struct settings *files,
                  struct strv *complaints);

/* "stage:NAME:/PATH": then *name and *path (caller frees) are set. False: something else. */
bool stage_path(const char *text, char **name, char **path);
/* Adds one "SOURCE DEST". A DEST that ends in '/' is the folder that it goes into. Returns what is
 * wrong with it (caller frees), or NULL. */
char *stage_copies_add(struct stage_copies *copies, const char *source, const char *dest,
                       const struct origin *origin);

#endif
