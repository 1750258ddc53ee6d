#include "project/stages.h"
#include "support/buf.h"
#include "support/inifile.h"
#include "support/instructions.h"
#include "support/own.h"
#include "template/parts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PLACEHOLDERS_MAX = 1000 };

const struct placeholder placeholders[PLACEHOLDER_COUNT] = {
    {"platform", QUOTE_PLAIN, QUOTE_PLAIN, true,
     "linux/amd64 or linux/arm64: for FROM --platform=."},
    {"builder", QUOTE_PLAIN, QUOTE_PLAIN, true, "Image of the builder stage."},
    {"install", QUOTE_BLOCK, QUOTE_BLOCK, true,
     "RUN line that installs the packages of template and project."},
    {"manifest", QUOTE_BLOCK, QUOTE_BLOCK, false,
     "COPY line for the project's lock file and manifests, as the head names them."},
    {"compile", QUOTE_BLOCK, QUOTE_BLOCK, false,
     "RUN lines that compile and link: the head's [compile], else the project's C sources."},
    {"app", QUOTE_BLOCK, QUOTE_BLOCK, false,
     "RUN line that puts the project into its folder below /out/app."},
    {"files", QUOTE_BLOCK, QUOTE_BLOCK, true,
     "RUN line that puts [files] below /out/files, their modes set to 0755 and 0644."},
    {"base", QUOTE_PLAIN, QUOTE_PLAIN, true, "Base image of the final stage."},
    {"copy", QUOTE_BLOCK, QUOTE_BLOCK, true,
     "COPY lines that bring the results that the head names, and [files], into the image."},
    {"env", QUOTE_BLOCK, QUOTE_BLOCK, true, "ENV line for [env]."},
    {"labels", QUOTE_BLOCK, QUOTE_BLOCK, true,
     "LABEL line for [labels] and org.opencontainers.image.*."},
    {"workdir", QUOTE_BLOCK, QUOTE_BLOCK, true, "WORKDIR line, unless the base's is kept."},
    {"entrypoint", QUOTE_BLOCK, QUOTE_BLOCK, true, "ENTRYPOINT line, unless the base's is kept."},
    {"cmd", QUOTE_JSON, QUOTE_JSON, true, "Arguments of CMD: the handler's name."},
    {"sources", QUOTE_SHELL, QUOTE_SHELL, false,
     "The project's source files, for a compile command of your own."},
    {"flags", QUOTE_SHELL, QUOTE_SHELL, false, "The compiler's flags, the project's and lbuild's."},
    {"program", QUOTE_SHELL, QUOTE_SHELL, false,
     "Where {{copy}} expects the program in the builder stage."},
    {"handler", QUOTE_ENV, QUOTE_SHELL, false, "The handler's name."},
};

const char *template_quoting_name(enum template_quoting quoting)
{
    static const char *const names[] = {"shell", "json", "env", "plain", "block"};
    return names[quoting];
}

struct place {
    const struct template *t;
    struct template_body *body;
    struct dockerfile_lines lines; /* the line that is being read */
    char quote;                    /* open quote in the instruction, or NUL */
};

static int line_of(const struct place *place)
{
    return place->body->line + place->lines.number - 1;
}

static int column_of(const struct place *place, const char *at)
{
    return (int)(at - place->lines.text) + 1;
}

static int wrong(const struct place *place, const char *at, struct error *err, const char *text)
{
    return error_set(err, ERROR_PROJECT, "%s:%d:%d: %s", place->t->path, line_of(place),
                     column_of(place, at), text);
}

