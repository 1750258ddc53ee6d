#include "base/file.h"
#include "support/fs.h"
#include "support/process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* "oci:DIR[:TAG]": an OCI image layout in a folder (OCI image-spec image-layout.md). */

static int identify(const struct base_request *request, char **key, char **name, struct error *err)
{
    (void)name;
    return file_reference_key(request, "index.json", key, err);
}

static int copy(int fd, const char *path, struct store_writer *writer, struct error *err)
{
    enum { PIECE = 256 * 1024 };
    autofree char *piece = xmalloc(PIECE);

    if (lseek(fd, (off_t)writer->offset, SEEK_SET) < 0)
        return error_errno(err, ERROR_REGISTRY, "can't read '%s'", path);

    for (;;) {
        ssize_t got = read(fd, piece, PIECE);
        if (process_check_interrupt(err) != 0)
            return -1;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_errno(err, ERROR_REGISTRY, "can't read '%s'", path);
        if (got == 0)
            return 0;
        if (store_writer_write(writer, piece, (size_t)got, err) != 0)
            return -1;
    }
}

static int bring(const struct layout *layout, const struct descriptor *blob, struct error *err)
{
    struct stat st;
    struct digest got;
    AUTO(store_writer) writer = {0};
    if (store_use(layout->store, &blob->digest, blob->size))
        return 0;

    autofree char *path = xasprintf("%s/blobs/sha256/%s", layout->path, digest_hex(&blob->digest));
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0)
        return error_errno(err, ERROR_REGISTRY, "the layout lacks a blob: can't read '%s'", path);
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != blob->size)
        return error_set(err, ERROR_REGISTRY, "'%s' has %lld bytes, but the image says %llu", path,
                         (long long)st.st_size, (unsigned long long)blob->size);

    if (store_writer_open(&writer, layout->store, &blob->digest, err) != 0)
        return -1;
    /* A half-written blob of another source may have any content. */
    if (writer.offset > blob->size && store_writer_restart(&writer, err) != 0)
        return -1;

    if ((!writer.done && copy(fd, path, &writer, err) != 0) ||
        store_writer_commit(&writer, &got, err) != 0)
        return error_wrap(err, "'%s'", path);
    return 0;
}

static int fetch(const struct base_request *request, const struct store *store,
                 struct digest *manifest, char **name, struct error *err)
{
    AUTO(file_reference) reference = {0};
    AUTO(buf) index = {0};
    (void)name;
    if (file_reference_parse(request, &reference, err) != 0)
        return -1;

    autofree char *path = path_join(reference.path, "index.json");
    if (fs_read(path, MANIFEST_BYTES, &index, err) != 0) {
        err->kind = ERROR_REGISTRY;
        return error_wrap(err, "base image '%s' is not an OCI layout", request->reference);
    }

    const struct layout layout = {request, store, reference.path, reference.tag, bring};
    return layout_fetch(&layout, &index, manifest, err);
}

const struct base_source base_source_oci = {
    .prefix = "oci:",
    .identify = identify,
    .fetch = fetch,
};
