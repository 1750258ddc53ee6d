/* The C runtime as a whole: a child process serves events from a fake Runtime API that
 * this process plays. */
#include "../../runtimes/c/include/lambda_runtime.h"
#include "../fakes/runtime_api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID "8476a536-e9f4-11e8-9739-2dfe598c3fcd"

/* ---- the handlers under test ---- */

static int echo(const struct lambda_event *event, struct lambda_response *response,
                const struct lambda_context *context)
{
    (void)context;
    return lambda_write(response, event->data, event->size);
}

static int facts(const struct lambda_event *event, struct lambda_response *response,
                 const struct lambda_context *context)
{
    const char *trace = getenv("_X_AMZN_TRACE_ID");

    lambda_printf(response, "%s|%zu|%s|", context->request_id, event->size, context->invoked_arn);
    lambda_printf(response, "%s|%s|%s|", context->trace_id, context->tenant_id,
                  context->client_context);
    lambda_printf(response, "%s|%s|%s|", context->cognito_identity, context->handler,
                  context->function_name);
    lambda_printf(response, "%s|%u|%s|", context->function_version, context->memory_mb,
                  trace ? trace : "unset");
    lambda_printf(response, "%d|%" PRId64, event->data[event->size], context->deadline_ms);
    if (context->data)
        lambda_printf(response, "|%s", (const char *)context->data);
    return 0;
}

/* The event is a number: answers with this many bytes, in pieces. */
static int bytes(const struct lambda_event *event, struct lambda_response *response,
                 const struct lambda_context *context)
{
    static const char piece[1000];
    size_t size = strtoul(event->data, NULL, 10);

    (void)context;
    for (; size > 0; size -= size < sizeof piece ? size : sizeof piece)
        lambda_write(response, piece, size < sizeof piece ? size : sizeof piece);
    return 0;
}

static int fails(const struct lambda_event *event, struct lambda_response *response,
                 const struct lambda_context *context)
{
    (void)context;
    lambda_printf(response, "dropped");
    if (event->size == 0)
        return 7;
    lambda_fail(response, event->data, "caf\xe9 \"%s\"\n\x01", event->data);
    return 0;
}

static int text(const struct lambda_event *event, struct lambda_response *response,
                const struct lambda_context *context)
{
    (void)context;
    if (lambda_content_type(response, event->data) != 0)
        lambda_write(response, "refused", 7);
    return 0;
}

static int init(struct lambda_response *response, const struct lambda_context *context)
{
    lambda_printf(response, "dropped");
    if (getenv("TEST_INIT_FAILS"))
        return lambda_fail(response, "Function.NoDatabase", "%s found no database",
                           context->handler);
    return getenv("TEST_INIT_RESULT") ? 1 : 0;
}

static const struct lambda_handler handlers[] = {
    {"echo", echo}, {"facts", facts}, {"bytes", bytes}, {"fails", fails}, {"text", text},
};

static int run(const char *name)
{
    char program[] = "program";
    char argument[32];
    char *argv[] = {program, argument, NULL};
    char data[] = "mine";
    const struct lambda_options options = {sizeof options, handlers,
                                           sizeof handlers / sizeof *handlers, init, data};

    snprintf(argument, sizeof argument, "%s", name ? name : "");
    return lambda_run_with(&options, name ? 2 : 1, argv);
}

static int run_echo(void)
{
    return run("echo");
}

static int run_facts(void)
{
    setenv("AWS_LAMBDA_FUNCTION_NAME", "my-function", 1);
    setenv("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST", 1);
    setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "3008", 1);
    setenv("_X_AMZN_TRACE_ID", "from-before", 1);
    return run("facts");
}

static int run_bytes(void)
{
    return run("bytes");
}

static int run_fails(void)
{
    return run("fails");
}

static int run_text(void)
{
    return run("text");
}

static int run_named_by_environment(void)
{
    setenv("_HANDLER", "echo", 1);
    return run("facts");
}

static int run_unknown(void)
{
    return run("nope");
}

static int run_nameless(void)
{
    setenv("_HANDLER", "", 1);
    return run(NULL);
}

