#include "project/project.h"

#include "support/fs.h"
#include "support/inifile.h"
#include "support/own.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* State of reading the project file. */
struct load {
    struct project *project;
    const char *file;
    struct strv *complaints;
    struct strv sections; /* names seen so far; `section_lines` has their lines */
    int section_lines[256];
    struct settings overrides; /* of all profiles: the name is "PROFILE/section.key" */
    struct setting *last;      /* the setting that a continuation line continues */
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

static struct setting *free_target(struct settings *settings, const char *section, const char *name,
                                   const struct origin *origin, struct strv *complaints)
{
    if (settings->len >= SETTINGS_MAX) {
        settings_complain(complaints, origin, "more than %d names in [%s]; remove some",
                          SETTINGS_MAX, section);
        return NULL;
    }
    struct setting *setting = settings_find(settings, name);
    return setting ? setting : settings_add(settings, name);
}

/* The setting that "section" and "name" mean; in a free section it is made when it is new. NULL and
 * a complaint for an unknown one. */
static struct setting *target(struct project *project, const char *section, const char *name,
                              const struct origin *origin, struct strv *complaints)
{
    if (keys_stage(section))
        return stage_target(project, section, name, origin, complaints);

    int free_section = keys_find_free(section), key = keys_find(section, name);
    if (key >= 0)
        return &project->values[key];
    if (free_section >= 0)
        return free_target(&project->free[free_section], section, name, origin, complaints);

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

/* Continues the value above. An indented line that looks like a key is reported, since the mistake
 * would vanish in that value. */
static void on_continuation(struct load *load, const struct ini_entry *entry)
{
    struct origin origin = {load->file, entry->line, entry->column};
    autofree char *word = xstrndup(entry->value, strcspn(entry->value, "=: \t"));
    const char *end = entry->value + strlen(word), *next = end + strspn(end, " \t");
    if (!load->last)
        return;

    bool assigns = *next == '=' || *next == ':';
    if (load->last_is_shell && next == end) /* an assignment of the shell, which has no blank */
        assigns = false;

    bool names_file = keys_find_free(entry->section) == SECTION_FILES;
    if (assigns && (names_file || keys_find(entry->section, word) >= 0)) {
        settings_complain(load->complaints, &origin,
                          "'%s' is indented, so it continues '%s'; remove the blanks before it",
                          word, entry->name);
        return;
    }
    setting_continue(load->last, load->last_is_shell ? entry->raw : entry->value, &origin);
}

/* Sets load->last. Shell text is taken unchanged, unless all of it is a comment of the file. */
static void take_value(struct load *load, const struct ini_entry *entry, enum value_type type,
                       const struct origin *origin)
{
    load->last_is_shell = type == TYPE_SHELL;
    bool raw = load->last_is_shell && entry->raw[0] != ';';
    setting_set(load->last, raw ? entry->raw : entry->value, origin);
}

/* Keeps an entry of a profile until the whole file is read. All profiles are checked, and one may
 * be applied. */
static void on_profile_entry(struct load *load, const char *profile, const struct ini_entry *entry,
                             const struct origin *origin)
{
    const char *dot = strchr(entry->name, '.');
    if (!dot || dot == entry->name || !dot[1]) {
        settings_complain(load->complaints, origin, "'%.80s' is not of the form section.key",
                          entry->name);
        return;
    }

    if (load->overrides.len >= SETTINGS_MAX) {
        settings_complain(load->complaints, origin, "more than %d names in all profiles",
                          SETTINGS_MAX);
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

static void on_key(struct load *load, const struct ini_entry *entry, const struct origin *origin)
{
    const struct origin place = {load->file, entry->line, entry->value_column};
    struct setting *setting =
        target(load->project, entry->section, entry->name, origin, load->complaints);
    if (!setting)
        return;
    if (setting->origin.file) {
        settings_complain(load->complaints, origin, "'%.80s' is set at line %d already; keep one",
                          entry->name, setting->origin.line);
        return;
    }

    load->last = setting;
    take_value(load, entry, keys_type(entry->section, entry->name), &place);
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
            "'%.80s' is before the first section; put it below a section such as [project]",
            entry->name);
        return;
    }

    if (ends_with_profile(entry->section, &profile)) {
        on_profile_entry(load, profile, entry, &origin);
        return;
    }

    if (keys_known_section(entry->section)) /* otherwise on_section has complained */
        on_key(load, entry, &origin);
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
    case SECTION_INPUTS: /* only the template knows them */
        return NULL;
    case SECTION_FILES:
    case FREE_SECTION_COUNT:
        break;
    }

    if (!stage_path(setting->name, &stage, &path))
        return value_check_file(setting->name, setting->value);
    char *wrong = value_check_file("x", setting->value);
    if (wrong)
        return wrong;
    return stage_copies_add(&copies, setting->name, setting->value, &setting->origin);
}

/* A key without a value counts as not set. */
static void settle_key(struct setting *setting, const struct key *key, struct strv *complaints)
{
    setting_settle(setting, key->type, complaints);
    if (setting->value && setting->value[0] == '\0') {
        setting_set(setting, NULL, &setting->origin);
        setting->origin = (struct origin){0};
    }
    if (!setting->value && key->fallback)
        setting->value = xstrdup(key->fallback);
}

static void settle_free(struct setting *setting, enum free_section section, struct strv *complaints)
{
    /* The quotes of a secret's place are kept: text there may be the secret itself by mistake, and
     * a message about quotes would repeat it. The quotes of an input depend on the type that the
     * template gives it. */
    bool keep = section == SECTION_SECRETS || section == SECTION_INPUTS;
    setting_settle(setting, keep ? TYPE_LINES : TYPE_TEXT, complaints);
    autofree char *wrong = wrong_entry(section, setting);
    if (wrong)
        settings_complain(complaints, &setting->origin, "%s", wrong);
}

static void settle_all(struct project *project, struct strv *complaints)
{
    for (int i = 0; i < KEY_COUNT; i++)
        settle_key(&project->values[i], &project_keys[i], complaints);
    for (int i = 0; i < FREE_SECTION_COUNT; i++)
        for (size_t j = 0; j < project->free[i].len; j++)
            settle_free(&project->free[i].items[j], (enum free_section)i, complaints);
    stages_settle(&project->stages, complaints);
}

/* Sets the key that `full`, "section.key", names. The section ends at the first dot. */
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

/* Whether the file has a section for the chosen profile. */
static int check_profile(const struct load *load, const char *profile, struct error *err)
{
    AUTO(strv) known = {0};
    for (size_t i = 0; i < load->sections.len; i++)
        if (strncmp(load->sections.items[i], "profile:", 8) == 0)
            strv_add(&known, load->sections.items[i] + 8);
    if (strv_contains(&known, profile))
        return 0;

    const char *near = strv_nearest(profile, strv_argv(&known), known.len);
    return error_set(err, ERROR_USAGE, "%s has no [profile:%s]%s%s%s", load->file, profile,
                     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* Applies the chosen profile (may be NULL) to the project. The others are applied to a scratch
 * project, for complaints. */
static int apply_profiles(struct load *load, const char *profile, struct error *err)
{
    AUTO(project) scratch = {0};
    AUTO(strv) again = {0}; /* complaints about names, which were made when the names were read */
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
    if (check_profile(load, profile, err) != 0)
        return -1;
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

/* The place that a complaint starts with, "FILE:LINE:COLUMN:". The file's name may have colons. */
static void read_place(const char *text, long *line, long *column)
{
    for (const char *c = text; (c = strchr(c, ':')); c++) {
        char *end = NULL;
        *line = strtol(c + 1, &end, 10);
        if (end > c + 1 && *end == ':') {
            *column = strtol(end + 1, NULL, 10);
            return;
        }
    }
}

/* Orders complaints by line and column, so that those about form and meaning come mixed. */
static int by_place(const void *a, const void *b)
{
    long line[2] = {0}, column[2] = {0};
    read_place(*(char *const *)a, &line[0], &column[0]);
    read_place(*(char *const *)b, &line[1], &column[1]);

    if (line[0] != line[1])
        return line[0] < line[1] ? -1 : 1;
    return column[0] < column[1] ? -1 : column[0] > column[1];
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
        if (fs_exists(project->file))
            return -1;
        return error_set(err, ERROR_PROJECT, "there is no '%s'; 'lbuild init' makes one",
                         project->file);
    }

    AUTO(load) load = {.project = project, .file = project->file};
    load.complaints = complaints ? complaints : &own;
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
