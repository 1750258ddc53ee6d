/* The C runtime's HTTP parser: every reply whole, cut in two at every byte, and byte by byte. */
#include "../../runtimes/c/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENT "Lambda-Runtime-Aws-Request-Id: id-1\r\n"

struct reply {
    const char *name;
    const char *text;
    enum lambda_http_result result; /* MORE: the connection ends then, and end is the result */
    enum lambda_http_result end;
    int status;
    bool keep_alive;
    const char *body;
    const char *id; /* request id */
};

#define GOOD(keep, body) LAMBDA_HTTP_DONE, LAMBDA_HTTP_MORE, 200, keep, body, "id-1"
#define BAD LAMBDA_HTTP_BAD, LAMBDA_HTTP_MORE, 0, false, NULL, NULL
#define LARGE LAMBDA_HTTP_TOO_LARGE, LAMBDA_HTTP_MORE, 200, false, NULL, NULL
#define CUT LAMBDA_HTTP_MORE, LAMBDA_HTTP_BAD, 0, false, NULL, NULL

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK EVENT "Transfer-Encoding: chunked\r\n\r\n"

static const struct reply replies[] = {
    {"content-length", OK EVENT "Content-Length: 5\r\n\r\nhello", GOOD(true, "hello")},
    {"empty body", OK EVENT "Content-Length: 0\r\n\r\n", GOOD(true, "")},
    {"no reason", "HTTP/1.1 200\r\n" EVENT "Content-Length: 1\r\n\r\nx", GOOD(true, "x")},
    {"empty reason", "HTTP/1.1 200 \r\n" EVENT "Content-Length: 1\r\n\r\nx", GOOD(true, "x")},
    {"names in any case", OK "LAMBDA-runtime-AWS-request-ID: id-1\r\ncontent-LENGTH:2\r\n\r\nab",
     GOOD(true, "ab")},
    {"blanks around values",
     OK "Lambda-Runtime-Aws-Request-Id: \t id-1 \t\r\nContent-Length:\t2 \r\n\r\nab",
     GOOD(true, "ab")},
    {"first of equals counts",
     OK EVENT "Lambda-Runtime-Aws-Request-Id: id-2\r\nContent-Length: 0\r\n\r\n", GOOD(true, "")},
    {"empty is absent", OK "Lambda-Runtime-Aws-Request-Id:\r\n" EVENT "Content-Length: 0\r\n\r\n",
     GOOD(true, "")},
    {"equal lengths", OK EVENT "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", GOOD(true, "x")},
    {"close", OK EVENT "Connection: Close\r\nContent-Length: 1\r\n\r\nx", GOOD(false, "x")},
    {"close in a list", OK EVENT "Connection: keep-alive, close\r\nContent-Length: 1\r\n\r\nx",
     GOOD(false, "x")},
    {"not close", OK EVENT "Connection: closer\r\nContent-Length: 1\r\n\r\nx", GOOD(true, "x")},
    {"http 1.0", "HTTP/1.0 200 OK\r\n" EVENT "Content-Length: 1\r\n\r\nx", GOOD(false, "x")},
    {"http 1.0 keep-alive",
     "HTTP/1.0 200 OK\r\n" EVENT "Connection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx",
     GOOD(true, "x")},
    {"bytes too many", OK EVENT "Content-Length: 1\r\n\r\nxyz", GOOD(false, "x")},
    {"to the end", OK EVENT "\r\nhello", LAMBDA_HTTP_MORE, LAMBDA_HTTP_DONE, 200, false, "hello",
     "id-1"},
    {"no content", "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", LAMBDA_HTTP_DONE, LAMBDA_HTTP_MORE,
     204, true, "", NULL},
    {"1xx is skipped",
     "HTTP/1.1 100 Continue\r\nLambda-Runtime-Aws-Request-Id: no\r\n\r\nHTTP/1.1 103 Hints\r\n"
     "\r\n" OK EVENT "Content-Length: 1\r\n\r\nx",
     GOOD(true, "x")},
    {"status 413", "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}", LAMBDA_HTTP_DONE,
     LAMBDA_HTTP_MORE, 413, true, "{}", NULL},

    {"chunked", CHUNKED "5\r\nhello\r\n0\r\n\r\n", GOOD(true, "hello")},
    {"several chunks", CHUNKED "2\r\nhe\r\n1\r\nl\r\n2\r\nlo\r\n0\r\n\r\n", GOOD(true, "hello")},
    {"chunked and empty", CHUNKED "0\r\n\r\n", GOOD(true, "")},
    {"chunk extensions", CHUNKED "5;a=b;c=\"d\"\r\nhello\r\n0;x\r\n\r\n", GOOD(true, "hello")},
    {"blank after a size", CHUNKED "5 \r\nhello\r\n0\t\r\n\r\n", GOOD(true, "hello")},
    {"leading zeros, both cases", CHUNKED "000a\r\n0123456789\r\n0B\r\n0123456789a\r\n00\r\n\r\n",
     GOOD(true, "01234567890123456789a")},
    {"trailers", CHUNKED "1\r\nx\r\n0\r\nA: b\r\nContent-Length: 7\r\n\r\n", GOOD(true, "x")},
    {"chunked, bytes too many", CHUNKED "1\r\nx\r\n0\r\n\r\n?", GOOD(false, "x")},
    {"line ends as data", CHUNKED "4\r\n\r\n\r\n\r\n0\r\n\r\n", GOOD(true, "\r\n\r\n")},

    {"not http", "SSH-2.0-OpenSSH_9.2\r\n", BAD},
    {"http 2", "HTTP/2.0 200 OK\r\n", BAD},
    {"status of two digits", "HTTP/1.1 20 OK\r\n", BAD},
    {"status of four digits", "HTTP/1.1 2000 OK\r\n", BAD},
    {"status 099", "HTTP/1.1 099 OK\r\n", BAD},
    {"switching protocols", "HTTP/1.1 101 OK\r\n\r\n", BAD},
    {"lf only", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", BAD},
    {"no colon", OK "Content-Length 5\r\n\r\n", BAD},
    {"no name", OK ": x\r\n\r\n", BAD},
    {"blank before the colon", OK "Content-Length : 5\r\n\r\nhello", BAD},
    {"folded line", OK "A: b\r\n c: d\r\n\r\n", BAD},
    {"cr in a name", OK "Content\rLength: 5\r\n\r\nhello", BAD},
    {"cr in a value", OK "Lambda-Runtime-Trace-Id: a\rb\r\n\r\n", BAD},
    {"lf in a value", OK "Lambda-Runtime-Trace-Id: a\nb\r\n\r\n", BAD},
    {"two cr", OK "Content-Length: 0\r\r\n\r\n", BAD},
    {"other control characters and bytes over 127 are text",
     OK "X: \x01\x1f\t\x7f\x80\xff\t12345678\t1234567\x1f\r\n" EVENT "Content-Length: 1\r\n\r\nx",
     GOOD(true, "x")},
    {"length and chunked", OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", BAD},
    {"lengths differ", OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", BAD},
    {"length isn't a number", OK "Content-Length: 5x\r\n\r\n", BAD},
    {"negative length", OK "Content-Length: -5\r\n\r\n", BAD},
    {"list of lengths", OK "Content-Length: 5, 5\r\n\r\n", BAD},
    {"length of 19 digits", OK "Content-Length: 1000000000000000000\r\n\r\n", BAD},
    {"encoding gzip", OK "Transfer-Encoding: gzip, chunked\r\n\r\n", BAD},
    {"two encodings", OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n", BAD},
    {"chunk size missing", CHUNKED "\r\nhello\r\n", BAD},
    {"chunk size isn't a number", CHUNKED "g\r\nhello\r\n", BAD},
    {"chunk size 0x", CHUNKED "0x5\r\nhello\r\n", BAD},
    {"control characters as digits", CHUNKED "\x15\r\nhello\r\n", BAD},
    {"negative chunk", CHUNKED "-1\r\n", BAD},
    {"chunk size out of range", CHUNKED "10000000000000005\r\nhello\r\n", BAD},
    {"chunk longer than its size", CHUNKED "4\r\nhello\r\n0\r\n\r\n", BAD},
    {"bare lf after a chunk", CHUNKED "4\r\nhell\n0\r\n\r\n", BAD},

    {"body too large", OK EVENT "Content-Length: 33\r\n\r\n", LARGE},
    {"body of 2^59", OK EVENT "Content-Length: 576460752303423488\r\n\r\n", LARGE},
    {"chunk too large", CHUNKED "21\r\n", LARGE},
    {"chunk of 2^64 - 1", CHUNKED "ffffffffffffffff\r\n", LARGE},
    {"chunks too large", CHUNKED "20\r\n01234567890123456789012345678901\r\n1\r\n", LARGE},
    {"too large to the end", OK EVENT "\r\n012345678901234567890123456789012", LARGE},

    {"nothing", "", CUT},
    {"cut in the status", "HTTP/1", CUT},
    {"cut in the head", OK EVENT, CUT},
    {"cut in the body", OK EVENT "Content-Length: 5\r\n\r\nhell", CUT},
    {"cut in a chunk", CHUNKED "5\r\nhell", CUT},
    {"cut after a chunk", CHUNKED "5\r\nhello\r\n", CUT},
    {"cut in the trailers", CHUNKED "5\r\nhello\r\n0\r\nA: b\r\n", CUT},
};

enum { BODY_MAX = 32 };

/* Feed text in pieces: the first of first bytes, the others of step bytes, each to a buffer of
 * exactly its size so that a sanitizer sees every byte that's out of bounds. data: the buffer at
 * the end, to be freed. */
static enum lambda_http_result feed(struct lambda_http *http, const char *text, size_t size,
                                    size_t first, size_t step, char **data)
{
    enum lambda_http_result result = LAMBDA_HTTP_MORE;
    size_t held = 0;

    *data = NULL;
    lambda_http_begin(http, BODY_MAX);
    for (size_t at = 0; at < size && result == LAMBDA_HTTP_MORE;) {
        size_t piece = at == 0 ? first : step;
        if (piece > size - at)
            piece = size - at;
        char *bytes = malloc(held + piece);
        assert_non_null(bytes);
        if (held)
            memcpy(bytes, *data, held);
        memcpy(bytes + held, text + at, piece);
        free(*data);
        *data = bytes;
        held += piece;
        at += piece;
        result = lambda_http_parse(http, *data, &held);
    }

    return result;
}

static void check(const struct reply *reply, size_t first, size_t step)
{
    struct lambda_http http;
    char *data = NULL;
    enum lambda_http_result result =
        feed(&http, reply->text, strlen(reply->text), first, step, &data);
    bool all_came = strstr(reply->name, "bytes too many") == NULL;

    if (result != reply->result)
        fail_msg("%s, cut at %zu, %zu: result %d", reply->name, first, step, result);
    if (result == LAMBDA_HTTP_MORE) {
        result = lambda_http_end(&http);
        assert_int_equal(reply->end, result);
    }

    if (result == LAMBDA_HTTP_BAD)
        assert_non_null(http.reason);
    if (result == LAMBDA_HTTP_DONE) {
        if (http.body_size != strlen(reply->body) ||
            memcmp(data + http.body, reply->body, http.body_size) != 0)
            fail_msg("%s, cut at %zu, %zu: body '%.*s'", reply->name, first, step,
                     (int)http.body_size, data + http.body);
        assert_int_equal(reply->status, http.status);
        if (all_came) /* a later piece isn't seen any more */
            assert_int_equal(reply->keep_alive, http.keep_alive);
    }

    if ((result == LAMBDA_HTTP_DONE || result == LAMBDA_HTTP_TOO_LARGE) && reply->id)
        assert_string_equal(reply->id, lambda_http_value(&http, data, LAMBDA_HTTP_REQUEST_ID));
    free(data);
}

static void every_reply_cut_everywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        size_t size = strlen(replies[i].text);
        check(&replies[i], size, size);
        check(&replies[i], 1, 1);
        for (size_t first = 1; first < size; first++)
            check(&replies[i], first, size);
    }
}

static void surplus_bytes_end_the_connection(void **state)
{
    static const char text[] = OK EVENT "Content-Length: 1\r\n\r\nxyz";
    struct lambda_http http;
    char *data = NULL;

    (void)state;
    assert_int_equal(LAMBDA_HTTP_DONE, feed(&http, text, strlen(text), strlen(text), 1, &data));
    assert_false(http.keep_alive);
    free(data);
}

static void a_nul_is_no_text(void **state)
{
    static const char value[] = OK "Lambda-Runtime-Trace-Id: a\0b\r\n\r\n";
    static const char other[] = OK "X: a\0b\r\nContent-Length: 0\r\n\r\n";
    struct lambda_http http;
    char *data = NULL;

    (void)state;

    assert_int_equal(LAMBDA_HTTP_BAD,
                     feed(&http, value, sizeof value - 1, sizeof value - 1, 1, &data));
    free(data);
    assert_int_equal(LAMBDA_HTTP_BAD,
                     feed(&http, other, sizeof other - 1, sizeof other - 1, 1, &data));
    free(data);
}

static void absent_headers_are_null(void **state)
{
    static const char text[] = OK "Lambda-Runtime-Trace-Id: \r\nContent-Length: 0\r\n\r\n";
    struct lambda_http http;
    char *data = NULL;

    (void)state;
    assert_int_equal(LAMBDA_HTTP_DONE, feed(&http, text, strlen(text), strlen(text), 1, &data));
    assert_null(lambda_http_value(&http, data, LAMBDA_HTTP_TRACE_ID));
    assert_null(lambda_http_value(&http, data, LAMBDA_HTTP_TENANT_ID));
    free(data);
}

/* A reply with one header of that name: is its value found under id? */
static bool has_header(enum lambda_http_header id, const char *name)
{
    struct lambda_http http;
    char *data = NULL;
    char text[256];

    snprintf(text, sizeof text, OK "%s: 0\r\n\r\n", name);
    lambda_http_begin(&http, 10);
    feed(&http, text, strlen(text), strlen(text), 1, &data);
    const char *value = lambda_http_value(&http, data, id);
    bool found = value && strcmp(value, "0") == 0;
    free(data);
    return found;
}

/* Each letter counts, its case doesn't. */
static void names_are_compared_whole(void **state)
{
    static const char *const names[] = {
#define X(id, name) name,
        LAMBDA_HTTP_HEADERS(X)
#undef X
    };

    (void)state;

    for (unsigned id = 0; id < LAMBDA_HTTP_HEADER_COUNT; id++) {
        char name[64];
        snprintf(name, sizeof name, "%sx", names[id]);
        assert_false(has_header(id, name));
        for (size_t i = 0; names[id][i]; i++) {
            snprintf(name, sizeof name, "%s", names[id]);
            name[i] = (char)toupper((unsigned char)name[i]);
            assert_true(has_header(id, name));
            name[i] = '!';
            assert_false(has_header(id, name));
        }
    }
}

/* before + size times 'x' + after: the result when it comes in pieces of step bytes. */
static enum lambda_http_result feed_long(const char *before, size_t size, const char *after,
                                         size_t step)
{
    struct lambda_http http;
    size_t head = strlen(before);
    char *text = malloc(head + size + strlen(after) + 1);
    char *data = NULL;

    assert_non_null(text);
    memcpy(text, before, head);
    memset(text + head, 'x', size);
    memcpy(text + head + size, after, strlen(after) + 1);
    enum lambda_http_result result = feed(&http, text, strlen(text), step, step, &data);
    free(data);
    free(text);
    return result;
}

static void lines_have_limits(void **state)
{
    static const char head[] = OK "Content-Length: 0\r\nA: ";
    size_t rest = LAMBDA_HTTP_HEAD_MAX - strlen(head) - 4;

    (void)state;

    for (size_t step = 1000; step < 200000; step += 99000) {
        assert_int_equal(LAMBDA_HTTP_DONE, feed_long(head, rest, "\r\n\r\n", step));
        assert_int_equal(LAMBDA_HTTP_BAD, feed_long(head, rest + 1, "\r\n\r\n", step));
        assert_int_equal(LAMBDA_HTTP_BAD, feed_long(head, 2 * rest, "", step));
        assert_int_equal(LAMBDA_HTTP_BAD, feed_long("HTTP/1.1 200 ", 2 * rest, "", step));
        assert_int_equal(LAMBDA_HTTP_DONE,
                         feed_long(CHUNKED "0;", LAMBDA_HTTP_LINE_MAX - 4, "\r\n\r\n", step));
        assert_int_equal(LAMBDA_HTTP_BAD,
                         feed_long(CHUNKED "0;", LAMBDA_HTTP_LINE_MAX - 3, "\r\n\r\n", step));
        assert_int_equal(LAMBDA_HTTP_BAD,
                         feed_long(CHUNKED "0\r\n", LAMBDA_HTTP_LINE_MAX + 1, "", step));
    }
}

static void trailers_have_limits(void **state)
{
    static const char line[] = "A: b\r\n";
    size_t lines = LAMBDA_HTTP_HEAD_MAX / strlen(line) + 1;
    char *text = malloc(strlen(CHUNKED "0\r\n") + lines * strlen(line) + 1);
    struct lambda_http http;
    char *data = NULL;

    (void)state;

    assert_non_null(text);
    memcpy(text, CHUNKED "0\r\n", sizeof CHUNKED "0\r\n");
    char *at = text + strlen(text);
    for (size_t i = 0; i < lines; i++, at += strlen(line))
        memcpy(at, line, sizeof line);
    assert_int_equal(LAMBDA_HTTP_BAD, feed(&http, text, strlen(text), 10000, 10000, &data));
    free(data);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reply_cut_everywhere),
        cmocka_unit_test(surplus_bytes_end_the_connection),
        cmocka_unit_test(a_nul_is_no_text),
        cmocka_unit_test(absent_headers_are_null),
        cmocka_unit_test(names_are_compared_whole),
        cmocka_unit_test(lines_have_limits),
        cmocka_unit_test(trailers_have_limits),
    };

    return cmocka_run_group_tests_name("runtime_http", tests, NULL, NULL);
}
