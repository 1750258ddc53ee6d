#include "output.h"

#include "output/bundle.h"
#include "output/copy.h"
#include "support/fs.h"
#include "support/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One tar file: directories first, then the bundle's files in their order, all with the same times, owners and modes. */

struct target {
    int fd;
    const char *name;
    uint64_t written, started; /* bytes; those up to `started` are on their way to the disk */
    struct log_meter meter;
};

/* The disk starts on what is complete while the rest is still copied: the fsync at the end then waits for less. */
static int to_target(void *data, const void *bytes, size_t length, struct error *err)
{
    enum { AHEAD = 8 * 1024 * 1024 };
    struct target *target = data;
    if (fs_write_fd(target->fd, target->name, bytes, length, err) != 0)
        return -1;
    target->written += length;
    log_meter_set(&target->meter, target->written);
    if (target->written - target->started >= AHEAD) {
        sync_file_range(target->fd, (off_t)target->started, (off_t)(target->written - target->started),
                        SYNC_FILE_RANGE_WRITE);
        target->started = target->written;
    }
    return 0;
}

static int to_tar(void *data, const void *bytes, size_t length, struct error *err)
{
    return tar_writer_data(data, bytes, length, err);
}

/* Each entry has one header, since our names are short; content is padded; two empty blocks are the end. */
static uint64_t tar_size(const struct bundle *bundle, size_t folders)
{
    enum { BLOCK = 512 };
    uint64_t blocks = folders + bundle->len + 2;
    for (size_t i = 0; i < bundle->len; i++)
        blocks += (bundle->files[i].size + BLOCK - 1) / BLOCK;
    return blocks * BLOCK;
}

static int write_tar(const struct bundle *bundle, const struct store *store, struct target *target, struct error *err)
{
    static const char *const folders[] = {"blobs", "blobs/sha256"};
    AUTOPTR(tar_writer) tar = tar_writer_open(to_target, target, err);
    if (!tar)
        return -1;
    log_meter_start(&target->meter, "write", "bytes", 0, tar_size(bundle, countof(folders)));
    for (size_t i = 0; i < countof(folders); i++) {
        struct tar_entry folder = {.path = folders[i], .type = TAR_DIR, .mode = 0755};
        if (tar_writer_entry(tar, &folder, err) != 0)
            return -1;
    }
    for (size_t i = 0; i < bundle->len; i++) {
        const struct bundle_file *file = &bundle->files[i];
        struct tar_entry entry = {.path = file->path, .type = TAR_FILE, .mode = 0644, .size = (int64_t)file->size};
        if (tar_writer_entry(tar, &entry, err) != 0)
            return -1;
        if (file->bytes ? tar_writer_data(tar, file->bytes, file->size, err) != 0
                        : copy_blob(store, &file->digest, file->size, to_tar, tar, err) != 0)
            return -1;
    }
    int result = tar_writer_finish(tar, err);
    log_meter_end(&target->meter);
    return result;
}

/* What can't be taken back is written only after everything was verified: standard output, a pipe, a device. */
static int write_stream(const struct bundle *bundle, const struct store *store, int fd, const char *name, struct error *err)
{
    struct target target = {.fd = fd, .name = name};
    if (isatty(fd))
        return error_set(err, ERROR_USAGE, "won't write a tar archive to a terminal; redirect it, or name a file");
    for (size_t i = 0; i < bundle->len; i++) {
        const struct bundle_file *file = &bundle->files[i];
        if (!file->bytes && copy_blob(store, &file->digest, file->size, NULL, NULL, err) != 0)
            return -1;
    }
    return write_tar(bundle, store, &target, err);
}

static int write_file(const struct bundle *bundle, const struct store *store, const char *path, struct error *err)
{
    AUTO(atomic) file = ATOMIC_INIT;
    if (atomic_open(&file, path, 0644, err) != 0)
        return -1;
    struct target target = {.fd = file.fd, .name = path};
    if (write_tar(bundle, store, &target, err) != 0)
        return -1;
    return atomic_commit(&file, err);
}

static int write_oci(const struct image *image, const struct store *store, const char *path, struct error *err)
{
    AUTO(bundle) bundle = {0};
    struct stat st;
    bundle_make(image, &bundle);
    if (strcmp(path, "-") == 0)
        return write_stream(&bundle, store, STDOUT_FILENO, "standard output", err);
    if (stat(path, &st) != 0)
        return write_file(&bundle, store, path, err);
    if (S_ISDIR(st.st_mode))
        return error_set(err, ERROR_USAGE, "'%s' is a folder; name a file, or use -o type=oci-layout,dest=%s", path, path);
    if (S_ISREG(st.st_mode)) {
        /* A link to a file stays a link: the file behind it is replaced. */
        autofree char *real = realpath(path, NULL);
        return write_file(&bundle, store, real ? real : path, err);
    }
    autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, ERROR_BUILD, "can't write '%s'", path);
    return write_stream(&bundle, store, fd, path, err);
}

const struct output output_oci = {
    .name = "oci",
    .help = "one tar file: an OCI image layout that docker load takes too (the default)",
    .write = write_oci,
};
