#ifndef LBUILD_PROJECT_KEYS_H
#define LBUILD_PROJECT_KEYS_H

#include "project/value.h"
#include "support/buf.h"

#include <stdbool.h>

/* The table of list.h, and look-ups by section and name. */

enum key_id {
#define KEY(id, section, key, type, fallback, help) KEY_##id,
#include "project/list.h"
    KEY_COUNT
};

/* The keys of a [stage:NAME]. */
enum stage_key {
#define STAGE_KEY(id, key, type, help) STAGE_##id,
#include "project/list.h"
    STAGE_KEY_COUNT
};

struct key {
    const char *section, *name;
    enum value_type type;
    const char *fallback, *help;
};
extern const struct key project_keys[KEY_COUNT];
extern const struct key project_stage_keys[STAGE_KEY_COUNT]; /* their section is "stage:NAME" */

/* Sections in which every name is allowed. */
enum free_section {
    SECTION_ENV,
    SECTION_LABELS,
    SECTION_FILES,
    SECTION_SECRETS,
    SECTION_INPUTS,
    FREE_SECTION_COUNT
};

/* The number of a key: an enum key_id, or an enum stage_key in the section of a stage. -1: there is
 * no such key. */
int keys_find(const char *section, const char *name);
/* The enum free_section of a section, or -1. */
int keys_find_free(const char *section);
/* The NAME of a section "stage:NAME"; NULL for another section. */
const char *keys_stage(const char *section);
/* The type of a setting's value; TYPE_TEXT for an unknown one. */
enum value_type keys_type(const char *section, const char *name);
bool keys_known_section(const char *section);

/* The end of a message about an unknown name, e.g. "; did you mean 'x'?". Caller frees. */
char *keys_suggest(const char *section, const char *name);
char *keys_suggest_section(const char *section);

/* "section.key" of a table row. */
const char *project_key_name(enum key_id key);
/* Adds the reference of all sections and keys, made from the table. */
void project_reference(struct buf *out);

#endif
