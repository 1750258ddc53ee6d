#include "project/value.h"
#include "support/fs.h"
#include "support/inifile.h"
#include "support/own.h"
#include "template/parts.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 40, INPUTS_MAX = 50, LOCKS_MAX = 20, FAILURES_MAX = 20 };

/* The keys. A row's field is in struct template or, for sections with a name of their own, in the
 * struct that enum part stands for. */

enum part { PART_HEAD, PART_INPUT, PART_LOCK, PART_FAILURE };

enum kind {
    KIND_TEXT,
    KIND_NAME, /* of a file: no slash, no dot in front */
    KIND_WORDS,
    KIND_EXPANDED,  /* words that may hold {{input:NAME}} of plain types */
    KIND_IMAGE,     /* one word of that kind */
    KIND_COMMAND,   /* words that may hold any input, {{program}} and {{cache}} */
    KIND_RESULT,    /* one word of that kind */
    KIND_VARIABLES, /* words NAME=VALUE of that kind */
    KIND_PATHS,     /* words that are paths in the project */
    KIND_PATTERNS,  /* words that are such paths or patterns for them */
    KIND_NUMBER,
    KIND_BOOL,
    KIND_OPPOSITE, /* a bool whose field says the opposite */
    KIND_MAKES,
    KIND_TYPE,
};

struct row {
    enum part part;
    const char *name; /* "section.key" */
    enum kind kind;
    size_t offset;
};

#define HEAD(name, kind, field)                                                                    \
    {                                                                                              \
        PART_HEAD, name, kind, offsetof(struct template, field)                                    \
    }
#define INPUT(name, kind, field)                                                                   \
    {                                                                                              \
        PART_INPUT, "input:NAME." name, kind, offsetof(struct template_input, field)               \
    }
#define LOCK(name, kind, field)                                                                    \
    {                                                                                              \
        PART_LOCK, "lock:FILE." name, kind, offsetof(struct template_lock, field)                  \
    }
#define FAILURE(name, kind, field)                                                                 \
    {                                                                                              \
        PART_FAILURE, "failure:NAME." name, kind, offsetof(struct template_failure, field)         \
    }

static const struct row rows[] = {
    HEAD("template.language", KIND_NAME, language),
    HEAD("template.description", KIND_TEXT, description),
    HEAD("template.runtime", KIND_NAME, runtime),
    HEAD("template.makes", KIND_MAKES, no_program),
    HEAD("packages.al2023", KIND_EXPANDED, packages_dnf),
    HEAD("packages.al2", KIND_EXPANDED, packages_yum),
    HEAD("packages.debian", KIND_EXPANDED, packages_apt),
    HEAD("packages.alpine", KIND_EXPANDED, packages_apk),
    HEAD("packages.aws", KIND_EXPANDED, packages_aws),
    HEAD("manifest.needs", KIND_PATHS, manifest_needs),
    HEAD("manifest.takes", KIND_PATTERNS, manifest_takes),
    HEAD("detect.files", KIND_WORDS, detect_files),
    HEAD("detect.sources", KIND_WORDS, detect_sources),
    HEAD("detect.priority", KIND_NUMBER, detect_priority),
    HEAD("handler.default", KIND_TEXT, handler_fallback),
    HEAD("handler.help", KIND_TEXT, handler_help),
    HEAD("aws.base", KIND_IMAGE, aws_base),
    HEAD("aws.builder", KIND_IMAGE, aws_builder),
    HEAD("compile.command", KIND_COMMAND, compile.command),
    HEAD("compile.env", KIND_VARIABLES, compile.env),
    HEAD("compile.env-x86_64", KIND_VARIABLES, compile.env_arch[ARCH_X86_64]),
    HEAD("compile.env-arm64", KIND_VARIABLES, compile.env_arch[ARCH_ARM64]),
    HEAD("compile.cross-x86_64", KIND_VARIABLES, compile.cross[ARCH_X86_64]),
    HEAD("compile.cross-arm64", KIND_VARIABLES, compile.cross[ARCH_ARM64]),
    HEAD("compile.pass", KIND_WORDS, compile.pass),
    HEAD("compile.result", KIND_RESULT, compile.result),
    HEAD("compile.static", KIND_OPPOSITE, compile.dynamic),
    INPUT("type", KIND_TYPE, type),
    INPUT("choices", KIND_WORDS, choices),
    INPUT("default", KIND_TEXT, fallback),
    INPUT("help", KIND_TEXT, help),
    LOCK("with", KIND_PATHS, with),
    LOCK("strict", KIND_TEXT, strict),
    LOCK("versions", KIND_WORDS, versions),
    LOCK("open", KIND_WORDS, open),
    FAILURE("says", KIND_TEXT, says),
    FAILURE("help", KIND_TEXT, help),
    FAILURE("toolchain", KIND_BOOL, toolchain),
    FAILURE("lock", KIND_BOOL, lock),
};

