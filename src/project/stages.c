#include "project/stages.h"

#include "support/fs.h"
#include "support/inifile.h"
#include "support/json.h"
#include "support/own.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void stage_copies_release(struct stage_copies *copies)
{
    for (size_t i = 0; i < copies->len; i++) {
        free(copies->items[i].stage);
        free(copies->items[i].source);
        free(copies->items[i].dest);
    }
    free(copies->items);
    *copies = (struct stage_copies){0};
}

void stages_release(struct stages *stages)
{
    for (size_t i = 0; i < stages->len; i++) {
        struct stage *stage = &stages->items[i];
        free(stage->name);
        for (int key = 0; key < STAGE_KEY_COUNT; key++)
            setting_release(&stage->values[key]);
        strv_release(&stage->packages);
        strv_release(&stage->secrets);
        strv_release(&stage->ssh);
        settings_release(&stage->env);
        settings_release(&stage->run);
        stage_copies_release(&stage->copies);
    }
    free(stages->items);
    *stages = (struct stages){0};
}

struct stage *stages_find(const struct stages *stages, const char *name)
{
    for (size_t i = 0; i < stages->len; i++)
        if (strcmp(stages->items[i].name, name) == 0)
            return &stages->items[i];
    return NULL;
}

struct stage *stages_add(struct stages *stages, const char *name, const struct origin *origin,
                         struct strv *complaints)
{
    autofree char *wrong = value_check_stage(name);
    if (wrong)
        settings_complain(complaints, origin, "%s", wrong);
    if (stages->len == STAGES_MAX) {
        settings_complain(complaints, origin, "more than %d stages", STAGES_MAX);
        return NULL;
    }

    grow(stages->items, stages->len, stages->cap);
    struct stage *stage = &stages->items[stages->len++];
    *stage = (struct stage){.name = xstrdup(name), .origin = *origin};
    return stage;
}

/* --- copies --- */

bool stage_path(const char *text, char **name, char **path)
{
    const char *colon = strncmp(text, "stage:", 6) == 0 ? strchr(text + 6, ':') : NULL;
    if (!colon)
        return false;
    *name = xstrndup(text + 6, (size_t)(colon - text) - 6);
    *path = xstrdup(colon + 1);
    return true;
}

/* The source in the form of struct stage_copy; NULL and *wrong. Caller frees both. */
static char *clean_source(const char *path, bool in_stage, char **wrong)
{
    autofree char *clean = path_clean(path);
    bool fits = clean && (path[0] == '/') == in_stage;
    *wrong = NULL;
    if (!fits && in_stage)
        *wrong =
            xasprintf("'%.80s' is not a path in a stage; write an absolute one without '..'", path);
    else if (!fits)
        *wrong = xasprintf("'%.80s' is outside of the project; give a path below the project file",
                           path);
    else if (strpbrk(clean, "*?[\\"))
        *wrong = xasprintf("'%.80s' looks like a pattern, which engines read in different ways; "
                           "name the file or its folder",
                           path);
    if (*wrong)
        return NULL;
    return in_stage ? xasprintf("/%s", clean) : take(clean);
}

char *stage_copies_add(struct stage_copies *copies, const char *source, const char *dest,
                       const struct origin *origin)
{
    autofree char *stage = NULL, *path = NULL;
    char *wrong = NULL;
    bool in_stage = stage_path(source, &stage, &path);
    autofree char *from = clean_source(in_stage ? path : source, in_stage, &wrong),
                  *to = path_clean(dest);

    if (wrong)
        return wrong;
    if (!to || !dest[0])
        return xasprintf("'%.80s' is not a path to copy to; write one without '..'", dest);

    bool into = to[0] == '\0' || dest[strlen(dest) - 1] == '/';
    autofree char *inside = into ? path_join(to, path_base(from)) : xstrdup(to);

    grow(copies->items, copies->len, copies->cap);
    copies->items[copies->len++] = (struct stage_copy){
        .stage = take(stage),
        .source = take(from),
        .dest = dest[0] == '/' ? xasprintf("/%s", inside) : xstrdup(inside[0] ? inside : "."),
        .origin = *origin,
    };
    return NULL;
}

/* --- values --- */

typedef void (*on_line)(struct stage *stage, const char *line, const struct origin *origin,
                        struct strv *complaints);

static void each_line(struct stage *stage, enum stage_key key, on_line call,
                      struct strv *complaints)
{
    const struct setting *setting = &stage->values[key];
    const char *at = setting->value ? setting->value : "";

