#include "template.h"

#include "data.h"
#include "inifile.h"
#include "stages.h"
#include "support/buf.h"
#include "support/fs.h"
#include "support/json.h"
#include "support/own.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TEMPLATE_MAX = 64 * 1024, PLACEHOLDERS_MAX = 1000, NAME_MAX_BYTES = 40 };

const struct placeholder placeholders[PLACEHOLDER_COUNT] = {
    {"platform", QUOTE_PLAIN, true, "linux/amd64 or linux/arm64: for FROM --platform=."},
    {"builder", QUOTE_PLAIN, true, "Image of the builder stage."},
    {"install", QUOTE_BLOCK, true, "RUN line that installs the packages of template and project."},
    {"compile", QUOTE_BLOCK, false, "RUN lines that compile and link the project's C sources."},
    {"files", QUOTE_BLOCK, true, "RUN line that puts [files] below /out/files, their modes set to 0755 and 0644."},
    {"base", QUOTE_PLAIN, true, "Base image of the final stage."},
    {"copy", QUOTE_BLOCK, true, "COPY lines that bring program and [files] from the stage 'build'."},
    {"env", QUOTE_BLOCK, true, "ENV line for [env]."},
    {"labels", QUOTE_BLOCK, true, "LABEL line for [labels] and org.opencontainers.image.*."},
    {"workdir", QUOTE_BLOCK, true, "WORKDIR line, unless the base's is kept."},
    {"entrypoint", QUOTE_BLOCK, true, "ENTRYPOINT line, unless the base's is kept."},
    {"cmd", QUOTE_JSON, true, "Arguments of CMD: the handler's name."},
    {"sources", QUOTE_SHELL, false, "The project's source files, for a compile command of your own."},
    {"flags", QUOTE_SHELL, false, "The compiler's flags, project's and lbuild's."},
    {"program", QUOTE_SHELL, false, "Where {{copy}} expects the program in the builder stage."},
    {"handler", QUOTE_ENV, false, "The handler's name as a value of ENV or LABEL."},
};

const char *template_quoting_name(enum template_quoting quoting)
{
    static const char *const names[] = {"shell", "json", "env", "plain", "block"};
    return names[quoting];
}

/* The head. */

struct head {
    struct template *t;
    const char *path;
    struct strv complaints;
    struct strv seen; /* "section.key" */
};

/* A language and a runtime name files: no slash, no dot in front. */
static bool is_name(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+_-");
    return length > 0 && length <= NAME_MAX_BYTES && text[length] == '\0' && text[0] != '-';
}

static void complain(struct head *head, const struct ini_entry *entry, int column, const char *what)
{
    strv_addf(&head->complaints, "%s:%d:%d: %s", head->path, entry->line, column, what);
}

static void set_packages(struct head *head, const struct ini_entry *entry, struct strv *packages)
{
    if (ini_words(entry->value, packages) != 0)
        complain(head, entry, entry->value_column, "a quote is not closed");
}

static void set_text(struct head *head, const struct ini_entry *entry, char **field, bool name)
{
    autofree char *value = ini_unquote(entry->value);
    if (entry->continuation || !value || value[0] == '\0')
        complain(head, entry, entry->value_column, "expected one value on one line");
    else if (name && !is_name(value))
        complain(head, entry, entry->value_column, "expected a name of small letters, digits, '+', '-' and '_'");
    else
        *field = take(value);
}

