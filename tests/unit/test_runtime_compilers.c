/* The C runtime and a handler, built by every compiler that's here, as lbuild and the Dockerfile
 * build them: each program is static, small, and answers events. */
#include "../fakes/runtime_api.h"
#include "unit.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct build {
    const char *name;
    const char *compiler[6]; /* and its own options */
    const char *cxx;         /* compiles the handler, if it's to be C++ */
    off_t size_max;          /* bytes; 0 = no promise */
    const char *runner;      /* what starts the program, if it isn't for this machine */
    const char
        *standard; /* of the C++ handlers in CXX_SOURCE; NULL: the handler is the example in C */
};

#define C_SOURCE "examples/two-handlers/handler.c"
#define CXX_SOURCE "tests/unit/runtime_cpp.cpp"

static const struct build builds[] = {
    {"gcc, glibc", {"gcc", "-std=gnu11"}, NULL, 800000, NULL, NULL},
    {"gcc, plain C11", {"gcc", "-std=c11", "-Wpedantic"}, NULL, 800000, NULL, NULL},
    {"gcc, C17", {"gcc", "-std=c17", "-O3", "-D_FORTIFY_SOURCE=2"}, NULL, 0, NULL, NULL},
    {"clang, glibc", {"clang", "-std=gnu11"}, NULL, 800000, NULL, NULL},
    {"gcc, musl", {"musl-gcc", "-std=gnu11"}, NULL, 80000, NULL, NULL},
    {"gcc, aarch64",
     {"aarch64-linux-gnu-gcc", "-std=gnu11"},
     NULL,
     800000,
     "qemu-aarch64-static",
     NULL},
    {"gcc and g++", {"gcc"}, "g++", 800000, NULL, NULL},
    {"clang and clang++", {"clang"}, "clang++", 800000, NULL, NULL},
    {"g++, C++17", {"gcc"}, "g++", 1000000, NULL, "-std=c++17"},
    {"clang++, C++20", {"clang"}, "clang++", 1000000, NULL, "-std=c++20"},
};

static char *find_program(const char *name)
{
    char *path = strdup(getenv("PATH"));
    char *found = NULL;

    assert_non_null(path);
    for (char *rest = path, *folder; !found && (folder = strsep(&rest, ":"));) {
        if (asprintf(&found, "%s/%s", folder, name) < 0)
            abort();
        if (access(found, X_OK) != 0) {
            free(found);
            found = NULL;
        }
    }
    free(path);
    return found;
}

static int run(const char *const argv[])
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    assert_int_equal(child, waitpid(child, &status, 0));
    return status;
}

struct arguments {
    const char *list[64];
    size_t count;
    char *made[64]; /* the words that are ours to free */
    size_t made_count;
};

static void add(struct arguments *arguments, const char *argument)
{
    assert_true(arguments->count < 63);
    arguments->list[arguments->count++] = argument;
}

static void add_path(struct arguments *arguments, const char *before, const char *folder,
                     const char *name)
{
    char **path = &arguments->made[arguments->made_count++];

    if (asprintf(path, "%s%s/%s", before, folder, name) < 0)
        abort();
    add(arguments, *path);
}

static void run_and_free(struct arguments *arguments)
{
    assert_int_equal(0, run(arguments->list));
    while (arguments->made_count > 0)
        free(arguments->made[--arguments->made_count]);
}

/* source in top as C++, to object; NULL: to nowhere */
static void compile_cxx(const char *cxx, const char *standard, const char *top, const char *source,
                        const char *object)
{
    struct arguments arguments = {.count = 0};

    add(&arguments, cxx);
    if (standard)
        add(&arguments, standard);
    for (const char *const *option =
             (const char *const[]){"-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion",
                                   "-Werror", NULL};
         *option; option++)
        add(&arguments, *option);
    add(&arguments, object ? "-c" : "-fsyntax-only");
    add(&arguments, "-O2");
    add(&arguments, "-xc++");
    if (object) {
        add(&arguments, "-o");
        add(&arguments, object);
    }

    add_path(&arguments, "-I", top, "runtimes/c/include");
    add_path(&arguments, "", top, source);
    run_and_free(&arguments);
}

