#include "output/output.h"

#include "output/bundle.h"
#include "support/fs.h"
#include "support/log.h"

#include <dirent.h>
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
    autoclose int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    struct target target = {.fd = fd, .name = path};

    if (fd < 0 || fchmod(fd, 0644) != 0)
        return error_errno(err, ERROR_BUILD, "can't write '%s'", path);
    if (file->bytes ? to_target(&target, file->bytes, file->size, err) != 0
                    : copy_blob(from, &file->digest, file->size, to_target, &target, err) != 0)
        return -1;
    return fsync(fd) == 0 ? 0 : error_errno(err, ERROR_BUILD, "can't write '%s'", path);
}

static int fill(const struct bundle *bundle, const struct blob_source *from, const char *folder,
                struct error *err)
{
    static const char *const parts[] = {"", "blobs", "blobs/sha256"};
    struct log_meter meter = {0};
    uint64_t total = 0;

    for (size_t i = 0; i < countof(parts); i++) {
        autofree char *path = parts[i][0] ? path_join(folder, parts[i]) : xstrdup(folder);
        if ((parts[i][0] && mkdir(path, 0755) != 0) || chmod(path, 0755) != 0)
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

static bool is_empty(const char *path)
{
    DIR *dir = opendir(path);
    bool empty = dir != NULL;
    for (struct dirent *entry; empty && (entry = readdir(dir));)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (dir)
        closedir(dir);
    return empty;
}

/* The old folder is replaced, so it must be empty, or a layout with at most one image. */
static int check_old(const char *path, struct error *err)
{
    enum { LARGEST = 4 * 1024 * 1024 };
    struct error ignored = {0};
    struct stat st;
    AUTO(buf) text = {0};
    autofree char *marker = path_join(path, "oci-layout"), *index = path_join(path, "index.json");

    if (lstat(path, &st) != 0)
        return errno == ENOENT ? 0 : error_errno(err, ERROR_BUILD, "can't look at '%s'", path);

    if (!S_ISDIR(st.st_mode))
        return error_set(err, ERROR_USAGE,
                         "'%s' is not a folder; remove it, or choose another name", path);

    if (is_empty(path))
        return 0;
    if (!fs_exists(marker) || fs_read(index, LARGEST, &text, &ignored) != 0)
        return error_set(err, ERROR_USAGE,
                         "'%s' is a folder that isn't an OCI image layout; choose another name",
                         path);

    AUTOPTR(js) json = js_parse(buf_text(&text), text.len, index, &ignored);
    if (!json || js_count(js_get(json, "manifests")) > 1)
        return error_set(
            err, ERROR_USAGE,
            "'%s' is an OCI image layout with several images, which would all be replaced; choose "
            "another name",
            path);
    return 0;
}

/* Lets the new folder appear. An old one is exchanged in the same step, and then removed. */
static int put_in_place(const char *made, const char *path, struct error *err)
{
    if (rename(made, path) == 0)
        return 0;
    if (errno != ENOTEMPTY && errno != EEXIST)
        return error_errno(err, ERROR_BUILD, "can't write '%s'", path);
    if (renameat2(AT_FDCWD, made, AT_FDCWD, path, RENAME_EXCHANGE) != 0)
        return error_errno(err, ERROR_BUILD, "can't replace '%s'; remove it first", path);
    return fs_remove(made, err);
}

static int write_layout(const struct image *image, const struct blob_source *from,
                        struct output_begun *begun, const char *path, struct error *err)
{
    (void)begun; /* this kind has no begin */
    AUTO(bundle) bundle = {0};
    if (strcmp(path, "-") == 0)
        return error_set(err, ERROR_USAGE,
                         "a folder can't go to standard output; use -o - for a tar archive");

    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    autofree char *place = xstrndup(path, length);
    if (check_old(place, err) != 0)
        return -1;

    autofree char *parent = path_dir(place);
    autofree char *name = xasprintf(".%.200s.XXXXXX", path_base(place)),
                  *made = path_join(parent, name);
    if (!mkdtemp(made))
        return error_errno(err, ERROR_BUILD, "can't write '%s'", place);

    bundle_make(image, &bundle);
    if (fill(&bundle, from, made, err) == 0 && put_in_place(made, place, err) == 0)
        return 0;

    struct error left = {0};
    if (fs_remove(made, &left) != 0)
        log_warn("%s; remove it by hand", left.text);
    return -1;
}

const struct output output_oci_layout = {
    .name = "oci-layout",
    .help = "a folder: an OCI image layout",
    .write = write_layout,
};
