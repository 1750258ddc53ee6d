/* Stand-in for /usr/local/bin/aws-lambda-rie in the test bases: `rie PROGRAM [ARG...]` serves the
 * invocation URL on port 8080, starts PROGRAM at the first invocation and talks to it as the Lambda
 * Runtime API on 127.0.0.1:9001. One invocation at a time. Replies are the real emulator's: handler
 * errors are 200, init failure and exit are 502, a timeout is 200 with plain text. Small events are
 * framed by Content-Length, larger ones by chunks. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    INVOKE_PORT = 8080,
    RUNTIME_PORT = 9001,
    MAX_BODY = 6291556,
    MAX_HEAD = 32768,
    CHUNKED_FROM = 2048,
    CHUNK = 16384,
    DEFAULT_TIMEOUT = 300,
};

static const char invoke_path[] = "/2015-03-31/functions/function/invocations";
static const char api[] = "/2018-06-01/runtime/";
static const char invalid_state[] = "{\"errorMessage\":\"state transition is not allowed\","
                                    "\"errorType\":\"InvalidStateTransition\"}";

enum phase {
    PHASE_IDLE,     /* no invocation */
    PHASE_WAITING,  /* an event waits for the runtime's GET next */
    PHASE_RUNNING,  /* the runtime has it */
    PHASE_ANSWERED, /* a reply is there for the caller */
};

struct text {
    char *data;
    size_t size;
};

struct request {
    char method[16];
    char path[256];
    char client_context[8192];
    struct text body;
    bool too_large;
    bool keep_alive;
};

struct server {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char **command;
    pid_t child;
    unsigned long count;
    bool ready; /* the child has asked for an event */
    enum phase phase;
    char id[40];
    char context[8192];
    int64_t deadline_ms;
    struct text event;
    struct text answer;
    int answer_status;
};

struct connection {
    struct server *server;
    int fd;
};

extern char **environ;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static long timeout_seconds(void)
{
    const char *s = getenv("AWS_LAMBDA_FUNCTION_TIMEOUT");
    long n = s ? strtol(s, NULL, 10) : 0;
    return n > 0 ? n : DEFAULT_TIMEOUT;
}

static int send_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

/* One byte of look-ahead is all the buffering: the head is read byte by byte, which is enough for a
 * test's traffic. */
static int read_line(int fd, char *line, size_t cap)
{
    size_t n = 0;
    for (;;) {
        char c;
        ssize_t got = recv(fd, &c, 1, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || n + 1 >= cap)
            return -1;
        if (c == '\n')
            break;
        line[n++] = c;
    }
    if (n && line[n - 1] == '\r')
        n--;
    line[n] = 0;
    return (int)n;
}

