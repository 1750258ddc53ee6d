#include "unit.h"

#include "plan/plan.h"
#include "support/fs.h"
#include "support/glob.h"
#include "support/own.h"

static void globs(void **state)
{
    static const struct {
        const char *pattern, *path;
        bool matches;
    } cases[] = {
        {"*.c", "a.c", true},
        {"*.c", "src/a.c", false},
        {"src/*.c", "src/a.c", true},
        {"src/*.c", "src/x/a.c", false},
        {"**/*.c", "a.c", true},
        {"**/*.c", "x/y/a.c", true},
        {"src/**", "src/x/y", true},
        {"src/**/a.c", "src/a.c", true},
        {"src/**/a.c", "src/b/c/a.c", true},
        {"a?.c", "ab.c", true},
        {"a?.c", "a.c", false},
        {"[a-c].c", "b.c", true},
        {"[!a-c].c", "b.c", false},
        {"[]].c", "].c", true},
        {"[a.c", "[a.c", true},
        {"\\*.c", "*.c", true},
        {"\\*.c", "a.c", false},
        {"a*b*c*d", "axbxcxd", true},
        {"a*b*c*d", "axbxcx", false},
        {"./a.c", "a.c", true},
        {"src/", "src/a.c", false},
        {"*", "", true},
        {"a/**/b/**/c", "a/x/b/y/c", true},
        {"a[/]b", "a/b", false},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++)
        if (glob_match(cases[i].pattern, cases[i].path) != cases[i].matches)
            fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].path);
}

/* D11: many "**" over many folders. When they are tried in every combination, this takes hours. */
static void many_folders(void **state)
{
    AUTO(buf) pattern = {0}, path = {0};
    (void)state;

    for (int i = 0; i < 20; i++)
        buf_adds(&pattern, "**/");
    for (int i = 0; i < 400; i++)
        buf_adds(&path, "d/");
    buf_adds(&pattern, "x.c");
    buf_adds(&path, "x.h");
    assert_false(glob_match(buf_text(&pattern), buf_text(&path)));
    path.data[path.len - 1] = 'c';
    assert_true(glob_match(buf_text(&pattern), buf_text(&path)));
}

struct fixture {
    char *folder;
    struct project project;
    struct provenance provenance;
    struct template template;
    struct strv files, runtime, tags;
    struct plan_facts facts;
    struct plan plan;
    struct error err;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);

    f->folder = unit_folder();
    f->template.runtime = (char *)"c";
    f->template.language = (char *)"c";
    f->template.body.uses[PLACEHOLDER_COMPILE] = true;
    strv_add(&f->template.packages_dnf, "gcc");
    strv_add(&f->template.packages_yum, "gcc-yum");
    strv_add(&f->files, "handler.c");
    strv_add(&f->files, "include/x.h");
    strv_add(&f->files, "src/b.c");
    strv_add(&f->runtime, "loop.c");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    int result = fs_remove(f->folder, &f->err);

    plan_release(&f->plan);
    project_release(&f->project);
    strv_release(&f->template.packages_dnf);
    strv_release(&f->template.packages_yum);
    strv_release(&f->files);
    strv_release(&f->runtime);
    strv_release(&f->tags);
    free(f->folder);
    free(f);
    return result;
}

static int plan(struct fixture *f, const char *text)
{
    autofree char *path = path_join(f->folder, "lbuild.ini");
    struct project_options options = {.dir = f->folder};

    plan_release(&f->plan);
    project_release(&f->project);
    assert_int_equal(fs_write(path, text, strlen(text), 0644, &f->err), 0);
    assert_int_equal(project_load(&options, &f->project, NULL, &f->err), 0);
    f->facts.project = &f->project;
    f->facts.provenance = &f->provenance;
    f->facts.template = &f->template;
    f->facts.project_files = &f->files;
    f->facts.runtime_files = &f->runtime;
    f->facts.runtime_dir = "/data/runtimes/c";
    f->facts.tags = &f->tags;
    return plan_make(&f->facts, &f->plan, &f->err);
}

static const char *pair(const struct plan_pairs *pairs, const char *name)
{
    for (size_t i = 0; i < pairs->len; i++)
        if (strcmp(pairs->items[i].name, name) == 0)
            return pairs->items[i].value;
    return NULL;
}

