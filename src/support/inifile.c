#include "support/inifile.h"

#include "support/buf.h"
#include "support/control.h"
#include "support/json.h"
#include "support/own.h"

#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct state {
    const char *at, *end; /* the rest of the text */
    const char *file;
    const struct ini_reader *reader;
    struct strv *complaints;
    char *raw;  /* the current line, without its end */
    char *name; /* of the entry that continuation lines continue */
    int line;
    bool entry_above; /* an entry was read in this section: indented lines continue it */
    bool skip;        /* the section line was wrong: leave its entries out */
};

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

__attribute__((format(printf, 3, 4))) static void complain(struct state *state, size_t offset,
                                                           const char *format, ...)
{
    char text[1000];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    strv_addf(state->complaints, "%s:%d:%zu: %s", state->file, state->line, offset + 1, text);
}

/* Whether a line is short enough and has no bytes that it may not have; complains if not. */
static bool has_good_bytes(struct state *state, size_t length)
{
    if (length > INI_LINE_MAX) {
        complain(
            state, INI_LINE_MAX,
            "the line has %zu bytes, more than %d; shorten it or continue it on indented lines",
            length, INI_LINE_MAX);
        return false;
    }

    for (size_t i = 0; i < length; i++) {
        char c = state->raw[i];
        if (is_control(c) && c != '\t') {
            complain(state, i, "control byte 0x%02x; only tabs and line ends are allowed", c);
            return false;
        }
    }

    size_t good = js_utf8_prefix(state->raw, length);
    if (good < length)
        complain(state, good, "not UTF-8; save the file as UTF-8");
    return good == length;
}

/* Takes the next line into state->raw; false at the end of the text. */
static bool next_line(struct state *state)
{
    free(take(state->raw));
    if (state->at == state->end)
        return false;

    const char *stop = memchr(state->at, '\n', (size_t)(state->end - state->at));
    const char *next = stop ? stop + 1 : state->end;
    size_t length = (size_t)((stop ? stop : state->end) - state->at);
    if (length > 0 && state->at[length - 1] == '\r')
        length--;

    state->line++;
    state->raw = xmalloc(length + 1);
    memcpy(state->raw, state->at, length);
    state->raw[length] = '\0';
    state->at = next;
    if (!has_good_bytes(state, length))
        state->raw[0] = '\0';
    return true;
}

static const char *skip_blanks(const char *text)
{
    while (blank(*text))
        text++;
    return text;
}

/* The length of a value without its comment, which starts at a ';' after a blank and outside of
 * double quotes. */
static size_t value_length(const char *value)
{
    bool quoted = false;
    size_t end = strlen(value);

    for (size_t i = 0; value[i]; i++) {
        if (value[i] == '\\' && quoted && value[i + 1])
            i++;
        else if (value[i] == '"')
            quoted = !quoted;
        else if (value[i] == ';' && !quoted && (i == 0 || blank(value[i - 1])))
            end = i;
        if (end <= i)
            break;
    }

    while (end > 0 && blank(value[end - 1]))
        end--;
    return end;
}

/* The length of the name at the start of a line. Keys and files of stages have
 * colons in their names. */
