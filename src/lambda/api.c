#include "lambda/api.h"

#include "config.h"
#include "lambda/limits.h"
#include "support/dl.h"
#include "support/json.h"
#include "support/own.h"
#include "support/process.h"
#include "support/strv.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define PREFIX "/2018-06-01"
#define INIT_SECONDS 10        /* for initialization, besides the invocation's own time */
#define LINGER_MS 500          /* time for a function that has answered to ask for the next event */
#define HEADERS_MAX (2u << 20) /* bytes: the X-Ray cause may have up to 1 MiB */
/* Lambda's server uses Go's net/http, which sends larger bodies in chunks. */
#define CHUNKED_FROM 2048
#define TYPE_MAX 256
#define HTTP_TOO_LARGE 413 /* libmicrohttpd has renamed its constant */

/* clang-format off */
#define MICROHTTPD_FUNCTIONS(X) \
    X(MHD_, start_daemon) X(MHD_, stop_daemon) X(MHD_, get_daemon_info) X(MHD_, queue_response) \
    X(MHD_, create_response_from_buffer) X(MHD_, create_response_from_callback) \
    X(MHD_, destroy_response) X(MHD_, add_response_header) X(MHD_, lookup_connection_value) \
    X(MHD_, suspend_connection) X(MHD_, resume_connection)
/* clang-format on */
DL_TABLE(microhttpd, MICROHTTPD_FUNCTIONS)

enum state {
    STATE_INIT,     /* the program is starting and has asked for nothing yet */
    STATE_ACTIVE,   /* it has the event */
    STATE_ANSWERED, /* the response, an error or an init error has come */
};

/* Written by the server's thread while it runs; read by the caller after it has ended. */
struct server {
    pthread_mutex_t
        lock; /* held in every callback; the caller's thread changes `ending` and `waiting` */
    const struct api_invocation *invocation;
    struct api_result *result;
    struct MHD_Daemon *daemon;
    struct MHD_Connection *waiting; /* has asked for an event that never comes */
    enum state state;
    int timer;   /* readable: the program's time is over */
    char id[37]; /* of the request, a UUID */
    char trace[80];
    bool ending;
};

/* An HTTP request whose body is coming in. */
struct request {
    struct buf body;
    size_t length;         /* of the whole body, even when it is too long to keep */
    bool complete, counts; /* counts: a response to the active event */
};

void api_result_release(struct api_result *result)
{
    buf_release(&result->body);
    free(result->error_type);
    *result = (struct api_result){0};
}

