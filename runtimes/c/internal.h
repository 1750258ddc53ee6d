/* What the runtime's files share. Nothing here is for handlers: they include lambda_runtime.h. */
#ifndef LAMBDA_INTERNAL_H
#define LAMBDA_INTERNAL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* for -std=c11; before any system header */
#endif

#include "include/lambda_runtime.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#pragma GCC visibility push(hidden)

/* ---- buffer.c: bytes that grow up to a cap --------------------------------------------------- */

struct lambda_buffer {
    char *data;
    size_t size;
    size_t capacity;
    size_t max; /* capacity never gets larger than this */
};

/* A buffer over an array: it never grows. */
#define LAMBDA_FIXED_BUFFER(array)                                                                 \
    {                                                                                              \
        (array), 0, sizeof(array), sizeof(array)                                                   \
    }

/* Room for more bytes after those already there; grows by doubling. 0, or -1 with
 * errno: EFBIG, ENOMEM. */
int lambda_buffer_reserve(struct lambda_buffer *buffer, size_t more);

/* Append everything or nothing. Results as lambda_buffer_reserve. Inline: most texts
 * have a known length. */
static inline int lambda_buffer_append(struct lambda_buffer *buffer, const void *data, size_t size)
{
    if (size > buffer->capacity - buffer->size && lambda_buffer_reserve(buffer, size) != 0)
        return -1;
    if (size)
        memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    return 0;
}

/* Append a NUL-terminated text, without its NUL. Results as lambda_buffer_reserve. */
static inline int lambda_buffer_text(struct lambda_buffer *buffer, const char *text)
{
    return lambda_buffer_append(buffer, text, strlen(text));
}

/* Append a number in decimal; text as a JSON string with its quotes (json.c).
 * Results as lambda_buffer_reserve. */
int lambda_buffer_number(struct lambda_buffer *buffer, uint64_t number);
int lambda_buffer_json(struct lambda_buffer *buffer, const char *text, size_t size);

void lambda_buffer_release(struct lambda_buffer *buffer);

/* The value of text, which must be one to max digits and nothing else; otherwise -1.
 * max is 18 at most. */
int64_t lambda_decimal(const char *text, size_t max);

/* ---- log.c ----------------------------------------------------------------------------------- */

/* Write one line to stderr: the texts up to NULL, control characters as '?', cut after 1 KiB.
 * Returns -1. */
int lambda_log(const char *text, ...) __attribute__((sentinel));

/* ---- http.c: one reply, parsed where it lies in the buffer; no system calls ------------------ */

#define LAMBDA_HTTP_HEAD_MAX 65536 /* bytes in status line and headers; in trailers too */
#define LAMBDA_HTTP_LINE_MAX 4096  /* bytes in a chunk's size line, extensions included */

/* In search order: Lambda's own headers come last, and in each group the common ones first. */
#define LAMBDA_HTTP_HEADERS(X)                                                                     \
    X(CONTENT_TYPE, "content-type")                                                                \
    X(CONTENT_LENGTH, "content-length")                                                            \
    X(TRANSFER_ENCODING, "transfer-encoding")                                                      \
    X(CONNECTION, "connection")                                                                    \
    X(REQUEST_ID, "lambda-runtime-aws-request-id")                                                 \
    X(DEADLINE, "lambda-runtime-deadline-ms")                                                      \
    X(INVOKED_ARN, "lambda-runtime-invoked-function-arn")                                          \
    X(TRACE_ID, "lambda-runtime-trace-id")                                                         \
    X(TENANT_ID, "lambda-runtime-aws-tenant-id")                                                   \
    X(CLIENT_CONTEXT, "lambda-runtime-client-context")                                             \
    X(COGNITO_IDENTITY, "lambda-runtime-cognito-identity")

enum lambda_http_header {
#define X(id, name) LAMBDA_HTTP_##id,
    LAMBDA_HTTP_HEADERS(X)
#undef X
        LAMBDA_HTTP_HEADER_COUNT,
    LAMBDA_HTTP_OWN_HEADERS = LAMBDA_HTTP_REQUEST_ID
};

enum lambda_http_state {
    LAMBDA_HTTP_STATUS_LINE,
    LAMBDA_HTTP_HEADER_LINE,
    LAMBDA_HTTP_BODY,
    LAMBDA_HTTP_BODY_TO_CLOSE,
    LAMBDA_HTTP_CHUNK_SIZE,
    LAMBDA_HTTP_CHUNK_DATA,
    LAMBDA_HTTP_CHUNK_END,
    LAMBDA_HTTP_TRAILER,
    LAMBDA_HTTP_COMPLETE
};

enum lambda_http_result {
    LAMBDA_HTTP_MORE = 0,      /* read more bytes, then parse again */
    LAMBDA_HTTP_DONE = 1,      /* the reply is complete */
    LAMBDA_HTTP_BAD = -1,      /* not HTTP as we know it; reason says why */
    LAMBDA_HTTP_TOO_LARGE = -2 /* the head is complete, but the body exceeds body_max */
};