static int read_exact(int fd, char *data, size_t size)
{
    while (size) {
        ssize_t n = recv(fd, data, size, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

/* Bytes over the limit are read and dropped, so that the peer can hear the 413. */
static int append_body(int fd, struct request *r, size_t size)
{
    if (r->body.size + size > MAX_BODY) {
        char scrap[4096];
        r->too_large = true;
        while (size) {
            size_t n = size < sizeof scrap ? size : sizeof scrap;
            if (read_exact(fd, scrap, n))
                return -1;
            size -= n;
        }
        return 0;
    }
    char *grown = realloc(r->body.data, r->body.size + size + 1);
    if (!grown)
        return -1;
    r->body.data = grown;
    if (read_exact(fd, grown + r->body.size, size))
        return -1;
    r->body.size += size;
    grown[r->body.size] = 0;
    return 0;
}

static int read_chunks(int fd, struct request *r)
{
    char line[256];
    for (;;) {
        if (read_line(fd, line, sizeof line) < 0)
            return -1;
        size_t size = strtoul(line, NULL, 16);
        if (!size)
            break;
        if (append_body(fd, r, size) || read_line(fd, line, sizeof line))
            return -1;
    }
    int n;
    while ((n = read_line(fd, line, sizeof line)) > 0)
        ;
    return n;
}

static int read_request(int fd, struct request *r)
{
    char line[MAX_HEAD];
    size_t length = 0;
    bool chunked = false;
    *r = (struct request){.keep_alive = true};
    if (read_line(fd, line, sizeof line) < 0 || sscanf(line, "%15s %255s", r->method, r->path) != 2)
        return -1;
    for (;;) {
        int n = read_line(fd, line, sizeof line);
        if (n < 0)
            return -1;
        if (!n)
            break;
        char *value = strchr(line, ':');
        if (!value)
            return -1;
        *value++ = 0;
        value += strspn(value, " \t");
        if (!strcasecmp(line, "content-length"))
            length = strtoul(value, NULL, 10);
        else if (!strcasecmp(line, "transfer-encoding"))
            chunked = !strcasecmp(value, "chunked");
        else if (!strcasecmp(line, "connection"))
            r->keep_alive = strcasecmp(value, "close") != 0;
        else if (!strcasecmp(line, "x-amz-client-context"))
            snprintf(r->client_context, sizeof r->client_context, "%s", value);
    }
    return chunked ? read_chunks(fd, r) : append_body(fd, r, length);
}

static int reply(int fd, int status, const char *type, const char *body, size_t size)
{
    char head[512];
    const char *reason = status == 200 ? "OK" : status == 202 ? "Accepted" : "Error";
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", status,
                     reason, type, size);
    return send_all(fd, head, (size_t)n) || send_all(fd, body, size) ? -1 : 0;
}

static int reply_json(int fd, int status, const char *body)
{
    return reply(fd, status, "application/json", body, strlen(body));
}

static __attribute__((format(printf, 3, 4))) void answer(struct server *s, int status,
                                                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    free(s->answer.data);
    s->answer = (struct text){0};
    int n = vasprintf(&s->answer.data, format, args);
    va_end(args);
    if (n >= 0)
        s->answer.size = (size_t)n;
    s->answer_status = status;
    s->phase = PHASE_ANSWERED;
    pthread_cond_broadcast(&s->changed);
}

/* Only this thread clears s->child, so its first read needs no lock. */
static void *reap(void *arg)
{
    struct server *s = arg;
    pid_t child = s->child;
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    pthread_mutex_lock(&s->lock);
    s->child = 0;
    if (s->phase == PHASE_WAITING || s->phase == PHASE_RUNNING) {
        const char *how = WIFSIGNALED(status) ? "signal: " : "exit status ";
        int number = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
        answer(s, 502,
               "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: %s Error: "
               "Runtime exited with "
               "error: %s%d\"}",
               s->id, how, number);
    }
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* Called with the lock held. */
static void start_child(struct server *s)
{
    pthread_t thread;
    s->ready = false;
    int failed = posix_spawn(&s->child, s->command[0], NULL, NULL, s->command, environ);
    if (failed) {
        s->child = 0;
        answer(s, 502,
               "{\"errorType\":\"Runtime.InvalidEntrypoint\",\"errorMessage\":\"RequestId: %s "
               "Error: fork/exec %s: "
               "%s\"}",
               s->id, s->command[0], strerror(failed));
        return;
    }
    if (pthread_create(&thread, NULL, reap, s))
        abort();
    pthread_detach(thread);
}

static void give_up(struct server *s)
{
    answer(s, 200, "Task timed out after %ld.00 seconds", timeout_seconds());
    if (s->child > 0)
        kill(s->child, SIGKILL);
}

/* Client context arrives in base64 and reaches the runtime decoded. Bad input gives 0. */
static int base64_decode(const char *in, char *out, size_t cap)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    int have = 0;
    size_t n = 0;
    for (; *in && *in != '='; in++) {
        const char *at = strchr(letters, *in);
        if (!at || n + 1 >= cap)
            return 0;
        bits = bits << 6 | (uint32_t)(at - letters);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (char)(bits >> have);
        }
    }
    out[n] = 0;
    return 1;
}

/* Called with the lock held. */
static void begin_invocation(struct server *s, struct request *r)
{
    s->count++;
    snprintf(s->id, sizeof s->id, "%08lx-0000-4000-8000-%012lx", s->count, (unsigned long)getpid());
    s->deadline_ms = now_ms() + timeout_seconds() * 1000;
    free(s->event.data);
    s->event = r->body;
    r->body = (struct text){0};
    s->phase = PHASE_WAITING;
    if (!s->child)
        start_child(s);
    pthread_cond_broadcast(&s->changed);
}

static int invoke(struct server *s, int fd, struct request *r)
{
    if (strcmp(r->path, invoke_path) != 0)
        return reply(fd, 404, "text/plain", "404 page not found\n", 19);
    if (r->too_large)
        return reply_json(fd, 413, "{\"errorType\":\"RequestEntityTooLarge\"}");
    pthread_mutex_lock(&s->lock);
    if (!base64_decode(r->client_context, s->context, sizeof s->context)) {
        pthread_mutex_unlock(&s->lock);
        return reply(fd, 500, "text/plain", "X-Amz-Client-Context is not base64\n", 35);
    }
    begin_invocation(s, r);
    struct timespec until = {.tv_sec = s->deadline_ms / 1000,
                             .tv_nsec = s->deadline_ms % 1000 * 1000000};
    while (s->phase != PHASE_ANSWERED) {
        if (pthread_cond_timedwait(&s->changed, &s->lock, &until) == ETIMEDOUT &&
            s->phase != PHASE_ANSWERED)
            give_up(s);
    }
    struct text body = s->answer;
    s->answer = (struct text){0};
    s->phase = PHASE_IDLE;
    int status = s->answer_status;
    pthread_mutex_unlock(&s->lock);
    int result = reply(fd, status, "text/plain", body.data ? body.data : "", body.size);
    free(body.data);
    return result;
}

static int send_event(int fd, const char *head, const struct text *event)
{
    char line[128];
    int n;
    if (send_all(fd, head, strlen(head)))
        return -1;
    if (event->size < CHUNKED_FROM) {
        n = snprintf(line, sizeof line, "Content-Length: %zu\r\n\r\n", event->size);
        return send_all(fd, line, (size_t)n) || send_all(fd, event->data, event->size) ? -1 : 0;
    }
    if (send_all(fd, "Transfer-Encoding: chunked\r\n\r\n", 30))
        return -1;
    for (size_t at = 0; at < event->size; at += CHUNK) {
        size_t size = event->size - at < CHUNK ? event->size - at : CHUNK;
        n = snprintf(line, sizeof line, "%zx\r\n", size);
        if (send_all(fd, line, (size_t)n) || send_all(fd, event->data + at, size) ||
            send_all(fd, "\r\n", 2))
            return -1;
    }
    return send_all(fd, "0\r\n\r\n", 5);
}

static int next(struct server *s, int fd)
{
    char head[MAX_HEAD];
    const char *name = getenv("AWS_LAMBDA_FUNCTION_NAME");
    if (s->phase == PHASE_RUNNING)
        return reply_json(fd, 403, invalid_state);
    s->ready = true;
    while (s->phase != PHASE_WAITING && s->child)
        pthread_cond_wait(&s->changed, &s->lock);
    if (!s->child)
        return -1;
    s->phase = PHASE_RUNNING;
    int n = snprintf(
        head, sizeof head,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: %s\r\n"
        "Lambda-Runtime-Deadline-Ms: %lld\r\n"
        "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:012345678912:function:%s\r\n"
        "Lambda-Runtime-Trace-Id: Root=1-5f84c596-5e6bd0e7c2a1b5ab1d0d5f4b;Parent=0000000000000001;"
        "Sampled=0\r\n%s%s%s",
        s->id, (long long)s->deadline_ms, name ? name : "test_function",
        *s->context ? "Lambda-Runtime-Client-Context: " : "", s->context,
        *s->context ? "\r\n" : "");
    return n < (int)sizeof head ? send_event(fd, head, &s->event) : -1;
}

static int finish(struct server *s, int fd, const char *id, struct request *r)
{
    size_t size = strlen(s->id);
    if (s->phase != PHASE_RUNNING || strncmp(id, s->id, size) != 0)
        return reply_json(
            fd, 400,
            "{\"errorMessage\":\"Invalid request ID\",\"errorType\":\"InvalidRequestID\"}");
    bool response = !strcmp(id + size, "/response");
    if (!response && strcmp(id + size, "/error") != 0)
        return reply(fd, 404, "text/plain", "404 page not found\n", 19);
    if (r->too_large) {
        answer(s, 200,
               "{\"errorType\":\"Function.ResponseSizeTooLarge\",\"errorMessage\":\"Response "
               "payload size "
               "exceeded maximum allowed payload size (6291556 bytes).\"}");
        return reply_json(
            fd, 413,
            "{\"errorMessage\":\"Exceeded maximum allowed payload size (6291556 bytes).\","
            "\"errorType\":\"RequestEntityTooLarge\"}");
    }
    free(s->answer.data);
    s->answer = r->body;
    r->body = (struct text){0};
    s->answer_status = 200;
    s->phase = PHASE_ANSWERED;
    pthread_cond_broadcast(&s->changed);
    return reply_json(fd, 202, "{\"status\":\"OK\"}\n");
}

static int init_error(struct server *s, int fd, struct request *r)
{
    if (s->ready)
        return reply_json(fd, 403, invalid_state);
    answer(s, 502, "%s", r->body.data ? r->body.data : "{}");
    return reply_json(fd, 202, "{\"status\":\"OK\"}\n");
}

static int runtime_call(struct server *s, int fd, struct request *r)
{
    size_t prefix = sizeof api - 1;
    const char *rest = strncmp(r->path, api, prefix) ? "" : r->path + prefix;
    int result;
    pthread_mutex_lock(&s->lock);
    if (!strcmp(r->method, "GET") && !strcmp(rest, "invocation/next"))
        result = next(s, fd);
    else if (!strcmp(r->method, "POST") && !strcmp(rest, "init/error"))
        result = init_error(s, fd, r);
    else if (!strcmp(r->method, "POST") && !strncmp(rest, "invocation/", 11))
        result = finish(s, fd, rest + 11, r);
    else
        result = reply(fd, 404, "text/plain", "404 page not found\n", 19);
    pthread_mutex_unlock(&s->lock);
    return result;
}

static void *serve_runtime(void *arg)
{
    struct connection c = *(struct connection *)arg;
    struct request r;
    free(arg);
    while (!read_request(c.fd, &r)) {
        int failed = runtime_call(c.server, c.fd, &r);
        free(r.body.data);
        if (failed || !r.keep_alive)
            break;
    }
    close(c.fd);
    return NULL;
}

static int listen_on(uint32_t host, uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(host)}};
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 16)) {
        fprintf(stderr, "rie: port %u: %s\n", port, strerror(errno));
        exit(1);
    }
    return fd;
}