static void head_entry(void *data, const struct ini_entry *entry)
{
    static const char *const known[] = {"template.language", "template.description", "template.runtime",
                                        "packages.al2023", "packages.al2", "packages.debian", "packages.alpine"};
    struct head *head = data;
    struct template *t = head->t;
    struct strv *const packages[] = {&t->packages_dnf, &t->packages_yum, &t->packages_apt, &t->packages_apk};
    size_t index = 0;
    autofree char *key = xasprintf("%s.%s", entry->section, entry->name);
    if (!entry->continuation && strv_contains(&head->seen, key)) {
        autofree char *text = xasprintf("'%s' is set twice", key);
        complain(head, entry, entry->column, text);
        return;
    }
    strv_add(&head->seen, key);
    while (index < countof(known) && strcmp(key, known[index]) != 0)
        index++;
    if (index == 0) {
        set_text(head, entry, &t->language, true);
    } else if (index == 1) {
        set_text(head, entry, &t->description, false);
    } else if (index == 2) {
        set_text(head, entry, &t->runtime, true);
    } else if (index < countof(known)) {
        set_packages(head, entry, packages[index - 3]);
    } else {
        const char *near = strv_nearest(key, known, countof(known));
        autofree char *text = xasprintf("unknown key '%s'; did you mean '%s'?", key, near ? near : known[0]);
        complain(head, entry, entry->column, text);
    }
}

static int parse_head(const char *text, size_t length, struct template *t, struct error *err)
{
    struct head head = {.t = t, .path = t->path};
    const struct ini_reader reader = {.entry = head_entry, .data = &head};
    ini_read(text, length, t->path, &reader, &head.complaints);
    int result = 0;
    if (head.complaints.len > 0)
        result = error_set(err, ERROR_PROJECT, "%s", head.complaints.items[0]);
    else if (!t->language)
        result = error_set(err, ERROR_PROJECT, "%s:1:1: the head needs [template] language", t->path);
    strv_release(&head.complaints);
    strv_release(&head.seen);
    return result;
}

/* The body. */

struct place {
    struct template *t;
    const char *line_start; /* of the line that is read */
    int line;
    bool comment, continued;
    char instruction[16]; /* of the logical line, upper case */
    char quote;           /* open quote in the logical line, or NUL */
};

static int wrong(const struct place *place, const char *at, struct error *err, const char *text)
{
    return error_set(err, ERROR_PROJECT, "%s:%d:%d: %s", place->t->path, place->line,
                     (int)(at - place->line_start) + 1, text);
}

static int find_placeholder(const struct place *place, const char *at, size_t length, enum placeholder_id *id,
                            struct error *err)
{
    const char *names[PLACEHOLDER_COUNT];
    const char *bar = memchr(at + 2, '|', length - 4);
    size_t name_length = bar ? (size_t)(bar - at) - 2 : length - 4;
    autofree char *name = xstrndup(at + 2, name_length);
    autofree char *quoting = bar ? xstrndup(bar + 1, length - 5 - name_length) : NULL;
    for (*id = 0; *id < PLACEHOLDER_COUNT; (*id)++) {
        names[*id] = placeholders[*id].name;
        if (strcmp(name, names[*id]) == 0)
            break;
    }
    if (*id == PLACEHOLDER_COUNT) {
        const char *near = strv_nearest(name, names, PLACEHOLDER_COUNT);
        AUTO(buf) known = {0};
        for (int i = 0; !near && i < PLACEHOLDER_COUNT; i++)
            buf_addf(&known, "%s%s", i == 0 ? "; there are: " : ", ", names[i]);
        autofree char *text = xasprintf("unknown placeholder '%.80s'%s%s%s", name, near ? "; did you mean '" : buf_text(&known),
                                        near ? near : "", near ? "'?" : "");
        return wrong(place, at, err, text);
    }
    enum template_quoting wanted = placeholders[*id].quoting;
    const char *wanted_name = template_quoting_name(wanted);
    if (quoting ? strcmp(quoting, wanted_name) != 0 : wanted < QUOTE_PLAIN) {
        autofree char *text = xasprintf("'%s' stands for text that must be quoted as '%s'; write {{%s|%s}}", name,
                                        wanted_name, name, wanted_name);
        return wrong(place, at, err, text);
    }
    return 0;
}

static bool instruction_is(const struct place *place, const char *list)
{
    autofree char *word = xasprintf(" %s ", place->instruction);
    return strstr(list, word) != NULL;
}

