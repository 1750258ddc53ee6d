/* What a handler is told about its invocation. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

void lambda_context_init(struct lambda_context *context, const char *handler, void *data)
{
    const char *memory = environment("AWS_LAMBDA_FUNCTION_MEMORY_SIZE");
    int64_t megabytes = memory ? lambda_decimal(memory, 9) : -1;

    memset(context, 0, sizeof *context);
    context->handler = handler;
    context->function_name = environment("AWS_LAMBDA_FUNCTION_NAME");
    context->function_version = environment("AWS_LAMBDA_FUNCTION_VERSION");
    context->memory_mb = megabytes > 0 ? (unsigned)megabytes : 0;
    context->data = data;
}

static const bool id_letters[256] = {
    ['-'] = true, ['.'] = true, ['_'] = true, ['0'] = true, ['1'] = true, ['2'] = true,
    ['3'] = true, ['4'] = true, ['5'] = true, ['6'] = true, ['7'] = true, ['8'] = true,
    ['9'] = true, ['A'] = true, ['B'] = true, ['C'] = true, ['D'] = true, ['E'] = true,
    ['F'] = true, ['G'] = true, ['H'] = true, ['I'] = true, ['J'] = true, ['K'] = true,
    ['L'] = true, ['M'] = true, ['N'] = true, ['O'] = true, ['P'] = true, ['Q'] = true,
    ['R'] = true, ['S'] = true, ['T'] = true, ['U'] = true, ['V'] = true, ['W'] = true,
    ['X'] = true, ['Y'] = true, ['Z'] = true, ['a'] = true, ['b'] = true, ['c'] = true,
    ['d'] = true, ['e'] = true, ['f'] = true, ['g'] = true, ['h'] = true, ['i'] = true,
    ['j'] = true, ['k'] = true, ['l'] = true, ['m'] = true, ['n'] = true, ['o'] = true,
    ['p'] = true, ['q'] = true, ['r'] = true, ['s'] = true, ['t'] = true, ['u'] = true,
    ['v'] = true, ['w'] = true, ['x'] = true, ['y'] = true, ['z'] = true,
};

/* The id becomes part of a URL: a hostile server must not be able to put a line
 * into our requests. */
static bool is_request_id(const char *id)
{
    size_t size = 0;

    while (id_letters[(unsigned char)id[size]])
        size++;
    return id[size] == '\0' && size <= LAMBDA_REQUEST_ID_MAX && strcmp(id, ".") != 0 &&
           strcmp(id, "..") != 0;
}

int lambda_context_next(struct lambda_context *context, const struct lambda_connection *connection)
{
    const struct lambda_http *http = &connection->http;
    const char *data = connection->in.data;
    const char *id = lambda_http_value(http, data, LAMBDA_HTTP_REQUEST_ID);
    const char *deadline = lambda_http_value(http, data, LAMBDA_HTTP_DEADLINE);
    int64_t deadline_ms = deadline ? lambda_decimal(deadline, 18) : -1;

    if (!id)
        return lambda_log("the Runtime API sent an event without a request id", NULL);
    if (!is_request_id(id))
        return lambda_log("the Runtime API sent an event with the unusable request id '", id, "'",
                          NULL);

    context->request_id = id;
    context->deadline_ms = deadline_ms > 0 ? deadline_ms : 0;
    context->invoked_arn = lambda_http_value(http, data, LAMBDA_HTTP_INVOKED_ARN);
    context->trace_id = lambda_http_value(http, data, LAMBDA_HTTP_TRACE_ID);
    context->tenant_id = lambda_http_value(http, data, LAMBDA_HTTP_TENANT_ID);
    context->client_context = lambda_http_value(http, data, LAMBDA_HTTP_CLIENT_CONTEXT);
    context->cognito_identity = lambda_http_value(http, data, LAMBDA_HTTP_COGNITO_IDENTITY);
    return 0;
}

int64_t lambda_remaining_ms(const struct lambda_context *context)
{
    struct timespec now;

    if (context->deadline_ms == 0)
        return INT64_MAX;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t left = context->deadline_ms - ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
    return left > 0 ? left : 0;
}
