/* docs/runtime-c.md, word for word: its programs, built by its commands, answer as it says. */
#include "../../src/support/buf.h"
#include "../../src/support/fs.h"
#include "../../src/support/own.h"
#include "../../src/support/process.h"
#include "../fakes/runtime_api.h"
#include "unit.h"

#include <unistd.h>

static const char *top(void)
{
    return getenv("srcdir") ? getenv("srcdir") : ".";
}

/* The code block of that kind that contains needle; the caller frees it. */
static char *block(const char *kind, const char *needle)
{
    struct error err = {0};
    AUTO(buf) page = {0};
    autofree char *path = path_join(top(), "docs/runtime-c.md");
    autofree char *fence = NULL;

    assert_int_equal(0, fs_read(path, 1 << 20, &page, &err));
    if (asprintf(&fence, "\n```%s\n", kind) < 0)
        abort();
    for (char *at = page.data; (at = strstr(at, fence)); at++) {
        char *code = at + strlen(fence);
        char *end = strstr(code, "```\n");
        assert_non_null(end);
        autofree char *text = strndup(code, (size_t)(end - code));
        if (strstr(text, needle))
            return take(text);
    }

    fail_msg("docs/runtime-c.md has no block of %s with %s", kind, needle);
    return NULL;
}

/* A folder in which the page's commands find what they name. */
static char *checkout(void)
{
    char *folder = unit_folder();

    for (const char *const *name = (const char *const[]){"runtimes", "examples", NULL}; *name;
         name++) {
        autofree char *source = path_join(top(), *name);
        autofree char *target = realpath(source, NULL);
        autofree char *link = path_join(folder, *name);
        assert_non_null(target);
        assert_int_equal(0, symlink(target, link));
    }
    return folder;
}

static void write_file(const char *folder, const char *name, const char *text)
{
    struct error err = {0};
    autofree char *path = path_join(folder, name);

    assert_int_equal(0, fs_keep(path, text, strlen(text), &err));
}

static void run(const char *folder, const char *commands)
{
    struct error err = {0};
    const char *const argv[] = {"sh", "-ec", commands, NULL};
    const struct process process = {.argv = argv, .dir = folder, .input = -1};
    struct process_result result = {0};

    assert_int_equal(0, process_run(&process, &result, &err));
    assert_int_equal(0, result.status);
}

static bool have(const char *name)
{
    autofree char *path = process_find(name);

    if (!path)
        print_message("%s isn't installed\n", name);
    return path != NULL;
}

/* One event for that handler of folder/bootstrap; the answer or error must have
 * this type and body. */
static void expect(const char *folder, const char *handler, const char *event, const char *type,
                   const char *body)
{
    autofree char *program = path_join(folder, "bootstrap");
    char *argv[] = {program, (char *)handler, NULL};
    struct runtime_api api;
    struct runtime_request request;

    unsetenv("_HANDLER");
    runtime_api_open(&api);
    runtime_api_start(&api, NULL, argv);
    runtime_api_invoke(&api, "id", "", event, strlen(event), &request);
    assert_string_equal(type, request.error_type[0] ? request.error_type : request.content_type);
    assert_string_equal(body, request.body);
    free(request.body);
    runtime_api_send_status(&api, 500, "InternalServerError");
    assert_int_equal(1, runtime_api_finish(&api, NULL, 0));
}

static void remove_folder(const char *folder)
{
    struct error err = {0};

    assert_int_equal(0, fs_remove(folder, &err));
}

static void a_c_function(void **state)
{
    (void)state;
    if (!have("musl-gcc"))
        skip();
    autofree char *folder = checkout();
    autofree char *commands = block("sh", "musl-gcc");
    run(folder, commands);
    expect(folder, "hello", "[1]", "application/json", "{\"hello\":[1]}");
    remove_folder(folder);
}

static void a_cpp_function(void **state)
{
    (void)state;

    if (!have("gcc") || !have("g++"))
        skip();
    autofree char *folder = checkout();
    autofree char *source = block("cpp", "lambda_runtime.hpp");
    autofree char *commands = block("sh", "g++");
    write_file(folder, "handler.cpp", source);
    run(folder, commands);
    expect(folder, "order", "8", "application/json", "{\"order\":8}");
    expect(folder, "order", "7", "Function.NoSuchOrder",
           "{\"errorMessage\":\"there is no order 7\",\"errorType\":\"Function.NoSuchOrder\","
           "\"stackTrace\":[]}");
    expect(folder, "quote", "\"", "text/plain", "You said \"\\\"\"");
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_c_function),
        cmocka_unit_test(a_cpp_function),
    };
    return cmocka_run_group_tests_name("runtime_docs", tests, NULL, NULL);
}