/* Whether the quoting of a placeholder holds where it stands. */
static int check_place(const struct place *place, const char *at, size_t length, enum template_quoting quoting,
                       struct error *err)
{
    const char *before = at > place->line_start ? at - 1 : "\n", *behind = at + length;
    bool alone = at == place->line_start && (*behind == '\n' || *behind == '\0') && !place->continued;
    bool word_start = *before == ' ' || *before == '\t' || *before == '=' || *before == '\n';
    bool word_end = *behind == ' ' || *behind == '\t' || *behind == '\n' || *behind == '\0' || *behind == ';';
    if (place->comment)
        return wrong(place, at, err, "a placeholder can't stand in a comment");
    if (quoting == QUOTE_BLOCK)
        return alone ? 0 : wrong(place, at, err, "a block must stand alone on its line");
    if (place->quote)
        return wrong(place, at, err, "a placeholder can't stand inside of quotes; it brings its own");
    if (quoting == QUOTE_SHELL && !(instruction_is(place, " RUN ") && word_start && word_end))
        return wrong(place, at, err, "shell words must stand between blanks on a RUN line");
    if (quoting == QUOTE_ENV && !(instruction_is(place, " ENV LABEL WORKDIR ") && word_start && word_end))
        return wrong(place, at, err, "a quoted value must be one word on an ENV, LABEL or WORKDIR line");
    if (quoting == QUOTE_JSON &&
        !(instruction_is(place, " CMD ENTRYPOINT ") && *before == ' ' && (*behind == '\n' || *behind == '\0')))
        return wrong(place, at, err, "a JSON array must be the whole of a CMD or ENTRYPOINT line");
    if (quoting == QUOTE_PLAIN && !instruction_is(place, " FROM "))
        return wrong(place, at, err, "an image or a platform can only stand on a FROM line");
    return 0;
}

static void note_run(struct place *place)
{
    if (place->t->final_run_line == 0)
        place->t->final_run_line = place->line;
}

/* "FROM [--platform=...] IMAGE AS NAME": the name is the line's last word. */
static void note_stage(struct place *place)
{
    AUTO(strv) words = {0};
    autofree char *line = xstrndup(place->line_start, strcspn(place->line_start, "\n"));
    place->t->final_stage = (size_t)(place->line_start - place->t->body);
    place->t->final_run_line = 0;
    if (ini_words(line, &words) == 0 && words.len > 3 && strcasecmp(words.items[words.len - 2], "AS") == 0)
        strv_add(&place->t->stages, words.items[words.len - 1]);
}

static void start_line(struct place *place, const char *at)
{
    const char *word = at + strspn(at, " \t");
    place->line_start = at;
    place->comment = *word == '#';
    if (place->comment || place->continued)
        return;
    place->quote = '\0';
    size_t length = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (length >= sizeof place->instruction)
        length = sizeof place->instruction - 1;
    for (size_t i = 0; i < length; i++)
        place->instruction[i] = (char)(word[i] & ~0x20);
    place->instruction[length] = '\0';
    if (strcmp(place->instruction, "FROM") == 0)
        note_stage(place);
    if (strcmp(place->instruction, "RUN") == 0)
        note_run(place);
}

/* Follows the quotes of a line; only RUN's, ENV's and their like matter. */
static const char *skip_character(struct place *place, const char *at)
{
    if (*at == '\\' && place->quote != '\'' && at[1] && at[1] != '\n')
        return at + 2;
    if (!place->comment && (*at == '\'' || *at == '"')) {
        if (!place->quote)
            place->quote = *at;
        else if (place->quote == *at)
            place->quote = '\0';
    }
    return at + 1;
}

