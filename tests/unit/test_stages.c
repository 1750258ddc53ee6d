#include "unit.h"

#include "dockerfile/dockerfile.h"
#include "plan/package_manager.h"
#include "plan/plan.h"
#include "support/fs.h"
#include "support/json.h"
#include "support/own.h"

/* A minimal template, which has another stage besides the builder's. */
static const char body[] =
    "[template]\nlanguage = c\n---\n"
    "FROM --platform={{platform}} {{builder}} AS build\n{{install}}\n{{files}}\n"
    "FROM build AS Own\n"
    "FROM --platform={{platform}} {{base}}\n{{copy}}\n{{env}}\n{{labels}}\n{{workdir}}\n"
    "{{entrypoint}}\nCMD {{cmd|json}}\n";

struct fixture {
    char *folder;
    struct project project;
    struct provenance provenance;
    struct template template;
    struct strv files, set;
    struct plan plan;
    struct dockerfile dockerfile;
    struct error err;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    f->folder = unit_folder();
    strv_add(&f->files, "main.c");
    assert_int_equal(template_parse(body, sizeof body - 1, "t", &f->template, &f->err), 0);
    f->template.body.uses[PLACEHOLDER_COMPILE] = true; /* so the host engine could do it */
    *state = f;
    return 0;
}

static void forget(struct fixture *f)
{
    dockerfile_release(&f->dockerfile);
    plan_release(&f->plan);
    project_release(&f->project);
    f->err = (struct error){0};
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    int result = fs_remove(f->folder, &f->err);
    forget(f);
    template_release(&f->template);
    strv_release(&f->files);
    strv_release(&f->set);
    free(f->folder);
    free(f);
    return result;
}

static int load(struct fixture *f, const char *text, const char *profile)
{
    autofree char *path = path_join(f->folder, "lbuild.ini");
    struct project_options options = {.dir = f->folder, .profile = profile, .set = &f->set};
    forget(f);
    assert_int_equal(fs_write(path, text, strlen(text), 0644, &f->err), 0);
    return project_load(&options, &f->project, NULL, &f->err);
}

static int plan(struct fixture *f)
{
    static const struct strv none = {0};
    const struct plan_facts facts = {.project = &f->project,
                                     .provenance = &f->provenance,
                                     .template = &f->template,
                                     .project_files = &f->files,
                                     .runtime_files = &none,
                                     .tags = &none};
    return plan_make(&facts, &f->plan, &f->err);
}

/* The Dockerfile of a project file; fails the test if there is none. */
static const char *render(struct fixture *f, const char *text)
{
    if (load(f, text, NULL) != 0 || plan(f) != 0 ||
        dockerfile_render(&f->plan, &f->template, DOCKERFILE_IMAGE, &f->dockerfile, &f->err) != 0)
        fail_msg("%s in:\n%s", f->err.text, text);
    return buf_text(&f->dockerfile.text);
}

static void expect(struct fixture *f, const char *text, const char *part)
{
    const char *made = render(f, text);
    if (!strstr(made, part))
        fail_msg("no\n%s\nin:\n%s", part, made);
}

static void expect_error(struct fixture *f, const char *text, const char *part)
{
    if (load(f, text, NULL) == 0 && plan(f) == 0 &&
        dockerfile_render(&f->plan, &f->template, DOCKERFILE_IMAGE, &f->dockerfile, &f->err) == 0)
        fail_msg("no complaint about:\n%s", text);
    if (f->err.kind != ERROR_PROJECT || !strstr(f->err.text, part))
        fail_msg("'%s' instead of '%s'", f->err.text, part);
}

#define USED "[files]\nstage:s:/x = /x\n"
#define STAGE "[project]\nname = p\n[stage:s]\nfrom = debian:12\n"

