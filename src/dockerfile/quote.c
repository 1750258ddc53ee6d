#include "dockerfile/quote.h"

#include "support/json.h"
#include "support/own.h"

#include <string.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* A line break ends an instruction whatever quotes are open, and a Dockerfile goes through JSON on
 * its way to the builder. */
static const char *unwritable(const char *value, bool line_break_allowed)
{
    if (!line_break_allowed && strchr(value, '\n'))
        return "has a line break";
    return js_valid_utf8(value, strlen(value)) ? NULL : "has bytes that are not UTF-8";
}

const char *quote_shell(const char *value, struct buf *out)
{
    const char *wrong = unwritable(value, false);
    if (wrong)
        return wrong;
    if (value[0] && value[strspn(value, LETTERS "@%_+=:,./-")] == '\0') {
        buf_adds(out, value);
        return NULL;
    }

    buf_addc(out, '\'');
    for (; *value; value++) {
        if (*value == '\'')
            buf_adds(out, "'\\''");
        else
            buf_addc(out, *value);
    }
    buf_addc(out, '\'');
    return NULL;
}

const char *quote_json(const char *value, struct buf *out)
{
    const char *wrong = unwritable(value, true);
    if (wrong)
        return wrong;
    AUTOPTR(js) string = js_string(value);
    js_dump(string, out);
    return NULL;
}

const char *quote_env(const char *value, struct buf *out)
{
    const char *wrong = unwritable(value, false);
    if (wrong)
        return wrong;
    buf_addc(out, '"');
    for (; *value; value++) {
        if (strchr("\\\"$", *value))
            buf_addc(out, '\\');
        buf_addc(out, *value);
    }
    buf_addc(out, '"');
    return NULL;
}

bool quote_is_safe_path(const char *path)
{
    return path[0] == '/' && path[strspn(path, LETTERS "@%_+=:,./-")] == '\0';
}

const char *quote_copy_json(const char *path, struct buf *out)
{
    AUTO(buf) escaped = {0};
    for (; *path; path++) {
        if (strchr("\\\"'$", *path))
            buf_addc(&escaped, '\\');
        buf_addc(&escaped, *path);
    }
    return quote_json(buf_text(&escaped), out);
}

const char *quote_plain(const char *value, struct buf *out)
{
    if (value[0] == '\0' || value[0] == '-')
        return "can't be the name of an image";
    if (value[strspn(value, LETTERS "._:/@+-")])
        return "has a character that no image reference may have";
    buf_adds(out, value);
    return NULL;
}
