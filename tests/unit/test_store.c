#include "unit.h"

#include "store/store.h"
#include "support/fs.h"
#include "support/log.h"
#include "support/own.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char *folder;
static struct store store;

static int set_up(void **state)
{
    struct error err;
    (void)state;
    log_set_level(LOG_QUIET);
    folder = unit_folder();
    return store_open(&store, folder, &err);
}

static int tear_down(void **state)
{
    struct error err;
    (void)state;
    store_release(&store);
    int result = fs_remove(folder, &err);
    free(take(folder));
    return result;
}

static void age(const char *path, int days)
{
    struct timespec times[2] = {{.tv_sec = time(NULL) - days * 86400L - 100},
                                {.tv_sec = time(NULL) - days * 86400L - 100}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static struct digest put(const char *text)
{
    struct error err = {0};
    struct digest digest;
    if (store_put(&store, text, strlen(text), &digest, &err) != 0)
        fail_msg("%s", err.text);
    return digest;
}

static void assert_content(const struct digest *digest, const char *text)
{
    struct error err = {0};
    AUTO(buf) out = {0};
    if (store_read(&store, digest, 1000, &out, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(buf_text(&out), text);
}

static char *inside(const char *sub, const char *name)
{
    return xasprintf("%s/%s/%s", folder, sub, name);
}

static void put_and_read(void **state)
{
    struct error err = {0};
    struct digest digest = put("abc"), other;
    uint64_t size = 0;
    (void)state;

    assert_string_equal(digest_hex(&digest),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(store_has(&store, &digest));
    assert_content(&digest, "abc");
    autoclose int fd = store_open_blob(&store, &digest, &size, &err);
    assert_true(fd >= 0);
    assert_int_equal(size, 3);
    struct digest empty = put("");
    assert_content(&empty, "");

    AUTO(buf) out = {0};
    assert_int_equal(store_read(&store, &digest, 2, &out, &err), -1);
    assert_non_null(strstr(err.text, "larger than 2 bytes"));

    assert_true(digest_parse(
        &other, "sha256:0000000000000000000000000000000000000000000000000000000000000000"));
    assert_false(store_has(&store, &other));
    assert_int_equal(store_open_blob(&store, &other, &size, &err), -1);
    memset(&other, 0, sizeof other);
    assert_false(store_has(&store, &other)); /* the folder itself is no blob */
}

static void a_damaged_blob_goes_away(void **state)
{
    struct error err = {0};
    struct digest digest = put("abc");
    AUTO(buf) out = {0};
    autofree char *path = store_blob_path(&store, &digest);
    (void)state;

    assert_int_equal(fs_write(path, "abd", 3, 0644, &err), 0);
    assert_int_equal(store_read(&store, &digest, 1000, &out, &err), -1);
    assert_int_equal(err.kind, ERROR_REGISTRY);
    assert_non_null(strstr(err.text, "build again"));
    assert_int_equal(out.len, 0);
    assert_false(store_has(&store, &digest));

    put("abc");
    assert_int_equal(truncate(path, 2), 0);
    assert_false(store_use(&store, &digest, 3));
    assert_false(store_has(&store, &digest));

    put("abc");
    assert_true(store_use(&store, &digest, 3));
}

static void writing_resumes_where_it_stopped(void **state)
{
    struct error err = {0};
    struct digest expected, got;
    (void)state;

    assert_int_equal(digest_bytes("hello world", 11, &expected, &err), 0);
    {
        AUTO(store_writer) writer = {0};
        assert_int_equal(store_writer_open(&writer, &store, &expected, &err), 0);
        assert_false(writer.done);
        assert_int_equal(writer.offset, 0);
        assert_int_equal(store_writer_write(&writer, "hello ", 6, &err), 0);
    }
    assert_false(store_has(&store, &expected));
    {
        AUTO(store_writer) writer = {0};
        assert_int_equal(store_writer_open(&writer, &store, &expected, &err), 0);
        assert_int_equal(writer.offset, 6);
        assert_int_equal(store_writer_write(&writer, "world", 5, &err), 0);
        assert_int_equal(store_writer_commit(&writer, &got, &err), 0);
        assert_true(digest_equal(&got, &expected));
    }
    assert_content(&expected, "hello world");

    AUTO(store_writer) again = {0};
    assert_int_equal(store_writer_open(&again, &store, &expected, &err), 0);
    assert_true(again.done);
    assert_int_equal(store_writer_write(&again, "anything", 8, &err), 0);
    assert_int_equal(store_writer_commit(&again, &got, &err), 0);
    assert_true(digest_equal(&got, &expected));
    autofree char *partial = inside("partial", digest_hex(&expected));
    assert_false(fs_exists(partial));
}

static void restart_begins_at_zero(void **state)
{
    struct error err = {0};
    struct digest expected, got;
    AUTO(store_writer) writer = {0};
    (void)state;

    assert_int_equal(digest_bytes("right", 5, &expected, &err), 0);
    assert_int_equal(store_writer_open(&writer, &store, &expected, &err), 0);
    assert_int_equal(store_writer_write(&writer, "something longer", 16, &err), 0);
    assert_int_equal(store_writer_restart(&writer, &err), 0);
    assert_int_equal(writer.offset, 0);
    assert_int_equal(store_writer_write(&writer, "right", 5, &err), 0);
    assert_int_equal(store_writer_commit(&writer, &got, &err), 0);
    assert_content(&expected, "right");
}

static void a_wrong_digest_never_appears(void **state)
{
    struct error err = {0};
    struct digest expected, got;
    autofree char *partial = NULL;
    (void)state;

    assert_int_equal(digest_bytes("right", 5, &expected, &err), 0);
    partial = inside("partial", digest_hex(&expected));
    {
        AUTO(store_writer) writer = {0};
        assert_int_equal(store_writer_open(&writer, &store, &expected, &err), 0);
        assert_int_equal(store_writer_write(&writer, "wrong", 5, &err), 0);
        assert_int_equal(store_writer_commit(&writer, &got, &err), -1);
        assert_int_equal(err.kind, ERROR_REGISTRY);
        assert_non_null(strstr(err.text, expected.text));
    }
    assert_false(store_has(&store, &expected));
    assert_false(fs_exists(partial)); /* or the next try would resume the wrong bytes */
}

static void giving_up_without_a_digest_leaves_nothing(void **state)
{
    struct error err = {0};
    autofree char *partial = path_join(folder, "partial");
    (void)state;

    {
        AUTO(store_writer) writer = {0};
        assert_int_equal(store_writer_open(&writer, &store, NULL, &err), 0);
        assert_int_equal(store_writer_write(&writer, "abc", 3, &err), 0);
    }
    assert_int_equal(rmdir(partial), 0); /* it was empty */
    AUTO(store_writer) never = {0};      /* releasing a zeroed one touches nothing */
    (void)never;
}

/* Several processes write the same blob in small steps; one in three is killed half-way. */
static void writers_wait_for_each_other(void **state)
{
    enum { WRITERS = 9, PIECES = 200 };
    struct error err = {0};
    struct digest expected;
    AUTO(buf) whole = {0};
    pid_t children[WRITERS];
    (void)state;

    for (int i = 0; i < PIECES; i++)
        buf_addf(&whole, "piece %d of the content\n", i);
    assert_int_equal(digest_bytes(whole.data, whole.len, &expected, &err), 0);
    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork();
        if (children[i] != 0)
            continue;
        struct digest got;
        struct store_writer writer = {0};
        if (store_writer_open(&writer, &store, &expected, &err) != 0)
            _exit(1);
        while (!writer.done && writer.offset < whole.len) {
            size_t left = whole.len - writer.offset;
            if (store_writer_write(&writer, whole.data + writer.offset, left < 24 ? left : 24,
                                   &err) != 0)
                _exit(2);
            if (i % 3 == 0 && writer.offset > whole.len / 2)
                raise(SIGKILL);
        }
        _exit(store_writer_commit(&writer, &got, &err) == 0 ? 0 : 3);
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
                    (i % 3 == 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
    }
    AUTO(buf) read = {0};
    assert_int_equal(store_read(&store, &expected, whole.len, &read, &err), 0);
    assert_string_equal(buf_text(&read), whole.data);
}

/* On a full disk the write fails; when there is room again, it continues where it stopped. */
static void a_full_disk_loses_nothing(void **state)
{
    enum { SIZE = 100000, ROOM = 30000 };
    struct error err = {0};
    struct digest expected, got;
    autofree char *content = xmalloc(SIZE);
    (void)state;

    for (int i = 0; i < SIZE; i++)
        content[i] = (char)(i * 7 + i / 251);
    assert_int_equal(digest_bytes(content, SIZE, &expected, &err), 0);
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit room = {ROOM, ROOM};
        struct store_writer writer;
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &room) != 0 ||
            store_writer_open(&writer, &store, &expected, &err) != 0)
            _exit(1);
        int result = 0;
        for (size_t i = 0; result == 0 && i < SIZE; i += 8000) /* no whole number of pieces fits */
            result =
                store_writer_write(&writer, content + i, SIZE - i < 8000 ? SIZE - i : 8000, &err);
        store_writer_release(&writer);
        _exit(result == -1 && err.kind == ERROR_BUILD && strstr(err.text, "can't write") ? 0 : 2);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_false(store_has(&store, &expected));
    AUTO(store_writer) writer = {0};
    assert_int_equal(store_writer_open(&writer, &store, &expected, &err), 0);
    assert_int_equal(writer.offset, ROOM);
    assert_int_equal(store_writer_write(&writer, content + ROOM, SIZE - ROOM, &err), 0);
    assert_int_equal(store_writer_commit(&writer, &got, &err), 0);
    assert_true(store_has(&store, &expected));
}

static void refs(void **state)
{
    static const char *const names[] = {"public.ecr.aws/lambda/provided:al2023",
                                        "../../etc/passwd",
                                        ".",
                                        "",
                                        "oci:/tmp/a b\n\"\xff",
                                        "a@sha256:00"};
    struct error err = {0};
    struct digest digest = put("m"), got;
    (void)state;

    for (size_t i = 0; i < countof(names); i++) {
        assert_int_equal(store_ref_get(&store, names[i], ARCH_ARM64, &got, &err), 0);
        assert_string_equal(got.text, "");
        assert_int_equal(store_ref_set(&store, names[i], ARCH_ARM64, &digest, &err), 0);
        assert_int_equal(store_ref_get(&store, names[i], ARCH_X86_64, &got, &err), 0);
    }
    /* JSON can't hold the byte 0xff, so this reference is looked up every time. */
    for (size_t i = 0; i < countof(names); i++)
        assert_int_equal(store_ref_get(&store, names[i], ARCH_ARM64, &got, &err), i == 4 ? 0 : 1);
    autofree char *long_one = xmalloc(5001), *long_two = NULL;
    memset(long_one, '/', 5000);
    long_one[5000] = '\0';
    long_two = xstrdup(long_one);
    long_two[4999] = 'x';
    struct digest second = put("second");
    assert_int_equal(store_ref_set(&store, long_one, ARCH_ARM64, &digest, &err), 0);
    assert_int_equal(store_ref_set(&store, long_two, ARCH_ARM64, &second, &err), 0);
    assert_int_equal(store_ref_get(&store, long_one, ARCH_ARM64, &got, &err), 1);
    assert_true(digest_equal(&got, &digest));
    assert_int_equal(store_ref_get(&store, long_two, ARCH_ARM64, &got, &err), 1);
    assert_true(digest_equal(&got, &second));
}

static void a_damaged_ref_is_no_ref(void **state)
{
    static const char other[] =
        "{\"reference\":\"x\",\"architecture\":\"arm64\",\"digest\":\"sha256:"
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}";
    static const char *const texts[] = {
        "",    "{",
        "[]",  "{\"reference\":\"r\"}",
        other, "{\"reference\":\"r\",\"architecture\":\"arm64\",\"digest\":\"sha256:../..\"}"};
    struct error err = {0};
    struct digest got;
    autofree char *path = store_path(&store, "refs", "r+arm64", &err);
    (void)state;

    for (size_t i = 0; i < countof(texts); i++) {
        assert_int_equal(fs_write(path, texts[i], strlen(texts[i]), 0644, &err), 0);
        assert_int_equal(store_ref_get(&store, "r", ARCH_ARM64, &got, &err), 0);
        assert_string_equal(got.text, "");
    }
    struct digest digest = put("m");
    assert_int_equal(store_ref_set(&store, "r", ARCH_ARM64, &digest, &err), 0);
    assert_int_equal(store_ref_get(&store, "r", ARCH_ARM64, &got, &err), 1);
    assert_true(digest_equal(&got, &digest));
}

static void report(void **state)
{
    struct error err = {0};
    struct digest one = put("one");
    uint64_t total = 0, used = 0;
    (void)state;

    put("three");
    assert_int_equal(store_ref_set(&store, "oci:/a#b#1-2-3", ARCH_ARM64, &one, &err), 0);
    assert_int_equal(store_ref_set(&store, "=note", ARCH_ARM64, &one, &err), 0);
    AUTOPTR(js) shown = store_report(&store, &err);
    assert_non_null(shown);
    assert_string_equal(js_get_text(shown, "root"), folder);
    assert_int_equal(js_count(js_get(shown, "blobs")), 2);
    assert_true(js_get_size(shown, "total", &total));
    assert_int_equal(total, 8);
    assert_true(js_get_size(js_at(js_get(shown, "blobs"), 0), "used", &used));
    assert_true(used + 1000 > (uint64_t)time(NULL));
    assert_int_equal(js_count(js_get(shown, "refs")), 1);
    assert_string_equal(js_get_text(js_at(js_get(shown, "refs"), 0), "digest"), one.text);
    assert_string_equal(js_get_text(js_at(js_get(shown, "refs"), 0), "reference"), "oci:/a#b");
}

static void prune_goes_by_last_use(void **state)
{
    struct error err = {0};
    uint64_t freed = 0;
    struct digest old = put("old one"), fresh = put("fresh"), used = put("used");
    autofree char *old_path = store_blob_path(&store, &old),
                  *used_path = store_blob_path(&store, &used);
    autofree char *list = store_path(&store, "lists", digest_hex(&old), &err);
    autofree char *object = store_path(&store, "objects/ab", "x.o", &err);
    (void)state;

    age(old_path, 31);
    age(used_path, 31);
    assert_true(store_use(&store, &used, 4));
    assert_int_equal(fs_write(list, "12345", 5, 0644, &err), 0);
    assert_int_equal(fs_write(object, "123", 3, 0644, &err), 0);
    age(object, 40);
    assert_int_equal(store_prune(&store, 30, true, &freed, &err), 0);
    assert_int_equal(freed, 7 + 5 + 3);
    assert_true(store_has(&store, &old));

    freed = 0;
    assert_int_equal(store_prune(&store, 30, false, &freed, &err), 0);
    assert_int_equal(freed, 7 + 5 + 3);
    assert_false(store_has(&store, &old));
    assert_true(store_has(&store, &fresh));
    assert_true(store_has(&store, &used));
    assert_false(fs_exists(list));

    freed = 0;
    assert_int_equal(store_prune(&store, 0, false, &freed, &err), 0);
    assert_int_equal(freed, 5 + 4);
    assert_false(store_has(&store, &fresh));
    put("fresh"); /* the store still works */
}

static void prune_leaves_what_is_held(void **state)
{
    struct error err = {0};
    uint64_t freed = 0;
    struct store other;
    struct digest recent = put("recent"), old = put("old"), expected;
    autofree char *old_path = store_blob_path(&store, &old);
    autofree char *object = store_path(&store, "objects", "x.o", &err);
    AUTO(store_writer) writer = {0};
    (void)state;

    age(old_path, 3);
    assert_int_equal(fs_write(object, "123", 3, 0644, &err), 0);
    age(object, 40);
    assert_int_equal(store_open(&other, folder, &err), 0);
    assert_int_equal(digest_bytes("abc", 3, &expected, &err), 0);
    assert_int_equal(store_writer_open(&writer, &other, &expected, &err), 0);
    assert_int_equal(store_writer_write(&writer, "ab", 2, &err), 0);
    autofree char *partial = inside("partial", digest_hex(&expected));
    age(partial, 40);

    assert_int_equal(store_prune(&store, 0, false, &freed, &err), 0);
    assert_int_equal(freed, 3);
    assert_true(store_has(&store, &recent));
    assert_false(store_has(&store, &old));
    assert_true(fs_exists(object));

    assert_int_equal(store_writer_write(&writer, "c", 1, &err), 0);
    assert_int_equal(store_writer_commit(&writer, &expected, &err), 0);
    store_release(&other);
    assert_int_equal(store_prune(&store, 0, false, &freed, &err), 0);
    assert_false(store_has(&store, &recent));
    assert_false(fs_exists(object));
}

static void roots(void **state)
{
    struct error err = {0};
    struct store other;
    autofree char *cache = path_join(folder, "cache"), *expected = path_join(cache, "lbuild");
    autofree char *home = path_join(folder, "home"), *in_home = path_join(home, ".cache/lbuild");
    autofree char *saved = xstrdup(getenv("HOME") ? getenv("HOME") : "");
    (void)state;

    setenv("XDG_CACHE_HOME", cache, 1);
    assert_int_equal(store_open(&other, NULL, &err), 0);
    assert_string_equal(other.root, expected);
    store_release(&other);

    setenv("XDG_CACHE_HOME", "relative", 1);
    setenv("HOME", home, 1);
    assert_int_equal(store_open(&other, NULL, &err), 0);
    assert_string_equal(other.root, in_home);
    store_release(&other);

    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    setenv("TMPDIR", folder, 1);
    assert_int_equal(store_open(&other, NULL, &err), 0);
    assert_non_null(strstr(other.root, "/lbuild-"));
    assert_int_equal(chmod(other.root, 0777), 0);
    store_release(&other);
    assert_int_equal(store_open(&other, NULL, &err),
                     -1); /* somebody else may have put files there */
    assert_non_null(strstr(err.text, "XDG_CACHE_HOME"));
    unsetenv("TMPDIR");
    setenv("HOME", saved, 1);

    autofree char *file = path_join(folder, "file");
    assert_int_equal(fs_write(file, "", 0, 0644, &err), 0);
    assert_int_equal(store_open(&other, file, &err), -1);
    assert_int_equal(err.kind, ERROR_BUILD);
}

/* D15: what a killed run left goes at the next write or prune; what somebody writes stays. */
static void dead_writers_leave_nothing(void **state)
{
    struct error err = {0};
    (void)state;

    put("a");
    for (int i = 0; i < 2; i++) {
        uint64_t freed = 0;
        autofree char *dead = inside("partial", "new.abcdef"),
                      *held = inside("partial", "new.ghijkl");
        assert_int_equal(fs_write(dead, "half", 4, 0600, &err), 0);
        assert_int_equal(fs_write(held, "half", 4, 0600, &err), 0);
        autoclose int fd = open(held, O_RDWR | O_CLOEXEC);
        assert_int_equal(flock(fd, LOCK_EX), 0);

        if (i == 0)
            put("b");
        else
            assert_int_equal(store_prune(&store, 30, false, &freed, &err), 0);
        assert_false(fs_exists(dead));
        assert_true(fs_exists(held));
    }
}

/* D26: as XDG wants it; folders that were there keep their modes. */
static void the_cache_is_private(void **state)
{
    static const struct {
        const char *path;
        mode_t mode;
    } expected[] = {{"home", 0755},
                    {"home/.cache", 0700},
                    {"home/.cache/lbuild", 0700},
                    {"home/.cache/lbuild/blobs", 0700},
                    {"home/.cache/lbuild/blobs/sha256", 0700}};
    AUTO(store) fresh = {0};
    struct digest digest;
    struct error err = {0};
    (void)state;

    autofree char *home = path_join(folder, "home"), *root = path_join(home, ".cache/lbuild");
    mode_t mask = umask(000);
    assert_int_equal(mkdir(home, 0755), 0);
    assert_int_equal(store_open(&fresh, root, &err), 0);
    assert_int_equal(store_put(&fresh, "x", 1, &digest, &err), 0);
    umask(mask);

    for (size_t i = 0; i < countof(expected); i++) {
        struct stat st;
        autofree char *path = path_join(folder, expected[i].path);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, expected[i].mode);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(put_and_read),
        TEST(a_damaged_blob_goes_away),
        TEST(writing_resumes_where_it_stopped),
        TEST(restart_begins_at_zero),
        TEST(a_wrong_digest_never_appears),
        TEST(giving_up_without_a_digest_leaves_nothing),
        TEST(writers_wait_for_each_other),
        TEST(a_full_disk_loses_nothing),
        TEST(refs),
        TEST(a_damaged_ref_is_no_ref),
        TEST(report),
        TEST(prune_goes_by_last_use),
        TEST(prune_leaves_what_is_held),
        TEST(roots),
        TEST(dead_writers_leave_nothing),
        TEST(the_cache_is_private),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