/* A shell gets the user's text, byte for byte. */
static void commands_stay_as_they_are(void **state)
{
    static const char *const commands[] = {
        "a ; b",
        "echo '; x' ;",
        "echo \"$HOME\" $(id) `id`",
        "echo 'it''s' \"a\\\"b\"",
        "sed 's/\\//\\\\/g' f",
        "x # y",
        "[ -f x ]",
        "{ a; }",
        "\"quoted program\" arg",
        "a \\ b",
        "cat <<< x",
        "echo $((1<<2))",
        "-x",
        "printf '%s\\n' {{cmd}}",
        "é\xe2\x80\xa8",
        "a\tb",
        "A=1 b",
        "from=1 b",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < countof(commands); i++) {
        autofree char *text = xasprintf(STAGE "run = %s\n" USED, commands[i]),
                      *wanted = xasprintf("\nRUN %s\n\nFROM ", commands[i]);
        expect(f, text, wanted);
        autofree char *second = xasprintf(STAGE "run = true\n  %s\n" USED, commands[i]);
        autofree char *both = xasprintf("\nRUN true%s", wanted);
        expect(f, second, both);
    }

    AUTO(buf) text = {0}, wanted = {0};
    buf_adds(&wanted, "echo ");
    while (wanted.len < 10000)
        buf_adds(&wanted, "'$#\\\" ");
    buf_adds(&wanted, "x");
    buf_addf(&text, STAGE "run = %s\n" USED, wanted.data);
    expect(f, text.data, wanted.data);
}

/* Reads a double-quoted word like builders do; *at moves past it. */
static char *read_quoted(const char **at)
{
    AUTO(buf) out = {0};

    assert_int_equal(**at, '"');
    for ((*at)++; **at != '"'; (*at)++) {
        assert_true(**at != '\0' && **at != '$' && **at != '\n');
        if (**at == '\\' && strchr("\\\"$", (*at)[1]))
            (*at)++;
        buf_addc(&out, **at);
    }
    (*at)++;
    return buf_detach(&out);
}

static const char *const hostile[] = {"",
                                      " a ",
                                      "'",
                                      "\"",
                                      "\\",
                                      "\\\\",
                                      "$(touch /tmp/x)",
                                      "`x`",
                                      "$HOME",
                                      "${X:-y}",
                                      "#",
                                      "# x",
                                      ";",
                                      " ; x",
                                      "-rf",
                                      "a\tb",
                                      "[\"a\"]",
                                      "{{cmd|json}}",
                                      "--flag",
                                      "!x",
                                      "é",
                                      "\xc2\xa0",
                                      "<<EOF",
                                      "%s%n",
                                      "="};

/* The value in double quotes, as the project file takes it. Caller frees. */
static char *in_ini(const char *value)
{
    AUTO(buf) out = {0};
    buf_addc(&out, '"');
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            buf_addc(&out, '\\');
        buf_addc(&out, *value);
    }
    buf_addc(&out, '"');
    return buf_detach(&out);
}

