#include "unit.h"

#include "support/finding.h"
#include "support/fs.h"
#include "support/own.h"

#include <sys/stat.h>

static char *root; /* the test's folder, with src/a.c, "odd,na:me%.c" and sub/.git */

static int make_root(void **state)
{
    struct error err = {0};
    static const char *const names[] = {"src/a.c", "odd,na:me%.c", "sub/x.c"};
    (void)state;

    unsetenv("GITHUB_WORKSPACE");
    unsetenv("CI_PROJECT_DIR");
    root = unit_folder();
    for (size_t i = 0; i < countof(names); i++) {
        autofree char *path = path_join(root, names[i]), *dir = path_dir(path);
        if (fs_mkdirs(dir, &err) != 0 || fs_write(path, "x\n", 2, 0644, &err) != 0)
            return -1;
    }
    autofree char *git = path_join(root, "sub/.git");
    return fs_mkdirs(git, &err);
}

static int drop_root(void **state)
{
    struct error err = {0};
    (void)state;
    int result = fs_remove(root, &err);
    free(root);
    return result;
}

static bool parse(const char *line, const char *word, struct finding *out)
{
    return finding_parse(line, strlen(line), root, word, out);
}

static void reads_places(void **state)
{
    static const struct {
        const char *line, *word, *text;
        int number, column;
        bool warning;
    } good[] = {
        {"src/a.c:3:5: error: expected ';'", NULL, "expected ';'", 3, 5, false},
        {"src/a.c:3:5: fatal error: x.h: No such file", NULL, "x.h: No such file", 3, 5, false},
        {"src/a.c:12: warning: unused [-Wunused]", NULL, "unused [-Wunused]", 12, 0, true},
        {"src/a.c:3:5: the key is unknown", "error", "the key is unknown", 3, 5, false},
        {"src/a.c:3:5: the key is old", "warning", "the key is old", 3, 5, true},
        {"odd,na:me%.c:1:2: error: x", NULL, "x", 1, 2, false},
    };
    static const struct {
        const char *line, *word;
    } bad[] = {
        {"src/a.c:3:5: note: declared here", NULL},
        {"src/a.c: In function 'f':", NULL},
        {"src/none.c:3:5: error: x", NULL},
        {"src:3:5: error: a folder", NULL},
        {"host:443: refused", "error"},
        {"src/a.c:0:5: error: x", NULL},
        {"src/a.c:99999999:5: error: x", NULL},
        {"src/a.c:3:5:", "error"},
        {":3:5: error: x", "error"},
        {"", "error"},
    };
    (void)state;

    for (size_t i = 0; i < countof(good); i++) {
        AUTO(finding) finding = {0};
        assert_true(parse(good[i].line, good[i].word, &finding));
        assert_string_equal(finding.text, good[i].text);
        assert_int_equal(finding.line, good[i].number);
        assert_int_equal(finding.column, good[i].column);
        assert_int_equal(finding.warning, good[i].warning);
    }

    for (size_t i = 0; i < countof(bad); i++) {
        struct finding finding;
        if (parse(bad[i].line, bad[i].word, &finding))
            fail_msg("taken for a place: %s", bad[i].line);
    }
}

static void relative_to_the_repository(void **state)
{
    autofree char *path = path_join(root, "src/a.c"), *sub = path_join(root, "sub/x.c"),
                  *odd = path_join(root, "sub/../src/a.c");
    (void)state;

    autofree char *git = finding_path(sub);
    assert_string_equal(git, "x.c");

    setenv("CI_PROJECT_DIR", root, 1);
    autofree char *gitlab = finding_path(odd), *below = finding_path(sub);
    assert_string_equal(gitlab, "src/a.c");
    assert_string_equal(below, "sub/x.c");

    setenv("GITHUB_WORKSPACE", "/nowhere", 1);
    autofree char *elsewhere = finding_path(path), *none = finding_path("/no/such/file");
    assert_string_equal(elsewhere, "src/a.c");
    assert_string_equal(none, "/no/such/file");
    unsetenv("GITHUB_WORKSPACE");
    unsetenv("CI_PROJECT_DIR");

    /* Two folders whose names begin alike. */
    autofree char *short_root = xstrndup(root, strlen(root) - 1);
    setenv("CI_PROJECT_DIR", short_root, 1);
    autofree char *outside = finding_path(path), *real = realpath(path, NULL);
    assert_string_equal(outside, real);
    unsetenv("CI_PROJECT_DIR");
}

/* GitHub's own toolkit escapes "%", CR and LF, and in properties ":" and "," too. */
static void github(void **state)
{
    AUTO(buf) out = {0};
    const struct finding error = {
        .path = (char *)"a,b:c%.c", .line = 3, .column = 5, .text = (char *)"100%: a,b\r\nend"};
    const struct finding warning = {
        .path = (char *)"a.c", .line = 3, .warning = true, .text = (char *)"::error::x"};
    (void)state;

    finding_github(&error, &out);
    finding_github(&warning, &out);
    assert_string_equal(buf_text(&out),
                        "::error file=a%2Cb%3Ac%25.c,line=3,col=5::100%25: a,b%0D%0Aend\n"
                        "::warning file=a.c,line=3::::error::x\n");
}

static void gitlab(void **state)
{
    AUTOPTR(js) report = js_array();
    struct finding finding = {
        .path = (char *)"a.c", .line = 3, .column = 5, .text = (char *)"expected ';'"};
    (void)state;

    finding_gitlab(&finding, report);
    finding_gitlab(&finding, report); /* reported twice */
    assert_int_equal(js_count(report), 1);
    finding.line = 9;
    finding_gitlab(&finding, report);
    finding.warning = true;
    finding.text = (char *)"another";
    finding_gitlab(&finding, report);
    assert_int_equal(js_count(report), 3);

    const struct js *first = js_at(report, 0), *second = js_at(report, 1),
                    *third = js_at(report, 2);
    uint64_t line = 0;
    assert_string_equal(js_get_text(first, "description"), "expected ';'");
    assert_string_equal(js_get_text(first, "check_name"), "lbuild");
    assert_string_equal(js_get_text(first, "severity"), "major");
    assert_string_equal(js_get_text(third, "severity"), "minor");
    assert_string_equal(js_get_text(js_get(first, "location"), "path"), "a.c");
    assert_true(js_get_size(js_get(js_get(second, "location"), "lines"), "begin", &line));
    assert_int_equal(line, 9);
    assert_string_not_equal(js_get_text(first, "fingerprint"), js_get_text(second, "fingerprint"));
    assert_string_not_equal(js_get_text(first, "fingerprint"), js_get_text(third, "fingerprint"));

    /* The same problem some lines further down keeps its fingerprint. */
    AUTOPTR(js) later = js_array();
    finding = (struct finding){.path = (char *)"a.c", .line = 30, .text = (char *)"expected ';'"};
    finding_gitlab(&finding, later);
    assert_string_equal(js_get_text(js_at(later, 0), "fingerprint"),
                        js_get_text(first, "fingerprint"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_places),
        cmocka_unit_test(relative_to_the_repository),
        cmocka_unit_test(github),
        cmocka_unit_test(gitlab),
    };
    return cmocka_run_group_tests_name("finding", tests, make_root, drop_root);
}
