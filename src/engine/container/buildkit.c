#include "engine/container/buildkit.h"

#include "dockerfile/read.h"
#include "dockerfile/text.h"
#include "support/own.h"
#include "support/process.h"

#include <string.h>

enum {
    ASK_MS = 10000,
    LONG_COMMAND = 1500 /* bytes: a longer line of output may have been cut */
};

/* Steps. */

/* Whether two commands are the same apart from white space and line continuations in the first. */
static bool same_command(const char *text, size_t length, const char *command)
{
    const char *start = command, *end = text + length;
    for (;;) {
        while (text < end &&
               (strchr(" \t\r\n", *text) || (*text == '\\' && text + 1 < end && text[1] == '\n')))
            text++;
        command += strspn(command, " \t\r\n");
        if (text == end || !*command)
            return text == end || command - start > LONG_COMMAND;
        if (*text++ != *command++)
            return false;
    }
}

/* The line of a step's instruction: BuildKit gives it only for a failed step, and old versions not
 * even then. */
static int line_of(const char *dockerfile, const char *command)
{
    struct dockerfile_instruction instruction;
    int line = 1;
    for (const char *at = dockerfile; dockerfile_next(&at, &line, &instruction);)
        if (same_command(instruction.text, instruction.length, command))
            return instruction.line;
    return 0;
}

/* Steps run side by side: from now on, output belongs to this one. */
static void switch_to(struct buildkit *b, const struct progress_step *step)
{
    const char *space = strrchr(step->stage, ' ');
    autofree char *stage =
        space ? xstrndup(step->stage, (size_t)(space - step->stage)) : xstrdup("final");
    const char *number = space ? space + 1 : step->stage;
    struct container *c = &b->c;

    if (!c->stage || strcmp(c->stage, stage) != 0 || strcmp(c->step, number) != 0)
        container_step(c, stage, number, step->command,
                       line_of(buf_text(&c->job->dockerfile->text), step->command));
}

/* Once a step has failed, the output of the others no longer matters. */
static void on_line(struct container *c, const char *line)
{
    struct buildkit *b = (struct buildkit *)c;
    const struct progress_step *step = NULL;
    const char *text = NULL;

    switch (buildkit_progress_line(&b->progress, DOCKERFILE_NAME, line, &step, &text)) {
    case PROGRESS_BEGIN:
        if (!b->failed)
            switch_to(b, step);
        break;
    case PROGRESS_OUTPUT:
        if (!b->failed || b->failed == step->number) {
            switch_to(b, step);
            container_output(c, text);
        }
        break;
    case PROGRESS_NOTHING:
        break;
    }

    step = buildkit_progress_failed(&b->progress);
    if (step && step->number != b->failed) {
        b->failed = step->number;
        switch_to(b, step);
        strv_release(&c->tail);
        strv_add_all(&c->tail, &step->tail);
    }

    if (step && b->progress.line > 0)
        c->line = b->progress.line;
    if (buildkit_progress_reason(&b->progress)[0])
        container_verdict(c, buildkit_progress_reason(&b->progress));
}

void buildkit_open(const struct engine_job *job, const char *program, struct buildkit *b)
{
    *b = (struct buildkit){0};
    container_open(job, program, on_line, &b->c);
}

void buildkit_release(struct buildkit *b)
{
    container_release(&b->c);
    buildkit_progress_release(&b->progress);
}

/* The command line. */

int buildkit_bases(struct container *c, struct strv *names, struct strv *sources, struct error *err)
{
    for (size_t i = 0; i < c->job->base_count; i++) {
        autofree char *name = NULL, *manifest = NULL;
        if (container_layout(c, &c->job->bases[i], &name, &manifest, err) != 0)
            return -1;
        strv_addf(sources, "%s/%s@%s", c->dir, name, manifest);
        strv_take(names, take(name));
    }
    return 0;
}

void buildkit_options(const struct engine_job *job, struct strv *argv)
{
    container_options(job, argv);
    container_repeat(argv, "--cache-to", &job->options->cache_to);
    container_secrets(job, argv);
}

/* Errors. */