static void values_are_exact(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < countof(hostile); i++) {
        autofree char *value = in_ini(hostile[i]), *path = xasprintf("/w/%s", hostile[i]),
                      *quoted_path = in_ini(path);
        autofree char *text =
            xasprintf(STAGE "env = A=%s\n  B_1=x\nworkdir = %s\n" USED, value, quoted_path);
        const char *at = strstr(render(f, text), "\nENV A=");
        assert_non_null(at);
        at += strlen("\nENV A=");
        autofree char *env = read_quoted(&at);
        assert_string_equal(env, hostile[i]);
        assert_memory_equal(at, " \\\n    B_1=\"x\"\n", 15);
        const char *workdir = strstr(f->dockerfile.text.data, "\nWORKDIR ") + strlen("\nWORKDIR ");
        if (*workdir == '"') {
            autofree char *read = read_quoted(&workdir);
            assert_string_equal(read, path);
        } else {
            assert_memory_equal(workdir, path, strlen(path));
        }
        if (hostile[i][0] && strcmp(hostile[i], " ; x") != 0 && !strpbrk(hostile[i], "\\/[")) {
            autofree char *copy = xasprintf(STAGE "copy = %s /to/\n" USED, value);
            at = strstr(render(f, copy), "\nCOPY ") + strlen("\nCOPY ");
            if (*at != '[') {
                autofree char *plain = xasprintf("./%s /to/%s\n", hostile[i], hostile[i]);
                assert_memory_equal(at, plain, strlen(plain));
                continue;
            }
            AUTOPTR(js) array = js_parse(at, strcspn(at, "\n"), "copy", &f->err);
            assert_int_equal(js_count(array), 2);
            AUTO(buf) read = {0};
            for (const char *c = js_text(js_at(array, 0)); *c; c++) {
                assert_null(strchr("'\"$", *c));
                buf_addc(&read, *c == '\\' ? *++c : *c);
            }
            autofree char *wanted = xasprintf("./%s", hostile[i]);
            assert_string_equal(buf_text(&read), wanted);
        }
    }

    expect_error(f, STAGE "env = A=\"a\\nRUN evil\"\n" USED,
                 "lbuild.ini:5:7: 'a RUN evil' has a line break");
    expect_error(f, STAGE "workdir = \"/a\\nRUN evil\"\n" USED,
                 "lbuild.ini:5:11: '/a RUN evil' has a line break");
    expect_error(f, "[project]\nname = p\n[stage:s]\nfrom = a$b\n" USED,
                 "lbuild.ini:4:8: 'a$b' has a character");
}

static void lines_are_known(void **state)
{
    struct fixture *f = *state;
    static const char text[] = STAGE
        "packages = zip\nenv =\n  A=1\n\n  B=2\nrun = one\n  ; comment\n  two \\\n  more\n  three\n"
        "copy = a /a\n  stage:t:/b /b\n[stage:t]\nfrom = scratch\n" USED;
    static const struct {
        const char *start;
        int line, column;
    } wanted[] = {
        {"FROM --platform=linux/amd64 scratch AS t", 18, 8},
        {"FROM --platform=linux/amd64 debian:12 AS s", 4, 8},
        {"ENV A=", 7, 3},
        {"    B=", 9, 3},
        {"RUN export LD_LIBRARY_PATH", 5, 12},
        {"COPY ./a", 15, 8},
        {"COPY --from=t", 16, 3},
        {"RUN one", 10, 7},
        {"RUN two", 12, 3},
        {"more", 13, 3},
        {"RUN three", 14, 3},
        {"COPY --from=s /x", 20, 14},
    };
    const char *made = render(f, text);

    for (size_t i = 0; i < countof(wanted); i++) {
        int line = 1;
        const char *at = made;
        for (; strncmp(at, wanted[i].start, strlen(wanted[i].start)) != 0; line++) {
            at = strchr(at, '\n');
            if (!at)
                fail_msg("no '%s' in:\n%s", wanted[i].start, made);
            at++;
        }
        autofree char *place = xasprintf("/lbuild.ini:%d:%d", wanted[i].line, wanted[i].column);
        if (!strstr(dockerfile_where(&f->dockerfile, line), place))
            fail_msg("'%s' is from %s, not %s", wanted[i].start,
                     dockerfile_where(&f->dockerfile, line), place);
    }
    assert_string_equal(dockerfile_where(&f->dockerfile, 1), "t:4:1");
}