static void arm(struct server *server, int64_t ms)
{
    struct itimerspec at = {.it_value = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 + 1}};
    timerfd_settime(server->timer, 0, &at, NULL);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum MHD_Result send_json(struct MHD_Connection *connection, unsigned status,
                                 const char *type, const char *message)
{
    AUTOPTR(js) object = js_object();
    AUTO(buf) text = {0};
    if (status == MHD_HTTP_ACCEPTED)
        js_set_string(object, "status", "OK");
    else {
        js_set_string(object, "errorMessage", message);
        js_set_string(object, "errorType", type);
    }

    js_dump(object, &text);
    struct MHD_Response *response =
        microhttpd.create_response_from_buffer(text.len, text.data, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;

    microhttpd.add_response_header(response, "Content-Type", "application/json");
    enum MHD_Result queued = microhttpd.queue_response(connection, status, response);
    microhttpd.destroy_response(response);
    return queued;
}

static enum MHD_Result accept_post(struct MHD_Connection *connection)
{
    return send_json(connection, MHD_HTTP_ACCEPTED, NULL, NULL);
}

static enum MHD_Result refuse_state(struct MHD_Connection *connection)
{
    return send_json(connection, MHD_HTTP_FORBIDDEN, "InvalidStateTransition",
                     "the runtime can't do this in its current state");
}

/* The answer has come: the program should ask for the next event now, and gets
 * little time for it. */
static void answered(struct server *server, const char *error_type)
{
    server->state = STATE_ANSWERED;
    server->result->failed = error_type;
    server->result->error_type = error_type ? xstrdup(error_type) : NULL;
    arm(server, LINGER_MS);
}

/* The caller of a real function gets such a document when the platform, not the function,
 * finds the error. */
static void platform_error(struct server *server, const char *type, const char *message)
{
    AUTOPTR(js) object = js_object();
    js_set_string(object, "errorMessage", message);
    js_set_string(object, "errorType", type);
    buf_clear(&server->result->body);
    js_dump(object, &server->result->body);
    answered(server, type);
}

/* Keeps "Function.Name" and "Runtime.Name" with letters only; turns all else into "unknown", as
 * Lambda does. */
static const char *clean_type(const char *type, char *out)
{
    bool function = type && strncmp(type, "Function.", 9) == 0;
    const char *name =
        function || (type && strncmp(type, "Runtime.", 8) == 0) ? strchr(type, '.') + 1 : "";
    size_t letters = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    bool fine = letters >= 2 && !name[letters] && name[0] >= 'A' && name[0] <= 'Z' &&
                strlen(type) < TYPE_MAX;

    if (!fine)
        type = function ? "Function.Unknown" : "Runtime.Unknown";
    snprintf(out, TYPE_MAX, "%s", type);
    return out;
}

static ssize_t read_event(void *data, uint64_t position, char *out, size_t room)
{
    const struct api_invocation *invocation = data;
    size_t left = invocation->event_length - (size_t)position;
    if (left == 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    size_t length = left < room ? left : room;
    memcpy(out, (const char *)invocation->event + position, length);
    return (ssize_t)length;
}

static struct MHD_Response *event_response(const struct api_invocation *invocation)
{
    if (invocation->event_length > CHUNKED_FROM)
        return microhttpd.create_response_from_callback(MHD_SIZE_UNKNOWN, 65536, read_event,
                                                        (void *)invocation, NULL);
    return microhttpd.create_response_from_buffer(
        invocation->event_length, (void *)invocation->event, MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result send_event(struct server *server, struct MHD_Connection *connection)
{
    const struct api_invocation *invocation = server->invocation;
    autofree char *deadline =
        xasprintf("%lld", (long long)(now_ms() + invocation->timeout_seconds * 1000LL));
    autofree char *arn =
        xasprintf("arn:aws:lambda:us-east-1:012345678912:function:%s", invocation->function_name);
    const char *const headers[][2] = {
        {"Content-Type", "application/json"},       {"Lambda-Runtime-Aws-Request-Id", server->id},
        {"Lambda-Runtime-Deadline-Ms", deadline},   {"Lambda-Runtime-Invoked-Function-Arn", arn},
        {"Lambda-Runtime-Trace-Id", server->trace},
    };

    struct MHD_Response *response = event_response(invocation);
    if (!response)
        return MHD_NO;

    for (size_t i = 0; i < countof(headers); i++)
        microhttpd.add_response_header(response, headers[i][0], headers[i][1]);
    enum MHD_Result queued = microhttpd.queue_response(connection, MHD_HTTP_OK, response);
    microhttpd.destroy_response(response);

    server->state = STATE_ACTIVE;
    arm(server, invocation->timeout_seconds * 1000LL);
    return queued;
}

static enum MHD_Result get_next(struct server *server, struct MHD_Connection *connection)
{
    if (server->ending)
        return MHD_NO;
    if (server->state == STATE_INIT)
        return send_event(server, connection);
    if (server->state == STATE_ACTIVE || server->waiting)
        return refuse_state(connection);

    /* Lambda freezes the environment here. This server withholds the reply, and the
     * program is ended. */
    server->waiting = connection;
    microhttpd.suspend_connection(connection);
    arm(server, 0);
    return MHD_YES;
}

static enum MHD_Result post_response(struct server *server, struct MHD_Connection *connection,
                                     struct request *request)
{
    const char *mode = microhttpd.lookup_connection_value(connection, MHD_HEADER_KIND,
                                                          "Lambda-Runtime-Function-Response-Mode");
    if (mode && mode[0] && strcmp(mode, "streaming") != 0) {
        platform_error(server, "Runtime.InvalidResponseModeHeader",
                       "the response mode header is not 'streaming'");
        return send_json(connection, MHD_HTTP_BAD_REQUEST, "InvalidFunctionResponseMode",
                         "invalid response mode");
    }

    if (request->length > LAMBDA_PAYLOAD_MAX) {
        autofree char *message = xasprintf(
            "Response payload size (%zu bytes) exceeded maximum allowed payload size (%u bytes).",
            request->length, LAMBDA_PAYLOAD_MAX);
        platform_error(server, "Function.ResponseSizeTooLarge", message);
        return send_json(connection, HTTP_TOO_LARGE, "RequestEntityTooLarge", message);
    }

    server->result->body = request->body;
    request->body = (struct buf){0};
    answered(server, NULL);
    return accept_post(connection);
}

/* An error of the handler or of the initialization. */
static enum MHD_Result post_error(struct server *server, struct MHD_Connection *connection,
                                  struct request *request)
{
    char type[TYPE_MAX];
    if (request->length > LAMBDA_PAYLOAD_MAX)
        return send_json(connection, HTTP_TOO_LARGE, "RequestEntityTooLarge",
                         "the error is too large");

    server->result->body = request->body;
    request->body = (struct buf){0};
    answered(server,
             clean_type(microhttpd.lookup_connection_value(connection, MHD_HEADER_KIND,
                                                           "Lambda-Runtime-Function-Error-Type"),
                        type));
    return accept_post(connection);
}

/* WHAT in "/2018-06-01/runtime/invocation/ID/WHAT", with *active set when ID is the event's; NULL
 * for any other path. */
static const char *invocation_path(const struct server *server, const char *url, bool *active)
{
    static const char start[] = PREFIX "/runtime/invocation/";
    if (strncmp(url, start, sizeof start - 1) != 0)
        return NULL;
    const char *id = url + sizeof start - 1, *slash = strchr(id, '/');
    if (!slash)
        return NULL;

    size_t length = (size_t)(slash - id);
    *active = server->state == STATE_ACTIVE && length == strlen(server->id) &&
              memcmp(id, server->id, length) == 0;
    return slash + 1;
}

static enum MHD_Result dispatch(struct server *server, struct MHD_Connection *connection,
                                const char *url, bool post, struct request *request)
{
    bool active = false;
    const char *what = invocation_path(server, url, &active);
    if (!post && strcmp(url, PREFIX "/runtime/invocation/next") == 0)
        return get_next(server, connection);
    if (!post && strcmp(url, PREFIX "/ping") == 0)
        return send_json(connection, MHD_HTTP_ACCEPTED, NULL, NULL);

    if (post && strcmp(url, PREFIX "/runtime/init/error") == 0)
        return server->state == STATE_INIT ? post_error(server, connection, request)
                                           : refuse_state(connection);

    if (!post || !what || (strcmp(what, "response") != 0 && strcmp(what, "error") != 0))
        return send_json(connection, MHD_HTTP_NOT_FOUND, "NotFound",
                         "there is no such path in the Runtime API");
    if (!active)
        return send_json(connection, MHD_HTTP_BAD_REQUEST, "InvalidRequestID",
                         "this is not the id of the active event");
    return what[0] == 'r' ? post_response(server, connection, request)
                          : post_error(server, connection, request);
}

/* A piece of a request's body, as libmicrohttpd passes it. */
struct piece {
    const char *bytes;
    size_t *length;
};

static enum MHD_Result take_in(struct server *server, struct MHD_Connection *connection,
                               const char *url, const char *method, const struct piece *piece,
                               struct request *request)
{
    if (*piece->length > 0) {
        size_t room = LAMBDA_PAYLOAD_MAX - request->body.len;
        buf_add(&request->body, piece->bytes, *piece->length < room ? *piece->length : room);
        request->length += *piece->length;
        *piece->length = 0;
        return MHD_YES;
    }

    request->complete = true;
    bool post = strcmp(method, "POST") == 0;
    if (!post && strcmp(method, "GET") != 0)
        return send_json(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "MethodNotAllowed",
                         "the Runtime API knows GET and POST");
    return dispatch(server, connection, url, post, request);
}

static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_length, void **context)
{
    struct server *server = data;
    enum MHD_Result result = MHD_YES;
    (void)version;

    pthread_mutex_lock(&server->lock);
    if (!*context) {
        bool active = false;
        const char *what = invocation_path(server, url, &active);
        struct request *request = *context = xcalloc(1, sizeof *request);
        request->counts = active && what && strcmp(what, "response") == 0;
    } else
        result = take_in(server, connection, url, method, &(struct piece){upload, upload_length},
                         *context);

    pthread_mutex_unlock(&server->lock);
    return result;
}

static void on_completed(void *data, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct server *server = data;
    struct request *request = *context;
    (void)connection;
    (void)code;
    if (!request)
        return;

    /* Lambda's name for a response that is shorter than announced. */
    pthread_mutex_lock(&server->lock);
    if (request->counts && !request->complete && server->state == STATE_ACTIVE && !server->ending)
        platform_error(server, "Runtime.TruncatedResponse",
                       "the response ended before it was complete");
    pthread_mutex_unlock(&server->lock);

    buf_release(&request->body);
    free(request);
    *context = NULL;
}

static int make_ids(struct server *server, struct error *err)
{
    unsigned char b[16];
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
        return error_errno(err, ERROR_BUILD, "can't make a request id");

    b[6] = (unsigned char)(0x40 | (b[6] & 0x0f));
    b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));

    char hex[33];
    for (int i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", b[i]);

    snprintf(server->id, sizeof server->id, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
             hex + 16, hex + 20);
    snprintf(server->trace, sizeof server->trace, "Root=1-%08llx-%.24s;Parent=%.16s;Sampled=0",
             (unsigned long long)(now_ms() / 1000) & 0xffffffff, hex, hex + 16);
    return 0;
}

static void server_release(struct server *server)
{
    if (server->daemon)
        microhttpd.stop_daemon(server->daemon);
    autoclose_release(&server->timer);
}

/* Starts the server's thread. *port: the port where it listens. */
static int serve(struct server *server, unsigned *port, struct error *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    sigset_t all, before;
    if (DL_LOAD(microhttpd, SONAME_MICROHTTPD, err) != 0)
        return -1;

    server->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (server->timer < 0)
        return error_errno(err, ERROR_BUILD, "can't make a timer");

    /* Signals must go to the thread that waits for the program. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);

    /* poll, not epoll: with edge triggers, libmicrohttpd misses a connection's end that comes
     * together with its data. */
    server->daemon = microhttpd.start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
        on_request, server, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, server, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS_MAX,
        MHD_OPTION_CONNECTION_LIMIT, 64u, MHD_OPTION_END);
    pthread_sigmask(SIG_SETMASK, &before, NULL);

    const union MHD_DaemonInfo *info =
        server->daemon ? microhttpd.get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)
                       : NULL;
    if (!info || info->port == 0)
        return error_set(err, ERROR_BUILD, "can't listen on 127.0.0.1 for the Runtime API");

    *port = info->port;
    return 0;
}