static bool has_any(const char *words, const char *const *parts)
{
    for (; *parts; parts++)
        if (strstr(words, *parts))
            return true;
    return false;
}

int buildkit_error_kind(const char *words)
{
    /* gRPC's codes and the words of its transport (grpc-go, status and internal/transport), and
     * docker's own words. */
    static const char *const unable[] = {"permission denied",
                                         "unsupported frontend capability",
                                         "no builder ",
                                         "is not allowed",
                                         "Cannot connect to the Docker daemon",
                                         "certificate",
                                         "connect: no such file",
                                         "no space left on device",
                                         NULL};
    static const char *const away[] = {"code = Unavailable",
                                       "Unavailable: ",
                                       "error reading from server",
                                       "transport is closing",
                                       "connection reset by peer",
                                       "connection refused",
                                       "error during connect",
                                       "unexpected EOF",
                                       "code = Canceled",
                                       "DeadlineExceeded",
                                       "deadline exceeded",
                                       "i/o timeout",
                                       NULL};

    if (has_any(words, unable))
        return ERROR_ENGINE;
    return has_any(words, away) ? ERROR_RETRY : ERROR_BUILD;
}

int buildkit_away(const struct container *c, const char *words, struct error *err)
{
    bool late = c->job->deadline && process_clock() >= c->job->deadline;
    if (late || err->kind >= ERROR_SIGNAL || buildkit_error_kind(words) != ERROR_RETRY)
        return -1;
    return error_set(err, ERROR_RETRY, "%s: the builder went away%s: %.600s; try again", c->program,
                     c->stage ? " in the middle" : "", words);
}

/* Whether a step failed and said why. One that never ran, for lack of space, didn't. */
static bool step_failed(const struct buildkit *b, const char *reason)
{
    bool full = strstr(reason, "no space left on device") &&
                !strstr(reason, "did not complete successfully");
    return buildkit_progress_failed(&b->progress) && !full;
}

static int judge(const struct buildkit *b, struct error *err)
{
    const char *reason = buildkit_progress_reason(&b->progress), *program = b->c.program;
    bool late = b->c.job->deadline && process_clock() >= b->c.job->deadline;
    if (step_failed(b, reason) || !reason[0] || late || err->kind >= ERROR_SIGNAL)
        return -1;

    if (strstr(reason, "frontend capability"))
        return error_set(
            err, ERROR_ENGINE,
            "%s: this BuildKit can't take base images from lbuild; update it to 0.11 or later "
            "(%.400s)",
            program, reason);
    if (buildkit_error_kind(reason) == ERROR_RETRY)
        return buildkit_away(&b->c, reason, err);
    return error_set(err, buildkit_error_kind(reason), "%s failed: %.800s", program, reason);
}

int buildkit_run(struct buildkit *b, struct strv *argv, int input, struct error *err)
{
    return container_run(&b->c, argv, input, NULL, err) != 0 ? judge(b, err) : 0;
}

int buildkit_ask(const char *const *argv, struct buf *said, struct error *err)
{
    const struct process process = {
        .argv = argv, .input = -1, .errors = said, .deadline = process_clock() + ASK_MS};
    struct process_result result;
    buf_clear(said);
    if (process_run(&process, &result, err) == 0)
        return result.status;

    if (process_interrupted())
        return -1;
    if (process_clock() >= process.deadline)
        return error_set(err, ERROR_ENGINE,
                         "'%s %s' did not answer within %d seconds; check its daemon", argv[0],
                         argv[1], ASK_MS / 1000);
    return -1;
}

char *buildkit_words(const struct buf *said)
{
    static const char *const fronts[] = {
        "ERROR: ", "error: ", "Error: ", "Error response from daemon: "};
    const char *text = buf_text(said), *found = "it printed nothing";

    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        if (line[strspn(line, " \t\n")])
            found = line;
        line += length + (line[length] == '\n');
    }

    for (size_t i = 0; i < countof(fronts); i++)
        if (strncmp(found, fronts[i], strlen(fronts[i])) == 0)
            found += strlen(fronts[i]);
    return xstrndup(found, strcspn(found, "\r\n"));
}
