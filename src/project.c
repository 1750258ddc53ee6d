#include "project.h"

#include "arch.h"
#include "inifile.h"
#include "support/fs.h"
#include "support/own.h"
#include "value.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct key {
    const char *section, *name;
    enum value_type type;
    const char *fallback, *help;
} keys[KEY_COUNT] = {
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

/* What the project file is being read into. */
struct load {
    struct project *project;
    const char *file;
    struct strv *complaints;
    struct strv sections; /* seen so far, as "NAME" at the line in `section_lines` */
    int section_lines[256];
    struct settings overrides; /* of the chosen profile: name = "section.key" */
    struct setting *last;      /* what a continuation line goes on with */
    bool last_is_list;
};

__attribute__((format(printf, 3, 4))) static void
complain(struct strv *complaints, const struct origin *origin, const char *format, ...)
{
    autofree char *place = origin_text(origin);
    autofree char *text = NULL;
    va_list ap;
    va_start(ap, format);
    if (vasprintf(&text, format, ap) < 0)
        text = NULL;
    va_end(ap);
    strv_addf(complaints, "%s: %s", place, text ? text : "");
}

char *origin_text(const struct origin *origin)
{
    if (!origin->file)
        return xstrdup("default");
    if (origin->line == 0)
        return xstrdup(origin->file);
    return xasprintf("%s:%d:%d", origin->file, origin->line, origin->column);
}

const char *project_key_name(enum key_id key)
{
    static const char *const names[KEY_COUNT] = {
#define KEY(id, section, key, type, fallback, help) section "." key,
#include "keys.h"
#undef KEY
    };
    return names[key];
}

static int find_key(const char *section, const char *name)
{
    for (int i = 0; i < KEY_COUNT; i++)
        if (strcmp(keys[i].section, section) == 0 && strcmp(keys[i].name, name) == 0)
            return i;
    return -1;
}

static int find_free(const char *section)
{
    for (int i = 0; i < FREE_SECTION_COUNT; i++)
        if (strcmp(free_sections[i], section) == 0)
            return i;
    return -1;
}

static bool known_section(const char *section)
{
    for (int i = 0; i < KEY_COUNT; i++)
        if (strcmp(keys[i].section, section) == 0)
            return true;
    return find_free(section) >= 0;
}

/* "; did you mean 'x'?" and its relatives, or "". Caller frees. */
static char *suggest_key(const char *section, const char *name)
{
    const char *names[KEY_COUNT];
    size_t count = 0;
    for (int i = 0; i < KEY_COUNT; i++)
        if (strcmp(keys[i].section, section) == 0)
            names[count++] = keys[i].name;
    const char *near = strv_nearest(name, names, count);
    if (near)
        return xasprintf("; did you mean '%s'?", near);
    for (int i = 0; i < KEY_COUNT; i++)
        if (strcmp(keys[i].name, name) == 0)
            return xasprintf("; it belongs into [%s]", keys[i].section);
    return xstrdup("; see 'lbuild help project-file'");
}

static char *suggest_section(const char *section)
{
    const char *names[KEY_COUNT + FREE_SECTION_COUNT];
    size_t count = 0;
    for (int i = 0; i < KEY_COUNT; i++)
        names[count++] = keys[i].section;
    for (int i = 0; i < FREE_SECTION_COUNT; i++)
        names[count++] = free_sections[i];
    const char *near = strv_nearest(section, names, count);
    return near ? xasprintf("; did you mean [%s]?", near) : xstrdup("; see 'lbuild help project-file'");
}

static void set_value(struct setting *setting, const char *value, const struct origin *origin)
{
    free(setting->value);
    setting->value = value ? xstrdup(value) : NULL;
    setting->origin = *origin;
}

static struct setting *find_setting(struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->len; i++)
        if (strcmp(settings->items[i].name, name) == 0)
            return &settings->items[i];
    return NULL;
}

static struct setting *add_setting(struct settings *settings, const char *name)
{
    grow(settings->items, settings->len, settings->cap);
    struct setting *setting = &settings->items[settings->len++];
    *setting = (struct setting){.name = xstrdup(name)};
    return setting;
}

static void settings_release(struct settings *settings)
{
    for (size_t i = 0; i < settings->len; i++) {
        free(settings->items[i].name);
        free(settings->items[i].value);
    }
    free(settings->items);
    *settings = (struct settings){0};
}

/* The setting that "section" and "name" mean, made when it is a free section's; NULL and a complaint for an
 * unknown one. */
