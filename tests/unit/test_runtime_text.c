/* The C runtime's small parts: buffers, JSON strings, error types, choice of a
 * handler, addresses, _X_AMZN_TRACE_ID. */
#include "../../runtimes/c/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void buffers_grow_up_to_their_cap(void **state)
{
    struct lambda_buffer buffer = {.max = 10000};
    char byte = 'x';

    (void)state;

    for (int i = 0; i < 10000; i++)
        assert_int_equal(0, lambda_buffer_append(&buffer, &byte, 1));
    assert_int_equal(10000, buffer.capacity);
    assert_int_equal(-1, lambda_buffer_append(&buffer, &byte, 1));
    assert_int_equal(EFBIG, errno);
    assert_int_equal(-1, lambda_buffer_reserve(&buffer, SIZE_MAX));
    assert_int_equal(10000, buffer.size);
    lambda_buffer_release(&buffer);
    assert_null(buffer.data);
}

static void fixed_buffers_stay(void **state)
{
    char bytes[4];
    struct lambda_buffer buffer = LAMBDA_FIXED_BUFFER(bytes);

    (void)state;
    assert_int_equal(0, lambda_buffer_text(&buffer, "abc"));
    assert_int_equal(-1, lambda_buffer_number(&buffer, 12));
    assert_int_equal(0, lambda_buffer_number(&buffer, 7));
    assert_memory_equal("abc7", bytes, 4);
}

static void numbers(void **state)
{
    char bytes[64];
    struct lambda_buffer buffer = LAMBDA_FIXED_BUFFER(bytes);

    (void)state;

    lambda_buffer_number(&buffer, 0);
    lambda_buffer_text(&buffer, " ");
    lambda_buffer_number(&buffer, UINT64_MAX);
    assert_int_equal(22, buffer.size);
    assert_memory_equal("0 18446744073709551615", bytes, 22);

    assert_int_equal(0, lambda_decimal("0", 3));
    assert_int_equal(123, lambda_decimal("123", 3));
    assert_true(lambda_decimal("999999999999999999", 18) == 999999999999999999);
    assert_int_equal(-1, lambda_decimal("", 3));
    assert_int_equal(-1, lambda_decimal("1234", 3));
    assert_int_equal(-1, lambda_decimal("-1", 3));
    assert_int_equal(-1, lambda_decimal("+1", 3));
    assert_int_equal(-1, lambda_decimal(" 1", 3));
    assert_int_equal(-1, lambda_decimal("1 ", 3));
}

static void json_strings(void **state)
{
    static const struct {
        const char *text;
        size_t size;
        const char *json;
    } cases[] = {
        {"", 0, "\"\""},
        {"plain", 5, "\"plain\""},
        {"\"\\/", 3, "\"\\\"\\\\/\""},
        {"\b\f\n\r\t", 5, "\"\\u0008\\u000c\\n\\r\\t\""},
        {"a\0b\x1f\x7f", 5, "\"a\\u0000b\\u001f\x7f\""},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", 10,
         "\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\""},
        {"\x80x\xff", 3, "\"\\ufffdx\\ufffd\""},                     /* never first, never at all */
        {"\xc0\x80\xc1\xbf", 4, "\"\\ufffd\\ufffd\\ufffd\\ufffd\""}, /* overlong, two bytes */
        {"\xe0\x9f\xbf", 3, "\"\\ufffd\\ufffd\\ufffd\""},            /* overlong, three */
        {"\xf0\x8f\xbf\xbf", 4, "\"\\ufffd\\ufffd\\ufffd\\ufffd\""}, /* overlong, four */
        {"\xed\xa0\x80", 3, "\"\\ufffd\\ufffd\\ufffd\""},            /* a surrogate */
        {"\xf4\x90\x80\x80", 4, "\"\\ufffd\\ufffd\\ufffd\\ufffd\""}, /* above U+10FFFF */
        {"\xe2\x82", 2, "\"\\ufffd\\ufffd\""},                       /* cut off */
        {"\xe2\x82z", 3, "\"\\ufffd\\ufffdz\""},
    };

    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lambda_buffer buffer = {.max = 100};
        char *exact = malloc(cases[i].size + 1); /* a sanitizer sees a byte read beyond */
        assert_non_null(exact);
        memcpy(exact, cases[i].text, cases[i].size);
        assert_int_equal(0, lambda_buffer_json(&buffer, exact, cases[i].size));
        assert_int_equal(strlen(cases[i].json), buffer.size);
        assert_memory_equal(cases[i].json, buffer.data, buffer.size);
        free(exact);

        for (size_t max = 0; max < strlen(cases[i].json);
             max++) { /* no room: nothing is left behind */
            char small[100] = "..";
            struct lambda_buffer fixed = {small, 2, max + 2, max + 2};
            assert_int_equal(-1, lambda_buffer_json(&fixed, cases[i].text, cases[i].size));
            assert_int_equal(2, fixed.size);
        }
        lambda_buffer_release(&buffer);
    }
}