    for (size_t i = 0; *at; i++) {
        size_t length = strcspn(at, "\n");
        autofree char *line = xstrndup(at, length);
        struct origin origin = setting_line(setting, i);
        if (length > 0)
            call(stage, line, &origin, complaints);
        at += length + (at[length] == '\n');
    }
}

static void read_env(struct stage *stage, const char *line, const struct origin *origin,
                     struct strv *complaints)
{
    size_t length = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    autofree char *name = xstrndup(line, length),
                  *value = ini_unquote(line + length + (line[length] == '='));

    if (length == 0 || isdigit((unsigned char)line[0]) || line[length] != '=') {
        settings_complain(complaints, origin, "expected NAME=VALUE, not '%.80s'", line);
    } else if (!value) {
        settings_complain(complaints, origin,
                          "the quotes of '%.80s' don't match; write NAME=\"...\"", line);
    } else if (settings_find(&stage->env, name)) {
        settings_complain(complaints, origin, "'%.80s' is set twice in this stage; keep one", name);
    } else {
        struct setting *variable = settings_add(&stage->env, name);
        setting_set(variable, value, origin);
    }
}

static void read_copy(struct stage *stage, const char *line, const struct origin *origin,
                      struct strv *complaints)
{
    AUTO(strv) words = {0};
    if (ini_words(line, &words) != 0 || words.len != 2) {
        settings_complain(complaints, origin,
                          "expected SOURCE DEST, not '%.80s'; quote a name that has blanks", line);
        return;
    }

    autofree char *wrong = stage_copies_add(&stage->copies, words.items[0], words.items[1], origin);
    if (wrong)
        settings_complain(complaints, origin, "%s", wrong);
}

/* Whether a word of the command starts a here-document: newer engines would read the next
 * lines as its text. */
static bool has_here_document(const char *command)
{
    for (const char *at = command; (at = strstr(at, "<<")); at += 2 + strspn(at + 2, "<")) {
        const char *start = at;
        while (start > command && isdigit((unsigned char)start[-1]))
            start--;
        if (at[2] != '<' && (start == command || strchr(" \t\n\"'", start[-1])))
            return true;
    }
    return false;
}

static const char *wrong_command(const char *command)
{
    struct error err = {0};
    AUTOPTR(js) array = command[0] == '[' ? js_parse(command, strlen(command), "", &err) : NULL;

    if (strncmp(command, "--", 2) == 0)
        return "starts like an option of RUN; secrets and SSH have keys of their own";
    if (array)
        return "is a JSON array, which would run without a shell; write plain words";
    if (has_here_document(command))
        return "has a here-document, which not every engine knows; copy a file instead";
    return NULL;
}

static size_t backslashes(const char *line, size_t length)
{
    size_t count = 0;
    while (count < length && line[length - 1 - count] == '\\')
        count++;
    return count;
}

static void read_run(struct stage *stage, const char *line, const struct origin *origin,
                     struct strv *complaints)
{
    struct settings *run = &stage->run;
    struct setting *last = run->len > 0 ? &run->items[run->len - 1] : NULL;
    size_t count = backslashes(line, strlen(line));
    if (count > 0 && count % 2 == 0)
        settings_complain(
            complaints, origin,
            "only some engines continue a line that ends in an even number of backslashes; "
            "quote them");

    if (last && backslashes(last->value, setting_length(last)) % 2 == 1) {
        setting_continue(last, line, origin);
        return;
    }
    setting_set(settings_add(run, ""), line, origin);
}

static void check_run(const struct stage *stage, struct strv *complaints)
{
    for (size_t i = 0; i < stage->run.len; i++) {
        const struct setting *command = &stage->run.items[i];
        const char *wrong = wrong_command(command->value);
        if (backslashes(command->value, setting_length(command)) % 2 == 1)
            wrong = "ends in a backslash, but no line follows";
        if (wrong)
            settings_complain(complaints, &command->origin, "'%.80s' %s", command->value, wrong);
    }
}

static void read_words(struct stage *stage, enum stage_key key, struct strv *words)
{
    if (stage->values[key].value && ini_words(stage->values[key].value, words) != 0)
        strv_release(words); /* setting_settle has complained */
}

static void check_ids(const struct stage *stage, enum stage_key key, const struct strv *ids,
                      struct strv *complaints)
{
    for (size_t i = 0; i < ids->len; i++) {
        autofree char *wrong = value_check_secret(ids->items[i], "env:X");
        if (wrong)
            settings_complain(complaints, &stage->values[key].origin, "%s", wrong);
    }
}

