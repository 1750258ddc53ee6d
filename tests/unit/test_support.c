#include "unit.h"

#include "support/arena.h"
#include "support/buf.h"
#include "support/control.h"
#include "support/digest.h"
#include "support/error.h"
#include "support/fs.h"
#include "support/json.h"
#include "support/options.h"
#include "support/own.h"
#include "support/strv.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void error_is_one_line(void **state)
{
    struct error err = {0};
    (void)state;
    assert_int_equal(error_set(&err, ERROR_PROJECT, "bad '%s'", "a\nb\x01"), -1);
    assert_string_equal(err.text, "bad 'a b '");
    assert_int_equal(err.kind, ERROR_PROJECT);
    assert_int_equal(error_wrap(&err, "in %d", 7), -1);
    assert_string_equal(err.text, "in 7: bad 'a b '");
    assert_int_equal(err.kind, ERROR_PROJECT);
}

static void error_cut_is_valid_utf8(void **state)
{
    struct error err = {0};
    autofree char *text = xmalloc(4001);
    (void)state;

    for (size_t i = 0; i < 4000; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    text[4000] = '\0';
    error_set(&err, ERROR_BUILD, "x%s", text);
    assert_true(strlen(err.text) >= 1990 && strlen(err.text) < sizeof err.text);
    assert_true(js_valid_utf8(err.text, strlen(err.text)));
}

static void control_characters(void **state)
{
    AUTO(buf) out = {0};
    char text[] = "a\tb\r\n\x1b[1m\x7f \xc3\xa9~";
    (void)state;

    control_add(&out, text, SIZE_MAX);
    assert_string_equal(buf_text(&out), "a?b???[1m? \xc3\xa9~");
    control_mask(text, ' ');
    assert_string_equal(text, "a b   [1m  \xc3\xa9~");
    buf_clear(&out);
    control_add(&out, "a\nb", 2);
    assert_string_equal(buf_text(&out), "a?");
}

static void paths(void **state)
{
    static const struct {
        const char *in, *out;
    } cleaned[] = {
        {"a/b", "a/b"},
        {"/a//b/", "a/b"},
        {"./a/./b", "a/b"},
        {"a/../b", "b"},
        {"", ""},
        {"/", ""},
        {"a/..", ""},
        {"../a", NULL},
        {"a/../../b", NULL},
        {"a/b/../../c/d", "c/d"},
        {"...", "..."},
        {"..a/b", "..a/b"},
        {"/../etc", NULL},
    };
    (void)state;

    for (size_t i = 0; i < countof(cleaned); i++) {
        autofree char *out = path_clean(cleaned[i].in);
        if (cleaned[i].out)
            assert_string_equal(out, cleaned[i].out);
        else
            assert_null(out);
    }

    autofree char *joined = path_join("a/", "b"), *absolute = path_join("a", "/b"),
                  *dir = path_dir("/x");
    assert_string_equal(joined, "a/b");
    assert_string_equal(absolute, "/b");
    assert_string_equal(dir, "/");
}

static void nested_paths(void **state)
{
    static const struct {
        const char *path, *folder, *rest; /* rest NULL: the path isn't below the folder */
    } cases[] = {
        {"/a", "/a", ""},     {"/a/b", "/a", "b"}, {"/a/b/c", "/a/", "b/c"}, {"/x", "/", "x"},
        {"/", "/", ""},       {"/ab", "/a", NULL}, {"/a", "/ab", NULL},      {"/", "/a", NULL},
        {"/b/a", "/a", NULL}, {"a/", "a", ""},     {"a/b", "", "a/b"},       {"", "", ""},
        {"/a", "", NULL},     {"a", "/", NULL},    {"", "a", NULL},          {"a", "a/", ""},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        const char *rest = NULL;
        bool below = path_below(cases[i].path, cases[i].folder, &rest);
        assert_int_equal(below, path_below(cases[i].path, cases[i].folder, NULL));
        if (below != (cases[i].rest != NULL))
            fail_msg("'%s' in '%s'", cases[i].path, cases[i].folder);
        if (below)
            assert_string_equal(rest, cases[i].rest);
    }
}

static void a_changed_file_is_another(void **state)
{
    autofree char *folder = unit_folder(), *path = path_join(folder, "f");
    struct error err = {0};
    struct stat before, after;
    (void)state;

    assert_int_equal(fs_write(path, "a", 1, 0644, &err), 0);
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(stat(path, &after), 0);
    assert_true(fs_same_file(&before, &after));

    assert_int_equal(truncate(path, 2), 0);
    assert_int_equal(stat(path, &after), 0);
    assert_false(fs_same_file(&before, &after));

    after = before;
    after.st_mtim.tv_nsec ^= 1;
    assert_false(fs_same_file(&before, &after));
    after = before;
    after.st_ino++;
    assert_false(fs_same_file(&before, &after));
    assert_int_equal(fs_remove(folder, &err), 0);
}

static void atomic_leaves_old_or_new(void **state)
{
    struct error err = {0};
    autofree char *folder = unit_folder();
    autofree char *path = path_join(folder, "out");
    AUTO(buf) content = {0};
    struct stat st;
    (void)state;

    mode_t mask = umask(077);
    assert_int_equal(fs_write(path, "old", 3, 0644, &err), 0);
    umask(mask);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    {
        AUTO(atomic) file = ATOMIC_INIT;
        assert_int_equal(atomic_open(&file, path, 0644, &err), 0);
        assert_int_equal(fs_write_fd(file.fd, path, "half", 4, &err), 0);
    }

    assert_int_equal(fs_read(path, 100, &content, &err), 0);
    assert_string_equal(buf_text(&content), "old");
    assert_int_equal(rmdir(folder), -1); /* "out" is there */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0); /* and nothing else was there */
}

