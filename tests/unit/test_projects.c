#include "unit.h"

#include "project/projects.h"
#include "support/fs.h"
#include "support/own.h"

#include <sys/stat.h>
#include <unistd.h>

static char *root;

static void put(const char *name, const char *text)
{
    struct error err = {0};
    autofree char *path = path_join(root, name), *dir = path_dir(path);
    assert_int_equal(fs_mkdirs(dir, &err), 0);
    assert_int_equal(fs_write(path, text, strlen(text), 0644, &err), 0);
}

static int set_up(void **state)
{
    (void)state;
    root = unit_folder();
    return 0;
}

static int tear_down(void **state)
{
    struct error err = {0};
    (void)state;
    int result = fs_remove(root, &err);
    free(root);
    return result;
}

/* The folders that were found, relative to the root, one a line. */
static char *found(const char *dir, struct error *err)
{
    AUTO(strv) dirs = {0};
    AUTO(buf) text = {0};

    if (projects_find(dir, &dirs, err) != 0)
        return NULL;
    for (size_t i = 0; i < dirs.len; i++)
        buf_addf(&text, "%s\n",
                 strncmp(dirs.items[i], root, strlen(root)) == 0 ? dirs.items[i] + strlen(root)
                                                                 : dirs.items[i]);
    return buf_detach(&text);
}

static void finds_and_sorts(void **state)
{
    struct error err = {0};
    static const char *const names[] = {"b/lbuild.ini",
                                        "a/lbuild.ini",
                                        "a/deep/er/lbuild.ini",
                                        "a-b/lbuild.ini",
                                        "node_modules/x/lbuild.ini",
                                        ".git/x/lbuild.ini",
                                        "c/.cache/lbuild.ini",
                                        "c/__pycache__/lbuild.ini",
                                        "c/Lbuild.ini",
                                        "odd name/\xc3\xa9/lbuild.ini"};
    (void)state;

    for (size_t i = 0; i < countof(names); i++)
        put(names[i], "");

    autofree char *link = path_join(root, "link"), *file = path_join(root, "c/lbuild.ini");
    autofree char *folder = path_join(root, "d/lbuild.ini");
    assert_int_equal(symlink("a", link), 0);
    assert_int_equal(symlink("../a/lbuild.ini", file), 0); /* a link is not a project file */
    assert_int_equal(fs_mkdirs(folder, &err), 0);          /* nor is a folder */

    autofree char *text = found(root, &err);
    assert_string_equal(text, "/a\n/a-b\n/a/deep/er\n/b\n/odd name/\xc3\xa9\n");

    /* A link that is named directly is followed. */
    autofree char *linked = found(link, &err);
    assert_string_equal(linked, "/link\n/link/deep/er\n");
    put("lbuild.ini", "");
    assert_int_equal(chdir(root), 0);

    autofree char *here = found(".", &err);
    assert_string_equal(here, ".\na\na-b\na/deep/er\nb\nodd name/\xc3\xa9\n");
    assert_int_equal(chdir("/"), 0);
}

static void obeys_the_ignore_file(void **state)
{
    struct error err = {0};
    static const char *const names[] = {"out/x/lbuild.ini", "out/keep/lbuild.ini",
                                        "fn/a/lbuild.ini", "fn/b/lbuild.ini"};
    (void)state;

    for (size_t i = 0; i < countof(names); i++)
        put(names[i], "");
    put(".dockerignore", "out\n!out/keep\nfn/b/lbuild.ini\n");
    put("fn/a/.dockerignore",
        "*\n"); /* of the project itself: says what goes into it, not whether it is one */
    autofree char *text = found(root, &err);
    assert_string_equal(text, "/fn/a\n/out/keep\n");
    put(".dockerignore", "[\n");
    assert_null(found(root, &err));
    assert_int_equal(err.kind, ERROR_PROJECT);
    assert_non_null(strstr(err.text, ".dockerignore:1:"));
}

static void refuses(void **state)
{
    struct error err = {0};
    AUTO(buf) deep = {0};
    (void)state;

    assert_null(found(root, &err));
    assert_int_equal(err.kind, ERROR_PROJECT);
    assert_non_null(strstr(err.text, "there is no lbuild.ini"));
    autofree char *missing = path_join(root, "none");
    assert_null(found(missing, &err));
    assert_int_equal(err.kind, ERROR_BUILD);
    for (int i = 0; i <= PROJECTS_DEPTH_MAX; i++)
        buf_adds(&deep, "d/");
    buf_adds(&deep, "lbuild.ini");
    put(buf_text(&deep), "");
    assert_null(found(root, &err));
    assert_int_equal(err.kind, ERROR_PROJECT);
    assert_non_null(strstr(err.text, "deeper than 100"));
}

static void caps_their_number(void **state)
{
    struct error err = {0};
    (void)state;

    for (int i = 0; i <= PROJECTS_MAX; i++) {
        autofree char *dir = xasprintf("%s/%d", root, i), *path = path_join(dir, "lbuild.ini");
        assert_int_equal(mkdir(dir, 0755), 0);
        assert_int_equal(mknod(path, S_IFREG | 0644, 0), 0);
    }
    assert_null(found(root, &err));
    assert_int_equal(err.kind, ERROR_PROJECT);
    assert_non_null(strstr(err.text, "more than 1000 projects"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_and_sorts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(obeys_the_ignore_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(caps_their_number, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("projects", tests, NULL, NULL);
}
