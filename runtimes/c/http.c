/* An HTTP/1.1 reply, parsed in the buffer that it is read into (RFC 9112). */
#include "internal.h"

#include <endian.h>
#include <string.h>

static enum lambda_http_result bad(struct lambda_http *http, const char *reason)
{
    http->reason = reason;
    return LAMBDA_HTTP_BAD;
}

/* Do eight bytes of a line match a lower-case word, ignoring case? */
static bool is_same(const char *text, const char *word)
{
    uint64_t one, other;

    memcpy(&one, text, sizeof one);
    memcpy(&other, word, sizeof other);
    return (one | 0x2020202020202020) == other;
}

/* Do size bytes of a line match a lower-case word, ignoring case? A word consists of letters and
 * '-', and a line holds no CR. The last eight bytes may overlap the ones before. */
static bool is_word(const char *text, const char *word, size_t size)
{
    size_t i = 0;

    if (size < sizeof(uint64_t)) {
        while (i < size && (text[i] | 0x20) == word[i])
            i++;
        return i == size;
    }

    for (size_t last = size - sizeof(uint64_t); i < last; i += sizeof(uint64_t))
        if (!is_same(text + i, word + i))
            return false;
    return is_same(text + size - sizeof(uint64_t), word + size - sizeof(uint64_t));
}

/* Member by member: to clear the whole struct at once, compilers use an instruction that
 * is slow to start. */