struct head {
    struct template *t;
    bool whole; /* second pass: all inputs are known, so keys that may name them are read */
    struct strv complaints;
    struct strv seen; /* "section.key" */
};

static bool is_name(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+_-");
    return length > 0 && length <= NAME_MAX_BYTES && text[length] == '\0' && text[0] != '-';
}

static void complain(struct head *head, int line, int column, const char *what)
{
    strv_addf(&head->complaints, "%s:%d:%d: %s", head->t->path, line, column, what);
}

static void complain_value(struct head *head, const struct ini_entry *entry, char *what)
{
    autofree char *text = what;
    if (text)
        complain(head, entry->line, entry->value_column, text);
}

/* Values. */

static void set_text(struct head *head, const struct ini_entry *entry, char **field)
{
    autofree char *value = ini_unquote(entry->value);
    if (entry->continuation || !value)
        complain_value(head, entry, xstrdup("expected one value on one line"));
    else
        *field = take(value);
}

/* "NAME=VALUE" */
static bool is_variable(const char *word)
{
    size_t length = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    return length > 0 && word[length] == '=';
}

/* A cleaned path in the project without any of these characters. */
static bool is_path(const char *word, const char *banned)
{
    autofree char *clean = path_clean(word);
    return clean && strcmp(clean, word) == 0 && word[strspn(word, "/")] && !strpbrk(word, banned);
}

static char *wrong_word(const struct template *t, const char *word, enum kind kind)
{
    switch (kind) {
    case KIND_EXPANDED:
        return template_expand_check(t, word, true, false);
    case KIND_COMMAND:
        return template_expand_check(t, word, false, true);
    case KIND_VARIABLES:
        if (!is_variable(word))
            return xasprintf("expected NAME=VALUE, not '%.80s'", word);
        return template_expand_check(t, word, false, true);
    case KIND_PATHS:
    case KIND_PATTERNS:
        if (!is_path(word, kind == KIND_PATHS ? "*?[\\{" : "\\{"))
            return xasprintf("'%.80s' is not a plain path in the project", word);
        return NULL;
    default:
        return NULL;
    }
}

static void add_words(struct head *head, const struct ini_entry *entry, enum kind kind,
                      struct strv *list)
{
    size_t before = list->len;
    if (ini_words(entry->value, list) != 0)
        complain_value(head, entry, xstrdup("a quote is not closed"));
    for (size_t i = before; i < list->len; i++)
        complain_value(head, entry, wrong_word(head->t, list->items[i], kind));
}

static void set_number(struct head *head, const struct ini_entry *entry, int *field)
{
    char *end = NULL;
    long value = strtol(entry->value, &end, 10);
    if (entry->continuation || end == entry->value || *end || value < 0 || value > 99)
        complain_value(head, entry, xstrdup("expected a number from 0 to 99"));
    else
        *field = (int)value;
}

