#include "unit.h"

#include "depfile.h"
#include "support/fs.h"
#include "support/own.h"

#include <sys/stat.h>

static void the_stamp(void **state)
{
    autofree char *folder = unit_folder(), *stamp = path_join(folder, "stamp"),
                  *lost = path_join(folder, "no/stamp");
    struct error err = {0};
    struct stat st;
    (void)state;

    struct pipeline_options options = {.stamp = stamp};

    assert_int_equal(depfile_stamp(&options, 1234567890123456789, &err), 0);
    assert_int_equal(stat(stamp, &st), 0);
    assert_int_equal(st.st_mtim.tv_sec, 1234567890);
    options.stamp = NULL;
    assert_int_equal(depfile_stamp(&options, 1, &err), 0);
    options.stamp = lost;
    assert_int_equal(depfile_stamp(&options, 1, &err), -1);
    assert_int_equal(err.kind, ERROR_BUILD);
    assert_int_equal(fs_remove(folder, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stamp),
    };
    return cmocka_run_group_tests_name("depfile", tests, NULL, NULL);
}
