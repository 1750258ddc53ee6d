#include "unit.h"

#include "support/fs.h"
#include "support/makerule.h"
#include "support/own.h"
#include "support/process.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names with all characters that mean something to make. */
static const char *const names[] = {
    "plain.h",   "a b.h",       " lead",        "#hash",     "a#b",     "$dollar", "$(x)y",
    "${x}",      "100%",        "%.h",          "a%b%c",     "co:lon",  "a:=b",    "eq=al",
    "a+=b",      "=",           "st*r",         "wh?t",      "br[a]ck", "a]b",     "[ab]",
    "~tilde",    "back\\slash", "back\\ blank", "two\\\\ b", "b\\#h",   "b\\:c",   "b\\%p",
    "b\\=e",     "b\\$d",       "p(aren.h",     "(x) y",     "co,mma",  "qu'ote",  "qu\"ote",
    "back`tick", "a&b",         "ex!claim",     "a!=b",      "<in",     "a>b",     "a@b",
    "-dash",     "\xc3\xbc",    "\x01\x7f",     "a\\\\[b]",  "b\\*",    "a*b\\*c", "a=b:c=d",
    "export a",  "include",     "define x",     "endef",     "x (1).h",
};

/* Names that no makefile can hold. */
static const char *const unnamed[] = {"a\nb", "a\rb",  "a\tb", "a;b",    "a|b",
                                      "end ", "end\\", "end&", "lib(x)", "b)"};

struct fixture {
    char *folder, *in;
    struct strv paths;
    struct error err;
};

static void set_time(const char *path, time_t seconds)
{
    const struct timespec when = {.tv_sec = seconds};
    if (utimensat(AT_FDCWD, path, (const struct timespec[]){when, when}, 0) != 0)
        fail_msg("'%s' is gone", path);
}

static void put(const char *path, const char *text)
{
    struct error err = {0};
    if (fs_write(path, text, strlen(text), 0644, &err) != 0)
        fail_msg("%s", err.text);
    set_time(path, 1000000000);
}

static void fixture_init(struct fixture *f, const char *const *list, size_t count)
{
    *f = (struct fixture){.folder = unit_folder()};
    f->in = path_join(f->folder, "in");
    assert_int_equal(fs_mkdirs(f->in, &f->err), 0);
    for (size_t i = 0; i < count; i++) {
        strv_take(&f->paths, xasprintf("%s/%s", f->in, list[i]));
        put(f->paths.items[i], "");
    }
}

static void fixture_release(struct fixture *f)
{
    if (fs_remove(f->folder, &f->err) != 0)
        fail_msg("%s", f->err.text);
    strv_release(&f->paths);
    free(f->folder);
    free(f->in);
}

