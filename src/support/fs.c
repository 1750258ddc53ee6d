#include "support/fs.h"

#include "support/own.h"
#include "support/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { TRIES = 100 };

char *path_join(const char *a, const char *b)
{
    if (b[0] == '/' || a[0] == '\0' || strcmp(a, ".") == 0)
        return xstrdup(b);
    return xasprintf("%s%s%s", a, a[strlen(a) - 1] == '/' ? "" : "/", b);
}

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *path_dir(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return xstrdup(".");
    return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

char *path_clean(const char *path)
{
    AUTO(buf) out = {0};

    while (*path) {
        size_t length = strcspn(path, "/");
        if (length == 2 && path[0] == '.' && path[1] == '.') {
            if (out.len == 0)
                return NULL;
            while (out.len > 0 && out.data[out.len - 1] != '/')
                out.len--;
            if (out.len > 0)
                out.len--;
        } else if (length > 0 && !(length == 1 && path[0] == '.')) {
            if (out.len > 0)
                buf_addc(&out, '/');
            buf_add(&out, path, length);
        }
        path += length + (path[length] == '/');
    }

    return xstrndup(buf_text(&out), out.len);
}

bool path_below(const char *path, const char *folder, const char **rest)
{
    size_t length = strlen(folder);
    bool relative = length == 0;

    if (length > 0 && folder[length - 1] == '/')
        length--;
    if (strncmp(path, folder, length) != 0)
        return false;
    if (relative ? path[0] == '/' : path[length] != '\0' && path[length] != '/')
        return false;

    if (rest)
        *rest = path + length + (path[length] == '/');
    return true;
}

int fs_read_fd(int fd, const char *name, size_t max, struct buf *out, struct error *err)
{
    for (;;) {
        char *room = buf_reserve(out, 65536);
        ssize_t got = read(fd, room, 65536);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_errno(err, ERROR_BUILD, "can't read '%s'", name);

        out->len += (size_t)got;
        out->data[out->len] = '\0';
        if (out->len > max)
            return error_set(err, ERROR_BUILD, "'%s' is larger than %zu bytes", name, max);
        if (got == 0)
            return 0;
    }
}

int fs_read(const char *path, size_t max, struct buf *out, struct error *err)
{
    struct stat st;
    /* O_NONBLOCK: a FIFO in place of a file must not hang the build. */
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0)
        return error_errno(err, ERROR_BUILD, "can't read '%s'", path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_BUILD, "'%s' is not a regular file", path);
    return fs_read_fd(fd, path, max, out, err);
}

int fs_write_fd(int fd, const char *name, const void *bytes, size_t length, struct error *err)
{
    const char *at = bytes;

    while (length > 0) {
        ssize_t put = write(fd, at, length);
        if (put < 0 && errno != EINTR)
            return error_errno(err, ERROR_BUILD, "can't write '%s'", name);
        if (put < 0)
            put = 0;

        /* A signal came in between, and the reader of a pipe may never come back. */
        if ((size_t)put < length && process_check_interrupt(err) != 0)
            return -1;
        at += put;
        length -= (size_t)put;
    }

    return 0;
}

void fs_write_ahead(int fd, struct fs_ahead *ahead, size_t length)
{
    enum { ENOUGH = 8 * 1024 * 1024 };
    ahead->written += length;
    if (ahead->written - ahead->started < ENOUGH)
        return;
    sync_file_range(fd, (off_t)ahead->started, (off_t)(ahead->written - ahead->started),
                    SYNC_FILE_RANGE_WRITE);
    ahead->started = ahead->written;
}

