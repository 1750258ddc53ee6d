#include "unit.h"

#include "layer/tree.h"

static void assert_source(const struct tree *tree, size_t index, const char *expected,
                          const char *kept)
{
    autofree char *source = tree_source(&tree->entries[index]);
    assert_string_equal(source, expected);
    assert_string_equal(tree->entries[index].source, kept);
}

static void sources_come_back(void **state)
{
    AUTO(tree) tree = {0};
    (void)state;

    tree_add_file(&tree, "opt/deps/a/b", "/p/deps/a/b", 0644);
    tree_add_file(&tree, "opt/deps/a/c", "/p/deps/a/c", 0755);
    tree_add_file(&tree, "a/b", "/b", 0644);
    tree_add_file(&tree, "a/b", "/a/b", 0644);
    tree_add_file(&tree, "xb", "/p/b", 0644);
    tree_add_file(&tree, "b", "/p/xb", 0644);
    tree_add_file(&tree, "b", "b", 0644);
    tree_add_stored(&tree, "var/runtime/bootstrap", "/cache/c-1", 0755);
    assert_source(&tree, 0, "/p/deps/a/b", "/p/");
    assert_source(&tree, 1, "/p/deps/a/c", "/p/");
    assert_ptr_equal(tree.entries[0].source, tree.entries[1].source);
    assert_source(&tree, 2, "/b", "/");
    assert_source(&tree, 3, "/a/b", "/");
    assert_source(&tree, 4, "/p/b", "/p/b");
    assert_source(&tree, 5, "/p/xb", "/p/xb");
    assert_source(&tree, 6, "b", "b");
    assert_source(&tree, 7, "/cache/c-1", "/cache/c-1");
    assert_true(tree.entries[7].stored);
    assert_int_equal(tree.entries[1].mode, 0755);
}

static void entries_without_a_source(void **state)
{
    AUTO(tree) tree = {0};
    (void)state;

    tree_add_dir(&tree, "d");
    tree_add_link(&tree, "d/l", "../x");
    tree_add_text(&tree, "t", "text", 0644);
    for (size_t i = 0; i < tree.len; i++)
        assert_null(tree_source(&tree.entries[i]));
    assert_null(tree.entries[0].text);
    assert_string_equal(tree.entries[1].text, "../x");
    assert_string_equal(tree.entries[2].text, "text");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_come_back),
        cmocka_unit_test(entries_without_a_source),
    };
    return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
