#include "unit.h"

#include "support/fs.h"
#include "support/outfile.h"
#include "support/own.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

/* A1 and D18: what the name of an output stands for. */

struct fixture {
    char *folder, *name;
    struct error err;
};

static void fixture_release(struct fixture *f)
{
    struct error err = {0};
    assert_int_equal(fs_remove(f->folder, &err), 0);
    free(f->folder);
    free(f->name);
}

static void set_up(struct fixture *f)
{
    *f = (struct fixture){.folder = unit_folder()};
    f->name = path_join(f->folder, "out");
}

static char *in(const struct fixture *f, const char *name)
{
    return path_join(f->folder, name);
}

static void holds(const char *path, const char *expected)
{
    struct error err = {0};
    AUTO(buf) text = {0};
    assert_int_equal(fs_read(path, 1000, &text, &err), 0);
    assert_string_equal(buf_text(&text), expected);
}

static mode_t type_of(const char *path)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & S_IFMT;
}

static void a_file_appears_by_rename(void **state)
{
    AUTO(fixture) f;
    struct stat before, after;
    (void)state;

    set_up(&f);
    assert_int_equal(outfile_write(f.name, "one", 3, &f.err), 0);
    autoclose int old = open(f.name, O_RDONLY);
    assert_int_equal(fstat(old, &before), 0);
    assert_int_equal(outfile_write(f.name, "two", 3, &f.err), 0);
    assert_int_equal(stat(f.name, &after), 0);
    assert_int_not_equal(before.st_ino, after.st_ino);
    holds(f.name, "two");

    {
        AUTO(outfile) out = OUTFILE_INIT;
        assert_int_equal(outfile_open(&out, f.name, &f.err), 0);
        assert_int_equal(fs_write_fd(out.fd, f.name, "half", 4, &f.err), 0);
    }
    holds(f.name, "two");
    assert_int_equal(unlink(f.name), 0);
    assert_int_equal(rmdir(f.folder), 0); /* nothing else was there */
    assert_int_equal(mkdir(f.folder, 0700), 0);
}