/* A base that has a package manager of its own builds what runs on it. */
static void builder_like_base(void **state)
{
    struct fixture *f = *state;
    static const char *const cases[][3] = {
        {"debian:12", "debian:12", "apt"},
        {"docker.io/library/alpine:3.20", "docker.io/library/alpine:3.20", "apk"},
        {"public.ecr.aws/lambda/python:3.12", "public.ecr.aws/amazonlinux/amazonlinux:2023", "dnf"},
        {"my-oci:5000/debian:12", "my-oci:5000/debian:12", "apt"},
        {"the-archive:5000/alpine:3.20", "the-archive:5000/alpine:3.20", "apk"},
        {"oci-archive:debian.tar", "public.ecr.aws/amazonlinux/amazonlinux:2023", "dnf"},
        {"oci:x/alpine", "public.ecr.aws/amazonlinux/amazonlinux:2023", "dnf"},
        {"scratch", "public.ecr.aws/amazonlinux/amazonlinux:2023", "dnf"},
    };

    for (size_t i = 0; i < countof(cases); i++) {
        autofree char *text = xasprintf("[project]\nname = x\n[image]\nbase = %s\n", cases[i][0]);
        assert_int_equal(plan(f, text), 0);
        assert_string_equal(f->plan.builder_reference, cases[i][1]);
        assert_string_equal(f->plan.package_manager, cases[i][2]);
    }

    assert_int_equal(
        plan(f, "[project]\nname = x\n[image]\nbase = debian:12\n[build]\nbuilder = al2\n"), 0);
    assert_string_equal(f->plan.package_manager, "yum");
}

static bool has(const struct strv *list, const char *word)
{
    return strv_contains(list, word);
}

/* C++ has its own standard, and its library is linked; the rest is the same as for C. */
static void cxx(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(plan(f, "[project]\nname = x\n"), 0);
    assert_int_equal(f->plan.cxx_flags.len, 0);
    assert_int_equal(f->plan.libraries.len, 0);
    strv_add(&f->files, "src/z.cc");
    assert_int_equal(
        plan(f, "[project]\nname = x\n[build]\nsources = src/*\nlibraries = z\ndefines = A=1\n"),
        0);
    assert_int_equal(f->plan.sources.len, 2);
    assert_true(plan_is_cxx("src/z.cc") && plan_is_cxx("a.cpp") && plan_is_cxx("a.cxx"));
    assert_true(plan_is_cxx("a.C") && plan_is_cxx("a.c++") && plan_is_cxx("a.cp") &&
                plan_is_cxx("a.CPP") && plan_is_cxx("a.ii")); /* cases C15: as gcc does */
    assert_false(plan_is_cxx("a.i") || plan_is_cxx("a.S") || plan_is_cxx("a.c") ||
                 plan_is_cxx(".cc") || plan_is_cxx("cc"));
    assert_true(has(&f->plan.cxx_flags, "-std=gnu++17") && has(&f->plan.cxx_flags, "-DA=1"));
    assert_true(has(&f->plan.compile_flags, "-std=gnu11"));
    assert_int_equal(f->plan.cxx_flags.len, f->plan.compile_flags.len);
    assert_string_equal(f->plan.libraries.items[0], "z");
    assert_string_equal(f->plan.libraries.items[1], "stdc++");
    assert_int_equal(plan(f, "[project]\nname = x\n[build]\nsources = src/*\nstandard = c++20\n"),
                     0);
    assert_true(has(&f->plan.cxx_flags, "-std=c++20") && has(&f->plan.compile_flags, "-std=gnu11"));
    assert_int_equal(plan(f, "[project]\nname = x\n[build]\nsources = src/*\nstandard = c99\n"), 0);
    assert_true(has(&f->plan.cxx_flags, "-std=gnu++17") && has(&f->plan.compile_flags, "-std=c99"));
}

/* Cases B9: the project's settings don't reach the runtime. */
static void the_runtime_has_settings_of_its_own(void **state)
{
    struct fixture *f = *state;
    AUTO(buf) before = {0}, after = {0};

    assert_int_equal(plan(f, "[project]\nname = x\n"), 0);
    assert_true(has(&f->plan.runtime_flags, "-std=gnu11") && has(&f->plan.runtime_flags, "-O2"));
    assert_int_equal(f->plan.runtime_flags.len, f->plan.compile_flags.len);
    for (size_t i = 0; i < f->plan.runtime_flags.len; i++) {
        assert_string_equal(f->plan.runtime_flags.items[i], f->plan.compile_flags.items[i]);
        buf_adds(&before, f->plan.runtime_flags.items[i]);
    }

    assert_int_equal(plan(f, "[project]\nname = x\n[build]\nstandard = c89\nflags = -Werror\n"
                             "defines = X=1\n"),
                     0);
    assert_true(has(&f->plan.compile_flags, "-Werror"));
    for (size_t i = 0; i < f->plan.runtime_flags.len; i++)
        buf_adds(&after, f->plan.runtime_flags.items[i]);
    assert_string_equal(buf_text(&after), buf_text(&before));
}

