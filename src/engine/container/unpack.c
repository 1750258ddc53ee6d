#include "engine/container/unpack.h"

#include "support/fs.h"
#include "support/own.h"
#include "support/process.h"
#include "support/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 128 * 1024 };

static int write_file(struct tar_reader *tar, const struct tar_entry *entry, const char *path,
                      struct error *err)
{
    char piece[PIECE];
    int64_t got;
    autoclose int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_errno(err, ERROR_BUILD, "can't write '%s'", path);
    while ((got = tar_reader_read(tar, piece, sizeof piece, err)) > 0)
        if (fs_write_fd(fd, path, piece, (size_t)got, err) != 0)
            return -1;
    if (got < 0)
        return -1;

    /* Builders read the modes, which must not depend on the umask. */
    if (fchmod(fd, entry->mode & 0777) != 0)
        return error_errno(err, ERROR_BUILD, "can't write '%s'", path);
    return 0;
}

static int make_folder(const char *path, struct error *err)
{
    if ((mkdir(path, 0755) != 0 && errno != EEXIST) || chmod(path, 0755) != 0)
        return error_errno(err, ERROR_BUILD, "can't make the folder '%s'", path);
    return 0;
}

static int unpack_one(struct tar_reader *tar, const struct tar_entry *entry, const char *dir,
                      struct error *err)
{
    autofree char *clean = path_clean(entry->path), *path = clean ? path_join(dir, clean) : NULL;
    if (!clean || !clean[0])
        return error_set(err, ERROR_INTERNAL, "the build context has the path '%s'", entry->path);

    switch (entry->type) {
    case TAR_DIR:
        return make_folder(path, err);
    case TAR_FILE:
        return write_file(tar, entry, path, err);
    case TAR_SYMLINK:
        if (symlink(entry->link, path) != 0)
            return error_errno(err, ERROR_BUILD, "can't make the link '%s'", path);
        return 0;
    case TAR_HARDLINK:
    case TAR_OTHER:
        break;
    }
    return error_set(err, ERROR_INTERNAL, "the build context has an entry of an unknown kind: '%s'",
                     entry->path);
}

int unpack(const char *tar, const char *dir, struct error *err)
{
    struct tar_entry entry;
    int more;
    AUTOPTR(tar_reader) reader = tar_reader_open_file(tar, err);
    if (!reader || make_folder(dir, err) != 0)
        return -1;

    while ((more = tar_reader_next(reader, &entry, err)) > 0)
        if (unpack_one(reader, &entry, dir, err) != 0 || process_check_interrupt(err) != 0)
            return -1;
    return more;
}
