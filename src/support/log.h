#ifndef LBUILD_SUPPORT_LOG_H
#define LBUILD_SUPPORT_LOG_H

/* Progress and warnings, on standard error; standard output carries only results. Errors are not logged: they are
 * returned, and main.c prints the one that gets there. */
enum log_level { LOG_QUIET, LOG_NORMAL, LOG_VERBOSE };

void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* One line of progress: "VERB  what", shown unless quiet. */
void log_step(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A line as it is; always shown. */
void log_line(const char *text);
/* Detail for --verbose. */
void log_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A warning with its remedy; always shown. */
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