/* A template's command, and which engines can run it. */
static void command(void **state)
{
    struct fixture *f = *state;
    struct template *t = &f->template;

    strv_add(&t->compile.command, "make");
    strv_add(&t->compile.command, "OUT={{program}}");
    strv_add(&t->compile.env, "CACHE={{cache}}");
    strv_add(&t->compile.cross[ARCH_ARM64], "CROSS=arm");
    strv_add(&t->compile.cross[ARCH_X86_64], "CROSS=x86");
    assert_int_equal(plan(f, "[project]\nname = x\n"), 0);
    assert_true(f->plan.runs_command);
    assert_false(f->plan.needs_engine);
    const struct template_values place = {.program = "/p", .cache = "/c"};
    for (int arch = 0; arch < ARCH_COUNT; arch++) {
        AUTO(plan_command) here = {0}, there = {0};
        f->plan.arch = (enum arch)arch;
        plan_command_make(&f->plan, t, &place, true, &here);
        plan_command_make(&f->plan, t, &place, false, &there);
        assert_string_equal(here.argv.items[1], "OUT=/p");
        assert_string_equal(here.env.items[0], "CACHE=/c");
        assert_int_equal(here.env.len, f->plan.arch == arch_native() ? 1 : 2);
        assert_int_equal(there.env.len, 1);
    }

    t->deps = true;
    assert_int_equal(plan(f, "[project]\nname = x\n"), 0);
    assert_false(f->plan.runs_command);
    assert_true(f->plan.needs_engine);
    t->deps = false;
    strv_release(&t->compile.command);
    strv_release(&t->compile.env);
    strv_release(&t->compile.cross[ARCH_ARM64]);
    strv_release(&t->compile.cross[ARCH_X86_64]);
}

static void defaults(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(plan(f, "[project]\nname = hello\n"), 0);
    assert_string_equal(f->plan.handler, "hello");
    assert_int_equal(f->plan.arch, ARCH_X86_64);
    assert_string_equal(f->plan.base_reference, "public.ecr.aws/lambda/provided:al2023");
    assert_string_equal(f->plan.builder_reference, "public.ecr.aws/amazonlinux/amazonlinux:2023");
    assert_string_equal(f->plan.package_manager, "dnf");
    assert_int_equal(f->plan.start, START_STOCK);
    assert_int_equal(f->plan.entrypoint.len, 0);
    assert_null(f->plan.workdir);
    assert_int_equal(f->plan.sources.len, 2);
    assert_string_equal(f->plan.sources.items[1], "src/b.c");
    assert_string_equal(f->plan.include_dirs.items[0], "include");
    assert_string_equal(f->plan.tags.items[0], "hello:latest");
    assert_int_equal(f->plan.epoch, 0);
    assert_string_equal(pair(&f->plan.annotations, "org.opencontainers.image.created"),
                        "1970-01-01T00:00:00Z");
    assert_null(pair(&f->plan.annotations, "org.opencontainers.image.revision"));
    assert_true(f->plan.decision_count > 10);
}