/* D26 */
static void the_umask_holds(void **state)
{
    static const mode_t masks[] = {077, 027, 022, 002, 000};
    AUTO(fixture) f;
    struct stat st;
    (void)state;

    set_up(&f);
    for (size_t i = 0; i < 2 * countof(masks); i++) {
        mode_t mask = umask(masks[i / 2]);
        assert_int_equal(outfile_write(f.name, "x", 1, &f.err), 0);
        umask(mask);
        assert_int_equal(stat(f.name, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0666 & ~masks[i / 2]);
    }
}

static void links_stay(void **state)
{
    static const char *const names[] = {"here", "dangling", "chain", "deep/back"};
    AUTO(fixture) f;
    (void)state;

    set_up(&f);
    autofree char *deep = in(&f, "deep"), *real = in(&f, "real");
    assert_int_equal(mkdir(deep, 0700), 0);
    autofree char *here = in(&f, names[0]), *dangling = in(&f, names[1]), *chain = in(&f, names[2]),
                  *back = in(&f, names[3]);
    assert_int_equal(symlink(real, here), 0);
    assert_int_equal(symlink("deep/../real", dangling), 0);
    assert_int_equal(symlink("deep/back", chain), 0);
    assert_int_equal(symlink("../real", back), 0);

    for (size_t i = 0; i < 2 * countof(names); i++) {
        autofree char *link = in(&f, names[i / 2]);
        if (i % 2 == 0)
            assert_true(unlink(real) == 0 || i == 0);
        assert_int_equal(outfile_write(link, names[i / 2], strlen(names[i / 2]), &f.err), 0);
        assert_int_equal(type_of(link), S_IFLNK);
        assert_int_equal(type_of(real), S_IFREG);
        holds(real, names[i / 2]);
    }

    autofree char *circle = in(&f, "circle"), *nowhere = in(&f, "nowhere");
    assert_int_equal(symlink("circle", circle), 0);
    assert_int_equal(symlink("no/such", nowhere), 0);
    assert_int_equal(outfile_write(circle, "x", 1, &f.err), -1);
    assert_int_equal(outfile_write(nowhere, "x", 1, &f.err), -1);
    assert_int_equal(type_of(nowhere), S_IFLNK);
}

static void *read_all(void *data)
{
    struct error err = {0};
    struct buf *text = xcalloc(1, sizeof *text);
    autoclose int fd = open(data, O_RDONLY);
    assert_int_equal(fs_read_fd(fd, data, 1000000, text, &err), 0);
    return text;
}

static void a_fifo_is_written_through(void **state)
{
    AUTO(fixture) f;
    pthread_t reader;
    void *result = NULL;
    (void)state;

    set_up(&f);
    assert_int_equal(mkfifo(f.name, 0600), 0);
    autofree char *bytes = xcalloc(1, 300000), *link = in(&f, "link");
    assert_int_equal(symlink("out", link), 0);
    memset(bytes, 'x', 300000);

    assert_int_equal(pthread_create(&reader, NULL, read_all, f.name), 0);
    assert_int_equal(outfile_write(link, bytes, 300000, &f.err), 0);
    assert_int_equal(pthread_join(reader, &result), 0);
    struct buf *text = result;
    assert_int_equal(text->len, 300000);
    assert_memory_equal(text->data, bytes, 300000);
    buf_release(text);
    free(text);
    assert_int_equal(type_of(f.name), S_IFIFO);
    assert_int_equal(type_of(link), S_IFLNK);

    /* Without a reader it doesn't hang. */
    assert_int_equal(outfile_write(f.name, "x", 1, &f.err), -1);
    assert_non_null(strstr(f.err.text, "nobody reads the FIFO"));
    assert_int_equal(type_of(f.name), S_IFIFO);
}

static void a_socket_is_written_through(void **state)
{
    AUTO(fixture) f;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    AUTO(buf) text = {0};
    (void)state;

    set_up(&f);
    if (strlen(f.name) >= sizeof address.sun_path) /* a long TMPDIR */
        skip();
    memcpy(address.sun_path, f.name, strlen(f.name) + 1);
    autoclose int server = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(server, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(outfile_write(f.name, "x", 1, &f.err), -1);
    assert_int_equal(listen(server, 1), 0);
    assert_int_equal(outfile_write(f.name, "hello", 5, &f.err), 0);

    autoclose int client = accept(server, NULL, NULL);
    assert_int_equal(fs_read_fd(client, "client", 100, &text, &f.err), 0);
    assert_string_equal(buf_text(&text), "hello");
    assert_int_equal(type_of(f.name), S_IFSOCK);
}

/* The bytes go to where the descriptor stands, whatever it is. */
static void a_descriptor_is_written_through(void **state)
{
    static const char *const folders[] = {"/dev/fd", "/proc/self/fd", "/proc/thread-self/fd"};
    AUTO(fixture) f;
    int ends[2];
    (void)state;

    set_up(&f);
    autofree char *link = in(&f, "link");
    int fd = open(f.name, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "a", 1), 1);
    for (size_t i = 0; i < countof(folders); i++) {
        autofree char *path = xasprintf("%s/%d", folders[i], fd);
        assert_int_equal(outfile_write(path, "b", 1, &f.err), 0);
        if (i == 0)
            assert_int_equal(symlink(path, link), 0);
    }
    assert_int_equal(outfile_write(link, "c", 1, &f.err), 0);
    assert_int_equal(write(fd, "d", 1), 1);
    close(fd);
    holds(f.name, "abbbcd");
    assert_int_equal(outfile_write(link, "c", 1, &f.err), -1);

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    autofree char *socket = xasprintf("/dev/fd/%d", ends[1]);
    char got = 0;
    assert_int_equal(outfile_write(socket, "s", 1, &f.err), 0);
    assert_int_equal(read(ends[0], &got, 1), 1);
    assert_int_equal(got, 's');

    /* Descriptors of lbuild's are no one else's. */
    assert_int_equal(fcntl(ends[1], F_SETFD, FD_CLOEXEC), 0);
    assert_int_equal(outfile_write(socket, "s", 1, &f.err), -1);
    close(ends[0]);
    close(ends[1]);
}

static void a_folder_is_refused(void **state)
{
    AUTO(fixture) f;
    (void)state;

    set_up(&f);
    assert_int_equal(outfile_write(f.folder, "x", 1, &f.err), -1);
    assert_int_equal(f.err.kind, ERROR_USAGE);
    assert_int_equal(symlink(".", f.name), 0);
    assert_int_equal(outfile_write(f.name, "x", 1, &f.err), -1);
    assert_int_equal(f.err.kind, ERROR_USAGE);
    assert_int_equal(type_of(f.name), S_IFLNK);
}

/* A node of our own; the machine's are not touched. */
static void a_device_is_written_through(void **state)
{
    AUTO(fixture) f;
    (void)state;

    set_up(&f);
    if (mknod(f.name, S_IFCHR | 0600, makedev(1, 3)) != 0)
        skip();
    autoclose int probe = open(f.name, O_WRONLY);
    if (probe < 0) /* a file system without devices */
        skip();

    autofree char *link = in(&f, "link");
    assert_int_equal(symlink("out", link), 0);
    assert_int_equal(outfile_write(f.name, "x", 1, &f.err), 0);
    assert_int_equal(outfile_write(link, "x", 1, &f.err), 0);
    assert_int_equal(type_of(f.name), S_IFCHR);
    assert_int_equal(type_of(link), S_IFLNK);
}

/* D15: what killed runs left of this output goes; everything else stays. */
static void leftovers_are_swept(void **state)
{
    static const char *const stay[] = {".out.lbuild-held01",   ".out.backup",
                                       ".other.lbuild-abc123", ".out.lbuild-abc12/3",
                                       "out.lbuild-abc123",    ".out.lbuild-ABC123"};
    AUTO(fixture) f;
    (void)state;

    set_up(&f);
    autofree char *dead = in(&f, ".out.lbuild-abc123"), *held = in(&f, stay[0]);
    for (size_t i = 0; i < countof(stay); i++) {
        autofree char *path = in(&f, stay[i]), *folder = path_dir(path);
        assert_int_equal(fs_mkdirs(folder, &f.err), 0);
        assert_int_equal(fs_write(path, "", 0, 0600, &f.err), 0);
    }
    autoclose int fd = open(held, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);

    assert_int_equal(fs_write(dead, "half", 4, 0600, &f.err), 0);
    assert_int_equal(outfile_write(f.name, "x", 1, &f.err), 0);
    assert_false(fs_exists(dead));
    for (size_t i = 0; i < countof(stay); i++) {
        autofree char *path = in(&f, stay[i]);
        assert_true(fs_exists(path));
    }

    autofree char *made = fs_temporary(f.name);
    assert_true(fs_is_temporary(path_base(made), f.name));
    assert_true(fs_is_temporary(path_base(made), NULL));
    assert_false(fs_is_temporary("", NULL));
    assert_false(fs_is_temporary(".lbuild-abc123", f.name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_appears_by_rename),
        cmocka_unit_test(the_umask_holds),
        cmocka_unit_test(links_stay),
        cmocka_unit_test(a_fifo_is_written_through),
        cmocka_unit_test(a_socket_is_written_through),
        cmocka_unit_test(a_descriptor_is_written_through),
        cmocka_unit_test(a_folder_is_refused),
        cmocka_unit_test(leftovers_are_swept),
        cmocka_unit_test(a_device_is_written_through),
    };

    return cmocka_run_group_tests_name("outfile", tests, NULL, NULL);
}
