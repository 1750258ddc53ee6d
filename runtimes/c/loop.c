/* From the start of the program to its end: choose the handler, then serve one event
 * after the other. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct runtime {
    struct lambda_connection connection;
    struct lambda_response response;
    struct lambda_context context;
    struct lambda_trace trace;
};

const struct lambda_handler *lambda_select(const struct lambda_handler *handlers, size_t count,
                                           const char *wanted, struct lambda_response *response)
{
    char bytes[LAMBDA_MESSAGE_MAX];
    struct lambda_buffer text = LAMBDA_FIXED_BUFFER(bytes);

    if (!wanted && count == 1)
        return handlers;
    for (size_t i = 0; wanted && i < count; i++)
        if (strcmp(handlers[i].name, wanted) == 0)
            return &handlers[i];

    if (wanted && strlen(wanted) < 256) {
        lambda_buffer_text(&text, "no handler is named '");
        lambda_buffer_text(&text, wanted);
        lambda_buffer_text(&text, "'; this program has:");
    } else {
        lambda_buffer_text(
            &text, "no handler is chosen; set _HANDLER or give an argument; this program has:");
    }

    for (size_t i = 0; i < count; i++) {
        lambda_buffer_text(&text, i ? ", " : " ");
        lambda_buffer_text(&text, handlers[i].name);
    }
    lambda_fail_text(response, "Runtime.NoSuchHandler", text.data, text.size);
    return NULL;
}

/* Tell Lambda that the function can't start; the body is the error's JSON. */
static int init_error(struct runtime *runtime)
{
    char bytes[900];
    size_t size =
        runtime->response.body.size < sizeof bytes ? runtime->response.body.size : sizeof bytes - 1;

    memcpy(bytes, runtime->response.body.data, size);
    bytes[size] = '\0';
    lambda_log("the function cannot start: ", bytes, NULL);
    lambda_api_post(&runtime->connection, NULL, &runtime->response);
    return -1;
}

/* Call the handler; its answer, or its error, is then in the response. */
static void invoke(struct runtime *runtime, const struct lambda_handler *handler)
{
    static const char result[] = "the handler failed without calling lambda_fail";
    const struct lambda_http *http = &runtime->connection.http;
    const char *data = runtime->connection.in.data;
    struct lambda_event event = {
        .data = data + http->body,
        .size = http->body_size,
        .content_type = lambda_http_value(http, data, LAMBDA_HTTP_CONTENT_TYPE),
    };

    lambda_trace_set(&runtime->trace, runtime->context.trace_id);
    if (handler->function(&event, &runtime->response, &runtime->context) != 0)
        lambda_fail_text(&runtime->response, "Function.HandlerError", result, sizeof result - 1);
}

/* Fetch one event and post its answer. 0, or -1 if the program must end. */
static int serve_one(struct runtime *runtime, const struct lambda_handler *handler)
{
    static const char large[] = "the event is larger than 6291556 bytes";
    enum lambda_http_result next = lambda_api_next(&runtime->connection);

    if (next == LAMBDA_HTTP_BAD ||
        lambda_context_next(&runtime->context, &runtime->connection) != 0)
        return -1;

    lambda_response_reset(&runtime->response);
    if (next == LAMBDA_HTTP_TOO_LARGE)
        lambda_fail_text(&runtime->response, "Runtime.EventTooLarge", large, sizeof large - 1);
    else
        invoke(runtime, handler);
    return lambda_api_post(&runtime->connection, runtime->context.request_id, &runtime->response);
}

static int start_and_serve(struct runtime *runtime, const struct lambda_options *options,
                           const char *argument)
{
    const char *wanted = getenv("_HANDLER");

    if (!wanted || !*wanted)
        wanted = argument && *argument ? argument : NULL;
    const struct lambda_handler *handler =
        lambda_select(options->handlers, options->handler_count, wanted, &runtime->response);
    if (!handler)
        return init_error(runtime);

    lambda_context_init(&runtime->context, handler->name, options->data);
    if (options->init && options->init(&runtime->response, &runtime->context) != 0) {
        static const char result[] = "the init function failed without calling lambda_fail";
        lambda_fail_text(&runtime->response, "Function.InitError", result, sizeof result - 1);
    }
    if (runtime->response.failed)
        return init_error(runtime);

    while (serve_one(runtime, handler) == 0)
        continue;
    return -1;
}

int lambda_run_with(const struct lambda_options *options, int argc, char **argv)
{
    struct runtime runtime = {.connection.fd = -1};
    struct lambda_options known = {0};

    memcpy(&known, options, options->size < sizeof known ? options->size : sizeof known);
    if (lambda_connection_init(&runtime.connection, getenv("AWS_LAMBDA_RUNTIME_API")) == 0) {
        if (lambda_response_init(&runtime.response) == 0)
            start_and_serve(&runtime, &known, argc > 1 ? argv[1] : NULL);
        else
            lambda_log("cannot start: out of memory", NULL);
    }

    lambda_trace_set(&runtime.trace, NULL);
    lambda_response_release(&runtime.response);
    lambda_connection_release(&runtime.connection);
    return 1;
}

int lambda_run(const struct lambda_handler *handlers, size_t count, int argc, char **argv)
{
    const struct lambda_options options = {
        .size = sizeof options, .handlers = handlers, .handler_count = count};

    return lambda_run_with(&options, argc, argv);
}