/* The runtime in top with its example handler, or with folder/handler.o, to folder/bootstrap */
static void compile(const struct build *build, const char *compiler, const char *top,
                    const char *folder)
{
    struct arguments arguments = {.count = 0};
    char *sources = NULL;

    add(&arguments, compiler);
    for (size_t i = 1; build->compiler[i]; i++)
        add(&arguments, build->compiler[i]);
    for (const char *const *option = (const char *const[]){"-Wall", "-Wextra", "-Werror", "-O2",
                                                           "-static", "-s", "-o", NULL};
         *option; option++)
        add(&arguments, *option);
    add_path(&arguments, "", folder, "bootstrap");
    add_path(&arguments, "-I", top, "runtimes/c/include");
    if (build->cxx)
        add_path(&arguments, "", folder, "handler.o");
    else
        add_path(&arguments, "", top, C_SOURCE);

    if (asprintf(&sources, "%s/runtimes/c", top) < 0)
        abort();

    DIR *entries = opendir(sources);
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries));) {
        size_t length = strlen(entry->d_name);
        if (length > 2 && strcmp(entry->d_name + length - 2, ".c") == 0)
            add_path(&arguments, "", sources, entry->d_name);
    }

    closedir(entries);
    if (build->standard)
        add(&arguments, "-lstdc++");
    run_and_free(&arguments);
    free(sources);
}

/* Start the program as Lambda does, for the handler of that name. */
static void start(struct runtime_api *api, const char *runner, char *program, const char *handler)
{
    char *argv[] = {program, (char *)handler, NULL};
    char *emulated[] = {(char *)runner, program, (char *)handler, NULL};

    unsetenv("_HANDLER");
    runtime_api_open(api);
    runtime_api_start(api, NULL, runner ? emulated : argv);
}

/* Tell it to end at its next request. */
static void end(struct runtime_api *api)
{
    struct runtime_request request;

    runtime_api_receive(api, &request);
    free(request.body);
    runtime_api_send_status(api, 500, "InternalServerError");
    assert_int_equal(1, runtime_api_finish(api, NULL, 0));
}

/* Sends one event and checks the answer or the error. type: of the content, or of the error. */
static void expect(struct runtime_api *api, const char *event, const char *type, const char *body)
{
    struct runtime_request request;

    runtime_api_invoke(api, "id", "Lambda-Runtime-Deadline-Ms: 4102444800000\r\n", event,
                       strlen(event), &request);
    assert_string_equal(type, request.error_type[0] ? request.error_type : request.content_type);
    assert_string_equal(body, request.body);
    free(request.body);
    runtime_api_send_status(api, 202, NULL);
}

#define JSON "application/json"
#define ERROR_TEXT(type, message)                                                                  \
    type, "{\"errorMessage\":\"" message "\",\"errorType\":\"" type "\",\"stackTrace\":[]}"

static void serve(const char *runner, char *program)
{
    struct runtime_api api;

    unsetenv("GREETING");
    start(&api, runner, program, "greet");
    for (int i = 1; i <= 3; i++) {
        char expected[64];
        snprintf(expected, sizeof expected,
                 "{\"number\":%d,\"greeting\":\"Hello\",\"to\":\"\\\"you\\\"\"}", i);
        expect(&api, "\"you\"", JSON, expected);
    }
    end(&api);
}

