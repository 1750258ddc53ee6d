#include "unit.h"

#include "lambda/api.h"
#include "lambda/limits.h"
#include "support/fs.h"
#include "support/own.h"
#include "support/process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The function under test is this program itself, started with the name of one of
 * the plays below. */

struct reply {
    int status;
    struct buf head, body;
};

static int connect_api(void)
{
    const char *where = getenv("AWS_LAMBDA_RUNTIME_API"),
               *colon = where ? strchr(where, ':') : NULL;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (!colon || fd < 0)
        _exit(90);
    address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        _exit(91);
    return fd;
}

static void send_all(int fd, const void *bytes, size_t length)
{
    struct error err = {0};
    if (fs_write_fd(fd, "socket", bytes, length, &err) != 0)
        _exit(92);
}

static void undo_chunks(struct buf *body)
{
    AUTO(buf) plain = {0};

    for (const char *at = buf_text(body);;) {
        char *end = NULL;
        unsigned long size = strtoul(at, &end, 16);
        if (strncmp(end, "\r\n", 2) != 0 || (size_t)(end + 2 - body->data) + size + 2 > body->len)
            _exit(93);
        buf_add(&plain, end + 2, size);
        at = end + 2 + size + 2;
        if (size == 0)
            break;
    }

    buf_release(body);
    *body = plain;
    plain = (struct buf){0};
}

/* One request on a connection of its own. `head`: further header lines. */
static int request(const char *line, const char *head, const void *body, size_t length,
                   struct reply *reply)
{
    AUTO(buf) all = {0};
    struct error err = {0};
    int fd = connect_api();
    autofree char *start =
        xasprintf("%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n",
                  line, length, head);

    send_all(fd, start, strlen(start));
    send_all(fd, body, length);
    buf_release(&reply->body);
    buf_release(&reply->head);
    if (fs_read_fd(fd, "socket", 8 << 20, &all, &err) != 0 || all.len < 12)
        _exit(94);
    close(fd);

    const char *end = strstr(all.data, "\r\n\r\n");
    if (!end)
        _exit(95);
    buf_add(&reply->head, all.data, (size_t)(end - all.data) + 2);
    buf_add(&reply->body, end + 4, all.len - (size_t)(end + 4 - all.data));
    if (strcasestr(buf_text(&reply->head), "\r\nTransfer-Encoding: chunked\r\n"))
        undo_chunks(&reply->body);
    return reply->status = (int)strtol(all.data + 9, NULL, 10);
}

static void expect(int got, int wanted, int step)
{
    if (got != wanted)
        _exit(100 + step);
}

static char *header(const struct reply *reply, const char *name)
{
    autofree char *start = xasprintf("\r\n%s: ", name);
    const char *at = strcasestr(buf_text(&reply->head), start);
    if (!at)
        _exit(96);
    at += strlen(start);
    return xstrndup(at, strcspn(at, "\r"));
}

static char *next(struct reply *reply)
{
    expect(request("GET /2018-06-01/runtime/invocation/next", "", "", 0, reply), 200, 0);
    return header(reply, "Lambda-Runtime-Aws-Request-Id");
}

static int post(const char *id, const char *what, const char *head, const void *body, size_t length)
{
    struct reply reply = {0};
    autofree char *line = xasprintf("POST /2018-06-01/runtime/invocation/%s/%s", id, what);
    return request(line, head, body, length, &reply);
}

static void play_echo(void)
{
    struct reply reply = {0};
    char *id = next(&reply);
    expect(post(id, "response", "", reply.body.data, reply.body.len), 202, 1);
    next(&reply); /* never returns */
    _exit(99);
}

static void play_headers(void)
{
    struct reply reply = {0};
    char *id = next(&reply);
    char *deadline = header(&reply, "Lambda-Runtime-Deadline-Ms"),
         *trace = header(&reply, "Lambda-Runtime-Trace-Id");
    char *arn = header(&reply, "Lambda-Runtime-Invoked-Function-Arn"),
         *type = header(&reply, "Content-Type");
    long long left = strtoll(deadline, NULL, 10) - (long long)time(NULL) * 1000;

    expect(left > 1000 && left <= 61000, 1, 1); /* of a minute: machines can be busy */
    expect(strncmp(trace, "Root=1-", 7), 0, 2);
    expect(strcmp(strrchr(arn, ':'), ":hello"), 0, 3);
    expect(strcmp(type, "application/json"), 0, 4);
    expect(strlen(id), 36, 5);
    expect(getenv("HOME") == NULL, 1, 6);

    char here[4096];
    expect(getcwd(here, sizeof here) != NULL, 1, 7);

    autofree char *text = xasprintf("%s %s", getenv("GIVEN"), here);
    expect(post(id, "response", "", text, strlen(text)), 202, 8);
    _exit(0);
}