/* Ends the server. Afterwards the caller owns all that it wrote. */
static void stop(struct server *server)
{
    pthread_mutex_lock(&server->lock);
    server->ending = true;
    if (server->waiting)
        microhttpd.resume_connection(server->waiting);
    pthread_mutex_unlock(&server->lock);
    microhttpd.stop_daemon(take(server->daemon));
}

static int verdict(const struct server *server, const struct process_result *ended,
                   struct error *err)
{
    uint64_t expirations = 0;
    if (server->state == STATE_ANSWERED)
        return 0;

    int seconds =
        server->invocation->timeout_seconds + (server->state == STATE_INIT ? INIT_SECONDS : 0);
    if (read(server->timer, &expirations, sizeof expirations) > 0)
        return error_set(err, ERROR_BUILD,
                         "the function did not %s within %d second%s; --timeout gives it more",
                         server->state == STATE_INIT ? "ask for an event" : "answer", seconds,
                         seconds == 1 ? "" : "s");

    /* A status of 128 + n means signal n (process.h). Above the last signal it can only be the
     * program's own. */
    if (ended->status > 128 && ended->status < 128 + NSIG)
        return error_set(err, ERROR_BUILD,
                         "the function was killed by signal %d (%s) before it answered",
                         ended->status - 128, strsignal(ended->status - 128));
    return error_set(err, ERROR_BUILD, "the function ended with exit status %d before it answered",
                     ended->status);
}