static struct setting *target(struct project *project, const char *section, const char *name,
                              const struct origin *origin, struct strv *complaints)
{
    int free_section = find_free(section), key = find_key(section, name);
    if (key >= 0)
        return &project->values[key];
    if (free_section >= 0) {
        struct setting *setting = find_setting(&project->free[free_section], name);
        return setting ? setting : add_setting(&project->free[free_section], name);
    }
    autofree char *hint = known_section(section) ? suggest_key(section, name) : suggest_section(section);
    if (known_section(section))
        complain(complaints, origin, "unknown key '%.80s' in [%s]%s", name, section, hint);
    else
        complain(complaints, origin, "unknown section [%s]%s", section, hint);
    return NULL;
}

static bool ends_with_profile(const char *section, const char **profile)
{
    if (strncmp(section, "profile:", 8) != 0)
        return false;
    *profile = section + 8;
    return true;
}

static void on_section(void *data, const char *name, int line, int column)
{
    struct load *load = data;
    const char *profile = NULL;
    struct origin origin = {load->file, line, column};
    load->last = NULL;
    for (size_t i = 0; i < load->sections.len; i++) {
        if (strcmp(load->sections.items[i], name) == 0) {
            complain(load->complaints, &origin, "section [%s] was opened at line %d already; join the two",
                     name, load->section_lines[i]);
            return;
        }
    }
    if (load->sections.len < countof(load->section_lines)) {
        load->section_lines[load->sections.len] = line;
        strv_add(&load->sections, name);
    }
    if (ends_with_profile(name, &profile) && !value_is_name(profile))
        complain(load->complaints, &origin, "'%s' is not a profile's name; use lower-case letters and digits",
                 profile);
    else if (!profile && !known_section(name)) {
        autofree char *hint = suggest_section(name);
        complain(load->complaints, &origin, "unknown section [%s]%s", name, hint);
    }
}

/* An indented line that looks like a key of its own is a slip that would vanish in the value above. */
static void on_continuation(struct load *load, const struct ini_entry *entry)
{
    struct origin origin = {load->file, entry->line, entry->column};
    autofree char *word = xstrndup(entry->value, strcspn(entry->value, "=: \t"));
    const char *behind = entry->value + strlen(word);
    behind += strspn(behind, " \t");
    if (!load->last)
        return;
    if ((*behind == '=' || *behind == ':') && find_key(entry->section, word) >= 0) {
        complain(load->complaints, &origin,
                 "'%s' is indented, so it continues '%s'; remove the blanks before it", word,
                 load->last->name ? load->last->name : "the value above");
        return;
    }
    char *joined = xasprintf("%s%s%s", load->last->value ? load->last->value : "",
                             load->last->value && load->last->value[0] ? "\n" : "", entry->value);
    free(load->last->value);
    load->last->value = joined;
}

/* Entries of a profile are kept apart until it is known that the profile is the chosen one; all are checked.
 */
static void on_profile_entry(struct load *load, const char *profile, const struct ini_entry *entry,
                             const struct origin *origin)
{
    const char *dot = strchr(entry->name, '.');
    if (!dot || dot == entry->name || !dot[1]) {
        complain(load->complaints, origin, "'%.80s' is not of the form section.key", entry->name);
        return;
    }
    autofree char *full = xasprintf("%s/%s", profile, entry->name);
    if (find_setting(&load->overrides, full)) {
        complain(load->complaints, origin, "'%s' is set twice in this profile; keep one", entry->name);
        return;
    }
    load->last = add_setting(&load->overrides, full);
    set_value(load->last, entry->value, origin);
}

static void on_entry(void *data, const struct ini_entry *entry)
{
    struct load *load = data;
    const char *profile = NULL;
    struct origin origin = {load->file, entry->line, entry->column};
    if (entry->continuation) {
        on_continuation(load, entry);
        return;
    }
    load->last = NULL;
    if (entry->section[0] == '\0') {
        complain(load->complaints, &origin,
                 "'%.80s' stands before the first section; put it below one like [project]", entry->name);
        return;
    }
    if (ends_with_profile(entry->section, &profile)) {
        on_profile_entry(load, profile, entry, &origin);
        return;
    }
    if (!known_section(entry->section))
        return; /* said once, for the section */
    struct setting *setting = target(load->project, entry->section, entry->name, &origin, load->complaints);
    if (!setting)
        return;
    if (setting->origin.file) {
        complain(load->complaints, &origin, "'%.80s' is set at line %d already; keep one", entry->name,
                 setting->origin.line);
        return;
    }
    set_value(setting, entry->value, &(struct origin){load->file, entry->line, entry->value_column});
    load->last = setting;
}

