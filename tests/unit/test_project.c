#include "unit.h"

#include "project/project.h"
#include "support/buf.h"
#include "support/fs.h"
#include "support/inifile.h"
#include "support/own.h"

#include <unistd.h>

struct fixture {
    char *folder;
    struct project project;
    struct strv complaints;
    struct error err;
    struct strv set;
    const char *profile;
};

static int load_bytes(struct fixture *f, const char *text, size_t length)
{
    autofree char *path = path_join(f->folder, "lbuild.ini");
    struct project_options options = {.dir = f->folder, .profile = f->profile, .set = &f->set};
    project_release(&f->project);
    strv_release(&f->complaints);
    f->err = (struct error){0};
    assert_int_equal(fs_write(path, text, length, 0644, &f->err), 0);
    return project_load(&options, &f->project, &f->complaints, &f->err);
}

static int load(struct fixture *f, const char *text)
{
    return load_bytes(f, text, strlen(text));
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    f->folder = unit_folder();
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    int result = fs_remove(f->folder, &f->err);
    project_release(&f->project);
    strv_release(&f->complaints);
    strv_release(&f->set);
    free(f->folder);
    free(f);
    return result;
}

static void reads_values(void **state)
{
    struct fixture *f = *state;
    AUTO(strv) words = {0};

    assert_int_equal(
        load(f,
             "# top\n[project]\nname = hello ; comment\ndescription = \"  a ; b \\\"x\\\" \\n \"\n"
             "[build]\nflags: -O3 '-DX=a b'\n   -g\n[env]\nFOO = a#b\nEMPTY_ONE =\n[files]\n"
             "data/x y.txt "
             "= /opt/x\n"),
        0);
    assert_string_equal(project_get(&f->project, KEY_PROJECT_NAME), "hello");
    assert_string_equal(project_get(&f->project, KEY_PROJECT_DESCRIPTION), "  a ; b \"x\" \n ");
    assert_string_equal(project_get(&f->project, KEY_IMAGE_BASE), "al2023");
    assert_false(project_is_set(&f->project, KEY_IMAGE_BASE));
    assert_true(project_is_set(&f->project, KEY_PROJECT_NAME));
    assert_int_equal(project_words(&f->project, KEY_BUILD_FLAGS, &words, &f->err), 0);
    assert_int_equal(words.len, 3);
    assert_string_equal(words.items[1], "-DX=a b");
    assert_string_equal(words.items[2], "-g");
    assert_int_equal(f->project.free[SECTION_ENV].len, 2);
    assert_string_equal(f->project.free[SECTION_ENV].items[0].value, "a#b");
    assert_string_equal(f->project.free[SECTION_ENV].items[1].value, "");
    assert_string_equal(f->project.free[SECTION_FILES].items[0].name, "data/x y.txt");
    assert_true(project_bool(&f->project, KEY_BUILD_STRIP));

    autofree char *place = origin_text(&f->project.values[KEY_PROJECT_NAME].origin);
    assert_non_null(strstr(place, "lbuild.ini:3:8"));
}

