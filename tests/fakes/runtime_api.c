#include "runtime_api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_S = 30, HEAD_MAX = 8192, BODY_MAX = 7 * 1024 * 1024 };

void runtime_api_open(struct runtime_api *api)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    char log[] = "/tmp/lbuild-runtime-XXXXXX";

    memset(api, 0, sizeof *api);
    api->connection = -1;
    api->log = mkstemp(log);
    assert_true(api->log >= 0);
    unlink(log);

    api->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(0, bind(api->listener, (struct sockaddr *)&address, size));
    assert_int_equal(0, listen(api->listener, 8));
    assert_int_equal(0, getsockname(api->listener, (struct sockaddr *)&address, &size));
    snprintf(api->address, sizeof api->address, "127.0.0.1:%d", ntohs(address.sin_port));
}

void runtime_api_start(struct runtime_api *api, int (*function)(void), char *const argv[])
{
    fflush(NULL);
    api->program = fork();
    assert_true(api->program >= 0);
    if (api->program > 0)
        return;

    alarm(2 * PATIENCE_S);
    signal(SIGPIPE, SIG_DFL);
    dup2(api->log, STDERR_FILENO);
    close(api->listener);
    setenv("AWS_LAMBDA_RUNTIME_API", api->address, 1);
    if (function) {
        int status = function();
        fflush(NULL);
        _exit(status);
    }
    execv(argv[0], argv);
    perror(argv[0]);
    _exit(127);
}

/* If the program ends, which it shouldn't here, the test fails at once, with its output. */
static void wait_readable(const struct runtime_api *api, int fd)
{
    struct pollfd ready = {fd, POLLIN, 0};
    siginfo_t ended = {.si_pid = 0};

    for (int i = 0; i < PATIENCE_S * 20; i++) {
        if (poll(&ready, 1, 50) == 1)
            return;
        waitid(P_PID, (id_t)api->program, &ended, WEXITED | WNOHANG | WNOWAIT);
        if (ended.si_pid != 0) {
            char log[4096] = "";
            if (pread(api->log, log, sizeof log - 1, 0) < 0)
                log[0] = '\0';
            fail_msg("the program ended: %s", log);
        }
    }
    fail_msg("the runtime sent nothing for %d seconds", PATIENCE_S);
}

