#include "host_fixture.h"

#include "engine/host/objects.h"
#include "engine/host/toolchain.h"
#include "lambda/elf.h"
#include "support/fs.h"
#include "support/log.h"
#include "support/own.h"
#include "support/process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static void builds_and_runs(void **state)
{
    struct bench b;
    (void)state;

    bench_init(&b);

    build_well(&b);
    assert_int_equal(b.tree.len, 1);
    assert_string_equal(b.tree.entries[0].path, "var/runtime/bootstrap");
    assert_int_equal(b.tree.entries[0].mode, 0755);
    assert_int_equal(starts(&b, true), 3);
    assert_int_equal(starts(&b, false), 1);
    run_program(&b, "2 .lbuild/runtime/c/rt.c main.c\n");

    AUTO(elf_facts) facts = {0};
    autofree char *program = tree_source(b.tree.entries);
    assert_int_equal(elf_read_file(program, &facts, &b.err), 1);
    assert_true(facts.stripped);

    autofree char *header = path_join(b.project, "include/two.h"),
                  *source = path_join(b.project, "two.c"),
                  *runtime = path_join(b.runtime, "include/rt.h");
    assert_true(strv_contains(&b.inputs, header) && strv_contains(&b.inputs, source) &&
                strv_contains(&b.inputs, runtime));
    bench_release(&b);
}

static void only_what_changed_is_compiled(void **state)
{
    struct bench b;
    (void)state;

    bench_init(&b);
    build_well(&b);

    autofree char *first = tree_source(b.tree.entries);

    build_well(&b);
    assert_int_equal(starts(&b, true) + starts(&b, false), 0);
    assert_false(fs_exists(b.log)); /* not even for a probe */

    autofree char *second = tree_source(b.tree.entries);
    assert_string_equal(second, first);

    put(b.project, "two.c", "#include \"two.h\"\nint two(void) { return 3; }\n");
    build_well(&b);
    assert_int_equal(starts(&b, true), 1);
    assert_int_equal(starts(&b, false), 1);
    run_program(&b, "3 .lbuild/runtime/c/rt.c main.c\n");

    put(b.project, "two.c",
        "#include \"two.h\"\nint two(void) { return 3; }\n"); /* new times, same content */
    build_well(&b);
    assert_int_equal(starts(&b, true), 0);

    put(b.project, "include/two.h", "int two(void); /* both read it */\n");
    build_well(&b);
    assert_int_equal(starts(&b, true), 2);
    assert_int_equal(starts(&b, false), 0); /* the objects came out as they were */

    strv_add(&b.plan.compile_flags, "-DNEW");
    build_well(&b);
    assert_int_equal(starts(&b, true), 2);
    bench_release(&b);
}

/* Adds a file: this many compiles follow, and then none. */
static void add_header(struct bench *b, const char *folder, const char *name, int compiles)
{
    autofree char *text = xasprintf("#include_next <%s>\n",
                                    strncmp(name, "include/", 8) == 0 ? name + 8 : path_base(name));
    put(folder, name, strstr(name, "two.h") ? "int two(void);\n" : text);
    build_well(b);
    if (starts(b, true) != compiles)
        fail_msg("%s: %d compiles, not %d", name, starts(b, true), compiles);
    build_well(b);
    assert_int_equal(starts(b, true), 0);
}

static void a_new_header_comes_first(void **state)
{
    struct bench b;
    (void)state;

    bench_init(&b);
    autofree char *outside = path_join(b.folder, "outside"),
                  *option = xasprintf("-iquote%s", outside);
    strv_release(&b.plan.include_dirs);
    words(&b.plan.include_dirs, "first include");
    strv_add(&b.plan.compile_flags, option);

    put(outside, "unrelated.h", "");
    put(b.project, "main.c",
        "#include \"two.h\"\n#include <sys/types.h>\nint main(void) { return two() == 2; }\n");
    build_well(&b);
    assert_true(strv_contains(&b.inputs, outside));

    add_header(&b, b.project, "first/other.h", 0);
    add_header(&b, b.project, "first/two.h", 2); /* of main.c and two.c */
    add_header(&b, outside, "two.h", 2);
    add_header(&b, b.project, "two.h", 2); /* beside the sources */
    add_header(&b, b.project, "include/sys/unrelated.h", 0);
    add_header(&b, b.project, "include/sys/types.h", 1);
    bench_release(&b);
}