/* The handlers of CXX_SOURCE. */
static void serve_cxx(char *program)
{
    struct runtime_api api;
    struct runtime_request request;

    setenv("GREETING", "Good morning,", 1);
    start(&api, NULL, program, "greet");
    expect(&api, "you", JSON, "Good morning, you id");
    end(&api);
    setenv("GREETING", "", 1);
    start(&api, NULL, program, "greet");
    runtime_api_receive(&api, &request);
    assert_string_equal("init/error", request.path);
    assert_string_equal("Function.NoGreeting", request.error_type);
    assert_non_null(strstr(request.body, "\"nothing to greet with in greet\""));
    free(request.body);
    runtime_api_send_status(&api, 202, NULL);
    assert_int_equal(1, runtime_api_finish(&api, NULL, 0));
    unsetenv("GREETING");

    start(&api, NULL, program, "same");
    expect(&api, "", JSON, "");
    expect(&api, "{\"a\":1}", JSON, "{\"a\":1}");
    end(&api);
    start(&api, NULL, program, "write");
    expect(&api, "\"", "text/plain", "\"\\\"\"");
    end(&api);
    start(&api, NULL, program, "count");
    for (int i = 0; i < 20; i++)
        expect(&api, "event", JSON, "in time event 0"); /* nothing is allocated */
    end(&api);
    start(&api, NULL, program, "fail");
    expect(&api, "error", ERROR_TEXT("Function.NoSuchOrder", "there is no order 7, 100%s"));
    expect(&api, "logic", ERROR_TEXT("Function.Exception", "not \\\"logical\\\""));
    expect(&api, "memory",
           ERROR_TEXT("Function.OutOfMemory", "there is no memory for the handler"));
    expect(&api, "number",
           ERROR_TEXT("Function.UnknownException",
                      "the handler threw something other than a std::exception"));
    expect(
        &api, "large",
        ERROR_TEXT("Function.ResponseSizeTooLarge", "the response is larger than 6291556 bytes"));
    end(&api);
}

static char *folder_file(const char *folder, const char *name)
{
    char *path = NULL;

    if (asprintf(&path, "%s/%s", folder, name) < 0)
        abort();
    return path;
}

/* The program's path, or NULL after saying that it isn't here. */
static char *need(const char *name)
{
    char *path = find_program(name);

    if (!path)
        print_message("%s isn't installed\n", name);
    return path;
}

static void built_by(void **state)
{
    const struct build *build = *state;
    const char *top = getenv("srcdir") ? getenv("srcdir") : ".";
    char *compiler = need(build->compiler[0]);
    char *cxx = build->cxx ? need(build->cxx) : NULL;
    char *runner = build->runner ? need(build->runner) : NULL;
    struct stat facts;

    if (!compiler || (build->cxx && !cxx)) {
        free(compiler);
        free(cxx);
        free(runner);
        skip();
    }

    char *folder = unit_folder();
    char *program = folder_file(folder, "bootstrap");
    char *object = folder_file(folder, "handler.o");
    if (cxx)
        compile_cxx(cxx, build->standard, top, build->standard ? CXX_SOURCE : C_SOURCE, object);
    compile(build, compiler, top, folder);
    assert_int_equal(0, stat(program, &facts));
    if (build->size_max && facts.st_size > build->size_max)
        fail_msg("%s: %lld bytes", build->name, (long long)facts.st_size);
    if (build->standard)
        serve_cxx(program);
    else if (!build->runner || runner)
        serve(runner, program);

    unlink(program);
    unlink(object);
    rmdir(folder);
    free(object);
    free(program);
    free(folder);
    free(runner);
    free(cxx);
    free(compiler);
}

/* lambda_runtime.h says C++11, lambda_runtime.hpp C++17. */
static void headers_in_each_standard(void **state)
{
    static const char *const compilers[] = {"g++", "clang++"};
    static const char *const standards[] = {"-std=c++11", "-std=c++14", "-std=c++17", "-std=c++20"};
    const char *top = getenv("srcdir") ? getenv("srcdir") : ".";
    size_t compiled = 0;

    (void)state;

    for (size_t i = 0; i < sizeof compilers / sizeof *compilers; i++) {
        char *cxx = need(compilers[i]);
        for (size_t j = 0; cxx && j < sizeof standards / sizeof *standards; j++, compiled++) {
            compile_cxx(cxx, standards[j], top, C_SOURCE, NULL);
            if (j >= 2)
                compile_cxx(cxx, standards[j], top, CXX_SOURCE, NULL);
        }
        free(cxx);
    }

    if (compiled == 0)
        skip();
}

int main(void)
{
    enum { BUILDS = sizeof builds / sizeof *builds };
    struct CMUnitTest tests[BUILDS + 1] = {[BUILDS] = cmocka_unit_test(headers_in_each_standard)};

    for (size_t i = 0; i < BUILDS; i++)
        tests[i] = (struct CMUnitTest){builds[i].name, built_by, NULL, NULL, (void *)&builds[i]};
    return cmocka_run_group_tests_name("runtime_compilers", tests, NULL, NULL);
}
