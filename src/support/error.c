#include "support/error.h"

#include "support/control.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A text that was cut must stay valid UTF-8, and an error must stay one line, whatever bytes a
 * hostile file put into it. */
static void tidy(char *text, size_t size)
{
    size_t length = strnlen(text, size);
    if (length == size - 1) {
        while (length > 0 && ((unsigned char)text[length - 1] & 0xc0) == 0x80)
            length--;
        if (length > 0 && ((unsigned char)text[length - 1] & 0x80))
            length--;
        text[length] = '\0';
    }
    control_mask(text, ' ');
}

int error_set(struct error *err, int kind, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(err->text, sizeof err->text, format, ap);
    va_end(ap);
    tidy(err->text, sizeof err->text);
    err->kind = kind;
    return -1;
}

int error_errno(struct error *err, int kind, const char *format, ...)
{
    int code = errno;
    char text[sizeof err->text];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    return error_set(err, kind, "%s: %s", text, strerror(code));
}

int error_wrap(struct error *err, const char *format, ...)
{
    char prefix[sizeof err->text / 2];
    char text[sizeof err->text];
    va_list ap;
    va_start(ap, format);
    vsnprintf(prefix, sizeof prefix, format, ap);
    va_end(ap);
    memcpy(text, err->text, sizeof text);
    return error_set(err, err->kind, "%s: %s", prefix, text);
}
