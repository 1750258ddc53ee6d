/* The C runtime and a handler, built by every compiler that's here, as lbuild and the Dockerfile build them:
 * each program is static, small, and answers events. */
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
};

static const struct build builds[] = {
    {"gcc, glibc", {"gcc", "-std=gnu11"}, NULL, 800000, NULL},
    {"gcc, plain C11", {"gcc", "-std=c11", "-Wpedantic"}, NULL, 800000, NULL},
    {"gcc, C17", {"gcc", "-std=c17", "-O3", "-D_FORTIFY_SOURCE=2"}, NULL, 0, NULL},
    {"clang, glibc", {"clang", "-std=gnu11"}, NULL, 800000, NULL},
    {"gcc, musl", {"musl-gcc", "-std=gnu11"}, NULL, 80000, NULL},
    {"gcc, aarch64", {"aarch64-linux-gnu-gcc", "-std=gnu11"}, NULL, 800000, "qemu-aarch64-static"},
    {"gcc and g++", {"gcc"}, "g++", 800000, NULL},
    {"clang and clang++", {"clang"}, "clang++", 800000, NULL},
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
    char *made[64]; /* those that are ours to free */
    size_t made_count;
};

static void add(struct arguments *arguments, const char *argument)
{
    assert_true(arguments->count < 63);
    arguments->list[arguments->count++] = argument;
}

static void add_path(struct arguments *arguments, const char *before, const char *folder, const char *name)
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

/* top's example handler as C++, to folder/handler.o */
static void compile_cxx(const char *cxx, const char *top, const char *folder)
{
    struct arguments arguments = {.count = 0};

    add(&arguments, cxx);
    for (const char *const *option = (const char *const[]){"-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O2",
                                                           "-c", "-x", "c++", "-o", NULL};
         *option; option++)
        add(&arguments, *option);
    add_path(&arguments, "", folder, "handler.o");
    add_path(&arguments, "-I", top, "runtimes/c/include");
    add_path(&arguments, "", top, "examples/two-handlers/handler.c");
    run_and_free(&arguments);
}

/* The runtime in top with its example handler, or with folder/handler.o, to folder/bootstrap */
static void compile(const struct build *build, const char *compiler, const char *top, const char *folder)
{
    struct arguments arguments = {.count = 0};
    char *sources = NULL;

    add(&arguments, compiler);
    for (size_t i = 1; build->compiler[i]; i++)
        add(&arguments, build->compiler[i]);
    for (const char *const *option =
             (const char *const[]){"-Wall", "-Wextra", "-Werror", "-O2", "-static", "-s", "-o", NULL};
         *option; option++)
        add(&arguments, *option);
    add_path(&arguments, "", folder, "bootstrap");
    add_path(&arguments, "-I", top, "runtimes/c/include");
    if (build->cxx)
        add_path(&arguments, "", folder, "handler.o");
    else
        add_path(&arguments, "", top, "examples/two-handlers/handler.c");

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
    run_and_free(&arguments);
    free(sources);
}

static void serve(const char *runner, char *program)
{
    char greet[] = "greet";
    char *argv[] = {program, greet, NULL};
    char *emulated[] = {(char *)runner, program, greet, NULL};
    struct runtime_api api;
    struct runtime_request request;

    unsetenv("_HANDLER");
    unsetenv("GREETING");
    runtime_api_open(&api);
    runtime_api_start(&api, NULL, runner ? emulated : argv);
    for (int i = 1; i <= 3; i++) {
        char expected[64];
        runtime_api_invoke(&api, "id", "", "\"you\"", 5, &request);
        snprintf(expected, sizeof expected, "{\"number\":%d,\"greeting\":\"Hello\",\"to\":\"\\\"you\\\"\"}",
                 i);
        assert_string_equal(expected, request.body);
        free(request.body);
        runtime_api_send_status(&api, 202, NULL);
    }
    runtime_api_receive(&api, &request);
    free(request.body);
    runtime_api_send_status(&api, 500, "InternalServerError");
    assert_int_equal(1, runtime_api_finish(&api, NULL, 0));
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
        compile_cxx(cxx, top, folder);
    compile(build, compiler, top, folder);
    assert_int_equal(0, stat(program, &facts));
    if (build->size_max && facts.st_size > build->size_max)
        fail_msg("%s: %lld bytes", build->name, (long long)facts.st_size);
    if (!build->runner || runner)
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

int main(void)
{
    struct CMUnitTest tests[sizeof builds / sizeof *builds];

    for (size_t i = 0; i < sizeof builds / sizeof *builds; i++)
        tests[i] = (struct CMUnitTest){builds[i].name, built_by, NULL, NULL, (void *)&builds[i]};
    return cmocka_run_group_tests_name("runtime_compilers", tests, NULL, NULL);
}
