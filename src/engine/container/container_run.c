#include "dockerfile/text.h"
#include "engine/container/container.h"
#include "support/control.h"
#include "support/fs.h"
#include "support/log.h"
#include "support/own.h"
#include "support/process.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TAIL = 20,        /* lines kept of a step */
    LINE_MOST = 2000, /* bytes shown of a line */
    GRACE_MS = 5000,  /* an engine that is told to end has containers to remove */
    CLEANING_MS = 30000,
};

/* Lines. */

static void replace(char **text, const char *value)
{
    free(*text);
    *text = value ? xstrdup(value) : NULL;
}

void container_step(struct container *c, const char *stage, const char *step, const char *command,
                    int line)
{
    replace(&c->stage, stage);
    replace(&c->step, step);
    replace(&c->command, command);
    c->line = line;
    strv_release(&c->tail);
    log_step(c->program, "[%s %s] %.*s%s", stage, step, 200, command,
             strlen(command) > 200 ? "..." : "");
}

/* A failure that tells of a toolchain missing on this machine doesn't apply to a container. */
static void note_failure(struct container *c, const char *text)
{
    const struct template *t = c->job->plan->template;
    const struct template_failure *failure = t ? template_failure_find(t, text) : NULL;
    if (!failure || failure->toolchain || !c->command)
        return;
    c->failure = failure;
    replace(&c->failing, c->command);
}

void container_output(struct container *c, const char *text)
{
    if (c->tail.len == TAIL) {
        free(c->tail.items[0]);
        memmove(c->tail.items, c->tail.items + 1, (TAIL - 1) * sizeof *c->tail.items);
        c->tail.items[--c->tail.len] = NULL;
    }

    strv_add(&c->tail, text);
    note_failure(c, text);

    if (c->stage)
        log_step("", "[%s %s] %s", c->stage, c->step, text);
    else
        log_detail("%s", text);
    log_place(c->job->plan->project_dir, text);
}

void container_verdict(struct container *c, const char *text)
{
    replace(&c->verdict, text);
}

/* The line without a terminal's escape sequences and without text that a carriage return wrote
 * over. Caller frees. */
static char *plain(const char *line, size_t length)
{
    AUTO(buf) out = {0};
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)line[i];
        if (byte == 0x1b && i + 1 < length && line[i + 1] == '[') {
            i += 2;
            while (i < length && ((unsigned char)line[i] < 0x40 || (unsigned char)line[i] > 0x7e))
                i++;
        } else if (byte == '\r' && i + 1 < length) {
            buf_clear(&out);
        } else if (!is_control(line[i]) || byte == '\t') { /* compilers indent by tabs */
            buf_addc(&out, line[i]);
        }
    }
    return buf_detach(&out);
}

static void tell(struct container *c, const char *line, size_t length)
{
    autofree char *text = plain(line, length < LINE_MOST ? length : LINE_MOST);
    c->on_line(c, text);
}

static void on_bytes(void *data, const char *bytes, size_t length)
{
    struct container *c = data;
    for (const char *end; (end = memchr(bytes, '\n', length));
         length -= (size_t)(end + 1 - bytes), bytes = end + 1) {
        buf_add(&c->pending, bytes, (size_t)(end - bytes));
        tell(c, buf_text(&c->pending), c->pending.len);
        buf_clear(&c->pending);
    }

    /* The rest of a line beyond the limit is dropped right away. */
    size_t room = c->pending.len < LINE_MOST ? LINE_MOST - c->pending.len : 0;
    buf_add(&c->pending, bytes, length < room ? length : room);
}

/* Errors. */

static const char *last_words(const struct container *c)
{
    for (size_t i = c->tail.len; i > 0; i--)
        if (c->tail.items[i - 1][strspn(c->tail.items[i - 1], " \t")])
            return c->tail.items[i - 1];
    return NULL;
}

/* A command for a message: one line, not too long. Caller frees. */
static char *short_command(const char *command)
{
    enum { MOST = 300 };
    return strlen(command) > MOST ? xasprintf("%.*s...", MOST, command) : xstrdup(command);
}

