#include "project/project.h"

#include "support/fs.h"
#include "support/inifile.h"
#include "support/own.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the project file is being read into. */
struct load {
    struct project *project;
    const char *file;
    struct strv *complaints;
    struct strv sections; /* seen so far, as "NAME" at the line in `section_lines` */
    int section_lines[256];
    struct settings overrides; /* of the chosen profile: name = "section.key" */
    struct setting *last;      /* what a continuation line goes on with */
    bool last_is_shell;
};

static struct setting *stage_target(struct project *project, const char *section, const char *name,
                                    const struct origin *origin, struct strv *complaints)
{
    struct stage *stage = stages_find(&project->stages, keys_stage(section));
    int key = keys_find(section, name);
    autofree char *hint = keys_suggest(section, name);
    if (!stage)
        settings_complain(complaints, origin, "there is no [%s]", section);
    else if (key < 0)
        settings_complain(complaints, origin, "unknown key '%.80s' in [%s]%s", name, section, hint);
    return stage && key >= 0 ? &stage->values[key] : NULL;
}

/* The setting that "section" and "name" mean, made when it is a free section's; NULL and a
 * complaint for an unknown one. */
static struct setting *target(struct project *project, const char *section, const char *name,
                              const struct origin *origin, struct strv *complaints)
{
    if (keys_stage(section))
        return stage_target(project, section, name, origin, complaints);
    int free_section = keys_find_free(section), key = keys_find(section, name);
    if (key >= 0)
        return &project->values[key];
    if (free_section >= 0) {
        struct setting *setting = settings_find(&project->free[free_section], name);
        return setting ? setting : settings_add(&project->free[free_section], name);
    }
    autofree char *hint =
        keys_known_section(section) ? keys_suggest(section, name) : keys_suggest_section(section);
    if (keys_known_section(section))
        settings_complain(complaints, origin, "unknown key '%.80s' in [%s]%s", name, section, hint);
    else
        settings_complain(complaints, origin, "unknown section [%s]%s", section, hint);
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
            settings_complain(load->complaints, &origin,
                              "section [%s] was opened at line %d already; join the two", name,
                              load->section_lines[i]);
            return;
        }
    }
    if (load->sections.len < countof(load->section_lines)) {
        load->section_lines[load->sections.len] = line;
        strv_add(&load->sections, name);
    }
    if (ends_with_profile(name, &profile) && !value_is_name(profile))
        settings_complain(load->complaints, &origin,
                          "'%s' is not a profile's name; use lower-case letters and digits",
                          profile);
    else if (!profile && !keys_known_section(name)) {
        autofree char *hint = keys_suggest_section(name);
        settings_complain(load->complaints, &origin, "unknown section [%s]%s", name, hint);
    } else if (!profile && keys_stage(name)) {
        stages_add(&load->project->stages, keys_stage(name), &origin, load->complaints);
    }
}

/* An indented line that looks like a key of its own is a slip that would vanish in the value above.
 */
static void on_continuation(struct load *load, const struct ini_entry *entry)
{
    struct origin origin = {load->file, entry->line, entry->column};
    autofree char *word = xstrndup(entry->value, strcspn(entry->value, "=: \t"));
    const char *behind = entry->value + strlen(word);
    behind += strspn(behind, " \t");
    if (!load->last)
        return;
    /* A shell has assignments of its own, without a blank. */
    bool assigns = *behind == '=' || *behind == ':';
    if (load->last_is_shell && behind == entry->value + strlen(word))
        assigns = false;
    if (assigns && keys_find(entry->section, word) >= 0) {
        settings_complain(load->complaints, &origin,
                          "'%s' is indented, so it continues '%s'; remove the blanks before it",
                          word, load->last->name ? load->last->name : "the value above");
        return;
    }
    setting_continue(load->last, load->last_is_shell ? entry->raw : entry->value, &origin);
}

/* Fills in load->last. Shell text is taken as it stands, but for a comment in the place of the
 * whole. */
static void take_value(struct load *load, const struct ini_entry *entry, enum value_type type,
                       const struct origin *origin)
{
    load->last_is_shell = type == TYPE_SHELL;
    setting_set(load->last, load->last_is_shell && entry->raw[0] != ';' ? entry->raw : entry->value,
                origin);
}

/* Entries of a profile are kept apart until it is known that the profile is the chosen one; all are
 * checked.
 */
static void on_profile_entry(struct load *load, const char *profile, const struct ini_entry *entry,
                             const struct origin *origin)
{
    const char *dot = strchr(entry->name, '.');
    if (!dot || dot == entry->name || !dot[1]) {
        settings_complain(load->complaints, origin, "'%.80s' is not of the form section.key",
                          entry->name);
        return;
    }
    autofree char *full = xasprintf("%s/%s", profile, entry->name);
    if (settings_find(&load->overrides, full)) {
        settings_complain(load->complaints, origin, "'%s' is set twice in this profile; keep one",
                          entry->name);
        return;
    }
    autofree char *section = xstrndup(entry->name, (size_t)(dot - entry->name));
    load->last = settings_add(&load->overrides, full);
    take_value(load, entry, keys_type(section, dot + 1), origin);
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
        settings_complain(
            load->complaints, &origin,
            "'%.80s' stands before the first section; put it below one like [project]",
            entry->name);
        return;
    }
    if (ends_with_profile(entry->section, &profile)) {
        on_profile_entry(load, profile, entry, &origin);
        return;
    }
    if (!keys_known_section(entry->section))
        return; /* said once, for the section */
    struct setting *setting =
        target(load->project, entry->section, entry->name, &origin, load->complaints);
    if (!setting)
        return;
    if (setting->origin.file) {
        settings_complain(load->complaints, &origin, "'%.80s' is set at line %d already; keep one",
                          entry->name, setting->origin.line);
        return;
    }
    load->last = setting;
    take_value(load, entry, keys_type(entry->section, entry->name),
               &(struct origin){load->file, entry->line, entry->value_column});
}