static int run_one_nameless(void)
{
    unsetenv("_HANDLER");
    return lambda_run(handlers, 1, 0, NULL);
}

static int run_init_fails(void)
{
    setenv("TEST_INIT_FAILS", "1", 1);
    return run("echo");
}

static int run_init_result(void)
{
    setenv("TEST_INIT_RESULT", "1", 1);
    return run("echo");
}

/* ---- what most tests do ---- */

static struct runtime_api start(int (*function)(void))
{
    struct runtime_api api;

    runtime_api_open(&api);
    runtime_api_start(&api, function, NULL);
    return api;
}

/* End the program by telling it that the Runtime API is broken: no waiting for reconnects. */
static void finish(struct runtime_api *api, const char *logged)
{
    char log[4096];
    struct runtime_request request;

    runtime_api_receive(api, &request);
    assert_string_equal("invocation/next", request.path);
    free(request.body);
    runtime_api_send_status(api, 500, "InternalServerError");
    assert_int_equal(1, runtime_api_finish(api, log, sizeof log));
    if (logged && !strstr(log, logged))
        fail_msg("'%s' isn't in the log: %s", logged, log);
}

/* One event in, one response out. */
static void expect(struct runtime_api *api, const char *headers, const char *event,
                   const char *path, const char *response)
{
    struct runtime_request request;

    runtime_api_invoke(api, ID, headers, event, strlen(event), &request);
    assert_string_equal(path, request.path + strlen("invocation/" ID "/"));
    assert_string_equal(response, request.body);
    free(request.body);
    runtime_api_send_status(api, 202, NULL);
}

/* ---- tests ---- */

static void events_are_answered_on_one_connection(void **state)
{
    struct runtime_api api = start(run_echo);

    (void)state;
    for (int i = 0; i < 20; i++)
        expect(&api, "", i % 2 ? "{\"n\":1}" : "", "response", i % 2 ? "{\"n\":1}" : "");
    assert_int_equal(1, api.accepted);
    finish(&api, "the Runtime API answered 500: {\"errorMessage\"");
}

static void context_comes_from_headers_and_environment(void **state)
{
    struct runtime_api api = start(run_facts);

    (void)state;

    expect(&api,
           "lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-1:1:function:f:live\r\n"
           "LAMBDA-RUNTIME-TRACE-ID: Root=1-2-3;Parent=4;Sampled=1\r\n"
           "Lambda-Runtime-Aws-Tenant-Id: blue\r\n"
           "Lambda-Runtime-Client-Context: {\"a\":1}\r\nLambda-Runtime-Cognito-Identity: "
           "{\"b\":2}\r\n",
           "12345", "response",
           ID "|5|arn:aws:lambda:eu-1:1:function:f:live|Root=1-2-3;Parent=4;"
              "Sampled=1|blue|{\"a\":1}|{\"b\":"
              "2}|facts|"
              "my-function|$LATEST|3008|Root=1-2-3;Parent=4;Sampled=1|0|4102444800000|mine");
    expect(
        &api, "Lambda-Runtime-Aws-Tenant-Id:\r\nLambda-Runtime-Trace-Id: \r\n", "", "response",
        ID
        "|0|(null)|(null)|(null)|(null)|(null)|facts|my-function|$LATEST|3008|unset|0|41024448000"
        "00|mine");
    finish(&api, NULL);
}

static void chunked_events(void **state)
{
    struct runtime_api api = start(run_echo);
    struct runtime_request request;

    (void)state;

    for (int i = 0; i < 3; i++) {
        runtime_api_receive(&api, &request);
        free(request.body);
        const char *reply =
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: " ID
            "\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\n{\"a\"\r\n3\r\n:1}\r\n0\r\nT: u\r\n"
            "\r\n";
        if (i == 0)
            runtime_api_send_text(&api, reply);
        for (const char *at = reply; i > 0 && *at; at++) /* each byte may come alone */
            runtime_api_send(&api, at, 1);
        runtime_api_receive(&api, &request);
        assert_string_equal("invocation/" ID "/response", request.path);
        assert_string_equal("application/json", request.content_type);
        assert_string_equal("{\"a\":1}", request.body);
        free(request.body);
        runtime_api_send_status(&api, 202, NULL);
    }

    finish(&api, NULL);
}