static void error_types_are_made_fit_for_a_header(void **state)
{
    static const char *const cases[][2] = {
        {"Function.NoSuchOrder", "Function.NoSuchOrder"},
        {"Runtime.Ab", "Runtime.Ab"},
        {"Function.A", "Function.Unknown"},
        {"Function.", "Function.Unknown"},
        {"Function.lower", "Function.Unknown"},
        {"Function.Has1", "Function.Unknown"},
        {"Function.Ab.Cd", "Function.Unknown"},
        {"Runtime.bad", "Runtime.Unknown"},
        {"Runtime.Ab\r\nX: y", "Runtime.Unknown"},
        {"Extension.Ab", "Function.Unknown"},
        {"", "Function.Unknown"},
    };

    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(cases[i][1], lambda_error_header(cases[i][0]));
}

static int handler(const struct lambda_event *event, struct lambda_response *response,
                   const struct lambda_context *context)
{
    (void)event;
    (void)response;
    (void)context;
    return 0;
}

static const struct lambda_handler handlers[] = {{"one", handler}, {"two", handler}, {"", handler}};

static void a_handler_is_selected(void **state)
{
    struct lambda_response response;

    (void)state;

    assert_int_equal(0, lambda_response_init(&response));
    assert_ptr_equal(&handlers[0], lambda_select(handlers, 2, "one", &response));
    assert_ptr_equal(&handlers[1], lambda_select(handlers, 2, "two", &response));
    assert_ptr_equal(&handlers[0], lambda_select(handlers, 1, NULL, &response));
    assert_false(response.failed);

    assert_null(lambda_select(handlers, 2, "On", &response));
    assert_true(response.failed);
    assert_non_null(strstr(response.error_type, "Runtime.NoSuchHandler"));
    assert_memory_equal(
        "{\"errorMessage\":\"no handler is named 'On'; this program has: one, two\"",
        response.body.data, 70);
    lambda_response_reset(&response);
    assert_null(lambda_select(handlers, 1, "two", &response)); /* the only one has another name */
    lambda_response_reset(&response);
    assert_null(lambda_select(handlers, 2, NULL, &response));
    lambda_response_reset(&response);
    assert_null(lambda_select(handlers, 0, NULL, &response));
    lambda_response_release(&response);
}

/* The largest error fits into the initial buffer; of a long type or message, nothing beyond the
 * limit is read. */
static void the_largest_error_needs_no_memory(void **state)
{
    struct lambda_response response;
    char message[LAMBDA_MESSAGE_MAX + 10];
    char type[300];

    (void)state;

    memset(message, 1, sizeof message);
    memset(type, 1, sizeof type - 1);
    type[sizeof type - 1] = '\0';
    assert_int_equal(0, lambda_response_init(&response));

    size_t capacity = response.body.capacity;
    assert_int_equal(-1, lambda_fail_text(&response, type, message, sizeof message));
    assert_int_equal(capacity, response.body.capacity);
    assert_int_equal((LAMBDA_MESSAGE_MAX + 127) * 6 +
                         strlen("{\"errorMessage\":\"\",\"errorType\":\"\",\"stackTrace\":[]}"),
                     response.body.size);
    assert_memory_equal("]}", response.body.data + response.body.size - 2, 2);

    lambda_response_reset(&response);
    response.body.max = response.body.capacity; /* the same code runs when memory is short */
    while (lambda_write(&response, message, 1000) == 0)
        continue;
    assert_true(response.failed);
    assert_int_equal(-1, lambda_printf(&response, "x"));
    assert_int_equal(-1, lambda_write_json(&response, "x", 1));
    assert_int_equal(-1, lambda_fail(&response, "Function.Later", "the first error stays"));
    assert_string_equal("Function.ResponseSizeTooLarge", response.error_type);
    lambda_response_release(&response);
}