static int make_folders(const char *path, mode_t mode, struct error *err)
{
    if (mkdir(path, mode) == 0)
        return 0;

    if (errno == ENOENT && strchr(path, '/')) {
        autofree char *parent = path_dir(path);
        if (strcmp(parent, path) != 0 && make_folders(parent, mode, err) != 0)
            return -1;
        if (mkdir(path, mode) == 0)
            return 0;
    }

    struct stat st;
    int saved = errno;
    if (saved == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    errno = saved;
    return error_errno(err, ERROR_BUILD, "can't make the directory '%s'", path);
}

int fs_mkdirs(const char *path, struct error *err)
{
    return make_folders(path, 0755, err);
}

int fs_mkdirs_private(const char *path, struct error *err)
{
    return make_folders(path, 0700, err);
}

static int remove_at(int parent, const char *name);

static int remove_content(DIR *dir)
{
    int result = 0;
    for (struct dirent *entry; result == 0 && (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            result = remove_at(dirfd(dir), entry->d_name);
    return result;
}

/* A folder of ours may forbid even us to list it (a killed buildah leaves such mount points), or to
 * remove entries from it. */
static int remove_at(int parent, const char *name)
{
    enum { LOOK = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return -1;

    int fd = openat(parent, name, LOOK);
    if (fd < 0 && errno == EACCES && fchmodat(parent, name, 0700, AT_SYMLINK_NOFOLLOW) == 0)
        fd = openat(parent, name, LOOK);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return -1;
    }

    int result = remove_content(dir);
    if (result != 0 && errno == EACCES && fchmod(fd, 0700) == 0) {
        rewinddir(dir);
        result = remove_content(dir);
    }
    closedir(dir);
    return result == 0 ? unlinkat(parent, name, AT_REMOVEDIR) : -1;
}

int fs_remove(const char *path, struct error *err)
{
    return remove_at(AT_FDCWD, path) == 0
               ? 0
               : error_errno(err, ERROR_BUILD, "can't remove '%s'", path);
}

bool fs_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool fs_same_file(const struct stat *before, const struct stat *after)
{
    return before->st_dev == after->st_dev && before->st_ino == after->st_ino &&
           before->st_size == after->st_size && same_time(&before->st_mtim, &after->st_mtim) &&
           same_time(&before->st_ctim, &after->st_ctim);
}

/* A file without a name can't be left behind, whenever lbuild is killed. Not every file system has
 * such files. */
static int open_nameless(const char *dir, mode_t mode)
{
    return open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
}

#define MARK ".lbuild-"
#define CHANCE "XXXXXX"
static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

char *fs_temporary(const char *path)
{
    unsigned char chance[sizeof CHANCE - 1];
    if (getentropy(chance, sizeof chance) != 0)
        return NULL;

    autofree char *dir = path_dir(path);
    autofree char *name = xasprintf(".%.200s" MARK CHANCE, path_base(path));
    for (size_t i = 0, at = strlen(name) - sizeof chance; i < sizeof chance; i++)
        name[at + i] = letters[chance[i] % (sizeof letters - 1)];
    return path_join(dir, name);
}

bool fs_is_temporary(const char *name, const char *path)
{
    size_t length = strlen(name), end = strlen(MARK CHANCE);
    const char *mark = length > end ? name + length - end : "";

    if (name[0] != '.' || strncmp(mark, MARK, strlen(MARK)) != 0 ||
        mark[strlen(MARK) + strspn(mark + strlen(MARK), letters)] != '\0')
        return false;
    if (!path)
        return true;
    autofree char *expected = xasprintf(".%.200s", path_base(path));
    return strlen(expected) == length - end && strncmp(name, expected, length - end) == 0;
}

bool fs_in_temporary(const char *path)
{
    while (*path) {
        size_t length = strcspn(path, "/");
        autofree char *name = xstrndup(path, length);
        if (fs_is_temporary(name, NULL))
            return true;
        path += length + (path[length] == '/');
    }
    return false;
}

void fs_sweep(const char *path, void (*remove)(const char *leftover))
{
    autofree char *folder = path_dir(path);
    DIR *dir = opendir(folder);

    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        struct stat st;
        if (!fs_is_temporary(entry->d_name, path))
            continue;
        autofree char *leftover = path_join(folder, entry->d_name);
        autoclose int fd = open(leftover, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        /* In /tmp, another user could lead us astray. */
        if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
            flock(fd, LOCK_EX | LOCK_NB) == 0)
            remove(leftover);
    }

    if (dir)
        closedir(dir);
}

bool fs_lock(int fd, const char *path)
{
    struct stat ours, named;
    return (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) && fstat(fd, &ours) == 0 &&
           lstat(path, &named) == 0 && ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

/* A file under a temporary name. It is locked, so that nobody takes it for a dead run's. */
static int open_temporary(struct atomic *file, mode_t mode)
{
    for (int tries = 0; tries < TRIES; tries++) {
        autofree char *name = fs_temporary(file->path);
        autoclose int fd =
            name ? open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode) : -1;
        if (fd >= 0 && fs_lock(fd, name)) {
            file->temporary = take(name);
            return take_fd(fd);
        }
        if (fd < 0 && errno != EEXIST)
            return -1;
    }
    return -1;
}

int atomic_open(struct atomic *file, const char *path, mode_t mode, struct error *err)
{
    autofree char *dir = path_dir(path);
    file->path = xstrdup(path);
    file->fd = open_nameless(dir, mode);
    if (file->fd < 0)
        file->fd = open_temporary(file, mode);
    return file->fd >= 0 ? 0 : error_errno(err, ERROR_BUILD, "can't write '%s'", path);
}

/* Gives a nameless file its final name (1), or a temporary one beside it when that is taken (0). */
static int name_it(struct atomic *file)
{
    char self[64];
    (void)flock(file->fd, LOCK_EX | LOCK_NB); /* as open_temporary does */
    snprintf(self, sizeof self, "/proc/self/fd/%d", file->fd);
    if (linkat(AT_FDCWD, self, AT_FDCWD, file->path, AT_SYMLINK_FOLLOW) == 0)
        return 1;

    for (int tries = 0; errno == EEXIST && tries < TRIES; tries++) {
        autofree char *name = fs_temporary(file->path);
        if (!name)
            return -1;
        if (linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0) {
            file->temporary = take(name);
            return 0;
        }
    }
    return -1;
}

void atomic_move(struct atomic *file, const char *path)
{
    free(file->path);
    file->path = xstrdup(path);
}

int atomic_commit(struct atomic *file, struct error *err)
{
    if (!file->lazy && fsync(file->fd) != 0)
        return error_errno(err, ERROR_BUILD, "can't write '%s'", file->path);
    int named = file->temporary ? 0 : name_it(file);
    if (named < 0)
        return error_errno(err, ERROR_BUILD, "can't write '%s'", file->path);

    /* After fsync nothing is left that close could report, and the lock holds until the rename. */
    if ((file->lazy && close(take_fd(file->fd)) != 0) ||
        (named == 0 && rename(file->temporary, file->path) != 0))
        return error_errno(err, ERROR_BUILD, "can't write '%s'", file->path);
    autoclose_release(&file->fd);
    file->fd = -1;
    free(take(file->temporary));
    return 0;
}

void atomic_release(struct atomic *file)
{
    autoclose_release(&file->fd);
    file->fd = -1;
    if (file->temporary)
        unlink(file->temporary);
    free(take(file->temporary));
    free(take(file->path));
}

int fs_write(const char *path, const void *bytes, size_t length, mode_t mode, struct error *err)
{
    AUTO(atomic) file = ATOMIC_INIT;
    if (atomic_open(&file, path, mode, err) != 0 ||
        fs_write_fd(file.fd, path, bytes, length, err) != 0)
        return -1;
    return atomic_commit(&file, err);
}

int fs_keep(const char *path, const void *bytes, size_t length, struct error *err)
{
    AUTO(atomic) file = ATOMIC_INIT;
    if (atomic_open(&file, path, 0644, err) != 0 ||
        fs_write_fd(file.fd, path, bytes, length, err) != 0)
        return -1;
    file.lazy = true;
    return atomic_commit(&file, err);
}