static void play_strict(void)
{
    struct reply reply = {0};

    expect(request("GET /2018-06-01/ping", "", "", 0, &reply), 202, 1);
    expect(request("GET /2018-06-01/runtime/restore/next", "", "", 0, &reply), 404, 2);
    expect(request("GET /", "", "", 0, &reply), 404, 3);
    expect(request("DELETE /2018-06-01/runtime/invocation/next", "", "", 0, &reply), 405, 4);
    expect(post("x", "response", "", "{}", 2), 400, 5);
    char *id = next(&reply);
    expect(request("GET /2018-06-01/runtime/invocation/next", "", "", 0, &reply), 403, 6);
    expect(strstr(buf_text(&reply.body), "InvalidStateTransition") != NULL, 1, 7);
    expect(request("POST /2018-06-01/runtime/init/error", "", "{}", 2, &reply), 403, 8);
    expect(post("00000000-0000-4000-8000-000000000000", "response", "", "{}", 2), 400, 9);
    expect(post(id, "other", "", "{}", 2), 404, 10);
    expect(post(id, "response", "Lambda-Runtime-Function-Response-Mode: streaming\r\n", "done", 4),
           202, 11);
    expect(post(id, "response", "", "again", 5), 400, 12);
    expect(post(id, "error", "", "{}", 2), 400, 13);
    next(&reply);
}

static void play_error(void)
{
    struct reply reply = {0};
    char *id = next(&reply);
    autofree char *head =
        xasprintf("Lambda-Runtime-Function-Error-Type: %s\r\n", buf_text(&reply.body));
    expect(post(id, "error", head, "{\"errorMessage\":\"no\"}", 21), 202, 1);
    _exit(1);
}

static void play_init_error(void)
{
    struct reply reply = {0};
    expect(request("POST /2018-06-01/runtime/init/error",
                   "Lambda-Runtime-Function-Error-Type: Runtime.NoSuchHandler\r\n", "{}", 2,
                   &reply),
           202, 1);
    _exit(1);
}

static void play_too_large(void)
{
    struct reply reply = {0};
    char *id = next(&reply);
    autofree char *body = xcalloc(1, LAMBDA_PAYLOAD_MAX + 1);
    expect(post(id, "response", "", body, LAMBDA_PAYLOAD_MAX + 1), 413, 1);
    next(&reply);
}

static void play_bad_mode(void)
{
    struct reply reply = {0};
    char *id = next(&reply);
    expect(post(id, "response", "Lambda-Runtime-Function-Response-Mode: Streaming\r\n", "x", 1),
           400, 1);
    next(&reply);
}

static void play_truncated(void)
{
    struct reply reply = {0};
    char *id = next(&reply);
    int fd = connect_api();
    autofree char *text =
        xasprintf("POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: "
                  "x\r\nContent-Length: 9\r\n\r\nhalf",
                  id);

    send_all(fd, text, strlen(text));
    close(fd);
    pause();
}

static void play_exit(void)
{
    struct reply reply = {0};
    next(&reply);
    _exit(3);
}

static void play_crash(void)
{
    raise(SIGKILL);
}

static void play_hang(void)
{
    struct reply reply = {0};
    next(&reply);
    for (;;)
        pause();
}

static void play_linger(void)
{
    struct reply reply = {0};
    char *id = next(&reply);
    signal(SIGTERM, SIG_IGN);
    expect(post(id, "response", "", "ok", 2), 202, 1);
    for (;;)
        pause();
}

static const struct play {
    const char *name;
    void (*run)(void);
} plays[] = {
    {"echo", play_echo},
    {"headers", play_headers},
    {"strict", play_strict},
    {"error", play_error},
    {"init-error", play_init_error},
    {"too-large", play_too_large},
    {"bad-mode", play_bad_mode},
    {"truncated", play_truncated},
    {"exit", play_exit},
    {"crash", play_crash},
    {"hang", play_hang},
    {"linger", play_linger},
    {"wait", play_hang},
};

static int invoke(const char *play, const void *event, size_t length, struct api_result *result,
                  struct error *err)
{
    char self[4096];
    ssize_t got = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(got > 0);
    self[got] = '\0';
    const char *argv[] = {self, play, NULL}, *env[] = {"GIVEN=value", NULL};
    struct api_invocation invocation = {event, length, "hello", strcmp(play, "hang") == 0 ? 1 : 60};
    return api_invoke(&invocation, argv, env, "/", result, err);
}

