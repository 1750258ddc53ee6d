#ifndef LBUILD_SUPPORT_LOG_H
#define LBUILD_SUPPORT_LOG_H

#include "support/buf.h"
#include "support/error.h"
#include "support/json.h"

#include <stdbool.h>
#include <stdint.h>

/* Progress, warnings and errors, on standard error; standard output carries only results. Errors
 * are returned, not logged: main.c alone calls log_error, with the one that gets there. Everything
 * here is for the main thread.
 *
 * Three forms (docs/progress.md): plain lines; the same lines with colours and one live line below
 * them, redrawn, on a terminal; JSON, one object a line. What has a place in a file
 * ("FILE:LINE:COLUMN: ...") also becomes an annotation for GitHub (docs/ci.md) and an entry of the
 * code-quality report. */
enum log_level { LOG_QUIET, LOG_NORMAL, LOG_VERBOSE };
enum log_format { LOG_PLAIN, LOG_TTY, LOG_JSON };

void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* "auto" (NULL is the same), "tty", "plain" or "json"; ERROR_USAGE for another word. */
int log_set_format(const char *name, struct error *err) must_check;
/* Whether a program whose output goes through log_output may colour it. */
bool log_colors(void);
/* From now on findings are kept for log_end, which writes them to `file` (borrowed) for GitLab. */
void log_collect(const char *file);

/* The first event of a run. */
void log_start(const char *command);
/* One line of progress: "VERB  what", shown unless quiet. */
void log_step(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A line as it is; always shown. */
void log_line(const char *text);
/* One of several mistakes, as a line; always shown. The error that is returned names one of them
 * again. */
void log_complaint(const char *text);
/* Detail for --verbose. */
void log_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A warning with its remedy; always shown. */
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What a compiler or another program said, whole lines, which ran in `dir` (NULL: ours); always
 * shown as it is. */
void log_output(const char *dir, const char *bytes, size_t length);
/* Looks for a place in a line that was shown in another form: what a compiler said of a file in
 * `dir` (NULL: ours). */
void log_place(const char *dir, const char *line);
/* What was made, as members of a "result" event: nothing but JSON shows it. Takes the object. */
void log_result(struct js *object);
/* The error that ends the run. For main.c. */
void log_error(const struct error *err);
/* The last event, and the code-quality report; fails only when that can't be written. For main.c.
 */
int log_end(int status, struct error *err) must_check;

/* The meter of a step that may take long: bytes or files, shown while they grow, and at the end if
 * it took a second. */
struct log_meter {
    const char *verb, *unit; /* "bytes" or "files"; borrowed */
    char what[64];
    uint64_t done, total,
        first;              /* first: done before this run, which says nothing about the rate */
    int64_t started, shown; /* ms */
};
void log_meter_start(struct log_meter *meter, const char *verb, const char *unit, uint64_t done,
                     uint64_t total);
/* The count as it is now. */
void log_meter_set(struct log_meter *meter, uint64_t done);
void log_meter_end(struct log_meter *meter);

/* One line of the JSON form, from the lbuild that builds `project`, shown as ours. */
void log_relay(const char *project, const struct js *event);
/* The live line of the terminal form, until something replaces it; NULL takes it away. Others don't
 * show it. */
void log_live(const char *text);

#endif