static void order_follows_need(void **state)
{
    struct fixture *f = *state;
    static const char text[] =
        "[project]\nname = p\n[stage:a]\nfrom = b\n[stage:b]\nfrom = scratch\n"
        "copy = stage:c:/x /x\n"
        "[stage:c]\nfrom = build\n[stage:idle]\nfrom = a\nsecrets = z\n[files]\n"
        "stage:a:/x/ = /x/\nmain.c = /y\n";
    const char *made = render(f, text);
    const char *c = strstr(made, "\nFROM build AS c\n"),
               *b = strstr(made, "\nFROM --platform=linux/amd64 scratch AS b\n");
    const char *a = strstr(made, "\nFROM b AS a\n"), *final = strstr(made, "provided:al2023\n");

    assert_true(c && b && a && final && c < b && b < a && a < final);
    assert_null(strstr(made, "idle"));
    assert_non_null(strstr(final, "\nCOPY --from=a /x /x/x\n"));
    assert_int_equal(f->plan.files.len, 1);
    assert_int_equal(f->plan.warnings.len, 1);
    assert_non_null(
        strstr(f->plan.warnings.items[0], "lbuild.ini:10:1: nothing uses [stage:idle]"));
    assert_true(f->plan.needs_engine);
    assert_non_null(strstr(f->plan.engine_reason, "[stage:a] at "));
    assert_non_null(strstr(f->plan.engine_reason, "lbuild.ini:3:1"));
    assert_false(f->plan.needs_mounts);
    assert_int_equal(f->plan.secrets.len, 0);
}

static void says_what_engine_it_needs(void **state)
{
    struct fixture *f = *state;

    render(f, "[project]\nname = p\n");
    assert_false(f->plan.needs_engine);
    assert_null(f->plan.engine_reason);
    render(f, "[project]\nname = p\n[build]\npackages = zlib-static\n");
    assert_true(f->plan.needs_engine);
    assert_non_null(strstr(f->plan.engine_reason, "[build] packages at "));
    render(f, "[project]\nname = p\n[files]\nstage:build:/out/x = /x\n");
    assert_true(f->plan.needs_engine);
    render(f, STAGE "ssh = default other\nrun = git clone x\n" USED);
    assert_true(f->plan.needs_mounts);
    assert_non_null(strstr(f->plan.mounts_reason, "ssh of [stage:s] at "));
    assert_int_equal(f->plan.ssh.len, 2);
    expect(f, STAGE "secrets = a b.c\nrun = x\n" USED,
           "\nRUN --mount=type=secret,id=a --mount=type=secret,id=b.c x\n");
    assert_non_null(strstr(f->plan.mounts_reason, "secrets of [stage:s] at "));
    assert_string_equal(f->plan.secrets.items[1].name, "b.c");
    assert_string_equal(f->plan.secrets.items[1].value, "s");
    expect_error(f, STAGE USED "[secrets]\nt = env:T\n",
                 "lbuild.ini:8:5: no stage asks for the secret 't'");
}

static void options_and_profiles_reach_stages(void **state)
{
    struct fixture *f = *state;
    static const char text[] = STAGE
        "run = a\n  b\n" USED "[profile:q]\nstage:s.run = c ; d\n  e\nfiles.stage:s:/y = /y\n";

    assert_int_equal(load(f, text, "q"), 0);
    assert_int_equal(plan(f), 0);
    assert_int_equal(
        dockerfile_render(&f->plan, &f->template, DOCKERFILE_FILES, &f->dockerfile, &f->err), 0);
    const char *made = buf_text(&f->dockerfile.text);
    assert_non_null(strstr(made, "\nRUN c ; d\nRUN e\n\nFROM --platform=linux/amd64 scratch\n"));
    assert_non_null(strstr(made, "\nCOPY --from=s /x /x\nCOPY --from=s /y /y\n"));
    strv_add(&f->set, "stage:s.run=x \\\ny\n\nz");
    expect(f, text, "\nRUN x \\\ny\nRUN z\n\n");
    strv_release(&f->set);
    strv_add(&f->set, "stage:t.run=x");
    assert_int_equal(load(f, text, NULL), -1);
    assert_int_equal(f->err.kind, ERROR_USAGE);
    assert_string_equal(f->err.text, "--set: there is no [stage:t]");
    strv_release(&f->set);
    strv_add(&f->set, "stage:s.run=a\rb");
    assert_int_equal(load(f, text, NULL), -1);
    assert_non_null(strstr(f->err.text, "--set: a byte that is not text"));
    strv_release(&f->set);
    assert_int_equal(load(f, STAGE "[profile:q]\nstage:s.rum = x\nstage:t.run = x\n", NULL), -1);
    assert_non_null(
        strstr(f->err.text, "lbuild.ini:6:1: unknown key 'rum' in [stage:s]; did you mean 'run'?"));
}

