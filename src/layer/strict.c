#include "layer/strict.h"

#include "support/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 512,
    NAME = 100,
    SUM = 148,
    SUM_END = 156,
    TYPE = 156,
    MAGIC = 257,
    MORE = 482,        /* in a sparse file's header: another one follows */
    MORE_AGAIN = 504,  /* the same in that one */
    RECORDS = 1 << 20, /* Go's limit of a PAX header */
    RECORD = 5,        /* bytes of the shortest record */
};

void strict_begin(struct strict *strict)
{
    *strict = (struct strict){.size = -1};
}

void strict_release(struct strict *strict)
{
    buf_release(&strict->records);
}

static void note(char *out, const char *name, const char *what)
{
    if (!out[0])
        snprintf(out, STRICT_NOTE, "'%.90s' %s", name, what);
}

/* A number of a header: binary when its first bit is set, else octal with blanks and NULs around.
 * False for what Go refuses. */
static bool read_number(const char *field, size_t length, int64_t *out)
{
    uint64_t value = 0;
    bool binary = field[0] & 0x80;
    unsigned char flip = binary && (field[0] & 0x40) ? 0xff : 0;

    for (size_t i = 0; binary && i < length; i++) {
        unsigned char byte = (unsigned char)field[i] ^ flip;
        if (value >> 56)
            return false;
        value = value << 8 | (i == 0 ? byte & 0x7f : byte);
    }
    if (binary) {
        *out = flip ? -(int64_t)(value & INT64_MAX) - 1 : (int64_t)value;
        return !(value >> 63);
    }

    while (length > 0 && (*field == ' ' || *field == '\0'))
        field++, length--;
    while (length > 0 && (field[length - 1] == ' ' || field[length - 1] == '\0'))
        length--;
    length = strnlen(field, length);
    for (size_t i = 0; i < length; i++) {
        if (field[i] < '0' || field[i] > '7' || value >> 61)
            return false;
        value = value << 3 | (uint64_t)(field[i] - '0');
    }
    *out = (int64_t)(value & INT64_MAX);
    return true;
}

static bool checksum_fits(const char *block)
{
    int64_t named = 0, sum = 0, with_signs = 0;
    if (!read_number(block + SUM, SUM_END - SUM, &named))
        return false;
    for (size_t i = 0; i < BLOCK; i++) {
        char c = i >= SUM && i < SUM_END ? ' ' : block[i];
        sum += (unsigned char)c;
        with_signs += (signed char)c;
    }
    return named == sum || named == with_signs;
}

static bool is_integer(const char *text)
{
    size_t sign = text[0] == '-' || text[0] == '+', digits = strspn(text + sign, "0123456789");
    return digits > 0 && digits < 19 && !text[sign + digits];
}

/* "SECONDS" or "SECONDS.FRACTION" */
static bool is_time(const char *text)
{
    autofree char *seconds = xstrndup(text, strcspn(text, "."));
    const char *dot = strchr(text, '.');
    return is_integer(seconds) && (!dot || strspn(dot + 1, "0123456789") == strlen(dot + 1));
}

/* Whether Go takes a record with this key. `value` may hold NULs. */
static bool fits(const char *key, const char *value, size_t length)
{
    static const char *const texts[] = {"path", "linkpath", "uname", "gname"};
    static const char *const times[] = {"mtime", "atime", "ctime"};
    static const char *const numbers[] = {"size", "uid", "gid"};

    for (size_t i = 0; i < countof(texts); i++)
        if (strcmp(key, texts[i]) == 0)
            return strlen(value) == length;
    for (size_t i = 0; i < countof(times); i++)
        if (length > 0 && strcmp(key, times[i]) == 0)
            return strlen(value) == length && is_time(value);
    for (size_t i = 0; i < countof(numbers); i++)
        if (length > 0 && strcmp(key, numbers[i]) == 0)
            return strlen(value) == length && is_integer(value);
    return key[0];
}

/* One record "LENGTH KEY=VALUE\n", where LENGTH counts all of it. The bytes that it takes, or 0 for
 * one that Go refuses. */
static size_t read_record(struct strict *strict, const char *text, size_t left)
{
    size_t digits = 0, length = 0;
    for (; digits < left && digits < 8 && text[digits] >= '0' && text[digits] <= '9'; digits++)
        length = length * 10 + (size_t)(text[digits] - '0');
    if (digits == 0 || digits == left || text[digits] != ' ' || length < RECORD || length > left ||
        length < digits + 2 || text[length - 1] != '\n')
        return 0;

    size_t rest = length - digits - 2;
    const char *key_at = text + digits + 1, *equals = memchr(key_at, '=', rest);
    if (!equals || memchr(key_at, 0, (size_t)(equals - key_at)))
        return 0;

    size_t size = rest - (size_t)(equals - key_at) - 1;
    autofree char *key = xstrndup(key_at, (size_t)(equals - key_at));
    autofree char *value = xcalloc(size + 1, 1);
    memcpy(value, equals + 1, size);
    if (!fits(key, value, size))
        return 0;
    if (strcmp(key, "size") == 0 && strict->kind == 'x')
        strict->size = size > 0 ? strtoll(value, NULL, 10) : -1;
    return length;
}