/* Each text, and its first complaint with the place. */
static void complains(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"[function]\nhandelr = x\n",
         ":2:1: unknown key 'handelr' in [function]; did you mean 'handler'?"},
        {"[function]\n  arch = arm64\n",
         ":2:3: unknown key 'arch' in [function]; it belongs in [image]"},
        {"[imgae]\nbase=x\n", ":1:1: unknown section [imgae]; did you mean [image]?"},
        {"name = x\n", ":1:1: 'name' is before the first section"},
        {"[project]\nname\n", ":2:1: 'name' has no '='"},
        {"[project]\nname ; = x\n", ":2:1: 'name ; = x' has no '='"},
        {"[project]\n= x\n", ":2:1: a name is missing before '='"},
        {"[project\nname = x\n", ":1:1: the section '[project' has no closing ']'"},
        {"[project] name = x\n", ":1:11: 'name = x' after the section"},
        {"[]\n", ":1:1: the section has no name"},
        {"[project]\nname = a\nname = b\n", ":3:1: 'name' is set at line 2 already"},
        {"[project]\nname = a\n[image]\n[project]\n",
         ":4:1: section [project] was opened at line 1 already"},
        {"[project]\nname = Hello\n", ":2:8: 'Hello' is not a name"},
        /* C17 */
        {"[project]\nname = a\n  version = 2\n",
         ":3:3: 'version' is indented, so it continues 'name'; remove the blanks before it"},
        /* A12: the next file would become a part of the path. */
        {"[files]\na = /a\n  b/c = /b\n", ":3:3: 'b/c' is indented, so it continues 'a'"},
        {"[image]\narch = mips\n", ":2:8: 'mips' is not an architecture of Lambda"},
        {"[build]\nflags = 'x\n", ":2:9: a quote is not closed in ''x'"},
        {"[build]\nstrip = maybe\n", ":2:9: 'maybe' is neither yes nor no"},
        {"[project]\ndescription = \"x\n", ":2:15: the quotes of \"x don't match"},
        {"[env]\nA = 1\n", ":2:5: 'A' can't be set on Lambda"},
        {"[env]\n_HANDLER = 1\n", ":2:12: '_HANDLER' can't be set on Lambda"},
        {"[env]\nAWS_REGION = 1\n", ":2:14: 'AWS_REGION' is reserved by Lambda"},
        {"[files]\n../x = /y\n", "'../x' is outside of the project"},
        {"[files]\n/etc/x = /y\n", "'/etc/x' is outside of the project"},
        {"[files]\nx = y\n", "'y' is not a path in the image"},
        {"[files]\nx = /../y\n", "'/../y' is not a path in the image"},
        {"[profile:ci]\nname = x\n", ":2:1: 'name' is not of the form section.key"},
        {"[profile:ci]\nimage.bsae = x\n", "unknown key 'bsae' in [image]; did you mean 'base'?"},
        {"[profile:ci]\nimage.arch = mips\n", "'mips' is not an architecture"},
        {"[project]\nname = a\xff\n", ":2:9: not UTF-8"},
        {"[project]\nname = a\x01\n", ":2:9: control byte 0x01"},
        {"[project]\nname = a\rb\n", ":2:9: control byte 0x0d"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < countof(cases); i++) {
        assert_int_equal(load(f, cases[i].text), -1);
        assert_int_equal(f->err.kind, ERROR_PROJECT);
        if (!strstr(f->err.text, cases[i].said))
            fail_msg("case %zu: '%s' lacks '%s'", i, f->err.text, cases[i].said);
    }
}

static void all_complaints_come_at_once_and_in_order(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        load(f, "[project]\nnane = x\noops\n[image]\narch = mips\nbase = a b\n[env]\nA = 1\n"), -1);
    assert_int_equal(f->complaints.len, 5);
    for (size_t i = 0; i < 5; i++) {
        static const char *const places[] = {":2:1:", ":3:1:", ":5:8:", ":6:8:", ":8:5:"};
        assert_non_null(strstr(f->complaints.items[i], places[i]));
    }
    assert_non_null(strstr(f->err.text, "5 mistakes"));
}

static void form(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        load(f, "\xef\xbb\xbf[project]\r\nname = hello\r\n\r\n[image]\r\nbase = scratch"), 0);
    assert_string_equal(project_get(&f->project, KEY_PROJECT_NAME), "hello");
    assert_string_equal(project_get(&f->project, KEY_IMAGE_BASE), "scratch");
    assert_int_equal(load(f, ""), 0);
    assert_int_equal(load(f, "[project]\nname =\n"), 0);
    assert_null(project_get(&f->project, KEY_PROJECT_NAME));
    assert_int_equal(load_bytes(f, "[project]\nname = a\0b\n", 21), -1);
    assert_non_null(strstr(f->err.text, "control byte 0x00"));
}

/* D25: a file's size limits its lines, so each must cost the same. When it costs more than the one
 * before, this test takes minutes. */
static void many_lines(void **state)
{
    static const char *const starts[] = {"[env]\nTEXT = x\n",
                                         "[stage:a]\nfrom = scratch\nrun = x \\\n"};
    static const char *const lines[] = {" y\n", " \\\n"};
    struct fixture *f = *state;

    for (size_t i = 0; i < countof(starts); i++) {
        AUTO(buf) text = {0};
        buf_adds(&text, starts[i]);
        while (text.len < (size_t)INI_FILE_MAX - 16)
            buf_adds(&text, lines[i]);
        buf_adds(&text, " end\n");
        assert_int_equal(load(f, buf_text(&text)), 0);
        if (i > 0)
            continue;

        const struct setting *setting = &f->project.free[SECTION_ENV].items[0];
        size_t length = strlen(setting->value);
        assert_true(length > 600000);
        assert_string_equal(setting->value + length - 8, "\ny\ny\nend");
        assert_int_equal(setting_line(setting, 2).line, 4);
    }
}

