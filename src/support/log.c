#include "support/log.h"

#include "support/control.h"
#include "support/finding.h"
#include "support/outfile.h"
#include "support/own.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { SCHEMA = 1, LONG_MS = 1000, FINDINGS_MAX = 1000, OUTPUT_MAX = 64 * 1024, COLUMNS = 80 };

/* How often a meter is shown, by form. A plain log only needs a sign of life. */
static const int intervals[] = {[LOG_PLAIN] = 10000, [LOG_TTY] = 100, [LOG_JSON] = 1000};

static struct log_state {
    enum log_level level;
    enum log_format format;
    bool colors, live; /* live: the last line on the terminal is ours to redraw */
    bool github, started;
    int64_t start;
    const char *report_file;
    struct js *report;
} state = {.level = LOG_NORMAL};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value && value[0];
}

void log_set_level(enum log_level wanted)
{
    state.level = wanted;
}

enum log_level log_get_level(void)
{
    return state.level;
}

bool log_colors(void)
{
    return state.colors && !state.report;
}

int log_set_format(const char *name, struct error *err)
{
    const char *terminal = getenv("TERM"), *github = getenv("GITHUB_ACTIONS");
    bool dumb = !terminal || !terminal[0] || strcmp(terminal, "dumb") == 0;

    if (!name || strcmp(name, "auto") == 0)
        state.format = isatty(STDERR_FILENO) && !dumb ? LOG_TTY : LOG_PLAIN;
    else if (strcmp(name, "tty") == 0)
        state.format = dumb ? LOG_PLAIN : LOG_TTY;
    else if (strcmp(name, "plain") == 0 || strcmp(name, "json") == 0)
        state.format = name[0] == 'p' ? LOG_PLAIN : LOG_JSON;
    else
        return error_set(err, ERROR_USAGE, "--progress takes auto, tty, plain or json, not '%s'",
                         name);

    state.colors = state.format == LOG_TTY && !is_set("NO_COLOR");
    /* In JSON the places are members of events, and no other text may come in between. */
    state.github = github && strcmp(github, "true") == 0 && state.format != LOG_JSON;
    state.start = now_ms();
    return 0;
}

void log_collect(const char *file)
{
    state.report_file = file;
    if (!state.report)
        state.report = js_array();
}

static void put(const struct buf *bytes)
{
    struct error ignored;
    if (fs_write_fd(STDERR_FILENO, "standard error", buf_text(bytes), bytes->len, &ignored) != 0) {
        /* There is nowhere else to say so. */
    }
}

/* Clears the live line, so that the next text starts on a line of its own. */
static void add_clear(struct buf *out)
{
    if (state.live)
        buf_adds(out, "\r\033[K");
    state.live = false;
}

/* --- places --- */

static void note(const struct finding *finding, struct js *event, struct buf *out)
{
    if (event && !js_get(event, "file")) {
        js_set_string(event, "file", finding->path);
        js_set_integer(event, "line", finding->line);
        if (finding->column)
            js_set_integer(event, "column", finding->column);
    }

    if (state.report && js_count(state.report) < FINDINGS_MAX)
        finding_gitlab(finding, state.report);
    if (state.github)
        finding_github(finding, out);
}

/* Looks for places in the lines of a text; the first one goes into the event. */
static void find(const char *text, size_t length, const char *dir, const char *word,
                 struct js *event, struct buf *out)
{
    if (!event && !state.report && !state.github)
        return;

    for (const char *end = text + length; text < end;) {
        struct finding finding;
        size_t line = (size_t)(end - text);
        const char *newline = memchr(text, '\n', line);
        line = newline ? (size_t)(newline - text) : line;
        if (finding_parse(text, line, dir, word, &finding)) {
            note(&finding, event, out);
            finding_release(&finding);
        }
        text += line + 1;
    }
}

/* --- one line --- */

static struct js *event_of(const char *name)
{
    struct js *event = js_object();
    js_set_integer(event, "schema", SCHEMA);
    js_set_string(event, "event", name);
    js_set_integer(event, "ms", now_ms() - state.start);
    return event;
}