static void responses_stop_at_the_limit(void **state)
{
    static char data[LAMBDA_PAYLOAD_MAX];
    struct lambda_response response;

    (void)state;

    assert_int_equal(0, lambda_response_init(&response));
    assert_int_equal(0, lambda_write(&response, data, sizeof data - 2));
    assert_int_equal(0, lambda_printf(&response, "%d", 42));
    assert_int_equal(LAMBDA_PAYLOAD_MAX, response.body.size);
    assert_int_equal(0, lambda_printf(&response, "%s", ""));
    assert_int_equal(-1, lambda_printf(&response, "!"));
    assert_string_equal("Function.ResponseSizeTooLarge", response.error_type);

    lambda_response_reset(&response);
    assert_int_equal(0, lambda_write(&response, data, sizeof data - 2));
    assert_int_equal(0, lambda_write_json(&response, "", 0));
    lambda_response_reset(&response);
    assert_int_equal(0, lambda_write(&response, data, sizeof data - 1));
    assert_int_equal(-1, lambda_write_json(&response, "", 0));
    lambda_response_reset(&response);
    assert_int_equal(-1, lambda_write(&response, data, SIZE_MAX));
    lambda_response_release(&response);
}

static void addresses(void **state)
{
    struct lambda_connection connection;

    (void)state;

    assert_int_equal(0, lambda_connection_init(&connection, "127.0.0.1:9001"));
    assert_int_equal(AF_INET, connection.address.any.sa_family);
    assert_int_equal(htons(9001), connection.address.v4.sin_port);
    lambda_connection_release(&connection);
    assert_int_equal(0, lambda_connection_init(&connection, "localhost:1"));
    assert_int_equal(htonl(INADDR_LOOPBACK), connection.address.v4.sin_addr.s_addr);
    lambda_connection_release(&connection);
    assert_int_equal(0, lambda_connection_init(&connection, "[::1]:65535"));
    assert_int_equal(AF_INET6, connection.address.any.sa_family);
    assert_memory_equal(&in6addr_loopback, &connection.address.v6.sin6_addr, 16);
    assert_string_equal("[::1]:65535", connection.host);
    lambda_connection_release(&connection);
}

/* Does an event with that request id get a context? */
static bool takes_id(const char *id, size_t size)
{
    char data[256] = "-";
    struct lambda_connection connection = {
        .fd = -1, .in.data = data, .http.header[LAMBDA_HTTP_REQUEST_ID] = 1};
    struct lambda_context context = {0};

    assert_true(size < sizeof data - 1);
    memcpy(data + 1, id, size);
    return lambda_context_next(&context, &connection) == 0 && context.request_id == data + 1;
}

static void request_ids_fit_into_a_path(void **state)
{
    static const char fit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    char id[LAMBDA_REQUEST_ID_MAX + 1];

    (void)state;

    for (int c = 1; c < 256; c++) {
        char text[] = {'a', (char)c, 'b'};
        assert_int_equal(strchr(fit, c) != NULL, takes_id(text, sizeof text));
    }
    assert_false(takes_id(".", 1));
    assert_false(takes_id("..", 2));
    assert_true(takes_id("...", 3));
    memset(id, 'x', sizeof id);
    assert_true(takes_id(id, sizeof id - 1));
    assert_false(takes_id(id, sizeof id));
}

static size_t environment_size(void)
{
    extern char **environ;
    size_t size = 0;

    while (environ[size])
        size++;
    return size;
}

