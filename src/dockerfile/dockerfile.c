#include "dockerfile/dockerfile.h"

#include "dockerfile/blocks.h"
#include "dockerfile/builder.h"
#include "dockerfile/quote.h"
#include "dockerfile/stages.h"
#include "support/fs.h"
#include "support/instructions.h"
#include "support/own.h"

#include <stdlib.h>
#include <string.h>

enum {
    LINE_MAX_BYTES = 65535, /* that the parsers read: bufio.MaxScanTokenSize less one */
    COMMAND_MAX_BYTES =
        131071, /* of one argument of a process: Linux's MAX_ARG_STRLEN less the NUL */
};

/* The image's configuration. */

static void add_env(struct writer *w)
{
    for (size_t i = 0; i < w->plan->env.len; i++) {
        const struct plan_pair *pair = &w->plan->env.items[i];
        buf_addf(w->out, "%s%s=", i == 0 ? "ENV " : " \\\n    ", pair->name);
        writer_pair(w, quote_env, pair, pair->value, "env");
    }
    if (w->plan->env.len > 0)
        buf_addc(w->out, '\n');
}

static bool has_label(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->labels.len; i++)
        if (strcmp(plan->labels.items[i].name, name) == 0)
            return true;
    return false;
}

static void add_label(struct writer *w, const struct plan_pair *pair, bool first)
{
    buf_adds(w->out, first ? "LABEL " : " \\\n    ");
    if (strchr(pair->name, '='))
        writer_fail(w, &pair->origin, "labels", pair->name, "has an '=' in its name");
    if (pair->name[strspn(pair->name,
                          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-")])
        writer_pair(w, quote_env, pair, pair->name, "labels");
    else
        buf_adds(w->out, pair->name);
    buf_addc(w->out, '=');
    writer_pair(w, quote_env, pair, pair->value, "labels");
}

/* The annotations, except those that the project sets as labels, then its labels. */
static void add_labels(struct writer *w)
{
    const struct plan *plan = w->plan;
    bool first = true;
    for (size_t i = 0; i < plan->annotations.len; i++) {
        if (has_label(plan, plan->annotations.items[i].name))
            continue;
        add_label(w, &plan->annotations.items[i], first);
        first = false;
    }

    for (size_t i = 0; i < plan->labels.len; i++, first = false)
        add_label(w, &plan->labels.items[i], first);
    if (!first)
        buf_addc(w->out, '\n');
}

static void add_workdir(struct writer *w)
{
    if (!w->plan->workdir)
        return;
    writer_from(w, writer_origin(w, KEY_IMAGE_WORKDIR));
    buf_adds(w->out, "WORKDIR ");
    if (quote_is_safe_path(w->plan->workdir))
        buf_adds(w->out, w->plan->workdir);
    else
        writer_value(w, quote_env, w->plan->workdir, KEY_IMAGE_WORKDIR);
    buf_addc(w->out, '\n');
}

static void add_array(struct writer *w, const struct strv *words)
{
    buf_addc(w->out, '[');
    for (size_t i = 0; i < words->len; i++) {
        buf_adds(w->out, i == 0 ? "" : ", ");
        writer_value(w, quote_json, words->items[i], KEY_FUNCTION_HANDLER);
    }
    buf_addc(w->out, ']');
}

static void add_entrypoint(struct writer *w)
{
    if (w->plan->entrypoint.len == 0)
        return;
    buf_adds(w->out, "ENTRYPOINT ");
    add_array(w, &w->plan->entrypoint);
    buf_addc(w->out, '\n');
}

/* The reference, pinned to the digest if that is known. It then loses its tag, since not every
 * engine accepts both. */
static void add_base(struct writer *w)
{
    writer_from(w, writer_origin(w, KEY_IMAGE_BASE));
    const char *reference = w->on_scratch ? "scratch" : w->plan->base_reference,
               *slash = strrchr(reference, '/');
    const char *colon = strchr(slash ? slash : reference, ':');

    if (!w->plan->base_digest || base_is_file(reference) || strcmp(reference, "scratch") == 0 ||
        strchr(reference, '@')) {
        writer_value(w, quote_plain, reference, KEY_IMAGE_BASE);
        return;
    }

    int length = (int)(colon ? (size_t)(colon - reference) : strlen(reference));
    autofree char *pinned = xasprintf("%.*s@%s", length, reference, w->plan->base_digest);
    writer_value(w, quote_plain, pinned, KEY_IMAGE_BASE);
}

static void add_stage_files(struct writer *w)
{
    const struct stage_copies *files = &w->plan->stage_files;
    for (size_t i = 0; i < files->len; i++) {
        if (!w->t->no_program && strcmp(files->items[i].dest + 1, w->plan->program) == 0)
            writer_fail(w, &files->items[i].origin, "files", files->items[i].dest,
                        "is the program's own place");
        stages_copy(w, &files->items[i], builder_top(w));
    }
}

static void add_copy(struct writer *w)
{
    builder_copy(w);
    add_stage_files(w);
}

static void add_builder(struct writer *w)
{
    writer_from(w, writer_origin(w, KEY_BUILD_BUILDER));
    writer_value(w, quote_plain, w->plan->builder_reference, KEY_BUILD_BUILDER);
}

static void add_platform(struct writer *w)
{
    buf_addf(w->out, "linux/%s", arch_oci(w->plan->arch));
}

static void add_cmd(struct writer *w)
{
    add_array(w, &w->plan->cmd);
}

static void add_program(struct writer *w)
{
    buf_adds(w->out, DOCKERFILE_PROGRAM);
}

static void add_placeholder(struct writer *w, const struct template_placeholder *p)
{
    static void (*const add[PLACEHOLDER_COUNT])(struct writer * w) = {
        [PLACEHOLDER_PLATFORM] = add_platform,
        [PLACEHOLDER_BUILDER] = add_builder,
        [PLACEHOLDER_INSTALL] = builder_install,
        [PLACEHOLDER_MANIFEST] = template_write_manifest,
        [PLACEHOLDER_COMPILE] = template_write_compile,
        [PLACEHOLDER_APP] = template_write_app,
        [PLACEHOLDER_FILES] = builder_files,
        [PLACEHOLDER_BASE] = add_base,
        [PLACEHOLDER_COPY] = add_copy,
        [PLACEHOLDER_ENV] = add_env,
        [PLACEHOLDER_LABELS] = add_labels,
        [PLACEHOLDER_WORKDIR] = add_workdir,
        [PLACEHOLDER_ENTRYPOINT] = add_entrypoint,
        [PLACEHOLDER_CMD] = add_cmd,
        [PLACEHOLDER_SOURCES] = builder_sources,
        [PLACEHOLDER_FLAGS] = builder_flags,
        [PLACEHOLDER_PROGRAM] = add_program,
    };

    if (p->id == PLACEHOLDER_INPUT)
        template_write_input(w, p);
    else if (p->id == PLACEHOLDER_HANDLER)
        writer_value(w, p->quoting == QUOTE_SHELL ? quote_shell : quote_env, w->plan->handler,
                     KEY_FUNCTION_HANDLER);
    else
        add[p->id](w);
}

/* Refuses lines and commands that are too long for a parser, with their line in the text. */
static int check_sizes(const char *text, struct error *err)
{
    struct dockerfile_lines lines = {.at = text};
    size_t command = 0;
    while (dockerfile_lines_next(&lines)) {
        if (lines.length > LINE_MAX_BYTES)
            return error_set(err, ERROR_PROJECT,
                             "line %d of the Dockerfile would have %zu bytes, more than docker's "
                             "%d; shorten the values: %.60s",
                             lines.number, lines.length, LINE_MAX_BYTES, lines.text);

        if (lines.kind == LINE_START)
            command = 0;
        if (lines.kind != LINE_NOTE)
            command += lines.length;
        if (command > COMMAND_MAX_BYTES)
            return error_set(err, ERROR_PROJECT,
                             "the command that ends in line %d of the Dockerfile would be longer "
                             "than the %d bytes of one argument; shorten [build] or [files]",
                             lines.number, COMMAND_MAX_BYTES);
    }
    return 0;
}

/* The template's name in messages: the file's name, or for a template of the project the path as
 * written there. Caller frees. */
static char *template_name(const struct plan *plan, const struct template *t)
{
    const char *own = plan->project ? project_get(plan->project, KEY_BUILD_TEMPLATE) : NULL;
    return xstrdup(own ? own : path_base(t->path));
}

/* How far the template's body is written. */
struct body {
    const struct template_body *from;
    char *name;
    size_t at;
    int line;
    char *here; /* "NAME:LINE:1" */
};

static void body_release(struct body *body)
{
    free(body->name);
    free(body->here);
}

/* At the start of a line of the body: marks that the text from here on comes from that line. */
static void start_line(struct writer *w, struct body *body)
{
    if (!body->from->text[body->at] || (body->at > 0 && body->from->text[body->at - 1] != '\n'))
        return;
    free(body->here);
    body->here = xasprintf("%s:%d:1", body->name, body->line);
    w->here = body->here;
    dockerfile_mark(w->to, w->here);
}

static void add_body(struct writer *w, struct body *body, size_t end)
{
    while (body->at < end) {
        const char *text = body->from->text + body->at;
        size_t length = strcspn(text, "\n") + 1;
        start_line(w, body);
        if (length > end - body->at)
            length = end - body->at;
        buf_add(w->out, text, length);
        body->at += length;
        body->line += text[length - 1] == '\n';
    }
    start_line(w, body);
}

static void fill_in(struct writer *w, struct body *body, const struct template_placeholder *p)
{
    enum template_quoting quoting = p->quoting;
    size_t before = w->out->len;
    add_placeholder(w, p);
    body->at = p->offset + p->length;

    /* A block brings its own line ends, or leaves no line at all. */
    if (quoting == QUOTE_BLOCK && body->from->text[body->at] == '\n') {
        body->at++;
        body->line++;
    }

    /* Each word comes with a blank in front; the body has one there already. */
    if (quoting == QUOTE_SHELL && w->out->len > before && w->out->data[before] == ' ') {
        memmove(w->out->data + before, w->out->data + before + 1, w->out->len - before);
        w->out->len--;
    }
}

int dockerfile_render(const struct plan *plan, const struct template *t, enum dockerfile_kind kind,
                      struct dockerfile *out, struct error *err)
{
    *out = (struct dockerfile){0};
    const struct template_body *from = plan->aws && t->aws.text ? &t->aws : &t->body;
    AUTO(body) body = {.from = from, .name = template_name(plan, t), .line = from->line};
    struct writer w = {.plan = plan,
                       .t = t,
                       .to = out,
                       .out = &out->text,
                       .err = err,
                       .on_scratch = kind != DOCKERFILE_IMAGE,
                       .without_deps = kind == DOCKERFILE_REST};

    if (w.on_scratch && from->final_run_line > 0)
        return error_set(
            err, ERROR_PROJECT,
            "%s:%d:1: lbuild makes the final stage itself, without running anything in it; move "
            "this to the builder stage",
            t->path, from->final_run_line);

    for (size_t i = 0; i < from->placeholder_count && !w.failed; i++) {
        if (body.at <= from->final_stage && from->placeholders[i].offset >= from->final_stage) {
            add_body(&w, &body, from->final_stage);
            stages_write(&w, &from->stages);
            start_line(&w, &body);
        }
        add_body(&w, &body, from->placeholders[i].offset);
        fill_in(&w, &body, &from->placeholders[i]);
    }

    if (w.failed)
        return -1;
    add_body(&w, &body, strlen(from->text));
    return check_sizes(buf_text(&out->text), err);
}
