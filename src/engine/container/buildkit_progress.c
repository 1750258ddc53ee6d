#include "engine/container/buildkit_progress.h"

#include "support/own.h"

#include <stdlib.h>
#include <string.h>

void buildkit_progress_release(struct buildkit_progress *progress)
{
    for (size_t i = 0; i < progress->len; i++) {
        free(progress->steps[i].stage);
        free(progress->steps[i].command);
        free(progress->steps[i].error);
        strv_release(&progress->steps[i].tail);
    }

    free(progress->steps);
    free(progress->error);
    free(progress->last);
}

static struct progress_step *find(const struct buildkit_progress *progress, unsigned number)
{
    for (size_t i = progress->len; i > 0; i--) /* output mostly comes from a late step */
        if (progress->steps[i - 1].number == number)
            return &progress->steps[i - 1];
    return NULL;
}

/* A number of at most nine digits; *end gets the end of it. -1: there is none. */
static int read_number(const char *text, const char **end)
{
    size_t digits = strspn(text, "0123456789");
    *end = text + digits;
    return digits == 0 || digits > 9 ? -1 : (int)strtol(text, NULL, 10);
}

/* Whether text in brackets ends with "N/M": "[2/3]", "[build 2/3]", "[linux/arm64 build 2/3]". */
static bool is_stage(const char *text, size_t length)
{
    const char *end = NULL;
    size_t start = length;
    while (start > 0 && text[start - 1] != ' ')
        start--;

    if (read_number(text + start, &end) < 0 || *end != '/' || read_number(end + 1, &end) < 0)
        return false;
    return end == text + length;
}

/* "[build 2/3] RUN make" begins a step when it is seen for the first time. */
static struct progress_step *begin(struct buildkit_progress *progress, unsigned number,
                                   const char *text)
{
    const char *close = strstr(text, "] ");
    if (!close || !is_stage(text + 1, (size_t)(close - text) - 1) || find(progress, number) ||
        progress->len == PROGRESS_STEPS_MAX)
        return NULL;

    grow(progress->steps, progress->len, progress->cap);
    struct progress_step *step = &progress->steps[progress->len++];
    *step = (struct progress_step){.number = number,
                                   .stage = xstrndup(text + 1, (size_t)(close - text) - 1),
                                   .command = xstrdup(close + 2)};
    return step;
}

static void keep_tail(struct strv *tail, const char *text)
{
    if (tail->len == PROGRESS_TAIL) {
        free(tail->items[0]);
        memmove(tail->items, tail->items + 1, (PROGRESS_TAIL - 1) * sizeof *tail->items);
        tail->len--;
    }
    strv_add(tail, text);
}

static void replace(char **text, const char *value)
{
    free(*text);
    *text = xstrdup(value);
}

/* The rest of a line after "#5 ": about the step, or its own output. */
static enum progress_event step_line(struct buildkit_progress *progress, unsigned number,
                                     const char *text, const struct progress_step **step,
                                     const char **said)
{
    struct progress_step *known = find(progress, number);
    const char *end = NULL;
    if (text[0] == '[') {
        *step = begin(progress, number, text);
        *said = text;
        return *step ? PROGRESS_BEGIN : PROGRESS_NOTHING;
    }
    if (strncmp(text, "ERROR: ", 7) == 0) {
        replace(&progress->error, text + 7);
        if (known && !known->error) {
            progress->failed++;
            known->error = xstrdup(text + 7);
        }
    }

    /* "0.120 text": seconds since the step began. */
    if (!known || read_number(text, &end) < 0 || *end != '.' || read_number(end + 1, &end) < 0 ||
        (*end != ' ' && *end))
        return PROGRESS_NOTHING;

    *step = known;
    *said = end + (*end == ' ');
    keep_tail(&known->tail, *said);
    return PROGRESS_OUTPUT;
}

/* A line after the steps: the end of a failed step's output again, its place in the
 * Dockerfile, the error. */
static void summary_line(struct buildkit_progress *progress, const char *file, const char *line)
{
    size_t length = strlen(file);
    const char *end = NULL;
    if (strncmp(line, file, length) == 0 && line[length] == ':') {
        int number = read_number(line + length + 1, &end);
        if (number > 0 && !*end)
            progress->line = number;
    }

    if (strncmp(line, "ERROR: ", 7) == 0 || strncmp(line, "error: ", 7) == 0)
        replace(&progress->error, line + 7);
    else if (line[strspn(line, " -\t")])
        replace(&progress->last, line);
}

enum progress_event buildkit_progress_line(struct buildkit_progress *progress, const char *file,
                                           const char *line, const struct progress_step **step,
                                           const char **text)
{
    const char *end = NULL;
    int number = line[0] == '#' ? read_number(line + 1, &end) : -1;
    if (number >= 0 && *end == ' ')
        return step_line(progress, (unsigned)number, end + 1, step, text);
    if (number < 0)
        summary_line(progress, file, line);
    return PROGRESS_NOTHING;
}

const char *buildkit_progress_reason(const struct buildkit_progress *progress)
{
    static const char *const wrappings[] = {
        "failed to build: ", "failed to solve: ", "failed to solve with frontend dockerfile.v0: ",
        "failed to create LLB definition: ", "rpc error: code = Unknown desc = "};
    const char *text = progress->error ? progress->error : progress->last;
    if (!text)
        return "";

    for (size_t i = 0; i < countof(wrappings); i++) {
        size_t length = strlen(wrappings[i]);
        if (strncmp(text, wrappings[i], length) != 0)
            continue;
        text += length;
        i = (size_t)-1; /* start again: they come in any order */
    }
    return text;
}

/* How likely it is that the words are about this step. */
static int likeness(const struct progress_step *step, const char *words)
{
    const char *command =
        strncmp(step->command, "RUN ", 4) == 0 ? step->command + 4 : step->command;
    return (strcmp(step->error, words) == 0) + 2 * (strstr(words, command) != NULL);
}

const struct progress_step *buildkit_progress_failed(const struct buildkit_progress *progress)
{
    const char *words[] = {buildkit_progress_reason(progress),
                           progress->last ? progress->last : ""};
    const struct progress_step *best = NULL;
    int most = -1;

    for (size_t i = 0; progress->failed > 0 && i < progress->len; i++)
        for (size_t j = 0; progress->steps[i].error && j < countof(words); j++)
            if (likeness(&progress->steps[i], words[j]) > most) {
                best = &progress->steps[i];
                most = likeness(best, words[j]);
            }
    return best;
}