struct lambda_http {
    enum lambda_http_state state;
    int status;
    bool keep_alive; /* the connection can be used again; final once the reply is complete */
    size_t next;     /* offset of the first byte that isn't parsed */
    size_t scanned;  /* no line end before this offset */
    size_t body;     /* the decoded body: its offset and size */
    size_t body_size;
    size_t body_max;
    size_t left;     /* bytes still to come of the body or the chunk */
    size_t trailers; /* bytes of trailers seen */
    const char *reason;
    /* offset of each value, ended by NUL; 0 = absent or empty */
    uint32_t header[LAMBDA_HTTP_HEADER_COUNT];
};

void lambda_http_begin(struct lambda_http *http, size_t body_max);

/*
 * Parse further. data holds all *size bytes of the reply that have arrived, from the first one on;
 * it may have moved since the last call. Values are ended by NUL in place; chunked bodies are
 * joined in place, which makes *size smaller. A reply with status 1xx is skipped. The first of
 * equal headers counts.
 */
enum lambda_http_result lambda_http_parse(struct lambda_http *http, char *data, size_t *size);

/* The connection ended: DONE if that ends the body, otherwise BAD. */
enum lambda_http_result lambda_http_end(struct lambda_http *http);

/* How many bytes are still to come; 0 if that isn't known. */
size_t lambda_http_missing(const struct lambda_http *http);

/* A header's value; NULL if absent or empty. */
static inline const char *lambda_http_value(const struct lambda_http *http, const char *data,
                                            enum lambda_http_header id)
{
    return http->header[id] ? data + http->header[id] : NULL;
}

/* ---- connection.c: one keep-alive connection to the Runtime API ------------------------------ */

struct lambda_connection {
    int fd; /* -1 = not connected */
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    socklen_t address_size;
    char host[64];           /* as given, for the Host header */
    struct lambda_buffer in; /* the reply */
    struct lambda_http http; /* what it says */
};

/* api: the value of AWS_LAMBDA_RUNTIME_API, or NULL. 0, or -1 after a line on stderr. */
int lambda_connection_init(struct lambda_connection *connection, const char *api);
void lambda_connection_release(struct lambda_connection *connection);

/*
 * Send head and body (may be NULL, 0), then receive the whole reply. A body that fits is copied
 * into head's buffer, since one piece of memory costs the kernel less than two. Connects first if
 * necessary, and once more if the connection ends before the first byte of the reply. DONE: the
 * reply is in connection->http. TOO_LARGE: its headers are, but not its body. BAD: after a line on
 * stderr; the program can't go on.
 */
enum lambda_http_result lambda_connection_call(struct lambda_connection *connection,
                                               struct lambda_buffer *head, const char *body,
                                               size_t body_size);

/* ---- api.c: the requests --------------------------------------------------------------------- */

#define LAMBDA_REQUEST_ID_MAX 128

/* GET the next event. DONE: it's there. TOO_LARGE: only its headers are there. BAD: after
 * a line on stderr. */
enum lambda_http_result lambda_api_next(struct lambda_connection *connection);

/* POST the response, or the error if it failed. id: the request's, which may lie in the last reply;
 * NULL for an error during initialization. 0: go on with the next event (a refusal is a line on
 * stderr); -1: the program must end. */
int lambda_api_post(struct lambda_connection *connection, const char *id,
                    const struct lambda_response *response);

/* ---- response.c, error.c --------------------------------------------------------------------- */

struct lambda_response {
    struct lambda_buffer body; /* the response; once failed is set, the error's JSON */
    bool failed;
    char content_type[128];
    char error_type[128];
};

int lambda_response_init(struct lambda_response *response); /* 0, or -1 if there is no memory */
void lambda_response_reset(struct lambda_response *response);
void lambda_response_release(struct lambda_response *response);

#define LAMBDA_MESSAGE_MAX 4095

/* lambda_fail with a finished message; the first failure stays. Needs no memory. Returns -1. */
int lambda_fail_text(struct lambda_response *response, const char *type, const char *message,
                     size_t size);

/* After a buffer function failed: errno becomes the response's error. Returns -1. */
int lambda_fail_buffer(struct lambda_response *response);

/* A valid value of Lambda-Runtime-Function-Error-Type: type if it's well-formed, otherwise its
 * family's Unknown. */
const char *lambda_error_header(const char *type);

/* ---- context.c, trace.c ---------------------------------------------------------------------- */

/* The part of the context that comes from the environment. */
void lambda_context_init(struct lambda_context *context, const char *handler, void *data);

/* The part that comes with the event. 0, or -1 if the request id is missing or unfit for a URL. */
int lambda_context_next(struct lambda_context *context, const struct lambda_connection *connection);

/* The environment's _X_AMZN_TRACE_ID, in memory of our own: setenv would leak some
 * for each new value. */
struct lambda_trace {
    char entry[1024]; /* "_X_AMZN_TRACE_ID=..." */
};

/* Set the variable; unset it if id is NULL or too long for entry. */
void lambda_trace_set(struct lambda_trace *trace, const char *id);

/* ---- loop.c ---------------------------------------------------------------------------------- */

/* The handler named wanted (or the only one, if wanted is NULL). Otherwise NULL, and response fails
 * with the names of all handlers. */
const struct lambda_handler *lambda_select(const struct lambda_handler *handlers, size_t count,
                                           const char *wanted, struct lambda_response *response);

#pragma GCC visibility pop

#endif