static int accept_on(int fd)
{
    int on = 1;
    int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (peer >= 0)
        setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return peer;
}

static void *accept_runtimes(void *arg)
{
    struct connection *listener = arg;
    for (;;) {
        pthread_t thread;
        struct connection *c = malloc(sizeof *c);
        if (!c)
            abort();
        *c = (struct connection){.server = listener->server, .fd = accept_on(listener->fd)};
        if (c->fd < 0 || pthread_create(&thread, NULL, serve_runtime, c)) {
            free(c);
            continue;
        }
        pthread_detach(thread);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct server s = {.lock = PTHREAD_MUTEX_INITIALIZER,
                       .changed = PTHREAD_COND_INITIALIZER,
                       .command = argv + 1};
    struct request r;
    pthread_t thread;
    if (argc < 2) {
        fprintf(stderr, "usage: rie PROGRAM [ARG...]\n");
        return 2;
    }
    const char *handler = argc > 2 ? argv[argc - 1] : getenv("AWS_LAMBDA_FUNCTION_HANDLER");
    if (handler)
        setenv("_HANDLER", handler, 1);
    setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001", 1);
    setenv("AWS_LAMBDA_FUNCTION_NAME", "test_function", 0);
    setenv("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/Functions", 0);
    setenv("AWS_LAMBDA_LOG_STREAM_NAME", "$LATEST", 0);
    setenv("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST", 0);
    setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "3008", 0);
    struct connection runtimes = {.server = &s, .fd = listen_on(INADDR_LOOPBACK, RUNTIME_PORT)};
    int invocations = listen_on(INADDR_ANY, INVOKE_PORT);
    if (pthread_create(&thread, NULL, accept_runtimes, &runtimes))
        return 1;
    for (;;) {
        int fd = accept_on(invocations);
        while (fd >= 0 && !read_request(fd, &r)) {
            int failed = invoke(&s, fd, &r);
            free(r.body.data);
            if (failed || !r.keep_alive)
                break;
        }
        if (fd >= 0)
            close(fd);
    }
}
