#include "unit.h"

#include "store/verify.h"
#include "support/fs.h"
#include "support/own.h"

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

/* Waits until the thread is done with a blob that verify_take would otherwise
 * leave to the caller. */
static int take_patiently(struct fixture *f, struct verify **verify, size_t which)
{
    for (int i = 0; i < 200; i++) {
        *verify = verify_start(&f->store, &f->blobs[which], 1, NULL);
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
        assert_int_equal(verify_take(verify, &f->blobs[(i + 1) % 3]),
                         -1); /* not one of its blobs */
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
        AUTOPTR(verify) verify = verify_start(&f->store, f->blobs, 2, NULL);
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
        AUTOPTR(verify) verify = verify_start(&f->store, f->blobs, 3, NULL);
        usleep((useconds_t)(i * 37));
    }
}

/* Counts blobs and bytes, and refuses more after `most` bytes. */
struct counter {
    size_t blobs, bytes, most;
};

static int count_blob(void *data, const struct digest *digest, uint64_t size, struct error *err)
{
    struct counter *counter = data;
    (void)digest;
    (void)err;
    counter->blobs += size > 0;
    return 0;
}

static int count_bytes(void *data, const void *bytes, size_t length, struct error *err)
{
    struct counter *counter = data;
    (void)bytes;
    counter->bytes += length;
    return counter->bytes > counter->most ? error_set(err, ERROR_BUILD, "full") : 0;
}

static void a_sink_gets_each_blob_once(void **state)
{
    struct fixture *f = *state;
    const struct digest blobs[] = {f->blobs[0], f->blobs[2], f->blobs[0], f->blobs[1]};
    const size_t total = 1 + 1400001 + 700001;
    struct counter all = {.most = total}, some = {.most = 300000};
    struct verify_sink sink = {count_blob, count_bytes, &all};
    AUTOPTR(verify) good = verify_start(&f->store, blobs, 4, &sink);
    assert_true(verify_finish(good));
    assert_int_equal(all.blobs, 3);
    assert_int_equal(all.bytes, total);
    assert_true(verify_take(good, &f->blobs[1]) >= 0);

    /* A sink that refuses gets nothing more, but the blobs are verified all the same. */
    sink.data = &some;
    AUTOPTR(verify) refused = verify_start(&f->store, blobs, 4, &sink);
    assert_false(verify_finish(refused));
    assert_true(some.bytes > some.most && some.bytes < total);
    assert_int_equal(some.blobs, 2);
    assert_true(verify_take(refused, &f->blobs[1]) >= 0);
}

static void a_sink_is_told_of_damage(void **state)
{
    struct fixture *f = *state;
    autofree char *path = store_blob_path(&f->store, &f->blobs[1]);
    struct counter all = {.most = 10000000};
    struct verify_sink sink = {count_blob, count_bytes, &all};

    assert_int_equal(fs_write(path, "y", 1, 0644, &f->err), 0);
    AUTOPTR(verify) damaged = verify_start(&f->store, f->blobs, 3, &sink);
    assert_false(verify_finish(damaged));

    assert_int_equal(unlink(path), 0);
    AUTOPTR(verify) missing = verify_start(&f->store, f->blobs, 3, NULL);
    assert_false(verify_finish(missing));
    assert_false(verify_finish(NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(good_blobs_are_handed_out),   TEST(damaged_or_missing_ones_are_not),
        TEST(a_file_changed_since_is_not), TEST(it_can_be_given_up_at_any_time),
        TEST(a_sink_gets_each_blob_once),  TEST(a_sink_is_told_of_damage),
    };
    return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