static void set_bool(struct head *head, const struct ini_entry *entry, bool opposite, bool *field)
{
    char *wrong = entry->continuation ? xstrdup("expected one value on one line")
                                      : value_check(TYPE_BOOL, entry->value);
    if (wrong)
        complain_value(head, entry, wrong);
    else
        *field = value_bool(entry->value) != opposite;
}

static void set_makes(struct head *head, const struct ini_entry *entry)
{
    AUTO(strv) words = {0};
    add_words(head, entry, KIND_WORDS, &words);
    struct template *t = head->t;
    if (!entry->continuation)
        t->no_program = true;

    for (size_t i = 0; i < words.len; i++) {
        if (strcmp(words.items[i], "program") == 0)
            t->no_program = false;
        else if (strcmp(words.items[i], "deps") == 0)
            t->deps = true;
        else if (strcmp(words.items[i], "app") == 0)
            t->app = true;
        else
            complain_value(
                head, entry,
                xasprintf("'%.80s' is not one of program, deps and app", words.items[i]));
    }

    if (t->no_program && !t->app)
        complain_value(head, entry, xstrdup("'makes' needs 'program' or 'app'"));
}

static void set_type(struct head *head, const struct ini_entry *entry,
                     enum template_input_type *field)
{
    for (int type = 0; type < INPUT_TYPE_COUNT; type++) {
        if (strcmp(entry->value, template_input_type_name((enum template_input_type)type)) == 0) {
            *field = (enum template_input_type)type;
            return;
        }
    }

    complain_value(
        head, entry,
        xasprintf("'%.80s' is not a type; use text, words, version, bool or choice", entry->value));
}

static void set_value(struct head *head, const struct ini_entry *entry, const struct row *row,
                      void *object)
{
    void *field = (char *)object + row->offset;
    switch (row->kind) {
    case KIND_TEXT:
    case KIND_NAME:
    case KIND_IMAGE:
    case KIND_RESULT:
        set_text(head, entry, field);
        break;
    case KIND_BOOL:
    case KIND_OPPOSITE:
        set_bool(head, entry, row->kind == KIND_OPPOSITE, field);
        return;
    case KIND_NUMBER:
        set_number(head, entry, field);
        return;
    case KIND_MAKES:
        set_makes(head, entry);
        return;
    case KIND_TYPE:
        set_type(head, entry, field);
        return;
    default:
        add_words(head, entry, row->kind, field);
        return;
    }

    const char *text = *(char **)field;
    if (text && !text[0] && row->part == PART_HEAD)
        complain_value(head, entry, xstrdup("expected one value on one line"));
    else if (text && row->kind == KIND_NAME && !is_name(text))
        complain_value(head, entry,
                       xstrdup("expected a name of lower-case letters, digits, '+', '-' and '_'"));
    else if (text && row->kind == KIND_IMAGE)
        complain_value(head, entry, template_expand_check(head->t, text, true, false));
    else if (text && row->kind == KIND_RESULT)
        complain_value(head, entry, template_expand_check(head->t, text, false, true));
}

/* Sections and keys. */

/* *name is the text after the colon; "" if there is none. */
static enum part part_of(const char *section, const char **name)
{
    const char *colon = strchr(section, ':');
    *name = colon ? colon + 1 : "";
    if (strncmp(section, "input:", 6) == 0)
        return PART_INPUT;
    if (strncmp(section, "lock:", 5) == 0)
        return PART_LOCK;
    return strncmp(section, "failure:", 8) == 0 ? PART_FAILURE : PART_HEAD;
}

