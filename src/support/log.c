#include "support/log.h"

#include "support/buf.h"
#include "support/own.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static enum log_level level = LOG_NORMAL;

void log_set_level(enum log_level wanted)
{
    level = wanted;
}

enum log_level log_get_level(void)
{
    return level;
}

/* One write per line, so that lines of several threads or processes never mix. */
static void emit(const char *prefix, const char *format, va_list ap)
{
    AUTO(buf) line = {0};
    autofree char *text = NULL;
    if (vasprintf(&text, format, ap) < 0)
        return;
    buf_adds(&line, prefix);
    buf_adds(&line, text);
    for (char *c = line.data; *c; c++)
        if ((unsigned char)*c < 0x20 && *c != '\t')
            *c = ' ';
    buf_addc(&line, '\n');
    ssize_t ignored = write(STDERR_FILENO, line.data, line.len);
    (void)ignored;
}

void log_step(const char *verb, const char *format, ...)
{
    char prefix[64];
    if (level < LOG_NORMAL)
        return;
    va_list ap;
    va_start(ap, format);
    snprintf(prefix, sizeof prefix, "%-9s", verb);
    emit(prefix, format, ap);
    va_end(ap);
}

__attribute__((format(printf, 2, 3))) static void emit_text(const char *prefix, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    emit(prefix, format, ap);
    va_end(ap);
}

void log_line(const char *text)
{
    emit_text("", "%s", text);
}

void log_detail(const char *format, ...)
{
    if (level < LOG_VERBOSE)
        return;
    va_list ap;
    va_start(ap, format);
    emit("         ", format, ap);
    va_end(ap);
}

void log_warn(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    emit("warning: ", format, ap);
    va_end(ap);
}