/* The value as it counts from here on: out of its quotes, of the right type. An empty one takes the setting
 * back. */
static void settle(struct setting *setting, enum value_type type, struct strv *complaints)
{
    if (!setting->value)
        return;
    if (!value_is_list(type)) {
        char *text = ini_unquote(setting->value);
        if (!text) {
            complain(complaints, &setting->origin,
                     "the quotes of %.80s don't fit; write \"...\" with \\\" \\\\ \\n \\t inside and nothing "
                     "behind",
                     setting->value);
            return;
        }
        free(setting->value);
        setting->value = text;
    }
    autofree char *wrong = setting->value[0] ? value_check(type, setting->value) : NULL;
    if (wrong)
        complain(complaints, &setting->origin, "%s", wrong);
}

static void settle_all(struct project *project, struct strv *complaints)
{
    for (int i = 0; i < KEY_COUNT; i++) {
        struct setting *setting = &project->values[i];
        settle(setting, keys[i].type, complaints);
        if (setting->value && setting->value[0] == '\0') {
            free(take(setting->value));
            setting->origin = (struct origin){0};
        }
        if (!setting->value && keys[i].fallback)
            setting->value = xstrdup(keys[i].fallback);
    }
    for (int i = 0; i < FREE_SECTION_COUNT; i++) {
        for (size_t j = 0; j < project->free[i].len; j++) {
            struct setting *setting = &project->free[i].items[j];
            settle(setting, TYPE_TEXT, complaints);
            autofree char *wrong = i == SECTION_ENV      ? value_check_env(setting->name)
                                   : i == SECTION_LABELS ? value_check_label(setting->name)
                                                         : value_check_file(setting->name, setting->value);
            if (wrong)
                complain(complaints, &setting->origin, "%s", wrong);
        }
    }
}

/* "section.key" split at its first dot and set. */
static void override(struct project *project, const char *full, const char *value,
                     const struct origin *origin, struct strv *complaints)
{
    const char *dot = strchr(full, '.');
    autofree char *section = xstrndup(full, dot ? (size_t)(dot - full) : strlen(full));
    struct setting *setting = target(project, section, dot ? dot + 1 : "", origin, complaints);
    if (setting)
        set_value(setting, value, origin);
}