static void the_largest_event_and_response(void **state)
{
    struct runtime_api api = start(run_echo);
    struct runtime_request request;
    char *data = malloc(LAMBDA_PAYLOAD_MAX + 1);

    (void)state;

    assert_non_null(data);
    for (size_t i = 0; i <= LAMBDA_PAYLOAD_MAX; i++)
        data[i] = (char)('a' + i % 26);
    for (int i = 0; i < 2; i++) {
        runtime_api_invoke(&api, ID, "", data, LAMBDA_PAYLOAD_MAX, &request);
        assert_int_equal(LAMBDA_PAYLOAD_MAX, request.body_size);
        assert_memory_equal(data, request.body, request.body_size);
        free(request.body);
        runtime_api_send_status(&api, 202, NULL);

        /* One byte more: the runtime can't take it, says so on a new connection, and goes on. */
        runtime_api_invoke(&api, ID, "", data, LAMBDA_PAYLOAD_MAX + 1, &request);
        assert_string_equal("Runtime.EventTooLarge", request.error_type);
        assert_non_null(strstr(request.body, "larger than 6291556 bytes"));
        free(request.body);
        runtime_api_send_status(&api, 202, NULL);
        assert_int_equal(2 + i, api.accepted);
    }

    free(data);
    finish(&api, NULL);
}

static void a_response_of_one_byte_too_many_is_an_error(void **state)
{
    struct runtime_api api = start(run_bytes);
    struct runtime_request request;

    (void)state;

    runtime_api_invoke(&api, ID, "", "6291556", 7, &request);
    assert_int_equal(LAMBDA_PAYLOAD_MAX, request.body_size);
    free(request.body);
    runtime_api_send_status(&api, 202, NULL);
    expect(&api, "", "6291557", "error",
           "{\"errorMessage\":\"the response is larger than 6291556 bytes\","
           "\"errorType\":\"Function.ResponseSizeTooLarge\",\"stackTrace\":[]}");
    expect(&api, "", "0", "response", "");
    finish(&api, NULL);
}

static void failures_reach_the_caller(void **state)
{
    struct runtime_api api = start(run_fails);
    struct runtime_request request;

    (void)state;

    runtime_api_invoke(&api, ID, "", "Function.NoSuchOrder", 20, &request);
    assert_string_equal("Function.NoSuchOrder", request.error_type);
    assert_string_equal("application/json", request.content_type);
    assert_string_equal("{\"errorMessage\":\"caf\\ufffd \\\"Function.NoSuchOrder\\\"\\n\\u0001\","
                        "\"errorType\":\"Function.NoSuchOrder\",\"stackTrace\":[]}",
                        request.body);
    free(request.body);
    runtime_api_send_status(&api, 202, NULL);

    runtime_api_invoke(&api, ID, "", "x\r\nEvil: 1", 10, &request);
    assert_string_equal("Function.Unknown", request.error_type);
    assert_non_null(strstr(request.body, "\"errorType\":\"x\\r\\nEvil: 1\""));
    free(request.body);
    runtime_api_send_status(&api, 202, NULL);

    runtime_api_invoke(&api, ID, "", "", 0, &request);
    assert_string_equal("Function.HandlerError", request.error_type);
    free(request.body);
    runtime_api_send_status(&api, 202, NULL);
    finish(&api, NULL);
}

static void content_type_is_the_handlers(void **state)
{
    struct runtime_api api = start(run_text);
    static const char *const types[][2] = {
        {"text/plain; charset=utf-8", "text/plain; charset=utf-8"},
        {"a\r\nb", "application/json"}, /* refused, and the one before is forgotten */
        {"", "application/json"},
    };

    (void)state;

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct runtime_request request;
        runtime_api_invoke(&api, ID, "", types[i][0], strlen(types[i][0]), &request);
        assert_string_equal(types[i][1], request.content_type);
        assert_string_equal(i ? "refused" : "", request.body);
        free(request.body);
        runtime_api_send_status(&api, 202, NULL);
    }

    finish(&api, NULL);
}