static void bases(void **state)
{
    static const struct {
        const char *base;
        enum base_family family;
        enum plan_start start;
        const char *manager;
    } cases[] = {
        {"al2", FAMILY_AL2, START_STOCK, "yum"},
        {"al2023", FAMILY_AL2023, START_STOCK, "dnf"},
        {"scratch", FAMILY_SCRATCH, START_ENTRYPOINT, "dnf"},
        {"public.ecr.aws/lambda/provided:al2023-x86_64", FAMILY_AL2023, START_STOCK, "dnf"},
        {"public.ecr.aws/lambda/provided:al2.2024.01.01", FAMILY_AL2, START_STOCK, "yum"},
        {"public.ecr.aws/lambda/python:3.12", FAMILY_OTHER, START_STOCK, "dnf"},
        {"debian:12", FAMILY_OTHER, START_ENTRYPOINT, "apt"},
        {"oci:../base", FAMILY_OTHER, START_ENTRYPOINT, "dnf"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < countof(cases); i++) {
        autofree char *text = xasprintf("[project]\nname = a\n[image]\nbase = %s\n", cases[i].base);
        assert_int_equal(plan(f, text), 0);
        assert_int_equal(f->plan.family, cases[i].family);
        assert_int_equal(f->plan.start, cases[i].start);
        assert_string_equal(f->plan.package_manager, cases[i].manager);
        assert_int_equal(f->plan.entrypoint.len, cases[i].start == START_STOCK ? 0 : 1);
    }
    assert_string_equal(f->plan.workdir, "/var/task");
}

static void the_looked_up_base_decides(void **state)
{
    static const char text[] =
        "{\"config\":{\"Entrypoint\":[\"/lambda-entrypoint.sh\"],\"WorkingDir\":\"/w\"}}";
    struct fixture *f = *state;
    AUTOPTR(js) config = js_parse(text, strlen(text), "config", &f->err);
    struct base base = {.config = config, .name = (char *)"docker.io/me/own:1"};

    assert_int_equal(digest_bytes("m", 1, &base.manifest, &f->err), 0);
    f->facts.base = &base;
    assert_int_equal(plan(f, "[project]\nname = a\n[image]\nbase = me/own:1\n"), 0);
    assert_int_equal(f->plan.start, START_STOCK);
    assert_string_equal(f->plan.base_digest, base.manifest.text);
    assert_string_equal(pair(&f->plan.annotations, "org.opencontainers.image.base.name"),
                        "docker.io/me/own:1");
    assert_string_equal(pair(&f->plan.annotations, "org.opencontainers.image.base.digest"),
                        base.manifest.text);
    assert_null(f->plan.workdir);
}

/* The base's working directory is kept, unless it is a home, which only its user may enter. */
static void folder_of_the_base(void **state)
{
    static const char *const cases[][2] = {{"/w", NULL},
                                           {"/", NULL},
                                           {"/home/nonroot", "/var/task"},
                                           {"/root", "/var/task"},
                                           {"/rooted", NULL}};
    struct fixture *f = *state;

    for (size_t i = 0; i < countof(cases); i++) {
        autofree char *text = xasprintf("{\"config\":{\"WorkingDir\":\"%s\"}}", cases[i][0]);
        AUTOPTR(js) config = js_parse(text, strlen(text), "config", &f->err);
        struct base base = {.config = config, .name = (char *)"docker.io/me/own:1"};
        f->facts.base = &base;
        assert_int_equal(plan(f, "[project]\nname = a\n[image]\nbase = me/own:1\n"), 0);
        if (cases[i][1])
            assert_string_equal(f->plan.workdir, cases[i][1]);
        else
            assert_null(f->plan.workdir);
        assert_int_equal(
            plan(f, "[project]\nname = a\n[image]\nbase = me/own:1\nworkdir = /home/x\n"), 0);
        assert_string_equal(f->plan.workdir, "/home/x");
    }
}

static void provenance_shows(void **state)
{
    struct fixture *f = *state;

    f->provenance =
        (struct provenance){.found = true,
                            .commit = (char *)"0123456789012345678901234567890123456789",
                            .commit_time = 1700000000,
                            .version = (char *)"v1.2",
                            .dirty = true,
                            .source = (char *)"https://example.org/x"};
    assert_int_equal(plan(f, "[project]\nname = a\n"), 0);
    assert_int_equal(f->plan.epoch, 1700000000);
    assert_string_equal(pair(&f->plan.annotations, "org.opencontainers.image.revision"),
                        "0123456789012345678901234567890123456789-dirty");
    assert_string_equal(pair(&f->plan.annotations, "org.opencontainers.image.created"),
                        "2023-11-14T22:13:20Z");
    assert_string_equal(f->plan.version, "v1.2");
    f->facts.source_date_epoch = "5";
    assert_int_equal(plan(f, "[project]\nname = a\nversion = 9\nsource = s\n"), 0);
    assert_int_equal(f->plan.epoch, 5);
    assert_string_equal(f->plan.version, "9");
    assert_string_equal(pair(&f->plan.annotations, "org.opencontainers.image.source"), "s");
    static const char *const bad[] = {"x",           "-1", "1.5", " 1", "99999999999999999999",
                                      "253402300800"};
    for (size_t i = 0; i < countof(bad); i++) {
        f->facts.source_date_epoch = bad[i];
        assert_int_equal(plan(f, "[project]\nname = a\n"), -1);
        assert_int_equal(f->err.kind, ERROR_USAGE);
    }
}

/* Cases A10: such a program is different on each machine, and may not start on Lambda's. */
static void the_processor_of_this_machine_is_refused(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"[build]\nflags = -O2 -march=native\n",
         "lbuild.ini:2:9: '-march=native' compiles for the processor of this machine"},
        {"[build]\nflags = -O2 -march=native\n", "write -march=x86-64-v3 for all of Lambda's x86"},
        {"[image]\narch = arm64\n[build]\nflags = -mcpu=native+crypto\n",
         "write -mcpu=neoverse-n1 for all of Lambda's arm64"},
        {"[build]\nlink-flags = -flto -march=native\n", "lbuild.ini:2:14: '-march=native'"},
        {"[build]\ncompiler = gcc -march=native\n", "lbuild.ini:2:12: '-march=native'"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < countof(cases); i++) {
        assert_int_equal(plan(f, cases[i].text), -1);
        assert_int_equal(f->err.kind, ERROR_PROJECT);
        if (!strstr(f->err.text, cases[i].said))
            fail_msg("'%s' lacks '%s'", f->err.text, cases[i].said);
    }
    assert_int_equal(plan(f, "[project]\nname = a\n[build]\n"
                             "flags = -march=x86-64-v3 -mtune=native -DA=-march=native\n"),
                     0);

    static const char *const of_rust[] = {"-Ctarget-cpu=native", "target-cpu=native"};
    for (size_t i = 0; i < countof(of_rust); i++) {
        AUTO(strv) words = {0};
        strv_add(&words, of_rust[i]);
        assert_non_null(plan_native_word(&words));
    }
}