static int failed(const struct container *c, int status, struct error *err)
{
    const char *words = last_words(c), *verdict = c->verdict ? c->verdict : words;
    if (!verdict)
        verdict = "it printed nothing";
    if (words && strstr(words, verdict))
        words = NULL;
    autofree char *how = status > 128 ? xasprintf("was killed by signal %d", status - 128)
                                      : xasprintf("failed with status %d", status);
    for (size_t i = 0; log_get_level() == LOG_QUIET && i < c->tail.len; i++)
        log_line(c->tail.items[i]);

    if (status > 128)
        return error_set(err, ERROR_ENGINE,
                         "%s %s%s%s; is there enough memory? its last output: %.600s", c->program,
                         how, c->stage ? " in stage " : "", c->stage ? c->stage : "", verdict);
    if (!c->command)
        return error_set(err, ERROR_ENGINE, "%s %s: %.1000s", c->program, how, verdict);

    const char *where = c->line > 0 ? dockerfile_where(c->job->dockerfile, c->line) : NULL;
    autofree char *command = short_command(c->command);
    if (c->failure && strcmp(c->failing, c->command) == 0)
        return error_set(
            err, template_failure_kind(c->failure), "%s: '%s' failed in stage '%s' (step %s): %s",
            where ? where : DOCKERFILE_NAME, command, c->stage, c->step, c->failure->help);
    return error_set(err, ERROR_BUILD, "%s: '%s' failed in stage '%s' (step %s): %.500s%s%.500s",
                     where ? where : DOCKERFILE_NAME, command, c->stage, c->step,
                     words ? words : "", words ? "; " : "", verdict);
}

/* Running. */

static void set(struct strv *env, const char *setting)
{
    size_t name = strcspn(setting, "=") + 1;
    for (size_t i = 0; i < env->len; i++)
        if (strncmp(env->items[i], setting, name) == 0) {
            free(env->items[i]);
            env->items[i] = xstrdup(setting);
            return;
        }
    strv_add(env, setting);
}

/* Our environment, but with TMPDIR in the work folder: a killed engine's temporary
 * files go with it. */
static void environment(const struct container *c, const char *temporary, struct strv *env)
{
    autofree char *folder = xasprintf("TMPDIR=%s", temporary);
    for (char **at = environ; *at; at++)
        strv_add(env, *at);
    set(env, folder);
    for (size_t i = 0; c->env && c->env[i]; i++)
        set(env, c->env[i]);
}

/* Runs the program and hands its lines to on_line: all at the end when standard output goes
 * elsewhere, otherwise as they come. */
static int listen(struct container *c, struct process *process, struct process_result *result,
                  struct error *err)
{
    AUTO(buf) lines = {0};
    process->errors = &lines;
    if (!process->output) {
        process->limit = 1;
        process->wrote = on_bytes;
        process->data = c;
        if (c->job->waiting)
            c->job->waiting(c->job->data);
    }

    int done = process_run(process, result, err);
    if (process->output)
        on_bytes(c, buf_text(&lines), lines.len);
    if (c->pending.len > 0)
        tell(c, buf_text(&c->pending), c->pending.len);
    buf_clear(&c->pending);
    return done;
}

int container_run(struct container *c, struct strv *argv, int input, struct buf *said,
                  struct error *err)
{
    AUTO(strv) env = {0};
    struct process_result result;
    autofree char *temporary = path_join(c->dir, "tmp");
    if (fs_mkdirs(temporary, err) != 0)
        return -1;
    environment(c, temporary, &env);

    struct process process = {.argv = strv_argv(argv),
                              .dir = c->cwd,
                              .env = strv_argv(&env),
                              .input = input,
                              .output = said,
                              .deadline = c->job->deadline,
                              .grace_ms = GRACE_MS,
                              .adopt = true};

    if (listen(c, &process, &result, err) != 0)
        return c->stage ? error_wrap(err, "stage '%s', step %s", c->stage, c->step) : -1;
    return result.status == 0 ? 0 : failed(c, result.status, err);
}

void container_clean(struct container *c, const char *const *argv, struct buf *said)
{
    AUTO(buf) errors = {0};
    struct error ignored = {0};
    struct process_result result;
    struct process process = {.argv = argv,
                              .input = -1,
                              .output = said,
                              .errors = &errors,
                              .limit = 16 * 1024 * 1024,
                              .deadline = process_clock() + CLEANING_MS,
                              .deaf = true};

    if (process_run(&process, &result, &ignored) != 0 || result.status != 0)
        log_warn("%s may have left something behind: '%s %s' failed: %.300s", c->program, argv[0],
                 argv[1], buf_text(&errors));
}
