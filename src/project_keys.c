#include "project_keys.h"

#include "support/own.h"
#include "support/strv.h"

#include <string.h>

const struct key project_keys[KEY_COUNT] = {
#define KEY(id, section, key, type, fallback, help) {section, key, type, fallback, help},
#include "keys.h"
#undef KEY
};

static const char *const free_sections[FREE_SECTION_COUNT] = {"env", "labels", "files"};
static const char *const free_help[FREE_SECTION_COUNT] = {
    "NAME = value: environment variables of the image.",
    "NAME = value: labels of the image, beside those that lbuild makes.",
    "SOURCE = /DEST: files and folders of the project that go into the image.",
};

const char *project_key_name(enum key_id key)
{
    static const char *const names[KEY_COUNT] = {
#define KEY(id, section, key, type, fallback, help) section "." key,
#include "keys.h"
#undef KEY
    };
    return names[key];
}

int keys_find(const char *section, const char *name)
{
    for (int i = 0; i < KEY_COUNT; i++)
        if (strcmp(project_keys[i].section, section) == 0 && strcmp(project_keys[i].name, name) == 0)
            return i;
    return -1;
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
    return keys_find_free(section) >= 0;
}

char *keys_suggest(const char *section, const char *name)
{
    const char *names[KEY_COUNT];
    size_t count = 0;
    for (int i = 0; i < KEY_COUNT; i++)
        if (strcmp(project_keys[i].section, section) == 0)
            names[count++] = project_keys[i].name;
    const char *near = strv_nearest(name, names, count);
    if (near)
        return xasprintf("; did you mean '%s'?", near);
    for (int i = 0; i < KEY_COUNT; i++)
        if (strcmp(project_keys[i].name, name) == 0)
            return xasprintf("; it belongs into [%s]", project_keys[i].section);
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
    return near ? xasprintf("; did you mean [%s]?", near) : xstrdup("; see 'lbuild help project-file'");
}

void project_reference(struct buf *out)
{
    const char *section = "";
    for (int i = 0; i < KEY_COUNT; i++) {
        if (strcmp(section, project_keys[i].section) != 0)
            buf_addf(out, "%s[%s]\n", section[0] ? "\n" : "", project_keys[i].section);
        section = project_keys[i].section;
        buf_addf(out, "  %-14s%s%s%s%s\n", project_keys[i].name, project_keys[i].help, project_keys[i].fallback ? " Default: " : "",
                 project_keys[i].fallback ? project_keys[i].fallback : "", project_keys[i].fallback ? "." : "");
    }
    for (int i = 0; i < FREE_SECTION_COUNT; i++)
        buf_addf(out, "\n[%s]\n  %s\n", free_sections[i], free_help[i]);
    buf_adds(out, "\n[profile:NAME]\n  section.key = value: overrides for --profile NAME.\n");
}
