#include "output/output.h"

#include "output/bundle.h"
#include "support/log.h"
#include "support/outfile.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One tar file: directories first, then the bundle's files in their order, all with the same times,
 * owners and modes. */

struct target {
    int fd;
    const char *name;
    struct fs_ahead ahead;
    struct log_meter meter;
};

static int to_target(void *data, const void *bytes, size_t length, struct error *err)
{
    struct target *target = data;
    if (fs_write_fd(target->fd, target->name, bytes, length, err) != 0)
        return -1;
    fs_write_ahead(target->fd, &target->ahead, length);
    if (target->meter.verb) /* not in the verifying thread */
        log_meter_set(&target->meter, target->ahead.written);
    return 0;
}

static int to_tar(void *data, const void *bytes, size_t length, struct error *err)
{
    return tar_writer_data(data, bytes, length, err);
}

enum { FOLDERS = 2, HEADER = 512 };

/* Each entry has one header, since the names are short; content is padded; two empty blocks
 * end the archive. */
static uint64_t tar_size(const struct bundle *bundle)
{
    enum { BLOCK = 512 };
    uint64_t blocks = FOLDERS + bundle->len + 2;
    for (size_t i = 0; i < bundle->len; i++)
        blocks += (bundle->files[i].size + BLOCK - 1) / BLOCK;
    return blocks * BLOCK;
}

static int write_head(struct tar_writer *tar, struct error *err)
{
    static const char *const folders[FOLDERS] = {"blobs", "blobs/sha256"};
    for (size_t i = 0; i < countof(folders); i++) {
        struct tar_entry folder = {.path = folders[i], .type = TAR_DIR, .mode = 0755};
        if (tar_writer_entry(tar, &folder, err) != 0)
            return -1;
    }
    return 0;
}

static int start_file(struct tar_writer *tar, const char *path, uint64_t size, struct error *err)
{
    struct tar_entry entry = {.path = path, .type = TAR_FILE, .mode = 0644, .size = (int64_t)size};
    return tar_writer_entry(tar, &entry, err);
}

/* Writes all files from number `first` on, and the end. */
static int write_files(struct tar_writer *tar, struct target *target, const struct bundle *bundle,
                       size_t first, const struct blob_source *from, struct error *err)
{
    log_meter_start(&target->meter, "write", "bytes", target->ahead.written, tar_size(bundle));

    for (size_t i = first; i < bundle->len; i++) {
        const struct bundle_file *file = &bundle->files[i];
        if (start_file(tar, file->path, file->size, err) != 0)
            return -1;
        if (file->bytes ? tar_writer_data(tar, file->bytes, file->size, err) != 0
                        : copy_blob(from, &file->digest, file->size, to_tar, tar, err) != 0)
            return -1;
    }

    int result = tar_writer_finish(tar, err);
    log_meter_end(&target->meter);
    return result;
}

static int write_tar(const struct bundle *bundle, const struct blob_source *from,
                     struct target *target, struct error *err)
{
    AUTOPTR(tar_writer) tar = tar_writer_open(to_target, target, err);
    return tar && write_head(tar, err) == 0 ? write_files(tar, target, bundle, 0, from, err) : -1;
}

/* Standard output, a pipe or a device can't be taken back, so everything is verified
 * before it is written. */
static int write_stream(const struct bundle *bundle, const struct blob_source *from, int fd,
                        const char *name, struct error *err)
{
    struct target target = {.fd = fd, .name = name};
    if (isatty(fd))
        return error_set(err, ERROR_USAGE,
                         "won't write a tar archive to a terminal; redirect it, or name a file");

    for (size_t i = 0; i < bundle->len; i++) {
        const struct bundle_file *file = &bundle->files[i];
        if (!file->bytes && copy_blob(from, &file->digest, file->size, NULL, NULL, err) != 0)
            return -1;
    }

    return write_tar(bundle, from, &target, err);
}

static int replace(struct atomic *file, const struct store *store, struct error *err)
{
    store_spare(store, file->path);
    return atomic_commit(file, err);
}

static int write_file(const struct bundle *bundle, const struct blob_source *from, const char *path,
                      struct error *err)
{
    AUTO(atomic) file = ATOMIC_INIT;
    outfile_sweep(path);
    if (atomic_open(&file, path, 0666, err) != 0)
        return -1;
    struct target target = {.fd = file.fd, .name = path};
    if (write_tar(bundle, from, &target, err) != 0)
        return -1;
    return replace(&file, from->store, err);
}

/* A file whose first part, the base's layers, is written while the compiler works. */
struct output_begun {
    const struct store *store;
    struct atomic file;
    struct target target;
    struct tar_writer *tar;
    struct image_blob *blobs; /* in the file so far */
    size_t len, cap;
    uint64_t layer; /* place of the header of the layer that is coming in */
    bool broken;    /* that layer has not ended */
};

static void abandon(struct output_begun *begun)
{
    if (!begun)
        return;
    tar_writer_free(begun->tar);
    atomic_release(&begun->file);
    free(begun->blobs);
    free(begun);
}

