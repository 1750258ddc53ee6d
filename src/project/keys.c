#include "project/keys.h"

#include "support/own.h"
#include "support/strv.h"

#include <string.h>

const struct key project_keys[KEY_COUNT] = {
#define KEY(id, section, key, type, fallback, help) {section, key, type, fallback, help},
#include "project/list.h"
};

const struct key project_stage_keys[STAGE_KEY_COUNT] = {
#define STAGE_KEY(id, key, type, help) {"stage:NAME", key, type, NULL, help},
#include "project/list.h"
};

static const char *const free_sections[FREE_SECTION_COUNT] = {"env", "labels", "files", "secrets",
                                                              "inputs"};
static const char *const free_help[FREE_SECTION_COUNT] = {
    "NAME = value: environment variables of the image.",
    "NAME = value: labels of the image, besides those that lbuild sets.",
    "SOURCE = /DEST: files and folders of the project to copy into the image; "
    "stage:NAME:/SOURCE = /DEST copies from a stage.",
    "NAME = env:VARIABLE or file:PATH: where to find a secret that a stage requests; "
    "never its value.",
    "NAME = value: inputs of the language's template; "
    "'lbuild help template LANGUAGE' lists them.",
};

const char *project_key_name(enum key_id key)
{
    static const char *const names[KEY_COUNT] = {
#define KEY(id, section, key, type, fallback, help) section "." key,
#include "project/list.h"
    };
    return names[key];
}

const char *keys_stage(const char *section)
{
    return strncmp(section, "stage:", 6) == 0 ? section + 6 : NULL;
}

/* The table for a section's keys; returns its length. */
static size_t rows_of(const char *section, const struct key **rows)
{
    *rows = keys_stage(section) ? project_stage_keys : project_keys;
    return keys_stage(section) ? STAGE_KEY_COUNT : KEY_COUNT;
}

/* Whether a row of rows_of belongs to the section: a stage has all of its rows. */
static bool is_in(const struct key *row, const char *section)
{
    return keys_stage(section) || strcmp(row->section, section) == 0;
}

int keys_find(const char *section, const char *name)
{
    const struct key *rows;
    size_t count = rows_of(section, &rows);

    for (size_t i = 0; i < count; i++)
        if (is_in(&rows[i], section) && strcmp(rows[i].name, name) == 0)
            return (int)i;
    return -1;
}

enum value_type keys_type(const char *section, const char *name)
{
    const struct key *rows;
    int key = keys_find(section, name);
    (void)rows_of(section, &rows);
    return key < 0 ? TYPE_TEXT : rows[key].type;
}

int keys_find_free(const char *section)
{
    for (int i = 0; i < FREE_SECTION_COUNT; i++)
        if (strcmp(free_sections[i], section) == 0)
            return i;
    return -1;
}

bool keys_known_section(const char *section)
{
    for (int i = 0; i < KEY_COUNT; i++)
        if (strcmp(project_keys[i].section, section) == 0)
            return true;
    return keys_stage(section) || keys_find_free(section) >= 0;
}

char *keys_suggest(const char *section, const char *name)
{
    const char *names[KEY_COUNT + STAGE_KEY_COUNT];
    const struct key *rows;
    size_t count = 0, row_count = rows_of(section, &rows);

    for (size_t i = 0; i < row_count; i++)
        if (is_in(&rows[i], section))
            names[count++] = rows[i].name;

    const char *near = strv_nearest(name, names, count);
    if (near)
        return xasprintf("; did you mean '%s'?", near);

    for (int i = 0; i < KEY_COUNT; i++)
        if (strcmp(project_keys[i].name, name) == 0)
            return xasprintf("; it belongs in [%s]", project_keys[i].section);
    return xstrdup("; see 'lbuild help project-file'");
}

char *keys_suggest_section(const char *section)
{
    const char *names[KEY_COUNT + FREE_SECTION_COUNT];
    size_t count = 0;

    for (int i = 0; i < KEY_COUNT; i++)
        names[count++] = project_keys[i].section;
    for (int i = 0; i < FREE_SECTION_COUNT; i++)
        names[count++] = free_sections[i];

    const char *near = strv_nearest(section, names, count);
    if (near)
        return xasprintf("; did you mean [%s]?", near);
    return xstrdup("; see 'lbuild help project-file'");
}

static void add_row(const struct key *row, struct buf *out)
{
    buf_addf(out, "  %-16s%s", row->name, row->help);
    if (row->fallback)
        buf_addf(out, " Default: %s.", row->fallback);
    buf_addc(out, '\n');
}

void project_reference(struct buf *out)
{
    const char *section = "";

    for (int i = 0; i < KEY_COUNT; i++) {
        if (strcmp(section, project_keys[i].section) != 0)
            buf_addf(out, "%s[%s]\n", section[0] ? "\n" : "", project_keys[i].section);
        section = project_keys[i].section;
        add_row(&project_keys[i], out);
    }

    buf_adds(out, "\n[stage:NAME]\n");
    for (int i = 0; i < STAGE_KEY_COUNT; i++)
        add_row(&project_stage_keys[i], out);

    for (int i = 0; i < FREE_SECTION_COUNT; i++)
        buf_addf(out, "\n[%s]\n  %s\n", free_sections[i], free_help[i]);
    buf_adds(out, "\n[profile:NAME]\n  section.key = value: overrides for --profile NAME.\n");
}