static void wrong_choices(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"[build]\nsources = lib/*.c\n", "lbuild.ini:2:11: no file matches 'lib/*.c'"},
        {"[build]\ninclude = ../x\n", ":2:11: an include folder is outside"},
        {"[build]\ninclude = /usr/include\n", ":2:11: an include folder is outside"},
        {"[image]\ntags = Upper:1\n", "'Upper:1' is not an image's name"},
        {"[image]\ntags = a:\n", "'a:' is not an image's name"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < countof(cases); i++) {
        assert_int_equal(plan(f, cases[i].text), -1);
        if (!strstr(f->err.text, cases[i].said))
            fail_msg("'%s' lacks '%s'", f->err.text, cases[i].said);
    }

    strv_release(&f->files);
    assert_int_equal(plan(f, "[project]\nname = a\n"), -1);
    assert_non_null(strstr(f->err.text, "there is no C source"));
}

static void files_and_flags(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(plan(f,
                          "[project]\nname = a\n[build]\ndefines = 'A=b c' D\nflags =\nstrip = no\n"
                          "[files]\ndata/./x = /opt//y\nconf = /etc/\n"),
                     0);
    assert_string_equal(pair(&f->plan.files, "data/x"), "opt/y");
    assert_string_equal(pair(&f->plan.files, "conf"), "etc/conf");
    assert_true(strv_contains(&f->plan.compile_flags, "-DA=b c"));
    assert_false(strv_contains(&f->plan.link_flags, "-s"));
    assert_true(strv_contains(&f->plan.link_flags, "-static"));
}

/* Cases C16: what is linked goes after the objects, in the order as written. */
static void archives_go_after_the_objects(void **state)
{
    struct fixture *f = *state;
    AUTO(buf) before = {0}, after = {0};

    assert_int_equal(plan(f, "[project]\nname = a\n[build]\nlink-flags = -Wl,-Map=m -T x.a "
                             "-Wl,--whole-archive lib/a.a -Wl,--no-whole-archive b.o -Llib\n"),
                     0);
    for (size_t i = f->plan.link_flags.len - 3; i < f->plan.link_flags.len; i++)
        buf_addf(&before, "%s ", f->plan.link_flags.items[i]);
    for (size_t i = 0; i < f->plan.link_inputs.len; i++)
        buf_addf(&after, "%s ", f->plan.link_inputs.items[i]);
    assert_string_equal(buf_text(&before), "-Wl,-Map=m -T x.a ");
    assert_string_equal(buf_text(&after), "-Wl,--whole-archive lib/a.a -Wl,--no-whole-archive b.o "
                                          "-Llib ");

    strv_add(&f->files, "src/z.o");
    assert_int_equal(plan(f, "[project]\nname = a\n[build]\nsources = src/*\n"), -1);
    assert_int_equal(f->err.kind, ERROR_PROJECT);
    assert_non_null(strstr(f->err.text, "'src/z.o' is compiled already"));
    assert_non_null(strstr(f->err.text, "'link-flags'"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(globs),
        cmocka_unit_test(many_folders),
        TEST(defaults),
        TEST(bases),
        TEST(the_looked_up_base_decides),
        TEST(folder_of_the_base),
        TEST(provenance_shows),
        TEST(the_processor_of_this_machine_is_refused),
        TEST(wrong_choices),
        TEST(archives_go_after_the_objects),
        TEST(files_and_flags),
        TEST(builder_like_base),
        TEST(cxx),
        TEST(the_runtime_has_settings_of_its_own),
        TEST(command),
    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