static int begin_blob(void *data, const struct digest *digest, uint64_t size, struct error *err)
{
    struct output_begun *begun = data;
    autofree char *path = bundle_blob_path(digest);
    if (begun->len == 0)
        store_free_replaced(begun->store);
    grow(begun->blobs, begun->len, begun->cap);
    begun->blobs[begun->len++] = (struct image_blob){.digest = *digest, .size = size};
    return start_file(begun->tar, path, size, err);
}

static int add_bytes(void *data, const void *bytes, size_t length, struct error *err)
{
    struct output_begun *begun = data;
    return to_tar(begun->tar, bytes, length, err);
}

static struct output_begun *begin(const struct store *store, const char *path,
                                  struct verify_sink *sink)
{
    struct error ignored; /* the final write meets the same error again */
    autofree char *real = strcmp(path, "-") != 0 ? outfile_regular(path) : NULL;
    if (!real)
        return NULL;

    struct output_begun *begun = xcalloc(1, sizeof *begun);
    begun->store = store;
    begun->file = (struct atomic)ATOMIC_INIT;
    *sink = (struct verify_sink){.blob = begin_blob, .bytes = add_bytes, .data = begun};

    outfile_sweep(real);
    if (atomic_open(&begun->file, real, 0666, &ignored) == 0) {
        begun->target = (struct target){.fd = begun->file.fd, .name = begun->file.path};
        begun->tar = tar_writer_open(to_target, &begun->target, &ignored);
    }

    if (begun->tar && write_head(begun->tar, &ignored) == 0)
        return begun;
    abandon(begun);
    return NULL;
}

static int layer_bytes(void *data, const void *bytes, size_t length, struct error *err)
{
    struct output_begun *begun = data;
    return to_target(&begun->target, bytes, length, err);
}

static int to_buf(void *data, const void *bytes, size_t length, struct error *err)
{
    (void)err;
    buf_add(data, bytes, length);
    return 0;
}

static int layer_done(void *data, const struct digest *digest, uint64_t size, struct error *err)
{
    static const char zeros[HEADER] = {0};
    struct output_begun *begun = data;
    AUTO(buf) header = {0};
    AUTOPTR(tar_writer) tar = tar_writer_open(to_buf, &header, err);
    autofree char *path = bundle_blob_path(digest);

    if (!tar || start_file(tar, path, size, err) != 0 ||
        header.len != HEADER /* 8 GiB and more take a longer one */ ||
        begun->target.ahead.written - begun->layer - HEADER != size ||
        to_target(&begun->target, zeros, (size_t)(-size % HEADER), err) != 0 ||
        pwrite(begun->file.fd, header.data, HEADER, (off_t)begun->layer) != HEADER)
        return -1;

    grow(begun->blobs, begun->len, begun->cap);
    begun->blobs[begun->len++] = (struct image_blob){.digest = *digest, .size = size};
    begun->broken = false;
    return 0;
}

/* Leaves room for the header: the layer's name and size are not known yet. */
static bool layer(struct output_begun *begun, size_t index, struct layer_sink *sink)
{
    static const char none[HEADER] = {0};
    struct error ignored = {0};
    if (begun->broken || begun->len != index)
        return false;
    if (index == 0)
        store_free_replaced(begun->store);

    begun->layer = begun->target.ahead.written;
    begun->broken = true;
    *sink = (struct layer_sink){.bytes = layer_bytes, .done = layer_done, .data = begun};
    return to_target(&begun->target, none, HEADER, &ignored) == 0;
}

/* Whether the begun output is the beginning of this file. */
static bool fits(const struct output_begun *begun, const struct bundle *bundle, const char *path)
{
    bool good =
        begun && !begun->broken && begun->len <= bundle->len && strcmp(begun->file.path, path) == 0;
    for (size_t i = 0; good && i < begun->len; i++)
        good = !bundle->files[i].bytes &&
               digest_equal(&begun->blobs[i].digest, &bundle->files[i].digest) &&
               begun->blobs[i].size == bundle->files[i].size;
    return good;
}

static int finish(struct output_begun *begun, const struct bundle *bundle,
                  const struct blob_source *from, struct error *err)
{
    if (write_files(begun->tar, &begun->target, bundle, begun->len, from, err) != 0)
        return -1;
    return replace(&begun->file, from->store, err);
}

static int write_oci(const struct image *image, const struct blob_source *from,
                     struct output_begun *begun, const char *path, struct error *err)
{
    AUTO(bundle) bundle = {0};
    struct stat st;
    bundle_make(image, &bundle);
    if (strcmp(path, "-") == 0)
        return write_stream(&bundle, from, STDOUT_FILENO, "standard output", err);

    autofree char *real = outfile_regular(path);
    if (real && !fits(begun, &bundle, real))
        return write_file(&bundle, from, real, err);
    if (real)
        return finish(begun, &bundle, from, err);

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return error_set(err, ERROR_USAGE,
                         "'%s' is a folder; name a file, or use -o type=oci-layout,dest=%s", path,
                         path);

    autoclose int fd = outfile_through(path, err);
    if (fd < 0)
        return -1;
    return write_stream(&bundle, from, fd, path, err);
}

const struct output output_oci = {
    .name = "oci",
    .help = "one tar file: an OCI image layout that docker load accepts too (the default)",
    .begin = begin,
    .layer = layer,
    .abandon = abandon,
    .write = write_oci,
};