static void damage_in_the_cache_is_repaired(void **state)
{
    struct bench b;
    (void)state;

    bench_init(&b);
    build_well(&b);

    autofree char *program = tree_source(b.tree.entries);
    assert_int_equal(fs_write(program, "damaged", 7, 0755, &b.err), 0);
    build_well(&b);
    assert_int_equal(starts(&b, false), 1);
    run_program(&b, "2 .lbuild/runtime/c/rt.c main.c\n");

    autofree char *objects = path_join(b.store.root, "objects");
    autofree char *truncate = xasprintf("for f in '%s'/[cst]*-*; do : >\"$f\"; done", objects);
    struct process process = {.argv = (const char *const[]){"/bin/sh", "-c", truncate, NULL},
                              .input = -1};
    struct process_result result;
    assert_int_equal(process_run(&process, &result, &b.err), 0);
    build_well(&b);
    run_program(&b, "2 .lbuild/runtime/c/rt.c main.c\n");
    bench_release(&b);
}

static void the_date_is_the_epoch(void **state)
{
    struct bench b;
    (void)state;

    bench_init(&b);
    put(b.project, "two.c",
        "#include <stdio.h>\nint two(void) { puts(__DATE__); fflush(stdout); return 2; }\n");
    build_well(&b);
    run_program(&b, "Sep  9 2001\n2 .lbuild/runtime/c/rt.c main.c\n");

    b.plan.epoch += 86400;
    build_well(&b);
    assert_int_equal(starts(&b, true), 1); /* the one that asks for it */
    run_program(&b, "Sep 10 2001\n2 .lbuild/runtime/c/rt.c main.c\n");
    bench_release(&b);
}

static void same_bytes(const char *flags)
{
    struct bench a, b;

    bench_init(&a);
    bench_init(&b);
    a.jobs = 1;
    words(&a.plan.compile_flags, flags);
    words(&b.plan.compile_flags, flags);
    strv_release(&a.plan.link_flags);
    strv_release(&b.plan.link_flags);
    words(&a.plan.link_flags, "-static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack");
    words(&b.plan.link_flags, "-static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack");

    build_well(&a);

    mode_t mask = umask(077);
    setenv("TZ", "Pacific/Chatham", 1);
    setenv("CPATH", "/nonexistent", 1);
    setenv("LANG", "tr_TR.UTF-8", 1);
    setenv("GCC_COMPARE_DEBUG", "-g0", 1);
    build_well(&b);
    umask(mask);
    unsetenv("TZ");
    unsetenv("CPATH");
    unsetenv("LANG");
    unsetenv("GCC_COMPARE_DEBUG");

    autofree char *one = tree_source(a.tree.entries), *other = tree_source(b.tree.entries);
    assert_string_equal(path_base(one), path_base(other)); /* its digest */

    AUTO(buf) bytes = {0};
    assert_int_equal(fs_read(one, 1 << 26, &bytes, &a.err), 0);
    assert_null(memmem(bytes.data, bytes.len, a.folder, strlen(a.folder)));
    bench_release(&a);
    bench_release(&b);
}

static void same_bytes_anywhere(void **state)
{
    (void)state;
    same_bytes("-g");
}

/* Cases C14: the linker compiles then, and writes the debug information. */
static void same_bytes_with_lto(void **state)
{
    (void)state;
    same_bytes("-g -flto");
}

/* Cases B9: what breaks or changes the project's own sources must not reach the runtime's. */
static void the_runtime_has_settings_of_its_own(void **state)
{
    struct bench b;
    (void)state;

    bench_init(&b);
    put(b.project, "include/stdlib.h", "#error the project's\n");
    put(b.project, "include/rt.h", "#error the project's\n");
    put(b.project, "main.c",
        "int two(void);\n#define _STDLIB_H\nint main(void) { return two(); }\n");
    put(b.runtime, "rt.c",
        "#include <stdlib.h>\n#include <rt.h>\n#ifdef EXTRA\n#error EXTRA\n#endif\n"
        "const char *rt(void) { // no c89\n    return (char *)(const char *)__FILE__;\n}\n");
    words(&b.plan.compile_flags, "-std=c89 -pedantic -Wcast-qual -Werror -DEXTRA=1");
    build_well(&b);

    words(&b.plan.compile_flags, "-DMORE");
    build_well(&b);
    assert_int_equal(starts(&b, true), 2);
    bench_release(&b);
}