static void add_json(struct js *event, struct buf *out)
{
    js_dump(event, out);
    buf_addc(out, '\n');
    js_free(event);
}

static void send(struct js *event)
{
    AUTO(buf) out = {0};
    add_json(event, &out);
    put(&out);
}

/* Adds the text as one line, whatever it contains. */
static void add_line(const char *color, const char *head, const char *text, struct buf *out)
{
    bool colored = state.colors && color;
    if (colored)
        buf_adds(out, color);
    buf_adds(out, head);
    if (colored)
        buf_adds(out, "\033[0m");
    for (; *text; text++)
        buf_addc(out, is_control(*text) && *text != '\t' ? ' ' : *text);
    buf_addc(out, '\n');
}

/* Writes a message as an event, or as a line when that is NULL. `word`: the severity if the message
 * is about a place, or NULL. Each line is one write, so lines of several processes never mix. */
static void message(struct js *event, const char *color, const char *head, const char *word,
                    const char *text)
{
    AUTO(buf) out = {0}, notes = {0};

    if (event)
        js_set_string(event, "text", text);
    if (word)
        find(text, strlen(text), NULL, word, event, &notes);

    if (event) {
        add_json(event, &out);
    } else {
        add_clear(&out);
        add_line(color, head, text, &out);
    }

    buf_add(&out, buf_text(&notes), notes.len);
    put(&out);
}

static struct js *event_if_json(const char *name)
{
    return state.format == LOG_JSON ? event_of(name) : NULL;
}

#define CYAN "\033[36m"
#define YELLOW "\033[33m"
#define RED "\033[31m"

static void step(const char *verb, const char *text)
{
    char head[64];
    struct js *event = event_if_json("step");
    if (event)
        js_set_string(event, "step", verb);
    snprintf(head, sizeof head, "%-9s", verb);
    message(event, CYAN, head, NULL, text);
}

#define FORMATTED(text, format)                                                                    \
    autofree char *text = NULL;                                                                    \
    va_list ap;                                                                                    \
    va_start(ap, format);                                                                          \
    if (vasprintf(&(text), format, ap) < 0)                                                        \
        (text) = NULL;                                                                             \
    va_end(ap);                                                                                    \
    if (!(text))                                                                                   \
    return

void log_step(const char *verb, const char *format, ...)
{
    if (state.level < LOG_NORMAL)
        return;
    FORMATTED(text, format);
    step(verb, text);
}

void log_line(const char *text)
{
    message(event_if_json("line"), NULL, "", NULL, text);
}

void log_complaint(const char *text)
{
    message(event_if_json("error"), NULL, "", "error", text);
}

void log_detail(const char *format, ...)
{
    if (state.level < LOG_VERBOSE)
        return;
    FORMATTED(text, format);
    message(event_if_json("detail"), NULL, "         ", NULL, text);
}

void log_warn(const char *format, ...)
{
    FORMATTED(text, format);
    message(event_if_json("warning"), YELLOW, "warning: ", "warning", text);
}

void log_error(const struct error *err)
{
    struct js *event = event_if_json("error");
    if (event)
        js_set_integer(event, "status", err->kind);
    message(event, RED, "lbuild: ", "error", err->text);
}

void log_output(const char *dir, const char *bytes, size_t length)
{
    AUTO(buf) out = {0};
    if (length == 0)
        return;

    if (state.format == LOG_JSON) {
        struct js *event = event_of("output");
        autofree char *text = xstrndup(bytes, length < OUTPUT_MAX ? length : OUTPUT_MAX);
        js_set_string(event, "text", text);
        js_set_string(event, "dir", dir ? dir : ".");
        find(bytes, length, dir, NULL, event, &out);
        send(event);
        return;
    }

    add_clear(&out);
    buf_add(&out, bytes, length);
    if (bytes[length - 1] != '\n')
        buf_addc(&out, '\n');
    find(bytes, length, dir, NULL, NULL, &out);
    put(&out);
}

