#include "image/extract.h"

#include "support/digest.h"
#include "support/fs.h"
#include "support/process.h"
#include "support/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX (2ll << 30)

/* The search in one layer. */
struct search {
    const char *path, *to;
    bool found, hidden;
};

/* Whether a layer's entry removes the path, or a directory above it, from the layers below. */
static bool is_whiteout(const char *entry, const char *path)
{
    const char *name = path_base(entry);
    if (strncmp(name, ".wh.", 4) != 0)
        return false;

    autofree char *folder =
        name == entry ? xstrdup("") : xstrndup(entry, (size_t)(name - entry - 1));

    if (strcmp(name, ".wh..wh..opq") == 0)
        return strcmp(folder, path) != 0 && path_below(path, folder, NULL);
    autofree char *target = path_join(folder, name + 4);
    return path_below(path, target, NULL);
}

static int save(struct tar_reader *layer, const struct tar_entry *entry,
                const struct search *search, struct error *err)
{
    char chunk[65536];

    if (entry->type != TAR_FILE)
        return error_set(err, ERROR_LAMBDA,
                         "'/%s' in the image is not a regular file; invoke runs regular files only",
                         search->path);
    if (entry->size > FILE_MAX)
        return error_set(err, ERROR_LAMBDA, "'/%s' in the image is larger than 2 GiB",
                         search->path);

    autoclose int fd =
        open(search->to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0700);
    if (fd < 0)
        return error_errno(err, ERROR_BUILD, "can't write '%s'", search->to);

    int64_t got = 0;
    while ((got = tar_reader_read(layer, chunk, sizeof chunk, err)) > 0)
        if (fs_write_fd(fd, search->to, chunk, (size_t)got, err) != 0)
            return -1;
    return got < 0 ? -1 : 0;
}

/* Reads the layer to its end, because a later entry of the same path replaces an earlier one. */
static int search_layer(struct tar_reader *layer, struct search *search, struct error *err)
{
    struct tar_entry entry;
    int more = 0;
    while ((more = tar_reader_next(layer, &entry, err)) == 1) {
        autofree char *path = path_clean(entry.path);
        if (!path)
            continue;

        search->hidden |= is_whiteout(path, search->path);
        if (strcmp(path, search->path) != 0)
            continue;
        if (save(layer, &entry, search, err) != 0)
            return -1;
        search->found = true;
    }
    return more;
}

/* A layer's bytes, from an entry of an archive or from a file. They are hashed, so that what runs
 * is what was verified: the image may have changed since. */
struct blob {
    struct tar_reader *outer; /* or NULL */
    int fd;
    const char *name;
    struct digest_context context;
};

static void blob_release(struct blob *blob)
{
    digest_context_release(&blob->context);
}

static int64_t blob_bytes(void *data, void *bytes, size_t capacity, struct error *err)
{
    struct blob *blob = data;
    int64_t got = 0;
    if (blob->outer)
        got = tar_reader_read(blob->outer, bytes, capacity, err);
    else
        do
            got = read(blob->fd, bytes, capacity);
        while (got < 0 && errno == EINTR);

    if (got < 0 && !blob->outer)
        return error_errno(err, ERROR_REGISTRY, "can't read '%s'", blob->name);
    if (got > 0)
        digest_update(&blob->context, bytes, (size_t)got);
    return got;
}

static int search_blob(struct blob *blob, const struct digest *named, struct search *search,
                       struct error *err)
{
    char rest[65536];
    struct digest digest;
    int64_t got = 0;
    if (digest_init(&blob->context, err) != 0)
        return -1;
    AUTOPTR(tar_reader) layer = tar_reader_open(blob_bytes, blob, blob->name, err);
    if (!layer || search_layer(layer, search, err) != 0)
        return -1;

    while ((got = blob_bytes(blob, rest, sizeof rest, err)) > 0)
        if (process_check_interrupt(err) != 0)
            return -1;
    digest_final(&blob->context, &digest);
    if (got == 0 && !digest_equal(&digest, named))
        return error_set(err, ERROR_REGISTRY, "'%s' changed while it was read, or is damaged",
                         blob->name);
    return got < 0 ? -1 : 0;
}

static int search_archive(const char *image_path, const char *name, const struct digest *named,
                          struct search *search, struct error *err)
{
    AUTOPTR(tar_reader) outer = tar_reader_open_file(image_path, err);
    struct tar_entry entry;
    int more = outer ? 0 : -1;
    while (outer && (more = tar_reader_next(outer, &entry, err)) == 1) {
        autofree char *path = path_clean(entry.path);
        if (!path || strcmp(path, name) != 0)
            continue;
        AUTO(blob) blob = {.outer = outer, .name = name};
        return search_blob(&blob, named, search, err);
    }
    return more < 0 ? -1 : error_set(err, ERROR_REGISTRY, "'%s' has no '%s'", image_path, name);
}

static int search_folder(const char *image_path, const char *name, const struct digest *named,
                         struct search *search, struct error *err)
{
    autofree char *path = path_join(image_path, name);
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    AUTO(blob) blob = {.fd = fd, .name = path};
    if (fd < 0)
        return error_errno(err, ERROR_REGISTRY, "can't read '%s'", path);
    return search_blob(&blob, named, search, err);
}

int extract_file(const char *image_path, const struct imagefile *image, const char *path,
                 const char *to, struct error *err)
{
    bool folder = strcmp(image->format, "oci-layout") == 0;
    struct search search = {.path = path, .to = to};

    if (!folder && strcmp(image->format, "oci") != 0)
        return error_set(err, ERROR_USAGE,
                         "'%s' is in docker's own format; invoke takes an OCI archive or folder",
                         image_path);

    for (size_t i = image->layer_count; i-- > 0 && !search.found && !search.hidden;) {
        const struct digest *named = &image->layers[i].digest;
        autofree char *name = xasprintf("blobs/sha256/%s", digest_hex(named));
        int result = folder ? search_folder(image_path, name, named, &search, err)
                            : search_archive(image_path, name, named, &search, err);
        if (result != 0)
            return -1;
    }

    if (!search.found)
        return error_set(err, ERROR_LAMBDA, "the image starts '/%s', which it doesn't contain",
                         path);
    return 0;
}
