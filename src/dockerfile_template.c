#include "dockerfile_template.h"

#include "dockerfile_builder.h"
#include "inifile.h"
#include "lambda/limits.h"
#include "quote.h"
#include "support/own.h"

#include <inttypes.h>
#include <string.h>

/* An input as it counts: the plan's value, or the default where the plan knows of none. */
static const struct plan_pair *find_input(const struct writer *w, const struct template_input *input)
{
    for (size_t i = 0; i < w->plan->inputs.len; i++)
        if (strcmp(w->plan->inputs.items[i].name, input->name) == 0)
            return &w->plan->inputs.items[i];
    return NULL;
}

static const char *value_of(const struct writer *w, const struct template_input *input, const struct origin **origin)
{
    const struct plan_pair *pair = find_input(w, input);
    *origin = pair && pair->origin.file ? &pair->origin : NULL;
    return pair ? pair->value : input->fallback;
}

static void values_of(const struct writer *w, struct strv *out)
{
    const struct origin *origin;
    for (size_t i = 0; i < w->t->input_count; i++)
        strv_add(out, value_of(w, &w->t->inputs[i], &origin));
}

/* " WORD" for each of a words input. */
static void write_words(struct writer *w, const struct template_input *input, const char *value, const struct origin *origin)
{
    AUTO(strv) words = {0};
    (void)!ini_words(value, &words); /* plan_inputs has done it before */
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

void template_write_manifest(struct writer *w)
{
    const struct strv *files = &w->plan->manifest;
    bool safe = true;
    for (size_t i = 0; i < files->len; i++) {
        autofree char *absolute = xasprintf("/%s", files->items[i]);
        safe = safe && quote_is_safe_path(absolute) && files->items[i][0] != '-';
    }
    if (files->len == 0)
        return;
    buf_adds(w->out, safe ? "COPY" : "COPY [");
    for (size_t i = 0; i < files->len; i++) {
        buf_adds(w->out, safe ? " " : "");
        if (safe)
            buf_adds(w->out, files->items[i]);
        else
            writer_quoted(w, quote_copy_json, files->items[i], NULL, "manifest");
        buf_adds(w->out, safe ? "" : ", ");
    }
    buf_adds(w->out, safe ? " ./\n" : "\"./\"]\n");
}

/* The input that a word is and nothing else, when it stands for several words; else NULL. */
static const struct template_input *whole_word(const struct template *t, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(word, "{{input:", 8) != 0 || length < 10 || strcmp(word + length - 2, "}}") != 0)
        return NULL;
    const struct template_input *input = template_input_find(t, word + 8, length - 10);
    return input && input->type == INPUT_WORDS ? input : NULL;
}

static void add_expanded(struct writer *w, const struct strv *words, const struct template_values *values)
{
    for (size_t i = 0; i < words->len; i++) {
        const struct template_input *input = whole_word(w->t, words->items[i]);
        const struct origin *origin = NULL;
        const char *value = input ? value_of(w, input, &origin) : NULL;
        if (input) {
            write_words(w, input, value, origin);
            continue;
        }
        autofree char *word = template_expand(w->t, words->items[i], values);
        buf_addc(w->out, ' ');
        writer_quoted(w, quote_shell, word, NULL, "compile");
    }
}

void template_write_compile(struct writer *w)
{
    AUTO(strv) inputs = {0};
    const struct template_compile *compile = &w->t->compile;
    const struct template_values values = {.inputs = &inputs, .program = DOCKERFILE_PROGRAM};
    if (compile->command.len == 0) {
        builder_compile(w);
        return;
    }
    values_of(w, &inputs);
    buf_addf(w->out, "RUN export LD_LIBRARY_PATH= LC_ALL=C SOURCE_DATE_EPOCH=%" PRId64, w->plan->epoch);
    add_expanded(w, &compile->env, &values);
    add_expanded(w, &compile->env_arch[w->plan->arch], &values);
    buf_adds(w->out, " \\\n    && mkdir -p /out \\\n    &&");
    add_expanded(w, &compile->command, &values);
    buf_adds(w->out, " \\\n    && chmod 0755 " DOCKERFILE_PROGRAM "\n");
}

#define TASK DOCKERFILE_APP LAMBDA_TASK_ROOT

void template_write_app(struct writer *w)
{
    buf_adds(w->out, "RUN mkdir -p " TASK " \\\n    && cp -RP ./. " TASK " \\\n    && rm -rf");
    static const char *const ours[] = {".lbuild", DOCKERFILE_NAME, "lbuild.ini"};
    for (size_t i = 0; i < countof(ours); i++)
        buf_addf(w->out, " " TASK "/%s", ours[i]);
    buf_adds(w->out, " \\\n    && chmod -R u=rwX,go=rX " TASK "\n");
}