static void what_does_not_compile(void **state)
{
    struct bench b;
    AUTO(buf) said = {0};
    (void)state;

    bench_init(&b);
    b.jobs = 1; /* main.c, two.c, and rt.c not at all */
    put(b.project, "two.c", "int two(void) { return nothing; }\n");
    assert_int_equal(build(&b, &said), -1);
    assert_int_equal(b.err.kind, ERROR_BUILD);
    assert_non_null(strstr(b.err.text, "'two.c' did not compile"));
    assert_non_null(strstr(buf_text(&said), "two.c:1:"));

    put(b.project, "two.c", "int two(void) { return 2; }\n");
    build_well(&b);
    assert_int_equal(starts(&b, true), 2); /* objects that were compiled by then are kept */

    put(b.project, "two.c", "int tow(void) { return 2; }\n");
    assert_int_equal(build(&b, &said), -1);
    assert_int_equal(b.err.kind, ERROR_BUILD);
    assert_non_null(strstr(b.err.text, "did not link"));
    assert_non_null(strstr(buf_text(&said), "undefined reference"));

    put(b.project, "two.c", "int two(void) { return 2; }\n");
    strv_add(&b.plan.libraries, "lbuild-no-such-library");
    assert_int_equal(build(&b, &said), -1);
    assert_non_null(strstr(b.err.text, "a static library (libNAME.a) is missing"));
    bench_release(&b);
}

static void what_lambda_could_not_start(void **state)
{
    struct bench b;
    (void)state;

    bench_init(&b);
    strv_add(&b.plan.link_flags, "-Wl,-z,execstack");
    assert_int_equal(build(&b, NULL), -1);
    assert_int_equal(b.err.kind, ERROR_LAMBDA);
    assert_non_null(strstr(b.err.text, "'bootstrap' asks for an executable stack"));

    strv_release(&b.plan.link_flags);
    words(&b.plan.link_flags, "-no-pie"); /* dynamic */
    assert_int_equal(build(&b, NULL), -1);
    assert_int_equal(b.err.kind, ERROR_LAMBDA);
    assert_non_null(strstr(b.err.text, "is not static"));
    bench_release(&b);
}

/* Cases C6: getaddrinfo works from glibc 2.34 on, and in musl; iconv_open does in musl alone. */
static void warnings_of_static_glibc(void **state)
{
    struct bench b;
    AUTO(buf) said = {0};
    struct toolchain toolchain = {0};
    (void)state;

    bench_init(&b);
    put(b.project, "two.c",
        "#include <iconv.h>\n#include <netdb.h>\n#include <stddef.h>\n"
        "int two(void) { struct addrinfo *a; iconv_open(\"UTF-16\", \"UTF-8\");\n"
        "return getaddrinfo(\"x\", NULL, NULL, &a) ? 2 : 1; }\n");
    if (build(&b, &said) != 0)
        fail_msg("%s", b.err.text);
    assert_int_equal(toolchain_find(&b.plan, &b.store, &toolchain, &b.err), 0);
    bool glibc = strcmp(toolchain.libc, "glibc") == 0, old = glibc && toolchain.glibc_minor < 34;
    assert_int_equal(glibc, toolchain.glibc_minor > 0);

    for (int turn = 0; turn < 2; turn++) { /* then from the cache, with the same warnings */
        const char *names = strstr(buf_text(&said), "warning: 'getaddrinfo' can't work");
        const char *charsets = strstr(buf_text(&said), "warning: 'iconv_open' knows only");
        assert_int_equal(names != NULL, old);
        assert_int_equal(charsets != NULL, glibc && toolchain.link_depfile);
        assert_null(strstr(buf_text(&said), "at runtime the shared libraries"));
        assert_null(strstr(buf_text(&said), "in function `"));
        assert_null(strstr(buf_text(&said), "reference to"));
        assert_null(strstr(buf_text(&said), "definition of"));
        if (charsets)
            assert_null(strstr(charsets + 1, "warning: 'iconv_open'"));
        assert_int_equal(build(&b, &said), 0);
    }

    toolchain_release(&toolchain);
    bench_release(&b);
}