static void accept_connection(struct runtime_api *api)
{
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int on = 1;

    wait_readable(api, api->listener);
    api->connection = accept(api->listener, NULL, NULL);
    assert_true(api->connection >= 0);
    api->accepted++;
    setsockopt(api->connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(api->connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(api->connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* Reads the head of a request, with its end. One byte at a time, to leave the body unread. */
static void receive_head(struct runtime_api *api, char *head)
{
    size_t size = 0;

    while (size < 4 || memcmp(head + size - 4, "\r\n\r\n", 4) != 0) {
        if (api->connection < 0)
            accept_connection(api);
        assert_true(size < HEAD_MAX - 1);
        ssize_t count = recv(api->connection, head + size, 1, 0);
        if (count <= 0 && size == 0) { /* it ended between requests */
            runtime_api_disconnect(api);
            continue;
        }
        assert_int_equal(1, count);
        size++;
    }
    head[size] = '\0';
}

/* Copies a header's value to value, "" if it's absent. Returns how many times it's there. */
static int header(const char *head, const char *name, char *value, size_t size)
{
    int count = 0;

    value[0] = '\0';
    for (const char *line = strstr(head, "\r\n") + 2; *line != '\r';
         line = strstr(line, "\r\n") + 2) {
        size_t length = strlen(name);
        if (strncasecmp(line, name, length) != 0 || line[length] != ':')
            continue;
        const char *from = line + length + 1 + strspn(line + length + 1, " ");
        snprintf(value, size, "%.*s", (int)strcspn(from, "\r"), from);
        count++;
    }
    return count;
}

static bool is_error_type(const char *type)
{
    const char *dot = strchr(type, '.');

    if (!dot || (strncmp(type, "Function.", 9) != 0 && strncmp(type, "Runtime.", 8) != 0) ||
        !isupper((int)dot[1]))
        return false;
    for (const char *at = dot + 1; *at; at++)
        if (!isalpha((unsigned char)*at))
            return false;
    return dot[2] != '\0';
}

static void check_post(const char *head, struct runtime_request *request)
{
    char value[128];
    size_t length = strlen(request->path);
    bool error = length > 6 && strcmp(request->path + length - 6, "/error") == 0;

    assert_int_equal(1, header(head, "Content-Length", value, sizeof value));
    request->body_size = strtoul(value, NULL, 10);
    assert_true(request->body_size < BODY_MAX);
    assert_int_equal(
        1, header(head, "Content-Type", request->content_type, sizeof request->content_type));
    assert_int_equal(error, header(head, "Lambda-Runtime-Function-Error-Type", request->error_type,
                                   sizeof request->error_type));
    if (error)
        assert_true(is_error_type(request->error_type));
}

void runtime_api_receive(struct runtime_api *api, struct runtime_request *request)
{
    char head[HEAD_MAX];
    char value[128];
    int end = 0;

    memset(request, 0, sizeof *request);
    receive_head(api, head);
    assert_int_equal(2, sscanf(head, "%7s /2018-06-01/runtime/%200s HTTP/1.1\r%n", request->method,
                               request->path, &end));
    assert_true(end > 0);
    assert_int_equal(1, header(head, "Host", value, sizeof value));
    assert_string_equal(api->address, value);
    assert_int_equal(0, header(head, "Expect", value, sizeof value));
    assert_int_equal(0, header(head, "Transfer-Encoding", value, sizeof value));

    if (strcmp(request->method, "POST") == 0)
        check_post(head, request);
    else
        assert_string_equal("GET", request->method);

    request->body = malloc(request->body_size + 1);
    assert_non_null(request->body);
    for (size_t size = 0; size < request->body_size;) {
        ssize_t count = recv(api->connection, request->body + size, request->body_size - size, 0);
        assert_true(count > 0);
        size += (size_t)count;
    }
    request->body[request->body_size] = '\0';
}

void runtime_api_send(struct runtime_api *api, const void *data, size_t size)
{
    for (size_t sent = 0; sent < size;) {
        ssize_t count = send(api->connection, (const char *)data + sent, size - sent, MSG_NOSIGNAL);
        if (count < 0)
            return; /* the runtime hung up; its next step shows whether that was right */
        sent += (size_t)count;
    }
}

void runtime_api_send_text(struct runtime_api *api, const char *text)
{
    runtime_api_send(api, text, strlen(text));
}

void runtime_api_send_event(struct runtime_api *api, const char *id, const char *headers,
                            const void *data, size_t size)
{
    char head[HEAD_MAX];
    int length = snprintf(
        head, sizeof head,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: %s\r\n"
        "Lambda-Runtime-Deadline-Ms: 4102444800000\r\n%sContent-Length: %zu\r\n\r\n",
        id, headers, size);

    assert_true(length > 0 && (size_t)length < sizeof head);
    if (size <= sizeof head - (size_t)length) { /* one segment if it fits, as the real one does */
        memcpy(head + length, data, size);
        length += (int)size;
        size = 0;
    }
    runtime_api_send(api, head, (size_t)length);
    runtime_api_send(api, data, size);
}

void runtime_api_send_status(struct runtime_api *api, int status, const char *error_type)
{
    char body[256];
    char text[512];

    if (status == 202)
        snprintf(body, sizeof body, "{\"status\":\"OK\"}\n");
    else
        snprintf(body, sizeof body, "{\"errorMessage\":\"as the test wants\",\"errorType\":\"%s\"}",
                 error_type);

    snprintf(
        text, sizeof text,
        "HTTP/1.1 %d Whatever\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
        status, strlen(body), body);
    runtime_api_send_text(api, text);
}

void runtime_api_disconnect(struct runtime_api *api)
{
    if (api->connection >= 0)
        close(api->connection);
    api->connection = -1;
}

void runtime_api_invoke(struct runtime_api *api, const char *id, const char *headers,
                        const void *data, size_t size, struct runtime_request *request)
{
    char path[256];

    runtime_api_receive(api, request);
    assert_string_equal("GET", request->method);
    assert_string_equal("invocation/next", request->path);
    free(request->body);
    runtime_api_send_event(api, id, headers, data, size);

    runtime_api_receive(api, request);
    assert_string_equal("POST", request->method);
    snprintf(path, sizeof path, "invocation/%s/%s", id,
             request->error_type[0] ? "error" : "response");
    assert_string_equal(path, request->path);
}

int runtime_api_finish(struct runtime_api *api, char *log, size_t log_size)
{
    int status = 0;

    close(api->listener);
    runtime_api_disconnect(api);
    if (api->program > 0)
        assert_int_equal(api->program, waitpid(api->program, &status, 0));
    if (log) {
        ssize_t count = pread(api->log, log, log_size - 1, 0);
        assert_true(count >= 0);
        log[count] = '\0';
    }

    close(api->log);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
