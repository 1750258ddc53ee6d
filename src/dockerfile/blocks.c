#include "dockerfile/blocks.h"

#include "dockerfile/builder.h"
#include "dockerfile/quote.h"
#include "lambda/limits.h"
#include "support/inifile.h"
#include "support/own.h"

#include <inttypes.h>
#include <string.h>

/* The plan's value of an input; NULL: the plan has none. */
static const struct plan_pair *find_input(const struct writer *w,
                                          const struct template_input *input)
{
    for (size_t i = 0; i < w->plan->inputs.len; i++)
        if (strcmp(w->plan->inputs.items[i].name, input->name) == 0)
            return &w->plan->inputs.items[i];
    return NULL;
}

/* The effective value: the plan's, or the default. *origin: where it was set, or NULL. */
static const char *value_of(const struct writer *w, const struct template_input *input,
                            const struct origin **origin)
{
    const struct plan_pair *pair = find_input(w, input);
    *origin = pair && pair->origin.file ? &pair->origin : NULL;
    return pair ? pair->value : input->fallback;
}

/* " WORD" for each word of an input of words. */
static void write_words(struct writer *w, const struct template_input *input, const char *value,
                        const struct origin *origin)
{
    AUTO(strv) words = {0};
    (void)!ini_words(value, &words); /* the value was checked earlier */
    for (size_t i = 0; i < words.len; i++) {
        buf_addc(w->out, ' ');
        writer_quoted(w, quote_shell, words.items[i], origin, input->name);
    }
}

void template_write_input(struct writer *w, const struct template_placeholder *p)
{
    static const quoter quoters[QUOTE_COUNT] = {
        [QUOTE_SHELL] = quote_shell, [QUOTE_ENV] = quote_env, [QUOTE_PLAIN] = quote_plain};
    const struct template_input *input = &w->t->inputs[p->input];
    const struct origin *origin;
    const char *value = value_of(w, input, &origin);

    if (input->type == INPUT_WORDS)
        write_words(w, input, value, origin);
    else
        writer_quoted(w, quoters[p->quoting], value, origin, input->name);
}

/* Whether a path lies right in that folder, not deeper; "" is the project's. */
static bool lies_in(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) == length && strncmp(path, folder, length) == 0
                 : length == 0;
}

/* Whether the plain form of COPY can hold the names of all files in the folder. */
static bool is_safe(const struct strv *files, const char *folder)
{
    for (size_t i = 0; i < files->len; i++) {
        autofree char *absolute = xasprintf("/%s", files->items[i]);
        if (lies_in(files->items[i], folder) &&
            (!quote_is_safe_path(absolute) || files->items[i][0] == '-'))
            return false;
    }
    return true;
}

static void copy_folder(struct writer *w, const struct strv *files, const char *folder)
{
    bool safe = is_safe(files, folder);
    AUTO(strv) words = {0};
    for (size_t i = 0; i < files->len; i++)
        if (lies_in(files->items[i], folder))
            strv_add(&words, files->items[i]);
    strv_addf(&words, "./%s%s", folder, folder[0] ? "/" : "");

    buf_adds(w->out, safe ? "COPY" : "COPY [");
    for (size_t i = 0; i < words.len; i++) {
        if (safe) {
            buf_addf(w->out, " %s", words.items[i]);
        } else {
            buf_adds(w->out, i == 0 ? "" : ", ");
            writer_quoted(w, quote_copy_json, words.items[i], NULL, "manifest");
        }
    }
    buf_adds(w->out, safe ? "\n" : "]\n");
}

/* One COPY for each folder, since COPY puts all its sources into one. */
void template_write_manifest(struct writer *w)
{
    const struct strv *files = &w->plan->manifest;
    AUTO(strv) folders = {0};

    for (size_t i = 0; i < files->len; i++) {
        const char *slash = strrchr(files->items[i], '/');
        strv_take(&folders,
                  xstrndup(files->items[i], slash ? (size_t)(slash - files->items[i]) : 0));
    }

    strv_sort(&folders);
    strv_unique(&folders);
    for (size_t i = 0; i < folders.len; i++)
        copy_folder(w, files, folders.items[i]);
}

static void add_words(struct writer *w, const struct strv *words)
{
    for (size_t i = 0; i < words->len; i++) {
        buf_addc(w->out, ' ');
        writer_quoted(w, quote_shell, words->items[i], NULL, "compile");
    }
}

void template_write_compile(struct writer *w)
{
    AUTO(plan_command) command = {0};
    if (w->t->compile.command.len == 0) {
        builder_compile(w);
        return;
    }

    plan_command_make(
        w->plan, w->t,
        &(struct template_values){.program = DOCKERFILE_PROGRAM, .cache = DOCKERFILE_CACHE}, false,
        &command);

    buf_addf(w->out, "RUN export LD_LIBRARY_PATH= LC_ALL=C SOURCE_DATE_EPOCH=%" PRId64,
             w->plan->epoch);
    add_words(w, &command.env);
    buf_adds(w->out, " \\\n    && mkdir -p /out");
    if (command.argv.len > 0) {
        buf_adds(w->out, " \\\n    &&");
        add_words(w, &command.argv);
    }
    if (command.result) {
        buf_adds(w->out, " \\\n    && cp ");
        writer_quoted(w, quote_shell, command.result, NULL, "compile");
        buf_adds(w->out, " " DOCKERFILE_PROGRAM);
    }
    buf_adds(w->out, " \\\n    && chmod 0755 " DOCKERFILE_PROGRAM "\n");
}

#define TASK DOCKERFILE_APP LAMBDA_TASK_ROOT

void template_write_app(struct writer *w)
{
    static const char *const ours[] = {".lbuild", DOCKERFILE_NAME, "lbuild.ini"};
    buf_adds(w->out, "RUN mkdir -p " TASK " \\\n    && cp -RP ./. " TASK " \\\n    && rm -rf");
    for (size_t i = 0; i < countof(ours); i++)
        buf_addf(w->out, " " TASK "/%s", ours[i]);
    buf_adds(w->out, " \\\n    && chmod -R u=rwX,go=rX " TASK "\n");
}