static void reading_is_capped(void **state)
{
    struct error err = {0};
    autofree char *folder = unit_folder();
    autofree char *path = path_join(folder, "f");
    AUTO(buf) content = {0};
    (void)state;

    assert_int_equal(fs_write(path, "12345", 5, 0600, &err), 0);
    assert_int_equal(fs_read(path, 4, &content, &err), -1);
    assert_non_null(strstr(err.text, "larger than 4 bytes"));
    assert_int_equal(fs_read(folder, 4, &content, &err), -1);
    assert_int_equal(fs_remove(folder, &err), 0);
    assert_false(fs_exists(folder));
    assert_int_equal(fs_remove(folder, &err), 0);
}

static void removing_does_not_follow_links(void **state)
{
    struct error err = {0};
    autofree char *folder = unit_folder(), *other = unit_folder();
    autofree char *kept = path_join(other, "kept"), *link = path_join(folder, "deep/link"),
                  *deep = path_join(folder, "deep");
    (void)state;

    assert_int_equal(fs_write(kept, "", 0, 0600, &err), 0);
    assert_int_equal(fs_mkdirs(deep, &err), 0);
    assert_int_equal(symlink(other, link), 0);
    assert_int_equal(fs_remove(folder, &err), 0);
    assert_true(fs_exists(kept));
    assert_int_equal(fs_remove(other, &err), 0);
}

/* Runs as an ordinary user, since modes don't stop root. */
static int remove_closed_folders(const char *folder)
{
    struct error err = {0};
    autofree char *closed = path_join(folder, "a/closed"), *fixed = path_join(folder, "a/fixed"),
                  *file = path_join(fixed, "f"), *all = path_join(folder, "a");

    if (geteuid() == 0 &&
        (chown(folder, 65534, 65534) != 0 || setgid(65534) != 0 || setuid(65534) != 0))
        return 1;
    if (fs_mkdirs(closed, &err) != 0 || fs_mkdirs(fixed, &err) != 0 ||
        fs_write(file, "", 0, 0600, &err) != 0 || chmod(closed, 0) != 0 || chmod(fixed, 0500) != 0)
        return 2;
    return fs_remove(all, &err) == 0 && !fs_exists(all) ? 0 : 3;
}

static void removing_opens_closed_folders(void **state)
{
    struct error err = {0};
    int status = -1;
    autofree char *folder = unit_folder();
    (void)state;

    pid_t child = fork();
    if (child == 0)
        _exit(remove_closed_folders(folder));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(fs_remove(folder, &err), 0);
}