static void the_trace_id_is_set_and_unset(void **state)
{
    extern char **environ;

    struct lambda_trace trace = {0};
    char value[1100];

    (void)state;
    setenv("_X_AMZN_TRACE_ID", "somebody else's", 1);
    lambda_trace_set(&trace, "first");
    assert_string_equal("first", getenv("_X_AMZN_TRACE_ID"));

    size_t size = environment_size();
    char **array = environ;
    for (int i = 0; i < 1000; i++) {
        snprintf(value, sizeof value, "Root=%d", i);
        lambda_trace_set(&trace, value);
        assert_string_equal(value, getenv("_X_AMZN_TRACE_ID"));
        assert_ptr_equal(array,
                         environ); /* the same array, the same entry: nothing was allocated */
    }

    for (int i = 0; i < 1000; i++) {
        lambda_trace_set(&trace, i % 2 ? NULL : "");
        assert_null(getenv("_X_AMZN_TRACE_ID"));
        assert_int_equal(size - 1, environment_size());
        snprintf(value, sizeof value, "Root=%d", i);
        lambda_trace_set(&trace, value);
        assert_string_equal(value, getenv("_X_AMZN_TRACE_ID"));
        assert_int_equal(size, environment_size());
    }

    setenv("_X_AMZN_TRACE_ID", "the handler's own", 1); /* it takes the entry's place, and goes */
    lambda_trace_set(&trace, "next");
    assert_string_equal("next", getenv("_X_AMZN_TRACE_ID"));
    assert_int_equal(size, environment_size());

    lambda_trace_set(&trace, NULL);
    setenv("LBUILD_TEST_NEW", "1", 1); /* the handler uses the entry's slot */
    setenv("LBUILD_TEST_NEWER", "1", 1);
    lambda_trace_set(&trace, "after");
    assert_string_equal("after", getenv("_X_AMZN_TRACE_ID"));
    assert_string_equal("1", getenv("LBUILD_TEST_NEW"));
    assert_string_equal("1", getenv("LBUILD_TEST_NEWER"));
    assert_int_equal(size + 2, environment_size());

    memset(value, 'x', sizeof value);
    value[sizeof trace.entry - strlen("_X_AMZN_TRACE_ID=") - 1] = '\0';
    lambda_trace_set(&trace, value);
    assert_string_equal(value, getenv("_X_AMZN_TRACE_ID"));
    value[strlen(value)] = 'x'; /* one byte more has no room */
    value[sizeof value - 1] = '\0';
    lambda_trace_set(&trace, value);
    assert_null(getenv("_X_AMZN_TRACE_ID"));
    assert_string_equal("1", getenv("LBUILD_TEST_NEW"));
}

static void the_trace_id_is_found_where_it_went(void **state)
{
    extern char **environ;
    struct lambda_trace trace = {0};

    (void)state;
    lambda_trace_set(&trace, "first");
    size_t size = environment_size();
    char *entry = environ[0]; /* the handler sorts its environment */
    environ[0] = environ[1];
    environ[1] = entry;
    lambda_trace_set(&trace, "moved");
    assert_string_equal("moved", getenv("_X_AMZN_TRACE_ID"));
    assert_int_equal(size, environment_size());
    unsetenv("_X_AMZN_TRACE_ID"); /* it removes the entry */
    lambda_trace_set(&trace, "again");
    assert_string_equal("again", getenv("_X_AMZN_TRACE_ID"));
    assert_int_equal(size, environment_size());
    lambda_trace_set(&trace, NULL); /* which is ours, and on the stack */
}

static void remaining_time(void **state)
{
    struct lambda_context context = {0};

    (void)state;
    assert_true(lambda_remaining_ms(&context) == INT64_MAX);
    context.deadline_ms = 1;
    assert_true(lambda_remaining_ms(&context) == 0);
    context.deadline_ms = 4102444800000; /* 2100-01-01 */
    assert_true(lambda_remaining_ms(&context) > 0);
    assert_true(lambda_remaining_ms(&context) < 4102444800000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers_grow_up_to_their_cap),
        cmocka_unit_test(fixed_buffers_stay),
        cmocka_unit_test(numbers),
        cmocka_unit_test(json_strings),
        cmocka_unit_test(error_types_are_made_fit_for_a_header),
        cmocka_unit_test(a_handler_is_selected),
        cmocka_unit_test(the_largest_error_needs_no_memory),
        cmocka_unit_test(responses_stop_at_the_limit),
        cmocka_unit_test(addresses),
        cmocka_unit_test(request_ids_fit_into_a_path),
        cmocka_unit_test(the_trace_id_is_set_and_unset),
        cmocka_unit_test(the_trace_id_is_found_where_it_went),
        cmocka_unit_test(remaining_time),
    };

    return cmocka_run_group_tests_name("runtime_text", tests, NULL, NULL);
}