/* Lays the chosen profile over the project; the others are only checked for names. */
static int apply_profiles(struct load *load, const char *profile, struct error *err)
{
    AUTO(project) scratch = {0};
    size_t length = profile ? strlen(profile) : 0;
    for (size_t i = 0; i < load->overrides.len; i++) {
        const struct setting *setting = &load->overrides.items[i];
        const char *slash = strchr(setting->name, '/');
        bool chosen = profile && (size_t)(slash - setting->name) == length &&
                      strncmp(setting->name, profile, length) == 0;
        override(chosen ? load->project : &scratch, slash + 1, setting->value, &setting->origin,
                 load->complaints);
    }
    settle_all(&scratch, load->complaints);
    if (!profile)
        return 0;
    AUTO(strv) known = {0};
    for (size_t i = 0; i < load->sections.len; i++)
        if (strncmp(load->sections.items[i], "profile:", 8) == 0)
            strv_add(&known, load->sections.items[i] + 8);
    if (!strv_contains(&known, profile)) {
        const char *near = strv_nearest(profile, strv_argv(&known), known.len);
        return error_set(err, ERROR_USAGE, "%s has no [profile:%s]%s%s%s", load->file, profile,
                         near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    load->project->profile = xstrdup(profile);
    return 0;
}

static int apply_set(struct project *project, const struct strv *set, struct error *err)
{
    AUTO(strv) complaints = {0};
    for (size_t i = 0; set && i < set->len; i++) {
        const char *equals = strchr(set->items[i], '=');
        if (!equals)
            return error_set(err, ERROR_USAGE, "--set takes section.key=value, not '%s'", set->items[i]);
        autofree char *name = xstrndup(set->items[i], (size_t)(equals - set->items[i]));
        override(project, name, equals + 1, &(struct origin){"--set", 0, 0}, &complaints);
    }
    return complaints.len ? error_set(err, ERROR_USAGE, "%s", complaints.items[0]) : 0;
}

/* By line and column, so that complaints of the form and of the meaning of lines come mixed in the file's
 * order. */
static int by_place(const void *a, const void *b)
{
    const char *texts[2] = {*(char *const *)a, *(char *const *)b};
    long places[2][2] = {{0}};
    for (int i = 0; i < 2; i++) {
        for (const char *c = texts[i]; (c = strchr(c, ':')); c++) {
            char *end = NULL;
            places[i][0] = strtol(c + 1, &end, 10);
            if (end > c + 1 && *end == ':') {
                places[i][1] = strtol(end + 1, NULL, 10);
                break;
            }
        }
    }
    if (places[0][0] != places[1][0])
        return places[0][0] < places[1][0] ? -1 : 1;
    return places[0][1] < places[1][1] ? -1 : places[0][1] > places[1][1];
}

static int verdict(struct load *load, const struct strv *complaints, struct error *err)
{
    if (complaints->len == 0)
        return 0;
    if (strncmp(complaints->items[0], "--set: ", 7) == 0)
        return error_set(err, ERROR_USAGE, "%s", complaints->items[0]);
    if (complaints->len == 1)
        return error_set(err, ERROR_PROJECT, "%s", complaints->items[0]);
    return error_set(err, ERROR_PROJECT, "%s has %zu mistakes, the first: %s", load->file, complaints->len,
                     complaints->items[0]);
}

static int locate(const struct project_options *options, struct project *project, struct error *err)
{
    autofree char *path =
        path_join(options->dir ? options->dir : "", options->file ? options->file : "lbuild.ini");
    autofree char *dir = path_dir(path);
    project->dir = realpath(dir, NULL);
    project->file = take(path);
    if (!project->dir)
        return error_errno(err, ERROR_PROJECT, "no such folder '%s'", dir);
    return 0;
}

static void load_release(struct load *load)
{
    strv_release(&load->sections);
    settings_release(&load->overrides);
}

int project_load(const struct project_options *options, struct project *project, struct strv *complaints,
                 struct error *err)
{
    AUTO(buf) text = {0};
    AUTO(strv) own = {0};
    *project = (struct project){0};
    if (locate(options, project, err) != 0)
        return -1;
    if (fs_read(project->file, INI_FILE_MAX, &text, err) != 0) {
        err->kind = ERROR_PROJECT;
        return fs_exists(project->file)
                   ? -1
                   : error_set(err, ERROR_PROJECT, "there is no '%s'; 'lbuild init' makes one",
                               project->file);
    }
    AUTO(load)
    load = {.project = project, .file = project->file, .complaints = complaints ? complaints : &own};
    const struct ini_reader reader = {on_section, on_entry, &load};
    ini_read(buf_text(&text), text.len, project->file, &reader, load.complaints);
    if (apply_profiles(&load, options->profile, err) != 0 || apply_set(project, options->set, err) != 0)
        return -1;
    settle_all(project, load.complaints);
    if (load.complaints->len > 1)
        qsort(load.complaints->items, load.complaints->len, sizeof(char *), by_place);
    return verdict(&load, load.complaints, err);
}

void project_release(struct project *project)
{
    for (int i = 0; i < KEY_COUNT; i++)
        free(project->values[i].value);
    for (int i = 0; i < FREE_SECTION_COUNT; i++)
        settings_release(&project->free[i]);
    free(project->dir);
    free(project->file);
    free(project->profile);
    *project = (struct project){0};
}

const char *project_get(const struct project *project, enum key_id key)
{
    return project->values[key].value;
}

bool project_is_set(const struct project *project, enum key_id key)
{
    return project->values[key].origin.file != NULL;
}

int project_words(const struct project *project, enum key_id key, struct strv *out, struct error *err)
{
    const char *value = project->values[key].value;
    if (value && ini_words(value, out) != 0)
        return error_set(err, ERROR_PROJECT, "%s: a quote is not closed", project_key_name(key));
    return 0;
}

bool project_bool(const struct project *project, enum key_id key)
{
    return project->values[key].value && value_bool(project->values[key].value);
}

void project_reference(struct buf *out)
{
    const char *section = "";
    for (int i = 0; i < KEY_COUNT; i++) {
        if (strcmp(section, keys[i].section) != 0)
            buf_addf(out, "%s[%s]\n", section[0] ? "\n" : "", keys[i].section);
        section = keys[i].section;
        buf_addf(out, "  %-14s%s%s%s%s\n", keys[i].name, keys[i].help, keys[i].fallback ? " Default: " : "",
                 keys[i].fallback ? keys[i].fallback : "", keys[i].fallback ? "." : "");
    }
    for (int i = 0; i < FREE_SECTION_COUNT; i++)
        buf_addf(out, "\n[%s]\n  %s\n", free_sections[i], free_help[i]);
    buf_adds(out, "\n[profile:NAME]\n  section.key = value: overrides for --profile NAME.\n");
}
