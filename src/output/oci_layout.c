#include "output/output.h"

#include "output/bundle.h"
#include "output/folder.h"
#include "support/log.h"
#include "support/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A folder with the files that oci.c puts into a tar file. It is made beside its place and renamed
 * in one step. */

struct target {
    int fd;
    const char *name;
    struct fs_ahead ahead;
};

static int to_target(void *data, const void *bytes, size_t length, struct error *err)
{
    struct target *target = data;
    if (fs_write_fd(target->fd, target->name, bytes, length, err) != 0)
        return -1;
    fs_write_ahead(target->fd, &target->ahead, length);
    return 0;
}

static int write_one(const struct bundle_file *file, const struct blob_source *from,
                     const char *folder, struct error *err)
{
    autofree char *path = path_join(folder, file->path);
    autoclose int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    struct target target = {.fd = fd, .name = path};

    if (fd < 0)
        return error_errno(err, ERROR_BUILD, "can't write '%s'", path);
    if (file->bytes ? to_target(&target, file->bytes, file->size, err) != 0
                    : copy_blob(from, &file->digest, file->size, to_target, &target, err) != 0)
        return -1;
    return fsync(fd) == 0 ? 0 : error_errno(err, ERROR_BUILD, "can't write '%s'", path);
}

static int fill(const struct bundle *bundle, const struct blob_source *from, const char *folder,
                struct error *err)
{
    static const char *const parts[] = {"blobs", "blobs/sha256"};
    struct log_meter meter = {0};
    uint64_t total = 0;

    for (size_t i = 0; i < countof(parts); i++) {
        autofree char *path = path_join(folder, parts[i]);
        if (mkdir(path, 0777) != 0)
            return error_errno(err, ERROR_BUILD, "can't make the directory '%s'", path);
    }

    for (size_t i = 0; i < bundle->len; i++)
        total += bundle->files[i].size;
    log_meter_start(&meter, "write", "bytes", 0, total);

    for (size_t i = 0; i < bundle->len; i++) {
        if (write_one(&bundle->files[i], from, folder, err) != 0)
            return -1;
        log_meter_set(&meter, meter.done + bundle->files[i].size);
    }

    log_meter_end(&meter);
    return 0;
}

/* Lets the new folder appear. An old one is exchanged in the same step, and then removed. It has
 * been checked, but somebody may have put a file there since; and the image is done whatever
 * happens. */
static int put_in_place(const char *made, const char *path, struct error *err)
{
    if (rename(made, path) == 0)
        return 0;
    if (errno != ENOTEMPTY && errno != EEXIST)
        return error_errno(err, ERROR_BUILD, "can't write '%s'", path);
    if (renameat2(AT_FDCWD, made, AT_FDCWD, path, RENAME_EXCHANGE) != 0)
        return error_errno(err, ERROR_BUILD, "can't replace '%s'; remove it first", path);

    struct error left = {0};
    if (folder_remove(made, &left) != 0)
        log_warn("the image is done, but the folder that it replaced is left as '%s': %s", made,
                 left.text);
    return 0;
}

static void sweep(const char *leftover)
{
    struct error ignored = {0};
    if (folder_remove(leftover, &ignored) != 0)
        return; /* not a folder of ours, or another process was quicker */
}

/* Makes a folder beside `place` and locks it, so that nobody takes it for a dead run's. Returns the
 * lock, or -1. */
static int make_folder(const char *place, char **made, struct error *err)
{
    enum { TRIES = 100 };
    for (int tries = 0; tries < TRIES; tries++) {
        autofree char *name = fs_temporary(place);
        bool done = name && mkdir(name, 0777) == 0;
        if (!done && errno == EEXIST)
            continue;
        autoclose int fd = done ? open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
        if (fd < 0)
            break;
        if (fs_lock(fd, name)) {
            *made = take(name);
            return take_fd(fd);
        }
    }
    return error_errno(err, ERROR_BUILD, "can't write '%s'", place);
}

/* The folder that the name stands for: a link stays, and what it leads to is written. */
static char *place_of(const char *path)
{
    struct stat st;
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;

    autofree char *place = xstrndup(path, length);
    if (lstat(place, &st) != 0 || !S_ISLNK(st.st_mode))
        return take(place);
    char *real = stat(place, &st) == 0 ? realpath(place, NULL) : NULL;
    if (!real)
        real = outfile_regular(place);
    return real ? real : take(place);
}

static int write_layout(const struct image *image, const struct blob_source *from,
                        struct output_begun *begun, const char *path, struct error *err)
{
    (void)begun; /* this kind has no begin */
    AUTO(bundle) bundle = {0};
    if (strcmp(path, "-") == 0)
        return error_set(err, ERROR_USAGE,
                         "a folder can't go to standard output; use -o - for a tar archive");

    autofree char *place = place_of(path);
    if (folder_check(place, err) != 0)
        return -1;

    fs_sweep(place, sweep);
    autofree char *made = NULL;
    autoclose int lock = make_folder(place, &made, err);
    if (lock < 0)
        return -1;

    bundle_make(image, &bundle);
    if (fill(&bundle, from, made, err) == 0 && put_in_place(made, place, err) == 0)
        return 0;

    struct error left = {0};
    if (folder_remove(made, &left) != 0)
        log_warn("%s; remove it by hand", left.text);
    return -1;
}

const struct output output_oci_layout = {
    .name = "oci-layout",
    .help = "a folder: an OCI image layout",
    .write = write_layout,
};