int api_invoke(const struct api_invocation *invocation, const char *const *argv,
               const char *const *env, const char *dir, struct api_result *result,
               struct error *err)
{
    AUTO(server)
    server = {
        .invocation = invocation, .result = result, .timer = -1, .lock = PTHREAD_MUTEX_INITIALIZER};
    AUTO(strv) all = {0};
    struct process_result ended = {0};
    unsigned port = 0;
    *result = (struct api_result){0};

    if (invocation->event_length > LAMBDA_PAYLOAD_MAX)
        return error_set(err, ERROR_USAGE, "the event has %zu bytes; Lambda accepts at most %u",
                         invocation->event_length, LAMBDA_PAYLOAD_MAX);
    if (make_ids(&server, err) != 0 || serve(&server, &port, err) != 0)
        return -1;

    for (size_t i = 0; env[i]; i++)
        strv_add(&all, env[i]);
    strv_addf(&all, "AWS_LAMBDA_RUNTIME_API=127.0.0.1:%u", port);
    arm(&server, (invocation->timeout_seconds + INIT_SECONDS) * 1000LL);

    struct process process = {
        .argv = argv, .dir = dir, .env = strv_argv(&all), .input = -1, .stop = server.timer};
    int run = process_run(&process, &ended, err);
    stop(&server);
    return run != 0 ? -1 : verdict(&server, &ended, err);
}