/* The struct that a section's keys go into; NULL, with a complaint, for a wrong section name. */
static void *object_of(struct head *head, const char *section)
{
    const char *name;
    struct template *t = head->t;

    switch (part_of(section, &name)) {
    case PART_INPUT:
        return (void *)template_input_find(t, name, strlen(name));
    case PART_LOCK:
        for (size_t i = 0; i < t->lock_count; i++)
            if (strcmp(t->locks[i].file, name) == 0)
                return &t->locks[i];
        return NULL;
    case PART_FAILURE:
        for (size_t i = 0; i < t->failure_count; i++)
            if (strcmp(t->failures[i].name, name) == 0)
                return &t->failures[i];
        return NULL;
    case PART_HEAD:
        break;
    }
    return t;
}

static bool is_full(const struct template *t, enum part part)
{
    if (part == PART_INPUT)
        return t->input_count == INPUTS_MAX;
    return part == PART_LOCK ? t->lock_count == LOCKS_MAX : t->failure_count == FAILURES_MAX;
}

static const char *wrong_name(enum part part, const char *name)
{
    autofree char *clean = path_clean(name);
    if (part == PART_LOCK)
        return clean && strcmp(clean, name) == 0 && name[0]
                   ? NULL
                   : "expected [lock:FILE], a path in the project";
    if (is_name(name))
        return NULL;
    return part == PART_INPUT
               ? "expected [input:NAME], a name of lower-case letters, digits, '+', '-' and '_'"
               : "expected [failure:NAME], a name of lower-case letters, digits, '+', '-' and '_'";
}

static void add_section(struct template *t, enum part part, const char *name, int line)
{
    if (part == PART_INPUT) {
        grow(t->inputs, t->input_count, t->input_cap);
        t->inputs[t->input_count++] = (struct template_input){.name = xstrdup(name), .line = line};
    } else if (part == PART_LOCK) {
        grow(t->locks, t->lock_count, t->lock_cap);
        t->locks[t->lock_count++] = (struct template_lock){.file = xstrdup(name), .line = line};
    } else {
        grow(t->failures, t->failure_count, t->failure_cap);
        t->failures[t->failure_count++] =
            (struct template_failure){.name = xstrdup(name), .line = line};
    }
}

static void on_section(void *data, const char *section, int line, int column)
{
    struct head *head = data;
    struct template *t = head->t;
    const char *name;
    enum part part = part_of(section, &name);
    if (part == PART_HEAD || head->whole)
        return;

    const char *wrong = wrong_name(part, name);
    if (object_of(head, section))
        complain(head, line, column, "this section exists already; join the two");
    else if (is_full(t, part))
        complain(head, line, column, "too many sections of this kind");
    else if (wrong)
        complain(head, line, column, wrong);
    else
        add_section(t, part, name, line);
}

static const struct row *find_row(const char *section, const char *key)
{
    const char *name;
    enum part part = part_of(section, &name);
    static const char *const names[] = {
        [PART_INPUT] = "input:NAME", [PART_LOCK] = "lock:FILE", [PART_FAILURE] = "failure:NAME"};

    autofree char *wanted = xasprintf("%s.%s", names[part] ? names[part] : section, key);
    for (size_t i = 0; i < countof(rows); i++)
        if (rows[i].part == part && strcmp(rows[i].name, wanted) == 0)
            return &rows[i];
    return NULL;
}

static void unknown_key(struct head *head, const struct ini_entry *entry, const char *key)
{
    const char *known[countof(rows)];
    for (size_t i = 0; i < countof(rows); i++)
        known[i] = rows[i].name;

    const char *near = strv_nearest(key, known, countof(known));
    autofree char *text =
        xasprintf("unknown key '%s'; did you mean '%s'?", key, near ? near : known[0]);
    complain(head, entry->line, entry->column, text);
}

static void on_entry(void *data, const struct ini_entry *entry)
{
    struct head *head = data;
    const char *part;
    if (head->whole != (part_of(entry->section, &part) == PART_HEAD))
        return;

    autofree char *key = xasprintf("%s.%s", entry->section, entry->name);
    const struct row *row = find_row(entry->section, entry->name);
    if (!entry->continuation && strv_contains(&head->seen, key)) {
        autofree char *text = xasprintf("'%s' is set twice", key);
        complain(head, entry->line, entry->column, text);
        return;
    }
    strv_add(&head->seen, key);

    void *object = object_of(head, entry->section);
    if (!row)
        unknown_key(head, entry, key);
    else if (object)
        set_value(head, entry, row, object);
}