static int unknown(const struct place *place, const char *at, const char *name, struct error *err)
{
    AUTO(buf) known = {0};
    AUTO(strv) names = {0};
    for (int i = 0; i < PLACEHOLDER_COUNT; i++)
        strv_add(&names, placeholders[i].name);
    for (size_t i = 0; i < place->t->input_count; i++)
        strv_addf(&names, "input:%s", place->t->inputs[i].name);

    const char *near = strv_nearest(name, strv_argv(&names), names.len);
    for (size_t i = 0; !near && i < names.len; i++)
        buf_addf(&known, "%s%s", i == 0 ? "; there are: " : ", ", names.items[i]);
    autofree char *text =
        xasprintf("unknown placeholder '%.80s'%s%s%s", name,
                  near ? "; did you mean '" : buf_text(&known), near ? near : "", near ? "'?" : "");
    return wrong(place, at, err, text);
}

static unsigned quotings_of(const struct template *t, const struct template_placeholder *p)
{
    if (p->id != PLACEHOLDER_INPUT)
        return 1U << placeholders[p->id].quoting | 1U << placeholders[p->id].other;
    enum template_input_type type = t->inputs[p->input].type;
    unsigned some = 1U << QUOTE_SHELL | (type != INPUT_WORDS ? 1U << QUOTE_ENV : 0);
    return template_input_is_plain(type) ? some | 1U << QUOTE_PLAIN : some;
}

/* Checks the quoting that the body asks for by name (NULL: it asks for none) against those that the
 * placeholder may have. */
static int find_quoting(const struct place *place, const char *at, const char *name,
                        const char *asked, struct template_placeholder *p, struct error *err)
{
    unsigned allowed = quotings_of(place->t, p);
    AUTO(buf) remedy = {0};
    const char *first = NULL;

    for (int quoting = 0; quoting < QUOTE_COUNT; quoting++) {
        const char *quoting_name = template_quoting_name((enum template_quoting)quoting);
        p->quoting = (enum template_quoting)quoting;
        if (!(allowed & 1U << quoting))
            continue;
        if (asked ? strcmp(asked, quoting_name) == 0 : quoting >= QUOTE_PLAIN)
            return 0;
        buf_addf(&remedy, "%s{{%s|%s}}", first ? " or " : "", name, quoting_name);
        first = first ? first : quoting_name;
    }

    autofree char *text = xasprintf("'%s' stands for text that must be quoted as '%s'; write %s",
                                    name, first ? first : "", buf_text(&remedy));
    return wrong(place, at, err, text);
}

static int find_placeholder(const struct place *place, const char *at,
                            struct template_placeholder *p, struct error *err)
{
    const struct template *t = place->t;
    const char *bar = memchr(at + 2, '|', p->length - 4);
    size_t name_length = bar ? (size_t)(bar - at) - 2 : p->length - 4;
    autofree char *name = xstrndup(at + 2, name_length);
    autofree char *quoting = bar ? xstrndup(bar + 1, p->length - 5 - name_length) : NULL;
    const struct template_input *input =
        strncmp(name, "input:", 6) == 0 ? template_input_find(t, name + 6, name_length - 6) : NULL;
    for (p->id = 0; p->id < PLACEHOLDER_COUNT && strcmp(name, placeholders[p->id].name) != 0;)
        p->id++;

    if (p->id == PLACEHOLDER_COUNT && !input)
        return unknown(place, at, name, err);
    if (input)
        p->input = (size_t)(input - t->inputs);
    return find_quoting(place, at, name, quoting, p, err);
}

static bool is_of(const struct place *place, const char *keyword)
{
    return dockerfile_is(&place->lines.instruction, keyword);
}