void log_place(const char *dir, const char *line)
{
    AUTO(buf) out = {0}, notes = {0};
    find(line, strlen(line), dir, NULL, NULL, &notes);
    if (notes.len == 0)
        return;

    add_clear(&out);
    buf_add(&out, notes.data, notes.len);
    put(&out);
}

void log_start(const char *command)
{
    struct js *event = event_if_json("start");
    state.started = true;
    if (event)
        js_set_string(event, "command", command);
    if (event && state.level >= LOG_NORMAL)
        send(event);
    else
        js_free(event);
}

void log_result(struct js *object)
{
    struct js *event = event_if_json("result");
    if (event && state.level >= LOG_NORMAL) {
        js_set(event, "result", object);
        send(event);
        return;
    }
    js_free(event);
    js_free(object);
}

int log_end(int status, struct error *err)
{
    AUTO(buf) text = {0};
    AUTOPTR(js) report = take(state.report);
    struct js *event = state.started ? event_if_json("end") : NULL;

    log_live(NULL);
    if (event)
        js_set_integer(event, "status", status);
    if (event && state.level >= LOG_NORMAL)
        send(event);
    else
        js_free(event);

    if (!report)
        return 0;
    js_dump_pretty(report, &text);
    return outfile_write(state.report_file, text.data, text.len, err);
}

/* --- meters --- */

static bool in_bytes(const struct log_meter *meter)
{
    return strcmp(meter->unit, "bytes") == 0;
}

static uint64_t per_second(const struct log_meter *meter, int64_t ms)
{
    return ms > 0 ? (meter->done - meter->first) * 1000 / (uint64_t)ms : 0;
}

static void meter_event(const struct log_meter *meter, const char *name, int64_t ms)
{
    struct js *event = event_of(name);
    js_set_string(event, "step", meter->verb);
    if (meter->what[0])
        js_set_string(event, "what", meter->what);

    js_set_integer(event, meter->unit, (int64_t)meter->done);
    if (meter->total)
        js_set_integer(event, "total", (int64_t)meter->total);
    if (in_bytes(meter))
        js_set_integer(event, "rate", (int64_t)per_second(meter, ms));
    js_set_integer(event, "took", ms);
    send(event);
}

/* "12.0 of 42.1 MB, 3.1 MB/s" or "3 of 12 files". */
static void describe(const struct log_meter *meter, bool ended, int64_t ms, struct buf *out)
{
    double scale = in_bytes(meter) ? 1e6 : 1;
    int digits = in_bytes(meter) ? 1 : 0;

    if (meter->what[0])
        buf_addf(out, "%s: ", meter->what);
    buf_addf(out, "%.*f", digits, (double)meter->done / scale);
    if (meter->total && !ended)
        buf_addf(out, " of %.*f", digits, (double)meter->total / scale);
    buf_adds(out, in_bytes(meter) ? " MB" : " files");
    buf_addf(out, ended ? " in %.1f s" : ", %.1f s", (double)ms / 1e3);
    if (in_bytes(meter))
        buf_addf(out, ", %.1f MB/s", (double)per_second(meter, ms) / 1e6);
}

void log_meter_start(struct log_meter *meter, const char *verb, const char *unit, uint64_t done,
                     uint64_t total)
{
    meter->verb = verb;
    meter->unit = unit;
    meter->done = meter->first = done;
    meter->total = total;
    meter->started = meter->shown = now_ms();
}

void log_meter_set(struct log_meter *meter, uint64_t done)
{
    meter->done = done;
    meter->first = done < meter->first ? done : meter->first;

    int64_t now = now_ms();
    if (state.level < LOG_NORMAL || now - meter->shown < intervals[state.format])
        return;
    meter->shown = now;
    if (state.format == LOG_JSON) {
        meter_event(meter, "progress", now - meter->started);
        return;
    }

    AUTO(buf) text = {0};
    describe(meter, false, now - meter->started, &text);
    if (state.format == LOG_PLAIN) {
        step(meter->verb, buf_text(&text));
        return;
    }
    autofree char *line = xasprintf("%-9s%s", meter->verb, buf_text(&text));
    log_live(line);
}