/* Cases C7: the word cc1plus alone doesn't mean that there is no C++ compiler. */
static void errors_of_cxx(void **state)
{
    static const struct {
        const char *says;
        int kind;
    } cases[] = {
        {"cc1plus: all warnings being treated as errors", ERROR_BUILD},
        {"a.cc: error: '\\''cc1plus'\\'' was not declared in this scope", ERROR_BUILD},
        {"gcc: fatal error: cannot execute '\\''cc1plus'\\'': execvp: No such file or directory",
         ERROR_ENGINE},
        {"gcc: error trying to exec '\\''cc1plus'\\'': execvp: No such file or directory",
         ERROR_ENGINE},
    };
    struct bench b;
    (void)state;

    bench_init(&b);
    put(b.project, "two.cc", "");
    strv_release(&b.plan.sources);
    words(&b.plan.sources, "two.cc");
    autofree char *path = path_join(b.folder, "cc"), *cc = process_find("cc");
    for (size_t i = 0; i < countof(cases); i++) {
        autofree char *text =
            xasprintf("#!/bin/sh\ncase \"$*\" in *two.cc*) echo '%s' >&2; exit 1;; esac\n"
                      "exec '%s' \"$@\"\n",
                      cases[i].says, cc);
        assert_int_equal(fs_write(path, text, strlen(text), 0755, &b.err), 0);
        assert_int_equal(build(&b, NULL), -1);
        if (b.err.kind != cases[i].kind)
            fail_msg("%s: %s", cases[i].says, b.err.text);
    }
    bench_release(&b);
}

/* Cases C8: a thread of a program with musl has as much stack as with glibc. */
static void stacks_of_musl(void **state)
{
    struct bench b;
    (void)state;
    autofree char *musl = process_find("musl-gcc");

    if (!musl)
        skip();
    bench_init(&b);
    free(b.plan.compiler);
    b.plan.compiler = xstrdup(musl);
    put(b.project, "two.c",
        "#include <pthread.h>\n#include <string.h>\n"
        "static void *run(void *p) { volatile char room[3000000]; memset((char *)room, 1, sizeof "
        "room); return p; }\n"
        "int two(void) { pthread_t t; int x; void *p;\n"
        "return pthread_create(&t, 0, run, &x) || pthread_join(t, &p) || p != &x ? 1 : 2; }\n");
    build_well(&b);
    run_program(&b, "2 .lbuild/runtime/c/rt.c main.c\n");
    bench_release(&b);
}

static void odd_names_and_hostile_flags(void **state)
{
    struct bench b;
    (void)state;

    bench_init(&b);
    strv_release(&b.plan.sources);
    put(b.project, "main.c",
        "#define TEXT_(x) #x\n#define TEXT(x) TEXT_(x)\n#include \"two.h\"\n#include <stdio.h>\n"
        "int main(void) { printf(\"%d %s\\n\", two(), HOSTILE); return 0; }\n");
    put(b.project, "-two $(touch x) 'q'#.c", "#include \"a b$.h\"\nint two(void) { return 2; }\n");
    put(b.project, "include/a b$.h", "int two(void);\n");
    strv_add(&b.plan.sources, "main.c");
    strv_add(&b.plan.sources, "-two $(touch x) 'q'#.c");
    strv_add(&b.plan.compile_flags, "-DHOSTILE=\"$(id)`id`;|&\"");

    build_well(&b);
    run_program(&b, "2 $(id)`id`;|&\n");
    build_well(&b);
    assert_int_equal(starts(&b, true), 0);
    put(b.project, "include/a b$.h", "int two(void); \n");
    build_well(&b);
    assert_int_equal(starts(&b, true), 1); /* its name came through the dependency file */
    bench_release(&b);
}