/* D25: each name is compared with all others, so they are limited. */
static void many_names(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 2; i++) {
        AUTO(buf) text = {0};
        buf_adds(&text, i == 0 ? "[env]\n" : "[profile:p]\n");
        for (int n = 0; n < 10001; n++)
            buf_addf(&text, "%sA%d = 1\n", i == 0 ? "" : "env.", n);
        assert_int_equal(load(f, buf_text(&text)), -1);
        assert_int_equal(f->complaints.len, 1);
        assert_non_null(strstr(f->err.text, ":10002:1: more than 10000 names in "));
    }
}

static void long_lines_and_files(void **state)
{
    struct fixture *f = *state;
    AUTO(buf) text = {0};

    buf_adds(&text, "[project]\ndescription = ");
    for (int i = 0; i < 10000; i++)
        buf_addc(&text, 'v');
    assert_int_equal(load(f, buf_text(&text)), 0);
    assert_int_equal(strlen(project_get(&f->project, KEY_PROJECT_DESCRIPTION)), 10000);
    for (int i = 0; i < 10000; i++)
        buf_addc(&text, 'v');
    assert_int_equal(load(f, buf_text(&text)), -1);
    assert_non_null(strstr(f->err.text, ":2:16385: the line has 20014 bytes"));
    buf_clear(&text);
    buf_adds(&text, "[env]\n");
    for (int i = 0; i < 191; i++)
        buf_addc(&text, 'N');
    buf_adds(&text, " = 1\n");
    assert_int_equal(load(f, buf_text(&text)), -1);
    assert_non_null(strstr(f->err.text, "longer than 190"));
    buf_clear(&text);
    while (text.len < 10 * 1024 * 1024)
        buf_adds(&text, "; filler filler filler filler filler filler\n");
    assert_int_equal(load(f, buf_text(&text)), -1);
    assert_non_null(strstr(f->err.text, "larger than"));
}

static void overrides(void **state)
{
    static const char text[] =
        "[project]\nname = a\n[build]\nflags = -O2\n[profile:ci]\nbuild.flags = -O3\nenv.FOO = 1\n"
        "project.name =\n[profile:other]\nbuild.flags = -O1\n";
    struct fixture *f = *state;

    assert_int_equal(load(f, text), 0);
    assert_string_equal(project_get(&f->project, KEY_BUILD_FLAGS), "-O2");
    assert_int_equal(f->project.free[SECTION_ENV].len, 0);
    f->profile = "ci";
    assert_int_equal(load(f, text), 0);
    assert_string_equal(project_get(&f->project, KEY_BUILD_FLAGS), "-O3");
    assert_string_equal(f->project.free[SECTION_ENV].items[0].name, "FOO");
    assert_null(project_get(&f->project, KEY_PROJECT_NAME));
    strv_add(&f->set, "build.flags=-Os=x");
    strv_add(&f->set, "files.a.b=/c");
    assert_int_equal(load(f, text), 0);
    assert_string_equal(project_get(&f->project, KEY_BUILD_FLAGS), "-Os=x");
    assert_string_equal(f->project.free[SECTION_FILES].items[0].name, "a.b");
    f->profile = "cj";
    assert_int_equal(load(f, text), -1);
    assert_int_equal(f->err.kind, ERROR_USAGE);
    assert_non_null(strstr(f->err.text, "did you mean 'ci'?"));
    f->profile = NULL;

    static const char *const wrong[][2] = {{"flags", "unknown section"},
                                           {"image.arch=mips", "not an architecture"},
                                           {"build.flaks=1", "did you mean 'flags'"},
                                           {"novalue", "section.key=value"}};
    for (size_t i = 0; i < countof(wrong); i++) {
        strv_release(&f->set);
        strv_add(&f->set, wrong[i][0]);
        assert_int_equal(load(f, text), -1);
        assert_int_equal(f->err.kind, ERROR_USAGE);
    }
}

static void missing_file_names_init(void **state)
{
    struct fixture *f = *state;
    struct project_options options = {.dir = f->folder, .file = "nothing.ini"};
    assert_int_equal(project_load(&options, &f->project, NULL, &f->err), -1);
    assert_non_null(strstr(f->err.text, "lbuild init"));
}

static void reference_has_every_key(void **state)
{
    AUTO(buf) out = {0};
    (void)state;
    project_reference(&out);
    for (int i = 0; i < KEY_COUNT; i++)
        assert_non_null(strstr(buf_text(&out), strchr(project_key_name(i), '.') + 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_values),
        TEST(complains),
        TEST(all_complaints_come_at_once_and_in_order),
        TEST(form),
        TEST(many_lines),
        TEST(many_names),
        TEST(long_lines_and_files),
        TEST(overrides),
        TEST(missing_file_names_init),
        TEST(reference_has_every_key),
    };

    return cmocka_run_group_tests_name("project", tests, NULL, NULL);
}