/* What is wrong with an entry of a free section, or NULL. Caller frees. */
static char *wrong_entry(enum free_section section, const struct setting *setting)
{
    AUTO(stage_copies) copies = {0};
    autofree char *stage = NULL, *path = NULL;
    switch (section) {
    case SECTION_ENV:
        return value_check_env(setting->name);
    case SECTION_LABELS:
        return value_check_label(setting->name);
    case SECTION_SECRETS:
        return value_check_secret(setting->name, setting->value);
    case SECTION_INPUTS: /* known to the template alone */
        return NULL;
    case SECTION_FILES:
    case FREE_SECTION_COUNT:
        break;
    }
    if (!stage_path(setting->name, &stage, &path))
        return value_check_file(setting->name, setting->value);
    char *wrong = value_check_file("x", setting->value);
    return wrong ? wrong
                 : stage_copies_add(&copies, setting->name, setting->value, &setting->origin);
}

static void settle_all(struct project *project, struct strv *complaints)
{
    for (int i = 0; i < KEY_COUNT; i++) {
        struct setting *setting = &project->values[i];
        setting_settle(setting, project_keys[i].type, complaints);
        if (setting->value && setting->value[0] == '\0') {
            free(take(setting->value));
            setting->origin = (struct origin){0};
        }
        if (!setting->value && project_keys[i].fallback)
            setting->value = xstrdup(project_keys[i].fallback);
    }
    for (int i = 0; i < FREE_SECTION_COUNT; i++) {
        for (size_t j = 0; j < project->free[i].len; j++) {
            struct setting *setting = &project->free[i].items[j];
            /* What stands there by mistake for a secret's place may be the secret: no message
             * repeats it. An input's quotes go by the type that the template gives it. */
            setting_settle(setting,
                           i == SECTION_SECRETS || i == SECTION_INPUTS ? TYPE_LINES : TYPE_TEXT,
                           complaints);
            autofree char *wrong = wrong_entry((enum free_section)i, setting);
            if (wrong)
                settings_complain(complaints, &setting->origin, "%s", wrong);
        }
    }
    stages_settle(&project->stages, complaints);
}

/* "section.key" split at its first dot and set. */
static void override(struct project *project, const char *full, const struct setting *value,
                     struct strv *complaints)
{
    const char *dot = strchr(full, '.');
    autofree char *section = xstrndup(full, dot ? (size_t)(dot - full) : strlen(full));
    struct setting *setting =
        target(project, section, dot ? dot + 1 : "", &value->origin, complaints);
    if (setting)
        setting_copy(setting, value);
}

/* Lays the chosen profile over the project; the others are only checked for names. */
static int apply_profiles(struct load *load, const char *profile, struct error *err)
{
    AUTO(project) scratch = {0};
    AUTO(strv) again = {0}; /* what is wrong with names was said when they were read */
    for (size_t i = 0; i < load->project->stages.len; i++)
        stages_add(&scratch.stages, load->project->stages.items[i].name,
                   &load->project->stages.items[i].origin, &again);
    size_t length = profile ? strlen(profile) : 0;
    for (size_t i = 0; i < load->overrides.len; i++) {
        const struct setting *setting = &load->overrides.items[i];
        const char *slash = strchr(setting->name, '/');
        bool chosen = profile && (size_t)(slash - setting->name) == length &&
                      strncmp(setting->name, profile, length) == 0;
        override(chosen ? load->project : &scratch, slash + 1, setting, load->complaints);
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
            return error_set(err, ERROR_USAGE, "--set takes section.key=value, not '%s'",
                             set->items[i]);
        autofree char *name = xstrndup(set->items[i], (size_t)(equals - set->items[i]));
        const struct setting value = {.value = (char *)equals + 1, .origin = {"--set", 0, 0}};
        override(project, name, &value, &complaints);
    }
    return complaints.len ? error_set(err, ERROR_USAGE, "%s", complaints.items[0]) : 0;
}

/* By line and column, so that complaints of the form and of the meaning of lines come mixed in the
 * file's order. */
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
    return error_set(err, ERROR_PROJECT, "%s has %zu mistakes, the first: %s", load->file,
                     complaints->len, complaints->items[0]);
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

int project_load(const struct project_options *options, struct project *project,
                 struct strv *complaints, struct error *err)
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
    load = {
        .project = project, .file = project->file, .complaints = complaints ? complaints : &own};
    const struct ini_reader reader = {on_section, on_entry, &load};
    ini_read(buf_text(&text), text.len, project->file, &reader, load.complaints);
    if (apply_profiles(&load, options->profile, err) != 0 ||
        apply_set(project, options->set, err) != 0)
        return -1;
    settle_all(project, load.complaints);
    stages_check(&project->stages, &project->free[SECTION_FILES], load.complaints);
    if (load.complaints->len > 1)
        qsort(load.complaints->items, load.complaints->len, sizeof(char *), by_place);
    return verdict(&load, load.complaints, err);
}

void project_release(struct project *project)
{
    for (int i = 0; i < KEY_COUNT; i++)
        setting_release(&project->values[i]);
    for (int i = 0; i < FREE_SECTION_COUNT; i++)
        settings_release(&project->free[i]);
    stages_release(&project->stages);
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

int project_words(const struct project *project, enum key_id key, struct strv *out,
                  struct error *err)
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
