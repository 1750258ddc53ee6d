#include "host_fixture.h"

#include "support/log.h"

/* What the host engine takes for an input besides sources and headers. */

/* Changes a file: the program says something else, and the next build has nothing to do, or must
 * know that it can't know. */
static void change(struct bench *b, const char *name, const char *text, const char *expected)
{
    put(b->project, name, text);
    build_well(b);
    run_program(b, expected);
    build_well(b);
    assert_int_equal(starts(b, true) > 0, b->unlisted);
    run_program(b, expected);
}

static void embed(struct bench *b)
{
    strv_add(&b->plan.sources, "data.S");
    strv_add(&b->plan.sources, "more.s");
    put(b->project, "data.S",
        "#define NAME \"data.bin\"\n.data\n.globl data\ndata: .incbin NAME\n.byte 0\n"
        ".section .note.GNU-stack,\"\",@progbits\n");
    put(b->project, "more.s",
        ".data\n.globl more\nmore: .include \"more.inc\"\n.byte 0\n"
        ".section .note.GNU-stack,\"\",@progbits\n");
    put(b->project, "two.c",
        "#include \"two.h\"\nint two(void) { return 2; }\n__asm__(\".data\\n.globl last\\n"
        "last: .incbin \\\"last.bin\\\"\\n.byte 0\\n.text\");\n");
    put(b->project, "main.c",
        "#include <stdio.h>\nextern char data[], more[], last[];\nint two(void);\n"
        "int main(void) { printf(\"%d %s %s %s\\n\", two(), data, more, last); return 0; }\n");
    put(b->project, "data.bin", "a");
    put(b->project, "include/more.inc", ".ascii \"b\"\n");
    put(b->project, "last.bin", "c");
    build_well(b);
    run_program(b, "2 a b c\n");
}

static void change_embedded(struct bench *b)
{
    embed(b);
    change(b, "data.bin", "A1", "2 A1 b c\n");
    change(b, "include/more.inc", ".ascii \"B1\"\n", "2 A1 B1 c\n");
    change(b, "last.bin", "C1", "2 A1 B1 C1\n");
}

/* Cases A7: .incbin and .include, which only the assembler sees. */
static void embedded_files_are_inputs(void **state)
{
    struct bench b;
    (void)state;

    bench_init(&b);
    change_embedded(&b);
    autofree char *data = path_join(b.project, "data.bin"),
                  *more = path_join(b.project, "include/more.inc");
    if (!b.unlisted) /* gas */
        assert_true(strv_contains(&b.inputs, data) && strv_contains(&b.inputs, more));
    bench_release(&b);
}

/* Cases A7: the same where nobody lists these files. */
static void embedded_files_without_a_list(void **state)
{
    struct bench b;
    (void)state;
    autofree char *clang = process_find("clang");

    bench_init(&b);
    strv_add(&b.plan.compile_flags, "-flto"); /* the linker assembles two.c */
    change_embedded(&b);
    assert_true(b.unlisted);
    bench_release(&b);

    if (!clang)
        skip();
    bench_init(&b);
    wrapper(&b, clang);
    change_embedded(&b);
    assert_true(b.unlisted);
    bench_release(&b);
}

/* A .s file that embeds nothing is compiled once, whether the assembler lists files or not. */
static void plain_assembly(void **state)
{
    static const char *const flags[] = {"-O1", "-flto"};
    (void)state;

    for (size_t i = 0; i < countof(flags); i++) {
        struct bench b;
        bench_init(&b);
        strv_add(&b.plan.sources, "three.s");
        strv_add(&b.plan.compile_flags, flags[i]);
        put(b.project, "two.c",
            "#include \"two.h\"\nstruct { int include_dirs, x; } c = {1, 2};\n"
            "int two(void) { return c.include_dirs + c.x; }\n");
        put(b.project, "three.s",
            ".data\n.globl three\nthree: .byte 3\n"
            ".section .note.GNU-stack,\"\",@progbits\n");
        build_well(&b);
        build_well(&b);
        assert_int_equal(starts(&b, true), 0);
        assert_false(b.unlisted);
        bench_release(&b);
    }
}

