/*
 * lambda_runtime.h: AWS Lambda functions in C and C++.
 *
 *     #include <lambda_runtime.h>
 *
 *     static int hello(const struct lambda_event *event, struct lambda_response *response,
 *                      const struct lambda_context *context)
 *     {
 *         return lambda_printf(response, "{\"id\":\"%s\",\"bytes\":%zu}",
 *                              context->request_id, event->size);
 *     }
 *
 *     LAMBDA_HANDLERS({ "hello", hello })
 *
 * That is a whole program: it asks Lambda's Runtime API for one event after the other, calls the
 * handler and posts what it wrote. Events come one at a time, on the thread that called main.
 */
#ifndef LAMBDA_RUNTIME_H
#define LAMBDA_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LAMBDA_PRINTF(text, values) __attribute__((__format__(__printf__, text, values)))
#else
#define LAMBDA_PRINTF(text, values)
#endif

/* Bytes in the largest event, and in the largest response (Lambda: 6 MiB and 100 bytes). */
#define LAMBDA_PAYLOAD_MAX 6291556

/* What the function was invoked with. It is valid until the handler returns. */
struct lambda_event {
    const char *data;         /* never NULL; a NUL that size doesn't count follows the last byte */
    size_t size;              /* 0 to LAMBDA_PAYLOAD_MAX */
    const char *content_type; /* as the Runtime API names it; NULL if it doesn't */
};

/*
 * Facts about the function and, inside of a handler, about this invocation. Text from the
 * invocation is valid until the handler returns, text from the environment as long as the
 * environment isn't changed. What is absent or empty is NULL.
 */
struct lambda_context {
    const char *request_id;     /* never NULL in a handler: letters, digits, '-', '_' and '.' */
    int64_t deadline_ms;        /* when the invocation times out, ms since 1970; 0 if unknown */
    const char *invoked_arn;    /* with the version or alias that the caller used */
    const char *trace_id;       /* X-Ray header; it's also in the environment as _X_AMZN_TRACE_ID */
    const char *tenant_id;      /* of a function with tenant isolation */
    const char *client_context; /* JSON from the caller */
    const char *cognito_identity; /* JSON with cognitoIdentityId and cognitoIdentityPoolId */

    const char *handler;          /* the name of the handler that was chosen */
    const char *function_name;    /* AWS_LAMBDA_FUNCTION_NAME */
    const char *function_version; /* AWS_LAMBDA_FUNCTION_VERSION */
    unsigned memory_mb;           /* AWS_LAMBDA_FUNCTION_MEMORY_SIZE; 0 if unknown */

    void *data; /* the program's own: lambda_options.data */
};

/* What a handler writes to. It starts empty for every event. */
struct lambda_response;

/*
 * A handler. Write the answer to response and return 0; or return lambda_fail(...). Any other
 * result than 0 fails the invocation too, with the type Function.HandlerError. A C++ handler lets
 * no exception out (lambda_runtime.hpp takes care of that).
 */
typedef int lambda_handler_fn(const struct lambda_event *event, struct lambda_response *response,
                              const struct lambda_context *context);

/*
 * Called once, before the first event. To give up, return lambda_fail(response, ...): Lambda is
 * told, and the program ends. What it writes to response is dropped. context has no request_id yet.
 */
typedef int lambda_init_fn(struct lambda_response *response, const struct lambda_context *context);

struct lambda_handler {
    const char *name;
    lambda_handler_fn *function;
};

/* Append size bytes of data to the response. 0, or -1 if it would get larger than
 * LAMBDA_PAYLOAD_MAX or memory ran out: the invocation then fails with a matching error, whatever
 * the handler returns. */
int lambda_write(struct lambda_response *response, const void *data, size_t size);

/* Append formatted text, as printf would. Results as lambda_write. */
int lambda_printf(struct lambda_response *response, const char *format, ...) LAMBDA_PRINTF(2, 3);

/* Append text as a JSON string, quotes included. Bytes that are not UTF-8 become U+FFFD.
 * Results as lambda_write. */
int lambda_write_json(struct lambda_response *response, const char *text, size_t size);

/* The response's Content-Type instead of application/json, for this event. 0, or -1 (and no change)
 * if type is empty, longer than 127 bytes or not printable ASCII. type is copied. */
int lambda_content_type(struct lambda_response *response, const char *type);

/*
 * Fail the invocation (or the start, in an init function). What was written so far is dropped.
 *
 * type: "Function.SomeName", with two letters or more after the dot and nothing else, the first one
 * upper case. Any other text is reported to the caller as it is, up to 127 bytes; Lambda counts it
 * as Function.Unknown.
 *
 * format: the message, as for printf; it is cut after 4,095 bytes.
 *
 * The first failure of an invocation counts; later ones, and later writes, change nothing. Always
 * returns -1, so that a handler can say
 *
 *     return lambda_fail(response, "Function.NoSuchOrder", ...);
 */
int lambda_fail(struct lambda_response *response, const char *type, const char *format, ...)
    LAMBDA_PRINTF(3, 4);

/* Milliseconds until the invocation times out; 0 if it has, INT64_MAX if the
 * deadline is unknown. */
int64_t lambda_remaining_ms(const struct lambda_context *context);

/*
 * Everything that lambda_run_with can be told. Leave what you don't need zero. A later version may
 * add members at the end; those beyond size then count as zero.
 */
struct lambda_options {
    size_t size; /* sizeof(struct lambda_options) */
    const struct lambda_handler *handlers;
    size_t handler_count;
    lambda_init_fn *init; /* may be NULL */
    void *data;           /* becomes lambda_context.data */
};

/*
 * Serve events until the Runtime API goes away or tells the program to end. Returns the exit status
 * for main, which is never 0: Lambda doesn't expect a function to end. One line on stderr says why.
 *
 * The handler is chosen by name: the environment's _HANDLER, or else argv[1], or else the only one
 * there is. AWS_LAMBDA_RUNTIME_API is the API's host:port: an IPv4 address, an IPv6 address in
 * brackets, or localhost.
 */
int lambda_run_with(const struct lambda_options *options, int argc, char **argv);

/* lambda_run_with for a table of handlers and nothing else. */
int lambda_run(const struct lambda_handler *handlers, size_t count, int argc, char **argv);

#ifdef __cplusplus
}
#endif

/* The program's main: LAMBDA_HANDLERS({ "hello", hello }, { "bye", bye }) */
#define LAMBDA_HANDLERS(...) LAMBDA_HANDLERS_WITH_INIT(NULL, __VA_ARGS__)

/* The same with an init function: LAMBDA_HANDLERS_WITH_INIT(init, { "hello", hello }) */
#define LAMBDA_HANDLERS_WITH_INIT(init_function, ...)                                              \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        static const struct lambda_handler handlers[] = {__VA_ARGS__};                             \
        const struct lambda_options options = {                                                    \
            sizeof options, handlers, sizeof handlers / sizeof *handlers, init_function, NULL};    \
        return lambda_run_with(&options, argc, argv);                                              \
    }

#endif