static void read_records(struct strict *strict)
{
    const char *text = buf_text(&strict->records);
    size_t at = 0, length = strict->records.len;
    for (size_t taken = 1; at < length && taken > 0; at += taken) {
        taken = read_record(strict, text + at, length - at);
        if (taken == 0)
            note(strict->header, strict->name,
                 "has a PAX record with a wrong length, key or number");
    }
    strict->kind = 0;
    buf_clear(&strict->records);
}

/* Begins to collect the records; too many are refused. */
static void open_records(struct strict *strict, char kind, uint64_t size)
{
    if (size > RECORDS) {
        note(strict->header, strict->name, "has a PAX header of more than 1 MiB");
        return;
    }
    strict->kind = kind;
    strict->left = size;
    if (size == 0)
        read_records(strict);
}

static bool numbers_fit(const char *block)
{
    static const struct {
        size_t at, length;
        bool ustar;
    } fields[] = {{100, 8, false},  {108, 8, false}, {116, 8, false},
                  {136, 12, false}, {329, 8, true},  {337, 8, true}};
    bool ustar = memcmp(block + MAGIC, "ustar", 5) == 0;
    int64_t ignored = 0;

    for (size_t i = 0; i < countof(fields); i++)
        if ((ustar || !fields[i].ustar) &&
            !read_number(block + fields[i].at, fields[i].length, &ignored))
            return false;
    return true;
}

static void check_type(struct strict *strict, char type)
{
    char text[60];
    if (strchr("0123456xgLK", type)) /* or NUL, the old form of '0' */
        return;
    snprintf(text, sizeof text, "is of the type '%c'%s", type >= ' ' && type <= '~' ? type : '?',
             type == 'S'   ? ", a sparse file in GNU's old form"
             : type == 'V' ? ", a volume's label"
                           : "");
    note(strict->type, strict->name, text);
}

/* A header of an entry, or of one that describes the next. */
static void on_header(struct strict *strict)
{
    const char *block = strict->block;
    const char type = block[TYPE];
    int64_t size = 0;

    if (!checksum_fits(block)) {
        strict->ended = true;
        return;
    }

    snprintf(strict->name, sizeof strict->name, "%.*s", NAME, block);
    strict->ended = !read_number(block + 124, 12, &size) || size < 0;
    if (strict->ended || !numbers_fit(block))
        note(strict->header, strict->name, "has a header with a number that can't be read");
    if (strict->ended)
        return;

    bool describes = type == 'x' || type == 'g' || type == 'L' || type == 'K';
    if (!describes) {
        size = strict->size >= 0 ? strict->size : size;
        strict->size = -1;
        check_type(strict, type);
    }
    if (type >= '1' && type <= '6')
        size = 0;

    uint64_t padded = ((uint64_t)size + BLOCK - 1) / BLOCK * BLOCK;
    strict->sparse = type == 'S' && block[MORE];
    strict->pending = strict->sparse ? padded : 0;
    strict->skip = strict->sparse ? 0 : padded;
    if (type == 'x' || type == 'g')
        open_records(strict, type, (uint64_t)size);
}

static void on_block(struct strict *strict)
{
    static const char zeros[BLOCK];
    strict->used = 0;
    if (!strict->sparse && memcmp(strict->block, zeros, BLOCK) == 0) {
        strict->ended = true;
    } else if (!strict->sparse) {
        on_header(strict);
    } else if (!strict->block[MORE_AGAIN]) {
        strict->sparse = false;
        strict->skip = strict->pending;
    }
}

static size_t skip_some(struct strict *strict, const char *bytes, size_t length)
{
    size_t part = strict->skip < length ? (size_t)strict->skip : length,
           wanted = strict->left < part ? (size_t)strict->left : part;
    strict->skip -= part;
    if (!strict->kind)
        return part;

    buf_add(&strict->records, bytes, wanted);
    strict->left -= wanted;
    if (strict->left == 0)
        read_records(strict);
    return part;
}

void strict_feed(struct strict *strict, const void *bytes, size_t length)
{
    const char *from = bytes;
    while (length > 0 && !strict->ended) {
        size_t part = BLOCK - strict->used < length ? BLOCK - strict->used : length;
        if (strict->skip > 0) {
            part = skip_some(strict, from, length);
        } else {
            memcpy(strict->block + strict->used, from, part);
            strict->used += part;
            if (strict->used == BLOCK)
                on_block(strict);
        }
        from += part;
        length -= part;
    }
}