static void settle(struct stage *stage, struct strv *complaints)
{
    for (int key = 0; key < STAGE_KEY_COUNT; key++)
        setting_settle(&stage->values[key], project_stage_keys[key].type, complaints);

    read_words(stage, STAGE_PACKAGES, &stage->packages);
    read_words(stage, STAGE_SECRETS, &stage->secrets);
    read_words(stage, STAGE_SSH, &stage->ssh);
    check_ids(stage, STAGE_SECRETS, &stage->secrets, complaints);
    check_ids(stage, STAGE_SSH, &stage->ssh, complaints);

    each_line(stage, STAGE_ENV, read_env, complaints);
    each_line(stage, STAGE_COPY, read_copy, complaints);
    each_line(stage, STAGE_RUN, read_run, complaints);
    check_run(stage, complaints);
}

void stages_settle(struct stages *stages, struct strv *complaints)
{
    for (size_t i = 0; i < stages->len; i++)
        settle(&stages->items[i], complaints);
}

/* --- all stages together --- */

static const char *nearest(const struct stages *stages, const char *name)
{
    const char *names[STAGES_MAX];
    for (size_t i = 0; i < stages->len; i++)
        names[i] = stages->items[i].name;
    return strv_nearest(name, names, stages->len);
}

static void check_name(const struct stages *stages, const char *name, const struct origin *origin,
                       struct strv *complaints)
{
    if (strcmp(name, STAGE_BUILD) == 0 || stages_find(stages, name))
        return;

    const char *near = nearest(stages, name);
    settings_complain(complaints, origin, "there is no [stage:%.80s]%s%s%s", name,
                      near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* Checks `from`. An image without a tag may be a stage with a typing error. */
static void check_from(const struct stages *stages, const struct stage *stage,
                       struct strv *complaints)
{
    const struct setting *from = &stage->values[STAGE_FROM];
    if (!from->value || !from->value[0]) {
        settings_complain(complaints, &stage->origin,
                          "[stage:%s] needs a 'from': an image, scratch or another stage",
                          stage->name);
        return;
    }

    const char *near = nearest(stages, from->value);
    if (near && !strpbrk(from->value, "/:@") && !stages_find(stages, from->value) &&
        strcmp(from->value, STAGE_BUILD) != 0)
        settings_complain(
            complaints, &from->origin,
            "there is no [stage:%.80s]; did you mean '%s'? An image has a tag: '%.80s:latest'",
            from->value, near, from->value);
}

enum colour { UNSEEN, OPEN, DONE };

static void visit(const struct stages *stages, size_t index, enum colour *colours,
                  struct strv *complaints);

/* Follows a stage to another one that it needs (`name`, or NULL), as the setting
 * at `origin` says. */
static void follow(const struct stages *stages, const struct stage *stage, const char *name,
                   const struct origin *origin, enum colour *colours, struct strv *complaints)
{
    const struct stage *other = name ? stages_find(stages, name) : NULL;
    if (!other)
        return;

    size_t index = (size_t)(other - stages->items);
    if (colours[index] == OPEN)
        settings_complain(complaints, origin,
                          "[stage:%s] needs [stage:%s], which needs it in turn; break the circle",
                          stage->name, other->name);
    else if (colours[index] == UNSEEN)
        visit(stages, index, colours, complaints);
}

static void visit(const struct stages *stages, size_t index, enum colour *colours,
                  struct strv *complaints)
{
    const struct stage *stage = &stages->items[index];

    colours[index] = OPEN;
    follow(stages, stage, stage->values[STAGE_FROM].value, &stage->values[STAGE_FROM].origin,
           colours, complaints);
    for (size_t i = 0; i < stage->copies.len; i++)
        follow(stages, stage, stage->copies.items[i].stage, &stage->copies.items[i].origin, colours,
               complaints);

    colours[index] = DONE;
}

void stages_check(const struct stages *stages, const struct settings *files,
                  struct strv *complaints)
{
    enum colour colours[STAGES_MAX] = {UNSEEN};

    for (size_t i = 0; i < stages->len; i++) {
        const struct stage *stage = &stages->items[i];
        check_from(stages, stage, complaints);
        for (size_t j = 0; j < stage->copies.len; j++)
            if (stage->copies.items[j].stage)
                check_name(stages, stage->copies.items[j].stage, &stage->copies.items[j].origin,
                           complaints);
        if (colours[i] == UNSEEN)
            visit(stages, i, colours, complaints);
    }

    for (size_t i = 0; i < files->len; i++) {
        autofree char *name = NULL, *path = NULL;
        if (stage_path(files->items[i].name, &name, &path))
            check_name(stages, name, &files->items[i].origin, complaints);
    }
}
