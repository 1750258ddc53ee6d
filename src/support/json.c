#include "support/json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 100 };

static json_t *real(const struct js *value)
{
    return (json_t *)(uintptr_t)value;
}

static struct js *ours(json_t *value)
{
    return (struct js *)value;
}

/* jansson's constructors fail only when memory runs out. */
static struct js *made(json_t *value)
{
    if (!value)
        abort();
    return ours(value);
}

/* jansson recurses, and its own limit of 2,048 levels can't be changed, so brackets outside of
 * strings are counted first. */
static bool too_deep(const char *text, size_t length)
{
    size_t depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > MAX_DEPTH)
                return true;
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }

    return false;
}

/* Leaves out the piece of the text that jansson quotes: it may be a password. */
static void refuse_text(const json_error_t *at, const char *name, struct error *err)
{
    const char *quote = strstr(at->text, " near '");
    int length = quote ? (int)(quote - at->text) : (int)strlen(at->text);
    error_set(err, ERROR_REGISTRY, "%s: line %d: not valid JSON: %.*s", name, at->line, length,
              at->text);
}

struct js *js_parse(const char *text, size_t length, const char *name, struct error *err)
{
    json_error_t at;
    if (too_deep(text, length)) {
        error_set(err, ERROR_REGISTRY, "%s: the JSON is nested deeper than %d levels", name,
                  MAX_DEPTH);
        return NULL;
    }

    json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, &at);
    if (!value)
        refuse_text(&at, name, err);
    return ours(value);
}

void js_free(struct js *value)
{
    json_decref(real(value));
}

struct js *js_copy(const struct js *value)
{
    return made(json_deep_copy(real(value)));
}

const struct js *js_get(const struct js *object, const char *key)
{
    json_t *value = json_object_get(real(object), key);
    return json_is_null(value) ? NULL : ours(value);
}

bool js_has_null(const struct js *object, const char *key)
{
    return json_is_null(json_object_get(real(object), key));
}

const char *js_text(const struct js *value)
{
    return json_string_value(real(value));
}

const char *js_get_text(const struct js *object, const char *key)
{
    return js_text(js_get(object, key));
}

bool js_is_object(const struct js *value)
{
    return json_is_object(real(value));
}

bool js_has_members(const struct js *object)
{
    return json_object_size(real(object)) > 0;
}

bool js_is_array(const struct js *value)
{
    return json_is_array(real(value));
}

bool js_is_null(const struct js *value)
{
    return !value || json_is_null(real(value));
}

bool js_is_true(const struct js *value)
{
    return json_is_true(real(value));
}

bool js_get_size(const struct js *object, const char *key, uint64_t *out)
{
    json_t *value = json_object_get(real(object), key);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

size_t js_count(const struct js *array)
{
    return json_array_size(real(array));
}

const struct js *js_at(const struct js *array, size_t index)
{
    return ours(json_array_get(real(array), index));
}

void js_each(const struct js *object,
             void (*callback)(void *data, const char *key, const struct js *value), void *data)
{
    const char *key;
    json_t *value;
    json_object_foreach(real(object), key, value)
    {
        callback(data, key, ours(value));
    }
}

struct js *js_object(void)
{
    return made(json_object());
}

struct js *js_array(void)
{
    return made(json_array());
}

/* How long a UTF-8 sequence is, by its first byte; 0 when none starts with that byte. */
static size_t announced_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first >= 0xf5)
        return 0;
    if (first < 0xe0)
        return 2;
    return first < 0xf0 ? 3 : 4;
}

/* The length of the UTF-8 sequence at `text`; 0 when there is none, as for overlong forms,
 * surrogates and values above U+10FFFF. */
static size_t sequence(const unsigned char *text)
{
    unsigned char c = text[0], low = 0x80, high = 0xbf;
    size_t length = announced_length(c);

    if (c == 0xe0)
        low = 0xa0;
    else if (c == 0xed)
        high = 0x9f;
    else if (c == 0xf0)
        low = 0x90;
    else if (c == 0xf4)
        high = 0x8f;

    for (size_t i = 1; i < length; i++, low = 0x80, high = 0xbf)
        if (text[i] < low || text[i] > high)
            return 0;
    return length;
}

size_t js_utf8_prefix(const char *text, size_t length)
{
    size_t good = 0;
    while (good < length) {
        /* The copy ends in zero bytes, so a sequence that the end cuts off doesn't count. */
        unsigned char next[5] = {0};
        memcpy(next, text + good, length - good < 4 ? length - good : 4);
        size_t n = sequence(next);

        if (n == 0)
            break;
        good += n;
    }
    return good;
}

bool js_valid_utf8(const char *text, size_t length)
{
    return js_utf8_prefix(text, length) == length;
}

struct js *js_string(const char *text)
{
    AUTO(buf) clean = {0};
    json_t *value = json_string(text);
    if (value)
        return ours(value);

    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        size_t n = sequence(at);
        if (n > 0)
            buf_add(&clean, at, n);
        else
            buf_adds(&clean, "\xef\xbf\xbd");
        at += n ? n : 1;
    }
    return made(json_string(buf_text(&clean)));
}

struct js *js_boolean(bool truth)
{
    return made(truth ? json_true() : json_false());
}

void js_set(struct js *object, const char *key, struct js *value)
{
    if (json_object_set_new(real(object), key, real(value)) != 0)
        abort();
}

void js_set_string(struct js *object, const char *key, const char *text)
{
    js_set(object, key, js_string(text));
}

void js_set_integer(struct js *object, const char *key, int64_t number)
{
    js_set(object, key, made(json_integer(number)));
}

void js_append(struct js *array, struct js *value)
{
    if (json_array_append_new(real(array), real(value)) != 0)
        abort();
}

void js_remove(struct js *object, const char *key)
{
    json_object_del(real(object), key);
}

static void dump(const struct js *value, size_t flags, struct buf *out)
{
    char *text = json_dumps(real(value), flags | JSON_ENCODE_ANY);
    if (!text)
        abort();
    buf_adds(out, text);
    free(text);
}

void js_dump(const struct js *value, struct buf *out)
{
    dump(value, JSON_COMPACT, out);
}

void js_dump_pretty(const struct js *value, struct buf *out)
{
    dump(value, JSON_INDENT(2), out);
    buf_addc(out, '\n');
}