static void end_line(struct place *place, const char *end)
{
    while (end > place->line_start && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    if (!place->comment)
        place->continued = end > place->line_start && end[-1] == '\\';
    place->line++;
}

static int add_placeholder(struct place *place, const char *at, const char **end, struct error *err)
{
    struct template *t = place->t;
    size_t to_line_end = strcspn(at, "\n");
    const char *close = memmem(at + 2, to_line_end - 2, "}}", 2);
    if (!close)
        return wrong(place, at, err, "'{{' is not closed by '}}' on its line");
    enum placeholder_id id;
    size_t length = (size_t)(close - at) + 2;
    if (find_placeholder(place, at, length, &id, err) != 0 ||
        check_place(place, at, length, placeholders[id].quoting, err) != 0)
        return -1;
    if (t->placeholder_count == PLACEHOLDERS_MAX)
        return wrong(place, at, err, "more than 1,000 placeholders");
    if (id == PLACEHOLDER_INSTALL || id == PLACEHOLDER_COMPILE || id == PLACEHOLDER_FILES)
        note_run(place);
    grow(t->placeholders, t->placeholder_count, t->placeholder_cap);
    t->placeholders[t->placeholder_count++] = (struct template_placeholder){
        .id = id,
        .offset = (size_t)(at - t->body),
        .length = length,
        .line = place->line,
        .column = (int)(at - place->line_start) + 1,
    };
    *end = at + length;
    return 0;
}

/* The escape directive would give the backslash another meaning (Dockerfile reference, "Parser directives"). */
static bool is_escape_directive(const char *line)
{
    line += strspn(line, " \t");
    if (*line != '#')
        return false;
    line += 1 + strspn(line + 1, " \t");
    return strncasecmp(line, "escape", 6) == 0 && line[6 + strspn(line + 6, " \t")] == '=';
}

static int check_final_stage(const struct template *t, struct error *err)
{
    for (size_t i = 0; i < t->placeholder_count; i++) {
        const struct template_placeholder *p = &t->placeholders[i];
        if (p->id == PLACEHOLDER_BASE && p->offset < t->final_stage)
            return error_set(err, ERROR_PROJECT, "%s:%d:%d: {{base}} must stand on the last FROM line: %s", t->path, p->line,
                             p->column, placeholders[PLACEHOLDER_BASE].help);
    }
    return 0;
}

static int check_all_used(const struct place *place, struct error *err)
{
    const struct template *t = place->t;
    bool used[PLACEHOLDER_COUNT] = {false};
    for (size_t i = 0; i < t->placeholder_count; i++)
        used[t->placeholders[i].id] = true;
    for (int id = 0; id < PLACEHOLDER_COUNT; id++)
        if (placeholders[id].mandatory && !used[id])
            return error_set(err, ERROR_PROJECT, "%s:%d:1: the body never uses {{%s|%s}}: %s", t->path, t->body_line,
                             placeholders[id].name, template_quoting_name(placeholders[id].quoting),
                             placeholders[id].help);
    return 0;
}

/* {{copy}} takes from it. Engines don't care for the case of a name. */
static int check_builder(const struct template *t, struct error *err)
{
    for (size_t i = 0; i < t->stages.len; i++)
        if (strcasecmp(t->stages.items[i], STAGE_BUILD) == 0)
            return 0;
    return error_set(err, ERROR_PROJECT, "%s:%d:1: no stage is called '" STAGE_BUILD "', from which {{copy}} takes the program; write FROM ... AS "
                     STAGE_BUILD, t->path, t->body_line);
}

static int parse_body(struct template *t, struct error *err)
{
    struct place place = {.t = t, .line = t->body_line};
    for (const char *at = t->body; *at;) {
        start_line(&place, at);
        if (is_escape_directive(at))
            return wrong(&place, at, err, "the escape directive is not allowed: quoting relies on the backslash");
        while (*at && *at != '\n') {
            if (at[0] != '{' || at[1] != '{')
                at = skip_character(&place, at);
            else if (add_placeholder(&place, at, &at, err) != 0)
                return -1;
        }
        end_line(&place, at);
        at += *at == '\n';
    }
    return check_all_used(&place, err) == 0 && check_final_stage(t, err) == 0 ? check_builder(t, err) : -1;
}

/* Finds the line "---"; its length with the line end goes to *size. */
static const char *find_divider(const char *text, size_t length, size_t *size, int *line)
{
    const char *at = text, *end = text + length;
    for (*line = 1; at < end; (*line)++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t whole = (size_t)((stop ? stop + 1 : end) - at);
        if (whole >= 3 && memcmp(at, "---", 3) == 0 && strspn(at + 3, " \t\r") + 3 >= whole - (stop != NULL)) {
            *size = whole;
            return at;
        }
        at += whole;
    }
    return NULL;
}

int template_parse(const char *text, size_t length, const char *path, struct template *out, struct error *err)
{
    AUTO(buf) body = {0};
    size_t size = 0;
    int line = 0;
    out->path = xstrdup(path);
    if (length > TEMPLATE_MAX)
        return error_set(err, ERROR_PROJECT, "'%s' is larger than 65,536 bytes", path);
    if (memchr(text, '\0', length) || !js_valid_utf8(text, length))
        return error_set(err, ERROR_PROJECT, "'%s' is not UTF-8 text", path);
    autofree char *copy = xstrndup(text, length);
    const char *divider = find_divider(copy, length, &size, &line);
    if (!divider)
        return error_set(err, ERROR_PROJECT, "%s:1:1: no line '---' between head and body", path);
    if (parse_head(copy, (size_t)(divider - copy), out, err) != 0)
        return -1;
    for (const char *at = divider + size; *at; at++)
        if (at[0] != '\r' || at[1] != '\n')
            buf_addc(&body, *at);
    if (body.len > 0 && body.data[body.len - 1] != '\n')
        buf_addc(&body, '\n');
    out->body = buf_detach(&body);
    out->body_line = line + 1;
    return parse_body(out, err);
}

static int load_file(const char *path, struct template *out, struct error *err)
{
    AUTO(buf) text = {0};
    if (fs_read(path, TEMPLATE_MAX, &text, err) != 0) {
        err->kind = ERROR_PROJECT;
        return -1;
    }
    return template_parse(buf_text(&text), text.len, path, out, err);
}

/* The file of a language, or NULL; `looked` gets the folders. Caller frees. */
static char *find_language(const char *language, struct strv *looked)
{
    const char *own = getenv("LBUILD_TEMPLATES");
    while (own && *own) {
        size_t length = strcspn(own, ":");
        if (length > 0)
            strv_take(looked, xstrndup(own, length));
        own += length + (own[length] == ':');
    }
    strv_take(looked, data_path("templates"));
    for (size_t i = 0; i < looked->len; i++) {
        autofree char *file = xasprintf("%s.template", language);
        autofree char *path = path_join(looked->items[i], file);
        if (fs_exists(path))
            return take(path);
    }
    return NULL;
}

int template_load(const char *name, struct template *out, struct error *err)
{
    AUTO(strv) looked = {0};
    *out = (struct template){0};
    if (strchr(name, '/'))
        return load_file(name, out, err);
    autofree char *path = is_name(name) ? find_language(name, &looked) : NULL;
    if (!path)
        return error_set(err, ERROR_PROJECT, "no template for the language '%s'; %s%s", name,
                         looked.len > 0 ? "looked last in " : "a language is named by small letters and digits",
                         looked.len > 0 ? looked.items[looked.len - 1] : "");
    if (load_file(path, out, err) != 0)
        return -1;
    if (strcmp(out->language, name) != 0)
        return error_set(err, ERROR_PROJECT, "%s:1:1: the template is for '%s', not for '%s'", path, out->language, name);
    return 0;
}

void template_release(struct template *t)
{
    free(t->path);
    free(t->language);
    free(t->description);
    free(t->runtime);
    strv_release(&t->packages_dnf);
    strv_release(&t->packages_yum);
    strv_release(&t->packages_apt);
    strv_release(&t->packages_apk);
    strv_release(&t->stages);
    free(t->body);
    free(t->placeholders);
    *t = (struct template){0};
}
