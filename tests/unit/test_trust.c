#include "unit.h"

#include "provenance/trust.h"
#include "support/fs.h"
#include "support/own.h"

static void safe_directories(void **state)
{
    autofree char *made = unit_folder(), *folder = realpath(made, NULL),
                  *home = path_join(folder, "home");
    (void)state;
    struct error err = {0};
    autofree char *root = path_join(folder, "home/a"), *below = path_join(folder, "home/*");
    autofree char *other = path_join(folder, "home/a/*"), *slash = path_join(folder, "home/a/");

    assert_int_equal(fs_mkdirs(root, &err), 0);
    setenv("HOME", home, 1);

    const struct {
        const char *value;
        bool listed;
    } cases[] = {{root, true},  {slash, true},  {"~/a", true}, {"*", true},
                 {below, true}, {other, false}, {"a", false},  {".", false},
                 {"/", false},  {"~/b", false}, {"", false}};

    for (size_t i = 0; i < countof(cases); i++) {
        struct trust trust = {.root = root};
        trust_consider(&trust, cases[i].value);
        if (trust.listed != cases[i].listed)
            fail_msg("safe.directory '%s'", cases[i].value);
    }

    assert_int_equal(fs_remove(folder, &err), 0);
}

static void flags_of_the_environment(void **state)
{
    static const char *const no[] = {"", "0", "no", "OFF", "False"}, *const yes[] = {"1", "yes",
                                                                                     "true", "x"};
    (void)state;

    unsetenv("LBUILD_TEST_FLAG");
    assert_false(trust_flag("LBUILD_TEST_FLAG"));

    for (size_t i = 0; i < countof(no); i++) {
        setenv("LBUILD_TEST_FLAG", no[i], 1);
        assert_false(trust_flag("LBUILD_TEST_FLAG"));
    }

    for (size_t i = 0; i < countof(yes); i++) {
        setenv("LBUILD_TEST_FLAG", yes[i], 1);
        assert_true(trust_flag("LBUILD_TEST_FLAG"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(safe_directories),
        cmocka_unit_test(flags_of_the_environment),
    };
    return cmocka_run_group_tests_name("trust", tests, NULL, NULL);
}