static void packages_go_by_the_image(void **state)
{
    static const struct {
        const char *image, *manager;
    } cases[] = {
        {"public.ecr.aws/amazonlinux/amazonlinux:2023", "dnf"},
        {"public.ecr.aws/amazonlinux/amazonlinux:2023.2.20231113.0", "dnf"},
        {"amazonlinux", "dnf"},
        {"amazonlinux:2", "yum"},
        {"amazonlinux:2.0.20240131.0", "yum"},
        {"public.ecr.aws/lambda/provided:al2", "yum"},
        {"public.ecr.aws/lambda/provided:al2023", "dnf"},
        {"public.ecr.aws/lambda/ruby:3.4", "dnf"},
        {"public.ecr.aws/lambda/ruby:3.2", "yum"},
        {"public.ecr.aws/lambda/python:3.9-arm64", "yum"},
        {"public.ecr.aws/lambda/python:3.13.2025.01.01.00", "dnf"},
        {"public.ecr.aws/lambda/java:25@sha256:00", "dnf"},
        {"public.ecr.aws/lambda/java:17", "yum"},
        {"public.ecr.aws/lambda/java:17.al2023", "dnf"},
        {"public.ecr.aws/lambda/nodejs", "dnf"},
        {"public.ecr.aws/lambda/nodejs:newer", NULL},
        {"amazon/aws-lambda-dotnet:8", "dnf"},
        {"lambda/dotnet:6", "yum"},
        {"lambda/perl:5", NULL},
        {"python:3.12", NULL},
        {"mylambda/python:3.12", NULL},
        {"debian", "apt"},
        {"localhost:5000/debian", "apt"},
        {"localhost:5000/debian:12@sha256:00", "apt"},
        {"alpine@sha256:00", "apk"},
        {"python:3.12-alpine3.20", "apk"},
        {"node:22-alpine", "apk"},
        {"node:22-bookworm-slim", "apt"},
        {"centos:7", "yum"},
        {"centos:stream9", "dnf"},
        {"debian.example.com/mine", NULL},
        {"mine:5000", NULL},
        {"scratch", NULL},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        const char *manager = package_manager_of(cases[i].image);
        if ((manager == NULL) != (cases[i].manager == NULL) ||
            (manager && strcmp(manager, cases[i].manager) != 0))
            fail_msg("%s: %s", cases[i].image, manager ? manager : "-");
    }
}

static void packages_need_a_manager(void **state)
{
    struct fixture *f = *state;

    expect_error(
        f, "[project]\nname = p\n[stage:s]\nfrom = mine\npackages = zip\n" USED,
        "lbuild.ini:4:8: the package manager of 'mine' isn't known; set 'package-manager'");
    expect_error(f, STAGE "package-manager = none\npackages = zip\n" USED,
                 "has 'package-manager = none', which can't install 'packages'");
    expect_error(f, STAGE "packages = -x\n" USED,
                 "lbuild.ini:5:12: '-x' would be read as an option");
    expect(f,
           "[project]\nname = p\n[stage:s]\nfrom = t\npackages = zip\n"
           "[stage:t]\nfrom = alpine:3\n" USED,
           "\nFROM t AS s\nRUN export LD_LIBRARY_PATH= \\\n    && apk add --no-cache zip\n");
    expect(
        f,
        "[project]\nname = p\n[stage:s]\nfrom = mine\npackage-manager = yum\npackages = zip\n" USED,
        "    && yum install -y zip \\\n");
}

