#include "unit.h"

#include "support/fs.h"
#include "support/own.h"
#include "verify.h"

#include <unistd.h>

struct fixture {
    char *folder;
    struct store store;
    struct digest blobs[3];
    struct error err;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    f->folder = unit_folder();
    assert_int_equal(store_open(&f->store, f->folder, &f->err), 0);
    for (size_t i = 0; i < 3; i++) {
        size_t length = 700000 * i + 1;
        autofree char *bytes = xcalloc(length, 1);
        bytes[0] = (char)i;
        assert_int_equal(store_put(&f->store, bytes, length, &f->blobs[i], &f->err), 0);
    }
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    store_release(&f->store);
    int result = fs_remove(f->folder, &f->err);
    free(f->folder);
    free(f);
    return result;
}

/* Until the thread is through with a blob that verify_take would otherwise claim for the caller. */
static int take_patiently(struct fixture *f, struct verify **verify, size_t which)
{
    for (int i = 0; i < 200; i++) {
        *verify = verify_start(&f->store, &f->blobs[which], 1);
        usleep(2000 * (useconds_t)i);
        int fd = *verify ? verify_take(*verify, &f->blobs[which]) : -1;
        if (fd >= 0)
            return fd;
        verify_free(*verify);
    }
    return -1;
}

static void good_blobs_are_handed_out(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < 3; i++) {
        struct verify *verify = NULL;
        char first = 'x';
        int fd = take_patiently(f, &verify, i);
        assert_true(fd >= 0);
        assert_int_equal(read(fd, &first, 1), 1);
        assert_int_equal(first, (char)i);
        assert_int_equal(verify_take(verify, &f->blobs[(i + 1) % 3]), -1); /* not one of its own */
        verify_free(verify);
    }
    assert_int_equal(verify_take(NULL, &f->blobs[0]), -1);
}

static void damaged_or_missing_ones_are_not(void **state)
{
    struct fixture *f = *state;
    autofree char *path = store_blob_path(&f->store, &f->blobs[0]),
                  *gone = store_blob_path(&f->store, &f->blobs[1]);
    assert_int_equal(fs_write(path, "y", 1, 0644, &f->err), 0);
    assert_int_equal(unlink(gone), 0);
    for (int i = 0; i < 20; i++) {
        AUTOPTR(verify) verify = verify_start(&f->store, f->blobs, 2);
        usleep(1000);
        assert_int_equal(verify_take(verify, &f->blobs[0]), -1);
        assert_int_equal(verify_take(verify, &f->blobs[1]), -1);
    }
}

static void a_file_changed_since_is_not(void **state)
{
    struct fixture *f = *state;
    struct verify *verify = NULL;
    autofree char *path = store_blob_path(&f->store, &f->blobs[2]);
    assert_true(take_patiently(f, &verify, 2) >= 0);
    usleep(40000); /* the kernel's coarse clock moves on */
    assert_int_equal(chmod(path, 0644), 0);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fputc('z', file), 'z');
    assert_int_equal(fclose(file), 0);
    assert_int_equal(verify_take(verify, &f->blobs[2]), -1);
    verify_free(verify);
}

static void it_can_be_given_up_at_any_time(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 50; i++) {
        AUTOPTR(verify) verify = verify_start(&f->store, f->blobs, 3);
        usleep((useconds_t)(i * 37));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(good_blobs_are_handed_out),
        TEST(damaged_or_missing_ones_are_not),
        TEST(a_file_changed_since_is_not),
        TEST(it_can_be_given_up_at_any_time),
    };
    return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
