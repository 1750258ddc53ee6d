#include "unit.h"

#include "support/buf.h"
#include "support/ignore.h"

/* Verdicts of moby/patternmatcher 0.6.0 for the same rules and paths. */
struct verdict {
    const char *rules, *path;
    bool out;
};

static const struct verdict verdicts[] = {
    {"", "a", false},
    {"a", "a", true},
    {"a", "a/b/c", true},
    {"a", "b/a", false},
    {"a", "ab", false},
    {"/a", "a", true},
    {"//a//", "a", true},
    {"./a/", "a", true},
    {"x/../a", "a", true},
    {"../a", "a", false},
    {"a/", "a", true},
    {"  a\t\r\n", "a", true},
    {"\xef\xbb\xbf"
     "a",
     "a", true},
    {"x\n\xef\xbb\xbf"
     "a",
     "a", false},
    {"\xc2\xa0"
     "a",
     "a", true},
    {"#a\na", "#a", false},
    {" #a", "#a", true},
    {"\\#a", "#a", true},
    {"\n\n \n", "a", false},
    {"*", "a", true},
    {"*", "a/b", true},
    {"*", ".hidden", true},
    {"*/b", "b", false},
    {"*/b", "a/b", true},
    {"*/b", "a/b/c", true},
    {"*/b", "a/a/b", false},
    {"a*", "abc", true},
    {"a*c", "ac", true},
    {"a*c", "a/c", false},
    {"*.c", "x.c", true},
    {"*.c", "src/x.c", false},
    {"*.c", "xxc", false},
    {"?", "a", true},
    {"?", "ab", false},
    {"?", "\xc3\xa9", true},
    {"?/x", "\xff/x", true},
    {"a?b", "a/b", false},
    {"[a-c]x", "bx", true},
    {"[a-c]x", "dx", false},
    {"[^a-c]x", "dx", true},
    {"[^a-c]x", "ax", false},
    {"a[^b]c", "a/c", true}, /* brackets match a slash too */
    {"[!a]", "!", true},
    {"[\\]]x", "]x", true},
    {"[\\-a]", "-", true},
    {"\\*", "*", true},
    {"\\*", "a", false},
    {"a]", "a]", true},
    {"**", "a/b/c", true},
    {"**/a", "a", true},
    {"**/a", "x/y/a", true},
    {"**/a", "xa", false},
    {"**/a", "x/a/y", true},
    {"**a", "xa", true},
    {"**a", "x/ya", true},
    {"**/*.c", "x.c", true},
    {"**/*.c", "a/b/x.c", true},
    {"a/**", "a", false},
    {"a/**", "a/b", true},
    {"a/**", "a/b/c", true},
    {"a**", "abc/d", true},
    {"a/**/b", "a/b", true},
    {"a/**/b", "a/x/y/b", true},
    {"a/**/b", "ab", false},
    {"a**b", "axb", false},
    {"a**b", "ax/b", true},
    {"a**b", "ab", true},
    {"**/a/**", "x/a/y", true},
    {"**/a/**", "x/a", false},
    {"*\n!a", "a", false},
    {"*\n!a", "a/b", false},
    {"*\n!a", "b", true},
    {"*\n!a/b", "a", true},
    {"*\n!a/b", "a/b", false},
    {"*\n!a/b", "a/c", true},
    {"!a\n*", "a", true},
    {"a\n!a/b\na/b/c", "a/b/c", true},
    {"a\n!a/b\na/b/c", "a/b/d", false},
    {"*.md\n!README*.md\nREADME-secret.md", "README.md", false},
    {"*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true},
    {"**\n!**/*.c", "a/x.c", false},
    {"**\n!**/*.c", "a/x.h", true},
    {"! a", "a", false},
    {"*\n! /a", "a", false},
    {"*\n!!a", "!a", false},
    {"a+b*", "a+bc", true},
    {"a(b)*", "a(b)c", true},
    {"a.b*", "axb", false},
    {"a$*", "a$b", true},
    {"^a", "^a", true},   /* an exact text ... */
    {"^a*", "^a", false}, /* ... but a regular expression's anchor next to a star */
    {"^a*", "ab", true},
    {"**/a", "x\ny/a", true},
    {"**/a*", "x\ny/a", false}, /* the "." of a regular expression matches no line feed */
    {"?", "\n", true},
    {"a\r", "a", true},
    {"a b", "a b", true},
};

static void gives_the_verdicts_of_moby(void **state)
{
    (void)state;

    for (size_t i = 0; i < countof(verdicts); i++) {
        struct error err = {0};
        const struct verdict *v = &verdicts[i];
        AUTOPTR(ignore) ignore = ignore_parse(v->rules, strlen(v->rules), ".dockerignore", &err);
        if (!ignore)
            fail_msg("'%s': %s", v->rules, err.text);
        if (ignore_matches(ignore, v->path) != v->out)
            fail_msg("'%s' on '%s' should be %d", v->rules, v->path, v->out);
    }
}

static void refuses_what_has_no_one_meaning(void **state)
{
    static const char *const cases[][2] = {
        {"a\n!", "i:2:1: '!' needs a pattern"},
        {"!/", "i:1:1: '!' needs a pattern"},
        {"[a", "bad range"},
        {"[]a]", "bad range"},
        {"[a-]", "bad range"},
        {"[-a]", "bad range"},
        {"[^]", "bad range"},
        {"[c-a]", "backwards"},
        {"a\\", "ends in a backslash"},
        {"ok\n\\d", "i:2:1: the pattern '\\d' has a letter or digit after a backslash"},
        {"[*]", "different ways"},
        {"[[:alpha:]]", "different ways"},
        {"[\xff]", "not UTF-8"},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        struct error err = {0};
        assert_null(ignore_parse(cases[i][0], strlen(cases[i][0]), "i", &err));
        assert_int_equal(err.kind, ERROR_PROJECT);
        if (!strstr(err.text, cases[i][1]))
            fail_msg("'%s' gave: %s", cases[i][0], err.text);
    }
}

static void has_caps(void **state)
{
    struct error err = {0};
    AUTO(buf) text = {0};
    (void)state;

    for (int i = 0; i < 10001; i++)
        buf_adds(&text, "a\n");
    assert_null(ignore_parse(text.data, text.len, "i", &err));
    assert_non_null(strstr(err.text, "i:10001:1: more than 10000 rules"));

    AUTOPTR(ignore) full = ignore_parse(text.data, 20000, "i", &err);
    assert_non_null(full);

    buf_clear(&text);
    for (int i = 0; i < 65536; i++)
        buf_addc(&text, 'a');
    assert_null(ignore_parse(text.data, text.len, "i", &err));
    assert_non_null(strstr(err.text, "65,535"));

    buf_clear(&text);
    for (int i = 0; i < 1024 * 1024 + 1; i++)
        buf_addc(&text, '\n');
    assert_null(ignore_parse(text.data, text.len, "i", &err));
    assert_non_null(strstr(err.text, "larger than"));

    assert_null(ignore_parse("a\0b", 3, "i", &err));
    assert_non_null(strstr(err.text, "i:1:2: the line has a NUL byte"));
}

/* With plain backtracking this would take longer than the universe has existed. */
static void many_stars_stay_fast(void **state)
{
    struct error err = {0};
    AUTO(buf) rule = {0}, path = {0};
    (void)state;

    for (int i = 0; i < 200; i++) {
        buf_adds(&rule, "*a**/");
        buf_adds(&path, "aaaa");
    }
    buf_adds(&rule, "b");
    AUTOPTR(ignore) ignore = ignore_parse(rule.data, rule.len, "i", &err);
    assert_non_null(ignore);
    assert_false(ignore_matches(ignore, path.data));
}

static void knows_where_an_exception_may_be(void **state)
{
    struct error err = {0};
    (void)state;

    AUTOPTR(ignore) none = ignore_parse("*", 1, "i", &err);
    AUTOPTR(ignore) plain = ignore_parse("*\n!a/b/c", 8, "i", &err);
    AUTOPTR(ignore) wild = ignore_parse("*\n!**/c", 7, "i", &err);

    assert_false(ignore_may_reinclude(none, "a"));
    assert_true(ignore_may_reinclude(plain, "a"));
    assert_true(ignore_may_reinclude(plain, "a/b"));
    assert_false(ignore_may_reinclude(plain, "a/b/c"));
    assert_false(ignore_may_reinclude(plain, "a/bb"));
    assert_false(ignore_may_reinclude(plain, "b"));
    assert_true(ignore_may_reinclude(wild, "b"));
    assert_false(ignore_may_reinclude(NULL, "b"));
    assert_false(ignore_matches(NULL, "b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_verdicts_of_moby),
        cmocka_unit_test(refuses_what_has_no_one_meaning),
        cmocka_unit_test(has_caps),
        cmocka_unit_test(many_stars_stay_fast),
        cmocka_unit_test(knows_where_an_exception_may_be),
    };
    return cmocka_run_group_tests_name("ignore", tests, NULL, NULL);
}
