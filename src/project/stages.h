#ifndef LBUILD_PROJECT_STAGES_H
#define LBUILD_PROJECT_STAGES_H

#include "project/keys.h"
#include "project/settings.h"

#include <stdbool.h>

/* [stage:NAME] of the project file: a build stage that the user defines. */

#define STAGES_MAX 100
/* The template's stage, which builds the program. No section may have this name. */
#define STAGE_BUILD "build"

struct stage_copy {
    char *stage; /* to copy from; NULL: the project */
    char *
        source; /* clean path, relative to the project ("" is all of it) or absolute in the stage */
    char *dest; /* absolute, or relative to the working directory */
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

    /* stages_settle reads these from the values. */
    struct strv packages, secrets, ssh;
    struct settings env; /* without quotes; a value may be "" */
    struct settings run; /* unchanged commands, without names; lines are joined by '\n' */
    struct stage_copies copies;
};

struct stages {
    struct stage *items;
    size_t len, cap;
};

void stages_release(struct stages *stages);
void stage_copies_release(struct stage_copies *copies);
/* The stage of this name, or NULL. Valid until the next stages_add. */
struct stage *stages_find(const struct stages *stages, const char *name);
/* Adds a stage; complaints about its name go to the list. NULL when there are too many. */
struct stage *stages_add(struct stages *stages, const char *name, const struct origin *origin,
                         struct strv *complaints);

/* Reads each value by its type. */
void stages_settle(struct stages *stages, struct strv *complaints);
/* Checks that each stage has a base, that every stage named there or in [files] (`files`) exists,
 * and that no stage needs itself, directly or through others. */
void stages_check(const struct stages *stages, const struct settings *files,
                  struct strv *complaints);

/* Takes "stage:NAME:/PATH" apart; caller frees both. Returns false for other text. */
bool stage_path(const char *text, char **name, char **path);
/* Adds one "SOURCE DEST". A DEST that ends in '/' is the folder to copy into. Returns what is wrong
 * with it (caller frees), or NULL. */
char *stage_copies_add(struct stage_copies *copies, const char *source, const char *dest,
                       const struct origin *origin);

#endif