static void events_come_back(void **state)
{
    static const size_t sizes[] = {0, 1, 2048, 2049, 100000, LAMBDA_PAYLOAD_MAX};
    autofree char *event = xmalloc(LAMBDA_PAYLOAD_MAX + 1);
    (void)state;

    for (size_t i = 0; i <= LAMBDA_PAYLOAD_MAX; i++)
        event[i] = (char)(i * 7 + i / 251);
    for (size_t i = 0; i < countof(sizes); i++) {
        AUTO(api_result) result = {0};
        struct error err = {0};
        if (invoke("echo", event, sizes[i], &result, &err) != 0)
            fail_msg("%s", err.text);
        assert_false(result.failed);
        assert_int_equal(result.body.len, sizes[i]);
        if (sizes[i])
            assert_memory_equal(result.body.data, event, sizes[i]);
    }

    AUTO(api_result) result = {0};
    struct error err = {0};
    assert_int_equal(invoke("echo", event, LAMBDA_PAYLOAD_MAX + 1, &result, &err), -1);
    assert_int_equal(err.kind, ERROR_USAGE);
}

static void answers(void **state)
{
    static const struct {
        const char *play, *event, *body, *type;
    } cases[] = {
        {"headers", "{}", "value /", NULL},
        {"strict", "{}", "done", NULL},
        {"error", "Function.NoSuchOrder", "{\"errorMessage\":\"no\"}", "Function.NoSuchOrder"},
        {"error", "Function.no", "{\"errorMessage\":\"no\"}", "Function.Unknown"},
        {"error", "Bad.Type", "{\"errorMessage\":\"no\"}", "Runtime.Unknown"},
        {"error", "Runtime.X1", "{\"errorMessage\":\"no\"}", "Runtime.Unknown"},
        {"init-error", "", "{}", "Runtime.NoSuchHandler"},
        {"too-large", "", NULL, "Function.ResponseSizeTooLarge"},
        {"bad-mode", "", NULL, "Runtime.InvalidResponseModeHeader"},
        {"truncated", "", NULL, "Runtime.TruncatedResponse"},
        {"linger", "", "ok", NULL},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        AUTO(api_result) result = {0};
        struct error err = {0};
        if (invoke(cases[i].play, cases[i].event, strlen(cases[i].event), &result, &err) != 0)
            fail_msg("%s: %s", cases[i].play, err.text);
        assert_int_equal(result.failed, cases[i].type != NULL);
        if (cases[i].type)
            assert_string_equal(result.error_type, cases[i].type);
        if (cases[i].body)
            assert_string_equal(buf_text(&result.body), cases[i].body);
        else
            assert_non_null(strstr(buf_text(&result.body), cases[i].type));
    }
}

static void programs_that_do_not_answer(void **state)
{
    static const char *const cases[][2] = {
        {"exit", "ended with exit status 3 before it answered"},
        {"crash", "killed by signal 9"},
        {"hang", "did not answer within 1 second;"},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        AUTO(api_result) result = {0};
        struct error err = {0};
        assert_int_equal(invoke(cases[i][0], "", 0, &result, &err), -1);
        assert_int_equal(err.kind, ERROR_BUILD);
        if (!strstr(err.text, cases[i][1]))
            fail_msg("%s", err.text);
    }

    const char *argv[] = {"/nonexistent", NULL}, *env[] = {NULL};
    struct api_invocation invocation = {"", 0, "hello", 1};
    AUTO(api_result) result = {0};
    struct error err = {0};
    assert_int_equal(api_invoke(&invocation, argv, env, "/", &result, &err), -1);
    assert_int_equal(err.kind, ERROR_ENGINE);
}

static void interrupt_parent(void)
{
    struct timespec pause = {.tv_nsec = 200000000};
    nanosleep(&pause, NULL);
    kill(getppid(), SIGTERM);
    _exit(0);
}

/* A signal ends the wait at once, and the function with it. */
static void signals_end_it(void **state)
{
    AUTO(api_result) result = {0};
    struct error err = {0};
    (void)state;

    process_catch_signals();
    pid_t child = fork();
    if (child == 0)
        interrupt_parent();
    time_t start = time(NULL);
    assert_int_equal(invoke("wait", "", 0, &result, &err), -1);
    assert_int_equal(err.kind, ERROR_SIGNAL + SIGTERM);
    assert_true(time(NULL) - start < 4);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < countof(plays); i++) {
        if (strcmp(argv[1], plays[i].name) == 0) {
            plays[i].run();
            _exit(98);
        }
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_back), cmocka_unit_test(answers),
        cmocka_unit_test(programs_that_do_not_answer),
        cmocka_unit_test(signals_end_it), /* last: the signal stays noted */
    };
    return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