/* Only stages have names with colons; elsewhere a colon still ends a name. */
static void colons_separate_as_ever(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        load(f,
             STAGE
             "[files]\nstage:s:/a=/b\nstage: x = /c\n[env]\nstage:x\nstage1:y:z = 1\n[build]\n"
             "flags: -O1\n",
             NULL),
        -1);
    assert_non_null(strstr(f->err.text, "lbuild.ini:7:8: 'x = /c' is not a path in the image"));
    assert_int_equal(
        load(f,
             STAGE "[files]\nstage:s:/a=/b\n[env]\nstage:x\nstage1:y:z = 1\n[build]\nflags: -O1\n",
             NULL),
        0);
    assert_string_equal(settings_find(&f->project.free[SECTION_FILES], "stage:s:/a")->value, "/b");
    assert_string_equal(settings_find(&f->project.free[SECTION_ENV], "stage")->value, "x");
    assert_string_equal(settings_find(&f->project.free[SECTION_ENV], "stage1")->value, "y:z = 1");
    assert_string_equal(project_get(&f->project, KEY_BUILD_FLAGS), "-O1");
}

static void misplaced_secrets_are_not_repeated(void **state)
{
    static const char *const lines[] = {"t = hunter2", "t = \"hunter2", "t = \"env:hunter2\"",
                                        "t = env:X=hunter2", "t = file:hunter2,x"};
    struct fixture *f = *state;
    for (size_t i = 0; i < countof(lines); i++) {
        autofree char *text = xasprintf(STAGE "secrets = t\n" USED "[secrets]\n%s\n", lines[i]);
        expect_error(f, text, "lbuild.ini:9:5: the secret 't' needs env:VARIABLE or file:PATH");
        assert_null(strstr(f->err.text, "hunter2"));
    }
}

static void names_do_not_collide(void **state)
{
    struct fixture *f = *state;
    AUTO(buf) many = {0};

    expect_error(f, "[project]\nname = p\n[stage:own]\nfrom = x\n[files]\nstage:own:/x = /x\n",
                 "lbuild.ini:3:1: 'own' is a stage of the template already");
    expect_error(f, STAGE "[files]\nstage:s:/x = /var/runtime/bootstrap\n",
                 "lbuild.ini:6:14: '/var/runtime/bootstrap' is the program's own place");
    expect_error(f, STAGE "[stage:s]\nfrom = x\n",
                 "lbuild.ini:5:1: section [stage:s] was opened at line 3 already");
    expect_error(f, STAGE "from = x\n", "lbuild.ini:5:1: 'from' is set at line 4 already");
    expect_error(f, STAGE "run = a\n  copy = b\n",
                 "lbuild.ini:6:3: 'copy' is indented, so it continues");
    expect_error(f, "[project]\nname = p\n[stage:s]\nfrom = s\n",
                 "lbuild.ini:4:8: [stage:s] needs [stage:s]");
    for (int i = 0; i <= STAGES_MAX; i++)
        buf_addf(&many, "[stage:s%d]\nfrom = x:1\n", i);
    expect_error(f, many.data, "lbuild.ini:201:1: more than 100 stages");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(commands_stay_as_they_are, setup, teardown),
        cmocka_unit_test_setup_teardown(values_are_exact, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_are_known, setup, teardown),
        cmocka_unit_test_setup_teardown(order_follows_need, setup, teardown),
        cmocka_unit_test_setup_teardown(says_what_engine_it_needs, setup, teardown),
        cmocka_unit_test_setup_teardown(options_and_profiles_reach_stages, setup, teardown),
        cmocka_unit_test(packages_go_by_the_image),
        cmocka_unit_test_setup_teardown(packages_need_a_manager, setup, teardown),
        cmocka_unit_test_setup_teardown(colons_separate_as_ever, setup, teardown),
        cmocka_unit_test_setup_teardown(misplaced_secrets_are_not_repeated, setup, teardown),
        cmocka_unit_test_setup_teardown(names_do_not_collide, setup, teardown),
    };
    return cmocka_run_group_tests_name("stages", tests, NULL, NULL);
}
