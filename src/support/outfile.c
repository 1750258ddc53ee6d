#include "support/outfile.h"

#include "support/own.h"
#include "support/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum { LINKS_MAX = 40, MODE = 0666, PATIENCE = 200, MOMENT_NS = 10 * 1000 * 1000 };

/* Links in /proc don't say where they lead: the kernel follows them to what is open. */
static bool in_proc(const char *path)
{
    struct statfs fs;
    autofree char *dir = path_dir(path);
    return statfs(dir, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* Where a link leads, one step. NULL when it can't be told, or when the kernel won't follow it: in
 * /tmp, another user's link could lead root astray (proc(5), protected_symlinks). Caller frees. */
static char *follow(const char *path)
{
    struct stat st;
    char target[PATH_MAX];
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length <= 0 || in_proc(path) || (stat(path, &st) != 0 && errno == EACCES))
        return NULL;
    target[length] = '\0';

    autofree char *dir = path_dir(path);
    return path_join(dir, target);
}

/* The path at the end of a chain of links; the link that can't be followed when there is one, e.g.
 * in /proc. NULL for a circle. Caller frees. */
static char *resolve(const char *path)
{
    struct stat st;
    autofree char *at = xstrdup(path);
    for (int i = 0; i < LINKS_MAX; i++) {
        char *next = lstat(at, &st) == 0 && S_ISLNK(st.st_mode) ? follow(at) : NULL;
        if (!next)
            return take(at);
        free(at);
        at = next;
    }
    return NULL;
}

char *outfile_regular(const char *path)
{
    struct stat st;
    autofree char *real = resolve(path);
    if (!real || (lstat(real, &st) == 0 && !S_ISREG(st.st_mode)))
        return NULL;
    return take(real);
}

/* The number of the descriptor of ours that a path in /proc stands for, or -1. */
static int descriptor_of(const char *path)
{
    char self[32];
    autofree char *dir = path_dir(path), *real = realpath(dir, NULL);
    const char *name = path_base(path), *rest = NULL;
    ssize_t length = readlink("/proc/self", self, sizeof self - 1);
    if (!real || length <= 0 || !in_proc(path) || name[strspn(name, "0123456789")] != '\0')
        return -1;
    self[length] = '\0';

    autofree char *ours = xasprintf("/proc/%s", self);
    if (!path_below(real, ours, &rest) || strcmp(path_base(real), "fd") != 0)
        return -1;
    return strlen(name) < 10 ? (int)strtol(name, NULL, 10) : -1;
}

/* Duplicated, not opened again: so the bytes go to where the descriptor stands, and sockets work.
 * Those that lbuild opened itself are marked to be closed on exec; nobody could have named them. */
static int open_descriptor(int number)
{
    int flags = fcntl(number, F_GETFD);
    if (flags < 0)
        return -1;
    if (flags & FD_CLOEXEC) {
        errno = EBADF;
        return -1;
    }
    return fcntl(number, F_DUPFD_CLOEXEC, 3);
}

static int open_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    autoclose int there = open(path, O_PATH | O_CLOEXEC);
    autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (there < 0 || fd < 0)
        return -1;

    /* Its name may be longer than an address can hold. */
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", there);
    return connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? take_fd(fd) : -1;
}

/* Opening a FIFO would wait for its reader for ever. */
static int open_fifo(const char *path, struct error *err)
{
    static const struct timespec moment = {.tv_nsec = MOMENT_NS};
    int fd = -1;

    for (int i = 0; i < PATIENCE; i++) {
        fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0 || errno != ENXIO)
            break;
        if (process_check_interrupt(err) != 0)
            return -1;
        (void)nanosleep(&moment, NULL);
    }

    if (fd < 0 && errno == ENXIO)
        return error_set(err, ERROR_BUILD,
                         "nobody reads the FIFO '%s'; start its reader first, or name a file",
                         path);
    if (fd < 0 || fcntl(fd, F_SETFL, O_WRONLY) != 0) {
        error_errno(err, ERROR_BUILD, "can't write '%s'", path);
        autoclose_release(&fd);
        return -1;
    }
    return fd;
}

int outfile_through(const char *path, struct error *err)
{
    struct stat st;
    autofree char *real = resolve(path);
    int number = real ? descriptor_of(real) : -1, fd = -1;

    if (number < 0 && stat(path, &st) != 0)
        return error_errno(err, ERROR_BUILD, "can't write '%s'", path);
    if (number < 0 && S_ISDIR(st.st_mode))
        return error_set(err, ERROR_USAGE, "'%s' is a folder; name a file", path);
    if (number < 0 && S_ISFIFO(st.st_mode))
        return open_fifo(path, err);

    if (number >= 0)
        fd = open_descriptor(number);
    else if (S_ISSOCK(st.st_mode))
        fd = open_socket(path);
    else
        fd = open(path, O_WRONLY | O_TRUNC | O_NOCTTY | O_CLOEXEC);
    return fd >= 0 ? fd : error_errno(err, ERROR_BUILD, "can't write '%s'", path);
}

static void remove_file(const char *path)
{
    (void)unlink(path);
}

void outfile_sweep(const char *path)
{
    fs_sweep(path, remove_file);
}

int outfile_open(struct outfile *out, const char *path, struct error *err)
{
    autofree char *real = outfile_regular(path);
    out->path = path;
    if (!real) {
        out->fd = outfile_through(path, err);
        return out->fd >= 0 ? 0 : -1;
    }

    outfile_sweep(real);
    if (atomic_open(&out->file, real, MODE, err) != 0)
        return -1;
    out->fd = out->file.fd;
    return 0;
}

int outfile_commit(struct outfile *out, struct error *err)
{
    if (out->file.fd >= 0)
        return atomic_commit(&out->file, err);
    return close(take_fd(out->fd)) == 0
               ? 0
               : error_errno(err, ERROR_BUILD, "can't write '%s'", out->path);
}

void outfile_release(struct outfile *out)
{
    if (!out->file.path)
        autoclose_release(&out->fd);
    atomic_release(&out->file);
    out->fd = -1;
}

int outfile_write(const char *path, const void *bytes, size_t length, struct error *err)
{
    AUTO(outfile) out = OUTFILE_INIT;
    if (outfile_open(&out, path, err) != 0 || fs_write_fd(out.fd, path, bytes, length, err) != 0)
        return -1;
    return outfile_commit(&out, err);
}
