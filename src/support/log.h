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
/* From now on collects findings, which log_end writes to `file` (borrowed) for GitLab. */
void log_collect(const char *file);

/* The first event of a run. */
void log_start(const char *command);
/* One line of progress: "VERB  what", shown unless quiet. */
void log_step(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A line without a prefix; always shown. */
void log_line(const char *text);
/* One of several mistakes, as a line; always shown. The returned error repeats one of them. */
void log_complaint(const char *text);
/* Details, shown with --verbose. */
void log_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A warning with its remedy; always shown. */
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The output, in whole lines, of a compiler or another program that ran in `dir` (NULL: our
 * folder); always shown, unchanged. */
void log_output(const char *dir, const char *bytes, size_t length);
/* Looks for a place in a compiler's line about a file in `dir` (NULL: our folder) that was already
 * shown in another form. */
void log_place(const char *dir, const char *line);
/* The result, as members of a "result" event, which only the JSON form shows. Takes
 * ownership of the object. */
void log_result(struct js *object);
/* The error that ends the run. For main.c. */
void log_error(const struct error *err);
/* Writes the last event and the code-quality report; fails only when that can't be
 * written. For main.c. */
int log_end(int status, struct error *err) must_check;

/* The meter of a step that may take long: a number of bytes or files, shown while it grows, and at
 * the end if the step took a second. */
struct log_meter {
    const char *verb, *unit; /* "bytes" or "files"; borrowed */
    char what[64];
    uint64_t done, total, first; /* first: done before this run, so not part of the rate */
    int64_t started, shown;      /* ms */
};
void log_meter_start(struct log_meter *meter, const char *verb, const char *unit, uint64_t done,
                     uint64_t total);
/* Sets the current number. */
void log_meter_set(struct log_meter *meter, uint64_t done);
void log_meter_end(struct log_meter *meter);

/* Shows an event in JSON form, from the lbuild process that builds `project`, in our own form. */
void log_relay(const char *project, const struct js *event);
/* The live line of the terminal form, until something replaces it; NULL removes it. The other forms
 * don't show it. */
void log_live(const char *text);

#endif