void lambda_http_begin(struct lambda_http *http, size_t body_max)
{
    http->state = LAMBDA_HTTP_STATUS_LINE;
    http->status = 0;
    http->keep_alive = false;
    http->next = http->scanned = 0;
    http->body = http->body_size = 0;
    http->body_max = body_max;
    http->left = http->trailers = 0;
    http->reason = NULL;
    memset(http->header, 0, sizeof http->header);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_end(char c)
{
    return c == '\r' || c == '\n' || c == '\0';
}

/* The offset of the first CR, LF or NUL from at on, or size. Looks at eight bytes at a time, since
 * each byte of a head is looked at here. */
static size_t text_end(const char *data, size_t at, size_t size)
{
    const uint64_t each = 0x0101010101010101;
    uint64_t bytes;

    for (; at + sizeof bytes <= size; at += sizeof bytes) {
        memcpy(&bytes, data + at, sizeof bytes);
        bytes = le64toh(bytes);
        /* the top bit of each control character; only the lowest set bit can be relied on */
        uint64_t control = (bytes - 0x20 * each) & ~bytes & 0x80 * each;
        if (!control)
            continue;
        at += (size_t)__builtin_ctzll(control) / 8;
        if (is_end(data[at]))
            return at;
        at -= sizeof bytes - 1; /* go on after it */
    }

    while (at < size && !is_end(data[at]))
        at++;
    return at;
}

/* The next line, ended by NUL instead of CR LF. MORE: it isn't complete yet. */
static enum lambda_http_result take_line(struct lambda_http *http, char *data, size_t size,
                                         char **line, size_t *length)
{
    bool head = http->state <= LAMBDA_HTTP_HEADER_LINE;
    size_t max = head ? LAMBDA_HTTP_HEAD_MAX : http->next + LAMBDA_HTTP_LINE_MAX;
    size_t end = text_end(data, http->scanned > http->next ? http->scanned : http->next, size);
    bool whole = end + 1 < size;

    http->scanned = end;
    if ((whole ? end + 2 : size) > max)
        return bad(http, head ? "its head is too large" : "a line is too long");
    if (!whole && (end == size || data[end] == '\r'))
        return LAMBDA_HTTP_MORE;
    if (!whole || data[end] != '\r' || data[end + 1] != '\n')
        return bad(http, "a line holds NUL or doesn't end with CR LF");

    data[end] = '\0';
    *line = data + http->next;
    *length = end - http->next;
    http->next = end + 2;
    return LAMBDA_HTTP_DONE;
}

/* "HTTP/1.1 200 OK"; the text after the number may be missing. */
static enum lambda_http_result status_line(struct lambda_http *http, const char *line,
                                           size_t length)
{
    if (length < 12 || memcmp(line, "HTTP/1.", 7) != 0 || (line[7] != '0' && line[7] != '1') ||
        line[8] != ' ')
        return bad(http, "it doesn't start with HTTP/1.1 and a status");

    http->status = 0;
    for (int i = 9; i < 12; i++) {
        if (line[i] < '0' || line[i] > '9')
            return bad(http, "its status isn't a number");
        http->status = http->status * 10 + (line[i] - '0');
    }
    if (http->status < 100 || http->status == 101 || (length > 12 && line[12] != ' '))
        return bad(http, "its status isn't one of an answer");

    http->keep_alive = line[7] == '1';
    http->state = LAMBDA_HTTP_HEADER_LINE;
    return LAMBDA_HTTP_DONE;
}

static const struct {
    const char *name;
    size_t length;
} header_names[LAMBDA_HTTP_HEADER_COUNT] = {
#define X(id, name) {name, sizeof name - 1},
    LAMBDA_HTTP_HEADERS(X)
#undef X
};

/* Which header the line holds; COUNT if it's one that doesn't matter here. */
static unsigned header_id(const char *line, size_t length)
{
    unsigned id = (line[0] | 0x20) == 'l' ? LAMBDA_HTTP_OWN_HEADERS : 0;

    for (; id < LAMBDA_HTTP_HEADER_COUNT; id++) {
        size_t name = header_names[id].length;
        if (length > name && line[name] == ':' && is_word(line, header_names[id].name, name))
            break;
    }
    return id;
}

static enum lambda_http_result header_line(struct lambda_http *http, char *data, char *line,
                                           size_t length)
{
    unsigned id = header_id(line, length);

    if (id == LAMBDA_HTTP_HEADER_COUNT) {
        const char *colon = memchr(line, ':', length);
        if (!colon || colon == line || is_blank(line[0]) || is_blank(colon[-1]))
            return bad(http, "a header line isn't of the form name: value");
        return LAMBDA_HTTP_DONE;
    }

    size_t start = header_names[id].length + 1;
    while (start < length && is_blank(line[start]))
        start++;
    while (length > start && is_blank(line[length - 1]))
        length--;
    line[length] = '\0';

    uint32_t offset = (uint32_t)(line + start - data);
    if (http->header[id] &&
        (id == LAMBDA_HTTP_CONTENT_LENGTH || id == LAMBDA_HTTP_TRANSFER_ENCODING) &&
        strcmp(data + http->header[id], data + offset) != 0)
        return bad(http, "two headers contradict each other");
    if (!http->header[id] && start < length)
        http->header[id] = offset;
    return LAMBDA_HTTP_DONE;
}

/* The value of Connection: a list of words, of which close and keep-alive matter. */
static void connection_header(struct lambda_http *http, const char *value)
{
    while (*value) {
        size_t size = strcspn(value, ", \t");
        if (size == 5 && is_word(value, "close", size)) {
            http->keep_alive = false;
            return;
        }
        if (size == 10 && is_word(value, "keep-alive", size))
            http->keep_alive = true;
        value += size;
        value += strspn(value, ", \t");
    }
}

/* After the empty line that ends the headers: decide what follows. */
static enum lambda_http_result head_end(struct lambda_http *http, const char *data)
{
    const char *connection = lambda_http_value(http, data, LAMBDA_HTTP_CONNECTION);
    const char *encoding = lambda_http_value(http, data, LAMBDA_HTTP_TRANSFER_ENCODING);
    const char *length = lambda_http_value(http, data, LAMBDA_HTTP_CONTENT_LENGTH);

    if (http->status < 200) {
        memset(http->header, 0, sizeof http->header);
        http->state = LAMBDA_HTTP_STATUS_LINE;
        return LAMBDA_HTTP_DONE;
    }

    if (connection)
        connection_header(http, connection);
    http->body = http->next;
    if (http->status == 204 || http->status == 304) {
        http->state = LAMBDA_HTTP_COMPLETE;
    } else if (encoding) {
        if (length)
            return bad(http, "it has both Content-Length and Transfer-Encoding");
        if (strlen(encoding) != 7 || !is_word(encoding, "chunked", 7))
            return bad(http, "its Transfer-Encoding isn't chunked");
        http->state = LAMBDA_HTTP_CHUNK_SIZE;
    } else if (length) {
        int64_t size = lambda_decimal(length, 18);
        if (size < 0)
            return bad(http, "its Content-Length isn't a number");
        http->state = LAMBDA_HTTP_BODY;
        if ((uint64_t)size > http->body_max)
            return LAMBDA_HTTP_TOO_LARGE;
        http->left = (size_t)size;
    } else {
        http->keep_alive = false;
        http->state = LAMBDA_HTTP_BODY_TO_CLOSE;
    }
    return LAMBDA_HTTP_DONE;
}

/* A chunk's size line, e.g. "1f4; extension=value". */
static enum lambda_http_result chunk_size(struct lambda_http *http, const char *line)
{
    uint64_t size = 0;
    unsigned digits = 0;

    for (;; digits++) {
        char c = line[digits];
        char letter = (char)(c | 0x20);
        bool decimal = c >= '0' && c <= '9';
        if (!decimal && (letter < 'a' || letter > 'f'))
            break;
        if (size >> 60)
            return bad(http, "a chunk's size is out of range");
        size = size << 4 | (unsigned)(decimal ? c - '0' : letter - 'a' + 10);
    }
    if (digits == 0 || !strchr("; \t", line[digits]))
        return bad(http, "a chunk's size isn't a number");
    if (size > http->body_max - http->body_size)
        return LAMBDA_HTTP_TOO_LARGE;

    http->left = (size_t)size;
    http->state = size ? LAMBDA_HTTP_CHUNK_DATA : LAMBDA_HTTP_TRAILER;
    return LAMBDA_HTTP_DONE;
}

/* Body bytes: move them to the end of the body, over the chunk sizes between them. */
static enum lambda_http_result body_bytes(struct lambda_http *http, char *data, size_t size)
{
    size_t count = size - http->next;

    if (http->state == LAMBDA_HTTP_BODY_TO_CLOSE) {
        if (count > http->body_max - http->body_size)
            return LAMBDA_HTTP_TOO_LARGE;
    } else if (count > http->left) {
        count = http->left;
    }

    size_t end = http->body + http->body_size;
    if (end != http->next && count)
        memmove(data + end, data + http->next, count);
    http->body_size += count;
    http->next += count;

    if (http->state == LAMBDA_HTTP_BODY_TO_CLOSE)
        return LAMBDA_HTTP_MORE;
    http->left -= count;
    if (http->left)
        return LAMBDA_HTTP_MORE;
    http->state = http->state == LAMBDA_HTTP_BODY ? LAMBDA_HTTP_COMPLETE : LAMBDA_HTTP_CHUNK_END;
    return LAMBDA_HTTP_DONE;
}

static enum lambda_http_result any_line(struct lambda_http *http, char *data, size_t size)
{
    char *line = NULL;
    size_t length = 0;
    enum lambda_http_result result = take_line(http, data, size, &line, &length);

    if (result != LAMBDA_HTTP_DONE)
        return result;

    switch (http->state) {
    case LAMBDA_HTTP_STATUS_LINE:
        return status_line(http, line, length);
    case LAMBDA_HTTP_HEADER_LINE:
        return length ? header_line(http, data, line, length) : head_end(http, data);
    case LAMBDA_HTTP_CHUNK_SIZE:
        return chunk_size(http, line);
    case LAMBDA_HTTP_CHUNK_END:
        http->state = LAMBDA_HTTP_CHUNK_SIZE;
        return length ? bad(http, "a chunk is longer than its size") : LAMBDA_HTTP_DONE;
    default: /* LAMBDA_HTTP_TRAILER: skipped */
        http->trailers += length + 2;
        if (length == 0)
            http->state = LAMBDA_HTTP_COMPLETE;
        return http->trailers > LAMBDA_HTTP_HEAD_MAX ? bad(http, "its trailers are too large")
                                                     : LAMBDA_HTTP_DONE;
    }
}

enum lambda_http_result lambda_http_parse(struct lambda_http *http, char *data, size_t *size)
{
    enum lambda_http_result result = LAMBDA_HTTP_DONE;

    while (result == LAMBDA_HTTP_DONE && http->state != LAMBDA_HTTP_COMPLETE) {
        bool body = http->state == LAMBDA_HTTP_BODY || http->state == LAMBDA_HTTP_BODY_TO_CLOSE ||
                    http->state == LAMBDA_HTTP_CHUNK_DATA;
        result = body ? body_bytes(http, data, *size) : any_line(http, data, *size);
    }

    size_t end = http->body + http->body_size;
    if (http->body && end < http->next) { /* close the gap that chunk sizes left */
        size_t gap = http->next - end;
        memmove(data + end, data + http->next, *size - http->next);
        *size -= gap;
        http->scanned = http->scanned > http->next ? http->scanned - gap : end;
        http->next = end;
    }
    if (result == LAMBDA_HTTP_DONE && *size > http->next)
        http->keep_alive = false; /* unasked-for bytes: don't trust what comes after them */
    return result;
}

enum lambda_http_result lambda_http_end(struct lambda_http *http)
{
    if (http->state != LAMBDA_HTTP_BODY_TO_CLOSE)
        return bad(http, "it is cut off");
    http->state = LAMBDA_HTTP_COMPLETE;
    return LAMBDA_HTTP_DONE;
}

size_t lambda_http_missing(const struct lambda_http *http)
{
    return http->left;
}