static void no_compiler(void **state)
{
    struct bench b;
    (void)state;

    bench_init(&b);
    free(b.plan.compiler);
    b.plan.compiler = xstrdup("/nonexistent/cc");
    assert_int_equal(build(&b, NULL), -1);
    assert_int_equal(b.err.kind, ERROR_ENGINE);
    assert_non_null(strstr(b.err.text, "'/nonexistent/cc' is not installed"));
    assert_int_equal(engine_find("host")->available(&b.plan, &b.options, &b.err), -1);

    free(take(b.plan.compiler));

    autofree char *path = xstrdup(getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
    setenv("PATH", b.folder, 1);
    unlink("cc");

    autofree char *cc = path_join(b.folder, "cc");
    unlink(cc);

    int result = build(&b, NULL),
        available = engine_find("host")->available(&b.plan, &b.options, &b.err);
    setenv("PATH", path, 1);
    assert_int_equal(result, -1);
    assert_int_equal(available, -1);
    assert_int_equal(b.err.kind, ERROR_ENGINE);
    assert_non_null(strstr(b.err.text, "no C compiler here links static programs for"));
    assert_non_null(strstr(b.err.text, "; install one: "));
    bench_release(&b);
}

/* An interrupted build leaves no compiler, no temporary file, and a store that works. In a process
 * of its own. */
static void interrupted_builds_clean_up(void **state)
{
    struct bench b;
    int status = 0;
    (void)state;

    bench_init(&b);
    b.jobs = 1; /* one signal: a second one would end it on the spot */

    autofree char *slow = xasprintf(
        "#!/bin/sh\ncase \"$*\" in *-c*) kill -TERM $PPID; sleep 30;; esac\nexec cc \"$@\"\n");
    autofree char *path = path_join(b.folder, "cc"),
                  *work = path_join(b.store.root, "objects/work");
    assert_int_equal(fs_write(path, slow, strlen(slow), 0755, &b.err), 0);

    pid_t pid = fork();
    if (pid == 0) {
        process_catch_signals();
        int result = build(&b, NULL);
        _exit(result == -1 && b.err.kind == 128 + SIGTERM ? 42 : 1);
    }

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
    assert_int_equal(rmdir(work), 0); /* empty */
    wrapper(&b, NULL);
    build_well(&b);
    bench_release(&b);
}

static void a_compiler_of_the_project(void **state)
{
    struct bench b;
    (void)state;

    bench_init(&b);
    autofree char *from = path_join(b.folder, "cc"), *to = path_join(b.project, "tools/cc"),
                  *dir = path_join(b.project, "tools");
    assert_int_equal(fs_mkdirs(dir, &b.err), 0);
    assert_int_equal(rename(from, to), 0);
    free(b.plan.compiler);
    b.plan.compiler = xstrdup("tools/cc -DEXTRA");

    assert_int_equal(engine_find("host")->available(&b.plan, &b.options, &b.err), 0);
    build_well(&b);
    assert_int_equal(starts(&b, true), 3);
    strv_add(&b.plan.link_inputs, "-fuse-ld=bfd");    /* such words follow an archive */
    if (build(&b, NULL) == 0 && build(&b, NULL) == 0) /* where ld.bfd is: not asked for a list */
        assert_int_equal(starts(&b, false), 1);
    bench_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builds_and_runs),
        cmocka_unit_test(only_what_changed_is_compiled),
        cmocka_unit_test(a_new_header_comes_first),
        cmocka_unit_test(damage_in_the_cache_is_repaired),
        cmocka_unit_test(the_date_is_the_epoch),
        cmocka_unit_test(same_bytes_anywhere),
        cmocka_unit_test(same_bytes_with_lto),
        cmocka_unit_test(the_runtime_has_settings_of_its_own),
        cmocka_unit_test(what_does_not_compile),
        cmocka_unit_test(what_lambda_could_not_start),
        cmocka_unit_test(warnings_of_static_glibc),
        cmocka_unit_test(errors_of_cxx),
        cmocka_unit_test(stacks_of_musl),
        cmocka_unit_test(odd_names_and_hostile_flags),
        cmocka_unit_test(no_compiler),
        cmocka_unit_test(interrupted_builds_clean_up),
        cmocka_unit_test(a_compiler_of_the_project),
    };

    /* The compilers of other architectures and libraries are test_toolchain's; this one needs the
     * native one. */
    autofree char *compiler = process_find("cc");
    if (!compiler) {
        fprintf(stderr, "no C compiler named cc in PATH: skipped\n");
        return 77;
    }

    log_set_level(LOG_QUIET);
    return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