/* The program posts an init error of this type, with this in its message, and ends. */
static void expect_init_error(int (*function)(void), const char *type, const char *message)
{
    struct runtime_api api = start(function);
    struct runtime_request request;
    char log[4096];

    runtime_api_receive(&api, &request);
    assert_string_equal("POST", request.method);
    assert_string_equal("init/error", request.path);
    assert_string_equal(type, request.error_type);
    assert_non_null(strstr(request.body, message));
    free(request.body);
    runtime_api_send_status(&api, 202, NULL);
    assert_int_equal(1, runtime_api_finish(&api, log, sizeof log));
    assert_non_null(strstr(log, message));
}

static void init_errors(void **state)
{
    (void)state;
    expect_init_error(
        run_unknown, "Runtime.NoSuchHandler",
        "no handler is named 'nope'; this program has: echo, facts, bytes, fails, text");
    expect_init_error(run_nameless, "Runtime.NoSuchHandler", "no handler is chosen");
    expect_init_error(run_init_fails, "Function.NoDatabase", "echo found no database");
    expect_init_error(run_init_result, "Function.InitError", "without calling lambda_fail");
}

static void the_handler_is_chosen(void **state)
{
    int (*const functions[])(void) = {run_named_by_environment, run_one_nameless};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct runtime_api api = start(functions[i]);
        expect(&api, "", "[1]", "response", "[1]");
        finish(&api, NULL);
    }
}

static void refused_responses_dont_end_the_program(void **state)
{
    static const struct {
        int status;
        const char *type;
        const char *logged;
    } refusals[] = {
        {413, "RequestEntityTooLarge", "answered 413 to the response of an invocation: {"},
        {400, "InvalidRequestID", "answered 400 to the response"},
        {403, "InvalidStateTransition", "answered 403 to the response"},
        {410, "Timeout", "answered 410 to the response"},
    };

    (void)state;

    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct runtime_api api = start(run_echo);
        struct runtime_request request;
        runtime_api_invoke(&api, ID, "", "1", 1, &request);
        free(request.body);
        runtime_api_send_status(&api, refusals[i].status, refusals[i].type);
        expect(&api, "", "2", "response", "2");
        finish(&api, refusals[i].logged);
    }
}

static void a_closed_connection_is_opened_again(void **state)
{
    struct runtime_api api = start(run_echo);
    struct runtime_request request;

    (void)state;

    expect(&api, "", "1", "response", "1");
    runtime_api_disconnect(&api); /* idle, or with the GET on its way */
    expect(&api, "", "2", "response", "2");
    assert_int_equal(2, api.accepted);

    runtime_api_receive(&api, &request); /* the GET was read, and no reply comes */
    free(request.body);
    runtime_api_disconnect(&api);
    expect(&api, "", "3", "response", "3");

    runtime_api_invoke(&api, ID, "", "4", 1, &request); /* nor to this POST: it's sent once more */
    free(request.body);
    runtime_api_disconnect(&api);
    runtime_api_receive(&api, &request);
    assert_string_equal("invocation/" ID "/response", request.path);
    assert_string_equal("4", request.body);
    free(request.body);
    runtime_api_send_text(
        &api, "HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    runtime_api_disconnect(&api);

    expect(&api, "", "5", "response", "5");
    assert_int_equal(5, api.accepted);
    finish(&api, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_answered_on_one_connection),
        cmocka_unit_test(context_comes_from_headers_and_environment),
        cmocka_unit_test(chunked_events),
        cmocka_unit_test(the_largest_event_and_response),
        cmocka_unit_test(a_response_of_one_byte_too_many_is_an_error),
        cmocka_unit_test(failures_reach_the_caller),
        cmocka_unit_test(content_type_is_the_handlers),
        cmocka_unit_test(init_errors),
        cmocka_unit_test(the_handler_is_chosen),
        cmocka_unit_test(refused_responses_dont_end_the_program),
        cmocka_unit_test(a_closed_connection_is_opened_again),
    };

    return cmocka_run_group_tests_name("runtime_loop", tests, NULL, NULL);
}