static void digests(void **state)
{
    struct error err = {0};
    struct digest digest;
    (void)state;

    assert_int_equal(digest_bytes("abc", 3, &digest, &err), 0);
    assert_string_equal(digest.text,
                        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(digest_valid(digest.text));
    digest.text[7] = 'B';
    assert_false(digest_valid(digest.text));
    assert_false(digest_parse(&digest, "sha512:ba78"));
    assert_string_equal(digest.text, "");
}

static void json_is_strict_and_ordered(void **state)
{
    static const char *const refused[] = {"{\"a\":1,\"a\":2}", "[1,]", "\"\xff\"", "{",
                                          "[\"\\u0000\"]"};
    struct error err = {0};
    (void)state;
    for (size_t i = 0; i < countof(refused); i++)
        assert_null(js_parse(refused[i], strlen(refused[i]), "x", &err));
    char deep[202];
    memset(deep, '[', 101);
    memset(deep + 101, ']', 101);
    assert_null(js_parse(deep, 202, "x", &err));
    assert_non_null(strstr(err.text, "deeper"));
    AUTOPTR(js) fine = js_parse(deep + 1, 200, "x", &err);
    assert_non_null(fine);

    AUTOPTR(js) object = js_object();
    AUTO(buf) text = {0};
    js_set_string(object, "z", "a\xff\"");
    js_set_integer(object, "b", 5);
    js_set(object, "n", js_array());
    js_set_string(object, "z", "\xc3\xa9");
    js_dump(object, &text);
    assert_string_equal(buf_text(&text), "{\"z\":\"\xc3\xa9\",\"b\":5,\"n\":[]}");
}

struct forwarded {
    bool flag, other;
    const char *text;
    struct strv list;
    int count;
};

static void options_are_passed_on(void **state)
{
    static const struct option_row rows[] = {
        {'f', "flag", OPTION_FLAG, offsetof(struct forwarded, flag), NULL, ""},
        {'o', "other", OPTION_FLAG, offsetof(struct forwarded, other), NULL, ""},
        {'t', "text", OPTION_TEXT, offsetof(struct forwarded, text), "TEXT", ""},
        {0, "list", OPTION_LIST, offsetof(struct forwarded, list), "ITEM", ""},
        {'j', "count", OPTION_COUNT, offsetof(struct forwarded, count), "N", ""},
        {0},
    };
    static const struct option_table tables[] = {{rows, 0}, {0}};
    static const char *const argv[] = {"verb",       "-f", "operand", "-tabc",  "--list", "--flag",
                                       "--list=b=c", "-j", "3",       "-",      "-o",     "--text",
                                       "",           "--", "-f",      "--list", NULL};
    static const char *const but[] = {"other", "count", NULL}, *const nothing[] = {NULL};
    static const char *const expected[] = {"--flag", "--text=abc", "--list=--flag", "--list=b=c",
                                           "--text="};
    AUTO(strv) out = {0}, all = {0};
    (void)state;
    options_forward(tables, argv, but, &out);
    assert_int_equal(out.len, countof(expected));
    for (size_t i = 0; i < countof(expected); i++)
        assert_string_equal(out.items[i], expected[i]);
    options_forward(tables, argv, nothing, &all);
    assert_int_equal(all.len, countof(expected) + 2);
    assert_true(strv_contains(&all, "--count=3"));
    assert_true(strv_contains(&all, "--other"));
}

static void nearest(void **state)
{
    static const char *const words[] = {"handler", "language", "base"};
    (void)state;
    assert_string_equal(strv_nearest("handelr", words, 3), "handler");
    assert_string_equal(strv_nearest("bas", words, 3), "base");
    assert_null(strv_nearest("zzzz", words, 3));
}

struct sample {
    bool quiet;
    const char *file;
    struct strv set;
    int jobs;
};

static void options(void **state)
{
    static const struct option_row rows[] = {
        {'q', "quiet", OPTION_FLAG, offsetof(struct sample, quiet), NULL, "say less"},
        {'f', "file", OPTION_TEXT, offsetof(struct sample, file), "FILE", "the file"},
        {0, "set", OPTION_LIST, offsetof(struct sample, set), "KEY=VALUE", "override"},
        {'j', "jobs", OPTION_COUNT, offsetof(struct sample, jobs), "N", "how many"},
        {0},
    };
    static const struct option_table tables[] = {{rows, 0}, {0}};
    struct sample sample = {0};
    AUTO(strv) operands = {0};
    struct error err = {0};
    (void)state;
    const char *argv[] = {"build",     "-q", "one", "--file=a", "-fb", "--set", "x=1",
                          "--set=y=2", "-j", "3",   "-",        "--",  "-z",    NULL};
    assert_int_equal(options_parse(tables, argv, &sample, &operands, &err), 0);
    assert_true(sample.quiet);
    assert_string_equal(sample.file, "b");
    assert_int_equal(sample.set.len, 2);
    assert_string_equal(sample.set.items[1], "y=2");
    assert_int_equal(sample.jobs, 3);
    assert_int_equal(operands.len, 3);
    assert_string_equal(operands.items[2], "-z");
    strv_release(&sample.set);

    const char *wrong[][3] = {{"b", "--flie", NULL},
                              {"b", "--file", NULL},
                              {"b", "-j0", NULL},
                              {"b", "--quiet=1", NULL},
                              {"b", "-x", NULL}};
    const char *said[] = {"did you mean '--file'", "needs a value", "from 1 to 1024",
                          "takes no value", "unknown option '-x'"};
    for (size_t i = 0; i < countof(wrong); i++) {
        assert_int_equal(options_parse(tables, wrong[i], &sample, &operands, &err), -1);
        assert_int_equal(err.kind, ERROR_USAGE);
        assert_non_null(strstr(err.text, said[i]));
    }
}

struct outer {
    bool json;
    const char *other;
    struct sample sample;
};

/* The first row with a name counts, for parsing and for help. */
static void tables_compose(void **state)
{
    static const struct option_row shared[] = {
        {'q', "quiet", OPTION_FLAG, offsetof(struct sample, quiet), NULL, "Say less."},
        {'f', "file", OPTION_TEXT, offsetof(struct sample, file), "FILE", "The file."},
        {0},
    };
    static const struct option_row own[] = {
        {0, "json", OPTION_FLAG, offsetof(struct outer, json), NULL, "Print JSON."},
        {'f', "file", OPTION_TEXT, offsetof(struct outer, other), "DIR", "The other."},
        {0},
    };
    static const struct option_table tables[] = {
        {own, 0}, {shared, offsetof(struct outer, sample)}, {0}};
    static const char *const argv[] = {"verb", "-fa", "--quiet", "--file", "b", "--json", NULL};
    struct outer outer = {0};
    AUTO(strv) operands = {0};
    AUTO(buf) help = {0};
    struct error err = {0};
    (void)state;

    assert_int_equal(options_parse(tables, argv, &outer, &operands, &err), 0);
    assert_true(outer.json && outer.sample.quiet);
    assert_string_equal(outer.other, "b");
    assert_null(outer.sample.file);

    options_help(tables, &help);
    assert_string_equal(buf_text(&help), "      --json                    Print JSON.\n"
                                         "  -f, --file DIR                The other.\n"
                                         "  -q, --quiet                   Say less.\n");
}

/* Strings of all sizes stay where they were put. */
static void an_arena_keeps_strings(void **state)
{
    enum { COUNT = 300, LONGEST = 100000 };
    const char *kept[COUNT];
    AUTO(arena) arena = {0};
    autofree char *text = xmalloc(LONGEST);
    (void)state;

    memset(text, 'x', LONGEST);
    for (size_t i = 0; i < COUNT; i++)
        kept[i] = arena_addn(&arena, text, i % 7 == 0 ? LONGEST - i : 251 * i);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(strlen(kept[i]), i % 7 == 0 ? LONGEST - i : 251 * i);
    assert_string_equal(arena_add(&arena, ""), "");
    assert_string_equal(arena_add(&arena, "a/b"), "a/b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_is_one_line),
        cmocka_unit_test(error_cut_is_valid_utf8),
        cmocka_unit_test(control_characters),
        cmocka_unit_test(paths),
        cmocka_unit_test(nested_paths),
        cmocka_unit_test(a_changed_file_is_another),
        cmocka_unit_test(atomic_leaves_old_or_new),
        cmocka_unit_test(reading_is_capped),
        cmocka_unit_test(removing_does_not_follow_links),
        cmocka_unit_test(removing_opens_closed_folders),
        cmocka_unit_test(digests),
        cmocka_unit_test(json_is_strict_and_ordered),
        cmocka_unit_test(an_arena_keeps_strings),
        cmocka_unit_test(nearest),
        cmocka_unit_test(options),
        cmocka_unit_test(tables_compose),
        cmocka_unit_test(options_are_passed_on),
    };
    return cmocka_run_group_tests_name("support", tests, NULL, NULL);
}