/* The whole. */

static const char *default_of(const struct template_input *input)
{
    if (input->choices.len > 0)
        return input->choices.items[0];
    return input->type == INPUT_BOOL ? "no" : "";
}

static void settle_input(struct head *head, struct template_input *input)
{
    if (input->type == INPUT_CHOICE && input->choices.len == 0)
        complain(head, input->line, 1, "an input with 'type = choice' needs 'choices'");
    else if (input->type != INPUT_CHOICE && input->choices.len > 0)
        complain(head, input->line, 1, "'choices' needs 'type = choice'");

    if (!input->help)
        input->help = xstrdup("");
    if (!input->fallback)
        input->fallback = xstrdup(default_of(input));

    autofree char *wrong =
        head->complaints.len == 0 ? template_input_check(input, input->fallback) : NULL;
    autofree char *text = wrong ? xasprintf("the default of this input is wrong: %s", wrong) : NULL;
    if (text)
        complain(head, input->line, 1, text);

    if (input->type == INPUT_BOOL) {
        bool on = value_bool(input->fallback);
        free(input->fallback);
        input->fallback = xstrdup(on ? "yes" : "no");
    }

    for (size_t i = 0; head->complaints.len == 0 && i < input->choices.len; i++) {
        autofree char *choice = template_input_check(input, input->choices.items[i]);
        if (choice)
            complain(head, input->line, 1, choice);
    }
}

static void settle_lock(struct head *head, const struct template_lock *lock)
{
    if ((lock->versions.len > 0) != (lock->open.len > 0))
        complain(head, lock->line, 1,
                 "a [lock:FILE] needs both of 'versions' and 'open', or neither");

    for (size_t i = 0; i < lock->versions.len; i++) {
        const char *word = lock->versions.items[i], *slash = strchr(word, '/');
        if (!slash || slash == word || !slash[1] || strchr(slash + 1, '/'))
            complain(head, lock->line, 1,
                     "'versions' of a [lock:FILE] must be words PARENT/ELEMENT");
    }
}

static void settle(struct head *head)
{
    struct template *t = head->t;
    for (size_t i = 0; i < t->input_count; i++)
        settle_input(head, &t->inputs[i]);
    for (size_t i = 0; i < t->failure_count; i++)
        if (!t->failures[i].says || !t->failures[i].says[0] || !t->failures[i].help ||
            !t->failures[i].help[0])
            complain(head, t->failures[i].line, 1, "a [failure:NAME] needs 'says' and 'help'");
    for (size_t i = 0; i < t->lock_count; i++)
        settle_lock(head, &t->locks[i]);

    if (!t->language)
        complain(head, 1, 1, "the head needs [template] language");
    if (t->aws_builder && !t->aws_base)
        complain(head, 1, 1, "[aws] builder needs [aws] base");
}

static void head_release(struct head *head)
{
    strv_release(&head->complaints);
    strv_release(&head->seen);
}

int template_parse_head(const char *text, size_t length, struct template *t, struct error *err)
{
    AUTO(head) head = {.t = t};
    const struct ini_reader reader = {.section = on_section, .entry = on_entry, .data = &head};
    t->detect_priority = 50;

    ini_read(text, length, t->path, &reader, &head.complaints);
    head.whole = true;
    if (head.complaints.len == 0)
        ini_read(text, length, t->path, &reader, &head.complaints);

    settle(&head);
    if (head.complaints.len > 0)
        return error_set(err, ERROR_PROJECT, "%s", head.complaints.items[0]);
    return 0;
}