static size_t name_length(const char *line)
{
    const char *at = line + (strncmp(line, "files.", 6) == 0 ? 6 : 0);
    if (strncmp(at, "stage:", 6) == 0) {
        size_t word =
            strspn(at + 6, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
        if (word > 0 && (at[6 + word] == ':' || at[6 + word] == '.') && strchr(at, '='))
            return strcspn(line, "=");
    }
    return strcspn(line, "=:");
}

/* Whether inih would see a comment start in these bytes. */
static bool has_comment(const char *text, size_t length)
{
    for (size_t i = 1; i < length; i++)
        if (text[i] == ';' && blank(text[i - 1]))
            return true;
    return false;
}

/* Checks a section line. inih would ignore an open one and cut a long one. */
static bool section_line(struct state *state, const char *start)
{
    const char *close = strchr(start, ']');
    size_t offset = (size_t)(start - state->raw);
    state->entry_above = false;
    state->skip = true;

    if (!close)
        complain(state, offset, "the section '%.60s' has no closing ']'", start);
    else if (close == start + 1)
        complain(state, offset, "the section has no name; write '[name]'");
    else if (close - start - 1 > INI_SECTION_MAX)
        complain(state, offset, "the section's name is longer than %d bytes", INI_SECTION_MAX);
    else if (has_comment(start, (size_t)(close - start)))
        complain(state, offset, "the section's name has a comment in it; remove the ';'");
    else if (*skip_blanks(close + 1) && !strchr(";#", *skip_blanks(close + 1)))
        complain(state, (size_t)(skip_blanks(close + 1) - state->raw),
                 "'%.60s' after the section; put it on its own line", skip_blanks(close + 1));
    else
        state->skip = false;

    if (state->skip)
        return false;
    autofree char *name = xstrndup(start + 1, (size_t)(close - start - 1));
    if (state->reader->section)
        state->reader->section(state->reader->data, name, state->line, (int)offset + 1);
    return true;
}

/* Whether inih gets to see the line. Complains about lines that inih would silently
 * drop or misread. */
static bool acceptable(struct state *state)
{
    const char *start = skip_blanks(state->raw);
    size_t offset = (size_t)(start - state->raw);

    if (*start == '\0' || *start == ';' || *start == '#')
        return false;
    if (offset > 0 && state->entry_above)
        return !state->skip;
    if (*start == '[')
        return section_line(state, start);

    size_t name = name_length(start);
    if (start[name] == '\0' || has_comment(start, name))
        complain(state, offset, "'%.60s' has no '='; write 'name = value'", start);
    else if (name == 0)
        complain(state, offset, "a name is missing before '%c'", start[0]);
    else if (name > INI_NAME_MAX)
        complain(state, offset, "the name is longer than %d bytes", INI_NAME_MAX);
    else
        return !state->skip;
    return false;
}

/* inih's reader: hands out the line with placeholders for name and value, so that it fits into any
 * line buffer of inih's and names may have colons. */
static char *give_line(char *into, int size, void *data)
{
    struct state *state = data;
    if (!next_line(state))
        return NULL;

    const char *start = skip_blanks(state->raw);
    if (!acceptable(state))
        snprintf(into, (size_t)size, "\n");
    else if (start > state->raw && state->entry_above)
        snprintf(into, (size_t)size, " +\n");
    else if (*start == '[')
        snprintf(into, (size_t)size, "%.*s\n", (int)(strchr(start, ']') - start + 1), start);
    else
        snprintf(into, (size_t)size, "-=-\n");
    return into;
}

static int on_entry(void *data, const char *section, const char *name, const char *value)
{
    struct state *state = data;
    struct ini_entry entry = {
        .section = section, .line = state->line, .continuation = value[0] == '+'};
    const char *start = skip_blanks(state->raw), *text = start;
    (void)name;

    if (!entry.continuation) {
        size_t length = name_length(start);
        text = skip_blanks(start + length + 1);
        while (length > 0 && blank(start[length - 1]))
            length--;
        free(state->name);
        state->name = xstrndup(start, length);
    }

    entry.name = state->name;
    autofree char *own_value = xstrndup(text, value_length(text));
    size_t end = strlen(text);
    while (end > 0 && blank(text[end - 1]))
        end--;
    autofree char *raw = xstrndup(text, end);

    entry.value = own_value;
    entry.raw = raw;
    entry.column = (int)(start - state->raw) + 1;
    entry.value_column = (int)(text - state->raw) + 1;
    state->entry_above = true;
    state->reader->entry(state->reader->data, &entry);
    return 1;
}

void ini_read(const char *text, size_t length, const char *file, const struct ini_reader *reader,
              struct strv *complaints)
{
    struct state state = {
        .at = text, .end = text + length, .file = file, .reader = reader, .complaints = complaints};
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        state.at += 3;
    ini_parse_stream(give_line, &state, on_entry, &state);
    free(state.raw);
    free(state.name);
}

char *ini_unquote(const char *value)
{
    AUTO(buf) out = {0};
    if (value[0] != '"')
        return xstrdup(value);

    for (const char *c = value + 1; *c; c++) {
        if (*c == '"')
            return c[1] ? NULL : buf_detach(&out);
        if (*c != '\\') {
            buf_addc(&out, *c);
            continue;
        }

        c++;
        if (*c == 'n' || *c == 't')
            buf_addc(&out, *c == 'n' ? '\n' : '\t');
        else if (*c == '"' || *c == '\\')
            buf_addc(&out, *c);
        else
            return NULL;
    }
    return NULL;
}

/* Reads one word from *at on and moves *at past it. */
static int one_word(const char **at, struct buf *word)
{
    char quote = '\0';
    const char *c = *at;
    for (; *c && (quote || !blank(*c)); c++) {
        if (quote && *c == quote)
            quote = '\0';
        else if (!quote && (*c == '\'' || *c == '"'))
            quote = *c;
        else if (*c == '\\' && quote != '\'' && c[1] && (!quote || c[1] == '"' || c[1] == '\\'))
            buf_addc(word, *++c);
        else
            buf_addc(word, *c);
    }

    *at = c;
    return quote ? -1 : 0;
}

int ini_words(const char *value, struct strv *out)
{
    for (const char *at = skip_blanks(value); *at; at = skip_blanks(at)) {
        AUTO(buf) word = {0};
        if (one_word(&at, &word) != 0)
            return -1;
        strv_take(out, buf_detach(&word));
    }
    return 0;
}