/* Says what is wrong if the placeholder is where its quoting isn't allowed; else NULL. */
static const char *wrong_quoting(const struct place *place, const char *at,
                                 const struct template_placeholder *p)
{
    const char *before = at > place->lines.text ? at - 1 : "\n", *after = at + p->length;
    bool line_ends = *after == '\n' || *after == '\0';
    bool one_word = strchr(" \t=\n", *before) && (line_ends || strchr(" \t;", *after));

    switch (p->quoting) {
    case QUOTE_SHELL:
        if (!is_of(place, "RUN") || !one_word)
            return "shell words must be between blanks on a RUN line";
        break;
    case QUOTE_ENV:
        if (!(is_of(place, "ENV") || is_of(place, "LABEL") || is_of(place, "WORKDIR")) || !one_word)
            return "a quoted value must be one word on an ENV, LABEL or WORKDIR line";
        break;
    case QUOTE_JSON:
        if (!(is_of(place, "CMD") || is_of(place, "ENTRYPOINT")) || *before != ' ' || !line_ends)
            return "a JSON array must be the whole of a CMD or ENTRYPOINT line";
        break;
    case QUOTE_PLAIN:
        if (!is_of(place, "FROM"))
            return "an image or a platform can only be on a FROM line";
        break;
    case QUOTE_BLOCK:
    case QUOTE_COUNT:
        break;
    }
    return NULL;
}

static int check_place(const struct place *place, const char *at,
                       const struct template_placeholder *p, struct error *err)
{
    const struct dockerfile_lines *lines = &place->lines;
    bool alone = lines->kind == LINE_START && p->length == lines->length;
    if (lines->kind == LINE_NOTE)
        return wrong(place, at, err, "a placeholder can't be in a comment");
    if (p->quoting == QUOTE_BLOCK)
        return alone ? 0 : wrong(place, at, err, "a block must be alone on its line");
    if (p->quoting == QUOTE_PLAIN && p->id == PLACEHOLDER_INPUT)
        return 0;
    if (lines->kind == LINE_DOCUMENT)
        return wrong(place, at, err, "a placeholder can't be in a here-document");
    if (place->quote)
        return wrong(place, at, err,
                     "a placeholder can't be inside quotes, since it brings its own; remove them");

    const char *text = wrong_quoting(place, at, p);
    return text ? wrong(place, at, err, text) : 0;
}

static void note_run(struct place *place)
{
    if (place->body->final_run_line == 0)
        place->body->final_run_line = line_of(place);
}

/* "FROM [--platform=...] IMAGE AS NAME": the name is the line's last word. */
static void note_stage(struct place *place)
{
    AUTO(strv) words = {0};
    autofree char *line = xstrndup(place->lines.text, place->lines.length);
    place->body->final_stage = (size_t)(place->lines.text - place->body->text);
    place->body->final_run_line = 0;
    if (ini_words(line, &words) == 0 && words.len > 3 &&
        strcasecmp(words.items[words.len - 2], "AS") == 0)
        strv_add(&place->body->stages, words.items[words.len - 1]);
}

static void start_instruction(struct place *place)
{
    place->quote = '\0';
    if (is_of(place, "FROM"))
        note_stage(place);
    else if (is_of(place, "RUN"))
        note_run(place);
}

/* Follows the quotes of a line; they only matter for RUN, ENV and the like. */
static const char *skip_character(struct place *place, const char *at)
{
    if (*at == '\\' && place->quote != '\'' && at[1] && at[1] != '\n')
        return at + 2;
    if (place->lines.kind != LINE_NOTE && place->lines.kind != LINE_DOCUMENT &&
        (*at == '\'' || *at == '"')) {
        if (!place->quote)
            place->quote = *at;
        else if (place->quote == *at)
            place->quote = '\0';
    }
    return at + 1;
}

static int add_placeholder(struct place *place, const char *at, const char **end, struct error *err)
{
    struct template_body *body = place->body;
    size_t to_line_end = strcspn(at, "\n");
    const char *close = memmem(at + 2, to_line_end - 2, "}}", 2);
    if (!close)
        return wrong(place, at, err, "'{{' is not closed by '}}' on its line");
    struct template_placeholder made = {.offset = (size_t)(at - body->text),
                                        .length = (size_t)(close - at) + 2,
                                        .line = line_of(place),
                                        .column = column_of(place, at)};
    if (find_placeholder(place, at, &made, err) != 0 || check_place(place, at, &made, err) != 0)
        return -1;
    if (body->placeholder_count == PLACEHOLDERS_MAX)
        return wrong(place, at, err, "more than 1,000 placeholders");

    if (made.id == PLACEHOLDER_INSTALL || made.id == PLACEHOLDER_COMPILE ||
        made.id == PLACEHOLDER_FILES || made.id == PLACEHOLDER_APP)
        note_run(place);
    if (made.id != PLACEHOLDER_INPUT)
        body->uses[made.id] = true;

    grow(body->placeholders, body->placeholder_count, body->placeholder_cap);
    body->placeholders[body->placeholder_count++] = made;
    *end = at + made.length;
    return 0;
}

