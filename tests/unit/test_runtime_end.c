/* What the C runtime can't go on after: a Runtime API that is broken, or that isn't there. */
#include "../../runtimes/c/include/lambda_runtime.h"
#include "../fakes/runtime_api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define ID "8476a536-e9f4-11e8-9739-2dfe598c3fcd"

static int echo(const struct lambda_event *event, struct lambda_response *response,
                const struct lambda_context *context)
{
    (void)context;
    return lambda_write(response, event->data, event->size);
}

static int run_echo(void)
{
    static const struct lambda_handler handler = {"echo", echo};
    return lambda_run(&handler, 1, 0, NULL);
}

static struct runtime_api start(int (*function)(void))
{
    struct runtime_api api;

    runtime_api_open(&api);
    runtime_api_start(&api, function, NULL);
    return api;
}

static void a_500_ends_the_program(void **state)
{
    struct runtime_api api = start(run_echo);
    struct runtime_request request;
    char log[4096];

    (void)state;

    runtime_api_invoke(&api, ID, "", "1", 1, &request);
    free(request.body);
    runtime_api_send_status(&api, 500, "InternalServerError");
    assert_int_equal(1, runtime_api_finish(&api, log, sizeof log));
    assert_non_null(strstr(log, "answered 500 to the response"));
}

static void no_reply_twice_ends_the_program(void **state)
{
    struct runtime_api api = start(run_echo);
    struct runtime_request request;
    char log[4096];

    (void)state;

    for (int i = 0; i < 2; i++) {
        runtime_api_receive(&api, &request);
        free(request.body);
        runtime_api_disconnect(&api);
    }
    assert_int_equal(1, runtime_api_finish(&api, log, sizeof log));
    assert_non_null(strstr(log, "closed the connection instead of replying"));
}

static void unusable_replies_end_the_program(void **state)
{
    static const char *const replies[][2] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "without a request id"},
        {"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: a/../b\r\nContent-Length: 2\r\n\r\n{}",
         "unusable request id 'a/../b'"},
        {"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: ..\r\nContent-Length: 2\r\n\r\n{}",
         "unusable request id"},
        {"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: a b\r\nContent-Length: 2\r\n\r\n{}",
         "unusable request id"},
        {"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: a\r\nContent-Length: 2\r\n\r\n{",
         "it is cut off"},
        {"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n{}", "answered 403: {}"},
        {"HTTP/1.1 500 X\r\nContent-Length: 99999999\r\n\r\n", "answered 500"},
        {"220 ftp ready\r\n", "doesn't start with HTTP/1.1"},
    };

    (void)state;

    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        struct runtime_api api = start(run_echo);
        struct runtime_request request;
        char log[4096];
        runtime_api_receive(&api, &request);
        free(request.body);
        runtime_api_send_text(&api, replies[i][0]);
        assert_int_equal(1, runtime_api_finish(&api, log, sizeof log));
        if (!strstr(log, replies[i][1]))
            fail_msg("'%s' isn't in the log: %s", replies[i][1], log);
    }
}

static int run_with_api(const char *value)
{
    if (value)
        setenv("AWS_LAMBDA_RUNTIME_API", value, 1);
    else
        unsetenv("AWS_LAMBDA_RUNTIME_API");
    return run_echo();
}

static const char *wrong_address; /* for run_wrong_address, across the fork */

static int run_wrong_address(void)
{
    return run_with_api(wrong_address);
}

static void a_missing_or_wrong_address_ends_the_program(void **state)
{
    static const char *const addresses[] = {NULL,
                                            "",
                                            "127.0.0.1",
                                            "127.0.0.1:",
                                            "127.0.0.1:0",
                                            "127.0.0.1:x",
                                            ":9001",
                                            "127.0.0.1:65536",
                                            "example.com:80",
                                            "::1:9001",
                                            "[::1",
                                            "[::1]:9 ",
                                            "http://1.2.3.4:1",
                                            "[]:1"};

    (void)state;

    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        char log[4096];
        wrong_address = addresses[i];
        struct runtime_api api = start(run_wrong_address);
        assert_int_equal(1, runtime_api_finish(&api, log, sizeof log));
        if (!strstr(log,
                    addresses[i] && *addresses[i] ? "it must be an IPv4 address" : "is not set"))
            fail_msg("address %zu: %s", i, log);
        assert_ptr_equal(strchr(log, '\n'), strrchr(log, '\n')); /* one line */
    }
}

static void nobody_at_the_address_ends_the_program(void **state)
{
    struct runtime_api api;
    char log[4096];

    (void)state;
    wrong_address = "127.0.0.1:1";
    api = start(run_wrong_address);
    assert_int_equal(1, runtime_api_finish(&api, log, sizeof log));
    assert_non_null(strstr(log, "cannot connect to the Runtime API at 127.0.0.1:1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_500_ends_the_program),
        cmocka_unit_test(no_reply_twice_ends_the_program),
        cmocka_unit_test(unusable_replies_end_the_program),
        cmocka_unit_test(a_missing_or_wrong_address_ends_the_program),
        cmocka_unit_test(nobody_at_the_address_ends_the_program),
    };
    return cmocka_run_group_tests_name("runtime_end", tests, NULL, NULL);
}