/* Cases A7: option files, and other files that only the command names. */
static void option_files_are_inputs(void **state)
{
    struct bench b;
    (void)state;

    bench_init(&b);
    put(b.project, "two.c", "#include \"two.h\"\nint two(void) { return TWO + THREE; }\n");
    put(b.project, "flags.opt", "-DTWO=2\n@more.opt\n");
    put(b.project, "more.opt", "-DTHREE=3");
    put(b.project, "link.opt", "-Wl,--defsym=x=1");
    strv_add(&b.plan.compile_flags, "@flags.opt");
    strv_add(&b.plan.link_flags, "@link.opt");
    build_well(&b);
    run_program(&b, "5 .lbuild/runtime/c/rt.c main.c\n");

    change(&b, "flags.opt", "-DTWO=4\n@more.opt\n", "7 .lbuild/runtime/c/rt.c main.c\n");
    change(&b, "more.opt", "-DTHREE=5", "9 .lbuild/runtime/c/rt.c main.c\n");
    put(b.project, "link.opt", "-Wl,--defsym=x=2");
    build_well(&b);
    assert_int_equal(starts(&b, false), 1);
    build_well(&b);
    assert_int_equal(starts(&b, false), 0);

    put(b.project, "link.opt", "-flto -march=native"); /* cases A10 */
    assert_int_equal(build(&b, NULL), -1);
    assert_int_equal(b.err.kind, ERROR_PROJECT);
    assert_non_null(strstr(b.err.text, "link-flags: '-march=native'"));
    bench_release(&b);
}

/* The linker's map is no input, however the command names it. */
static void maps_are_no_inputs(void **state)
{
    static const char *const options[] = {"-Wl,-Map=out.map", "-Wl,-Map,out.map",
                                          "-Wl,-Map -Wl,out.map", "-Xlinker -Map -Xlinker out.map"};
    (void)state;

    for (size_t i = 0; i < countof(options); i++) {
        struct bench b;
        bench_init(&b);
        words(&b.plan.link_flags, options[i]);
        build_well(&b);
        put(b.project, "two.c", "#include \"two.h\"\nint two(void) { return 3; }\n");
        build_well(&b);
        run_program(&b, "3 .lbuild/runtime/c/rt.c main.c\n");
        build_well(&b);
        assert_int_equal(starts(&b, false), 0);
        bench_release(&b);
    }
}

static void run_in(struct bench *b, const char *const *argv)
{
    struct process_result result;
    struct process process = {.argv = argv, .dir = b->project, .input = -1};
    assert_int_equal(process_run(&process, &result, &b->err), 0);
    assert_int_equal(result.status, 0);
}

/* Cases C16: an archive of the project, which is an input, too. */
static void archives_by_path(void **state)
{
    static const char *const compile[] = {"cc", "-c", "three.c", NULL};
    static const char *const pack[] = {"ar", "rc", "libthree.a", "three.o", NULL};
    struct bench b;
    (void)state;
    autofree char *ar = process_find("ar");

    if (!ar)
        skip();
    bench_init(&b);
    put(b.project, "two.c", "int three(void);\nint two(void) { return three(); }\n");
    put(b.project, "three.c", "int three(void) { return 3; }\n");
    run_in(&b, compile);
    run_in(&b, pack);
    strv_add(&b.plan.link_inputs, "libthree.a");
    build_well(&b);
    run_program(&b, "3 .lbuild/runtime/c/rt.c main.c\n");

    put(b.project, "three.c", "int three(void) { return 4; }\n");
    run_in(&b, compile);
    run_in(&b, pack);
    build_well(&b);
    run_program(&b, "4 .lbuild/runtime/c/rt.c main.c\n");
    bench_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embedded_files_are_inputs),
        cmocka_unit_test(embedded_files_without_a_list),
        cmocka_unit_test(plain_assembly),
        cmocka_unit_test(option_files_are_inputs),
        cmocka_unit_test(maps_are_no_inputs),
        cmocka_unit_test(archives_by_path),
    };

    autofree char *compiler = process_find("cc");
    if (!compiler) {
        fprintf(stderr, "no C compiler named cc in PATH: skipped\n");
        return 77;
    }

    log_set_level(LOG_QUIET);
    return cmocka_run_group_tests_name("host inputs", tests, NULL, NULL);
}