void log_meter_end(struct log_meter *meter)
{
    int64_t ms = now_ms() - meter->started;
    log_live(NULL);

    if (state.level < LOG_NORMAL)
        return;
    if (state.format == LOG_JSON) {
        meter_event(meter, "done", ms);
    } else if (ms >= LONG_MS) {
        AUTO(buf) text = {0};
        describe(meter, true, ms, &text);
        step(meter->verb, buf_text(&text));
    }
}

/* The length of the text that fits on one line of the terminal, without the last column, where it
 * would wrap. */
static size_t fitting(const char *text)
{
    struct winsize size = {0};
    size_t length = strlen(text), room = COLUMNS;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        room = size.ws_col;
    if (length < room)
        return length;
    for (length = room - 1; length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80; length--)
        ;
    return length;
}

void log_live(const char *text)
{
    AUTO(buf) out = {0};
    add_clear(&out);
    if (text && state.format == LOG_TTY && state.level >= LOG_NORMAL) {
        for (size_t i = 0, length = fitting(text); i < length; i++)
            buf_addc(&out, is_control(text[i]) ? ' ' : text[i]);
        state.live = true;
    }
    if (out.len > 0)
        put(&out);
}

/* --- what a child says --- */

static void relay_output(const char *project, const struct js *event, const char *text)
{
    AUTO(buf) out = {0};
    size_t length = strlen(text);

    add_clear(&out);
    for (size_t at = 0; at < length;) {
        size_t line = strcspn(text + at, "\n");
        buf_addf(&out, "[%s] %.*s\n", project, (int)line, text + at);
        at += line + 1;
    }

    find(text, length, js_get_text(event, "dir"), NULL, NULL, &out);
    put(&out);
}

/* The severity of a place in a message of that event. */
static const char *severity(const char *name)
{
    return strcmp(name, "warning") == 0 || strcmp(name, "error") == 0 ? name : NULL;
}

/* Shows an event as a line. */
static void relay_line(const char *project, const struct js *event, const char *name,
                       const char *text)
{
    const char *verb = js_get_text(event, "step");
    bool warning = strcmp(name, "warning") == 0, mistake = strcmp(name, "error") == 0;
    const char *color = CYAN, *label = "";
    char word[32] = "";

    if (warning) {
        color = YELLOW;
        label = "warning: ";
    } else if (mistake) {
        color = RED;
        label = "error: ";
    } else if (strcmp(name, "step") == 0) {
        snprintf(word, sizeof word, "%-9.20s", verb ? verb : "");
    }
    autofree char *head = xasprintf("[%s] %s%s", project, label, word);
    message(NULL, color, head, severity(name), text);
}

void log_relay(const char *project, const struct js *event)
{
    static const char *const progress[] = {"start", "step",   "detail", "progress",
                                           "done",  "result", "end"};
    const char *name = js_get_text(event, "event"), *text = js_get_text(event, "text");
    bool loud = name != NULL;

    for (size_t i = 0; name && i < countof(progress); i++)
        loud = loud && strcmp(name, progress[i]) != 0;
    if (!name || (!loud && state.level < LOG_NORMAL) ||
        (state.level < LOG_VERBOSE && strcmp(name, "detail") == 0))
        return;

    if (state.format == LOG_JSON) {
        struct js *copy = js_copy(event);
        js_set_string(copy, "project", project);
        js_set_integer(copy, "ms", now_ms() - state.start);
        if (text)
            find(text, strlen(text), js_get_text(event, "dir"), severity(name), NULL, NULL);
        send(copy);
    } else if (text && strcmp(name, "output") == 0) {
        relay_output(project, event, text);
    } else if (text && (loud || state.format == LOG_PLAIN || state.level == LOG_VERBOSE)) {
        relay_line(project, event, name, text);
    }
}