/* Whether make ran the recipe for the target, which dates it 2001-09-09T01:46:42. */
static bool makes(const struct fixture *f, const char *target, const char *target_in_make)
{
    struct process_result result;
    struct error err = {0};
    AUTO(buf) rules = {0}, said = {0};

    makerule_write(target, &f->paths, &rules);
    autofree char *file = path_join(f->folder, "Makefile");
    autofree char *text = xasprintf("%s\n%s: ; @echo MADE; touch -d @1000000002 '$@'\n",
                                    buf_text(&rules), target_in_make);
    put(file, text);

    const char *const argv[] = {"make", "-r", NULL};
    const char *const env[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C", NULL};
    struct process process = {
        .argv = argv, .dir = f->folder, .env = env, .input = -1, .errors = &said};

    if (process_run(&process, &result, &err) != 0)
        fail_msg("%s", err.text);
    if (result.status != 0 || strstr(buf_text(&said), "warning"))
        fail_msg("make: %s", buf_text(&said));
    return strstr(buf_text(&said), "MADE\n");
}

/* With the real make: one file at a time changes, then disappears. */
static void make_reads_every_name(void **state)
{
    struct fixture f;
    (void)state;

    fixture_init(&f, names, countof(names));
    assert_true(makes(&f, "out", "out"));
    assert_false(makes(&f, "out", "out"));

    for (size_t i = 0; i < countof(names); i++) {
        set_time(f.paths.items[i], 1000000003);
        if (!makes(&f, "out", "out"))
            fail_msg("make didn't notice that '%s' changed", names[i]);
        set_time(f.paths.items[i], 1000000001);
        if (makes(&f, "out", "out"))
            fail_msg("make takes '%s' for changed", names[i]);
    }

    for (size_t i = 0; i < countof(names); i++) {
        assert_int_equal(unlink(f.paths.items[i]), 0);
        if (!makes(&f, "out", "out"))
            fail_msg("make didn't notice that '%s' is gone", names[i]);
        put(f.paths.items[i], "");
    }
    fixture_release(&f);
}

static void names_that_make_cannot_hold(void **state)
{
    (void)state;

    for (size_t i = 0; i < countof(unnamed); i++) {
        const char *const both[] = {"a.h", unnamed[i]};
        struct fixture f;
        fixture_init(&f, both, countof(both));
        assert_true(makes(&f, "out", "out"));
        if (!makes(&f, "out", "out"))
            fail_msg("'%s' isn't looked at each time", unnamed[i]);
        fixture_release(&f);
    }
}

static void odd_targets(void **state)
{
    static const char *const targets[][2] = {
        {"a b", "a\\ b"}, {"d/e#f", "d/e\\#f"}, {"a:b", "a\\:b"}, {"$x", "$$x"}, {"./out", "out"}};
    (void)state;

    for (size_t i = 0; i < countof(targets); i++) {
        struct fixture f;
        fixture_init(&f, names, 2);
        autofree char *folder = path_join(f.folder, "d");
        assert_int_equal(fs_mkdirs(folder, &f.err), 0);
        if (!makes(&f, targets[i][0], targets[i][1]) || makes(&f, targets[i][0], targets[i][1]))
            fail_msg("make doesn't take '%s' for '%s'", targets[i][0], targets[i][1]);
        fixture_release(&f);
    }
}

static void text(void **state)
{
    AUTO(strv) paths = {0};
    AUTO(buf) out = {0};
    (void)state;

    strv_add(&paths, "/p/a.c");
    strv_add(&paths, "/p/b c.h");
    makerule_write("out/x.stamp", &paths, &out);
    assert_string_equal(buf_text(&out), "# Made by lbuild: what the last build read.\n"
                                        "lbuild-equals := =\n"
                                        "out/x.stamp: \\\n /p/a.c \\\n /p/b\\ c.h\n"
                                        "\n/p/a.c:\n/p/b\\ c.h:\n");
}

static void rules_of_compilers(void **state)
{
    static const struct {
        const char *text, *paths;
    } good[] = {
        {"o: a.c b.h\n", "/d/a.c /d/b.h "},
        {"o: a.c \\\n  /x/b.h \\\n c.h\n\nb.h:\n", "/d/a.c /x/b.h /d/c.h "},
        {"o: a\\ b.c c\\#d $$e \\\r\n f", "/d/a b.c /d/c#d /d/$e /d/f "},
        {"C:x/y.o: a.c", "/d/a.c "},
        {"o:\n", ""},
        {"o: back\\slash\\\\x\n", "/d/back\\slash\\x "},
    };
    (void)state;

    for (size_t i = 0; i < countof(good); i++) {
        AUTO(strv) paths = {0};
        AUTO(buf) text = {0};
        assert_int_equal(makerule_read(good[i].text, "/d", &paths), 0);
        for (size_t j = 0; j < paths.len; j++)
            buf_addf(&text, "%s ", paths.items[j]);
        assert_string_equal(buf_text(&text), good[i].paths);
    }

    AUTO(strv) none = {0};
    assert_int_equal(makerule_read("", "/d", &none), -1);
    assert_int_equal(makerule_read("no rule", "/d", &none), -1);
    assert_int_equal(none.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(make_reads_every_name), cmocka_unit_test(names_that_make_cannot_hold),
        cmocka_unit_test(odd_targets),           cmocka_unit_test(text),
        cmocka_unit_test(rules_of_compilers),
    };
    return cmocka_run_group_tests_name("makerule", tests, NULL, NULL);
}