/* The escape directive would give the backslash another meaning (Dockerfile
 * reference, "Parser directives"). */
static bool is_escape_directive(const char *line)
{
    line += strspn(line, " \t");
    if (*line != '#')
        return false;
    line += 1 + strspn(line + 1, " \t");
    return strncasecmp(line, "escape", 6) == 0 && line[6 + strspn(line + 6, " \t")] == '=';
}

static int check_final_stage(const struct place *place, struct error *err)
{
    const struct template_body *body = place->body;
    for (size_t i = 0; i < body->placeholder_count; i++) {
        const struct template_placeholder *p = &body->placeholders[i];
        if (p->id == PLACEHOLDER_BASE && p->offset < body->final_stage)
            return error_set(err, ERROR_PROJECT,
                             "%s:%d:%d: {{base}} must be on the last FROM line: %s", place->t->path,
                             p->line, p->column, placeholders[PLACEHOLDER_BASE].help);
    }
    return 0;
}

static int check_all_used(const struct place *place, struct error *err)
{
    const struct template *t = place->t;
    for (int id = 0; id < PLACEHOLDER_COUNT; id++)
        if (placeholders[id].mandatory && !place->body->uses[id])
            return error_set(err, ERROR_PROJECT, "%s:%d:1: the body never uses {{%s|%s}}: %s",
                             t->path, place->body->line, placeholders[id].name,
                             template_quoting_name(placeholders[id].quoting),
                             placeholders[id].help);
    return 0;
}

/* Engines ignore the case of a name. */
static bool has_stage(const struct template_body *body, const char *name)
{
    for (size_t i = 0; i < body->stages.len; i++)
        if (strcasecmp(body->stages.items[i], name) == 0)
            return true;
    return false;
}

/* A stage that {{copy}} takes `what` from must be there. */
static int check_stage(const struct place *place, const char *name, const char *what,
                       struct error *err)
{
    if (has_stage(place->body, name))
        return 0;
    return error_set(
        err, ERROR_PROJECT,
        "%s:%d:1: no stage is called '%s', from which {{copy}} takes the %s; write FROM ... AS %s",
        place->t->path, place->body->line, name, what, name);
}

static int read_line(struct place *place, struct error *err)
{
    const char *at = place->lines.text, *end = at + place->lines.length;
    if (place->lines.kind == LINE_START)
        start_instruction(place);
    if (place->lines.kind == LINE_NOTE && is_escape_directive(at))
        return wrong(place, at, err,
                     "the escape directive is not allowed, since quoting relies on the backslash; "
                     "remove it");

    while (at < end) {
        if (at[0] != '{' || at[1] != '{')
            at = skip_character(place, at);
        else if (add_placeholder(place, at, &at, err) != 0)
            return -1;
    }
    return 0;
}

int template_parse_body(const struct template *t, struct template_body *body, struct error *err)
{
    struct place place = {.t = t, .body = body, .lines = {.at = body->text}};
    while (dockerfile_lines_next(&place.lines))
        if (read_line(&place, err) != 0)
            return -1;

    if (check_all_used(&place, err) != 0 || check_final_stage(&place, err) != 0 ||
        check_stage(&place, STAGE_BUILD, "program", err) != 0)
        return -1;
    return t->deps ? check_stage(&place, "deps", "dependencies", err) : 0;
}
