#include "base/file.h"
#include "support/fs.h"
#include "support/process.h"
#include "support/tar.h"

#include <string.h>

/* "oci-archive:FILE[:TAG]": an OCI image layout in a tar file, which may be compressed. The archive
 * is read once, from front to back; its blobs go into the store in that order. */

static int identify(const struct base_request *request, char **key, char **name, struct error *err)
{
    (void)name;
    return file_reference_key(request, "", key, err);
}

static int bring(const struct layout *layout, const struct descriptor *blob, struct error *err)
{
    if (store_use(layout->store, &blob->digest, blob->size))
        return 0;
    return error_set(err, ERROR_REGISTRY, "base image '%s': the archive lacks '%s' (%llu bytes)",
                     layout->request->reference, blob->digest.text, (unsigned long long)blob->size);
}

static int copy_blob(struct tar_reader *reader, const struct tar_entry *entry, const char *hex,
                     const struct store *store, struct error *err)
{
    enum { PIECE = 256 * 1024 };
    struct digest expected, got;
    AUTO(store_writer) writer = {0};
    autofree char *text = xasprintf("sha256:%s", hex), *piece = xmalloc(PIECE);
    int64_t length = 0;

    /* Not every file is a blob, and the store may have it already. */
    if (!digest_parse(&expected, text) || store_use(store, &expected, (uint64_t)entry->size))
        return 0;

    if (store_writer_open(&writer, store, &expected, err) != 0)
        return -1;
    if (writer.done)
        return 0;
    if (writer.offset > 0 && store_writer_restart(&writer, err) != 0)
        return -1;

    while ((length = tar_reader_read(reader, piece, PIECE, err)) > 0)
        if (process_check_interrupt(err) != 0 ||
            store_writer_write(&writer, piece, (size_t)length, err) != 0)
            return -1;
    return length < 0 ? -1 : store_writer_commit(&writer, &got, err);
}

static int read_index(struct tar_reader *reader, const struct tar_entry *entry, struct buf *out,
                      struct error *err)
{
    int64_t length = 0;
    if (out->len > 0)
        return error_set(err, ERROR_REGISTRY, "it has two index.json");
    if (entry->size > MANIFEST_BYTES)
        return error_set(err, ERROR_REGISTRY, "its index.json is larger than %d bytes",
                         MANIFEST_BYTES);

    while ((length = tar_reader_read(reader, buf_reserve(out, 65536), 65536, err)) > 0)
        out->len += (size_t)length;
    return length < 0 ? -1 : 0;
}

/* What was read of an archive. */
struct intake {
    struct buf *index;
    struct strv seen;
};

static void intake_release(struct intake *intake)
{
    strv_release(&intake->seen);
}

static int read_entry(struct tar_reader *reader, const struct tar_entry *entry,
                      const struct store *store, struct intake *intake, struct error *err)
{
    static const char blobs[] = "blobs/sha256/";
    autofree char *path = path_clean(entry->path);
    if (!path)
        return error_set(err, ERROR_REGISTRY, "the name '%.200s' leads out of the archive",
                         entry->path);
    if (entry->type != TAR_FILE)
        return 0;

    if (strcmp(path, "index.json") == 0)
        return read_index(reader, entry, intake->index, err);
    if (file_name_once(&intake->seen, path, err) != 0)
        return -1;
    if (strncmp(path, blobs, sizeof blobs - 1) == 0)
        return copy_blob(reader, entry, path + sizeof blobs - 1, store, err);
    return 0;
}

static int read_archive(const char *path, const struct store *store, struct buf *index,
                        struct error *err)
{
    struct tar_entry entry;
    int more = 0;
    AUTO(intake) intake = {.index = index};
    AUTOPTR(tar_reader) reader = tar_reader_open_file(path, err);
    if (!reader)
        return -1;

    while ((more = tar_reader_next(reader, &entry, err)) == 1)
        if (read_entry(reader, &entry, store, &intake, err) != 0)
            return -1;

    if (more == 0 && index->len == 0)
        return error_set(err, ERROR_REGISTRY,
                         "it is not an OCI archive: there is no index.json in it%s",
                         "; for the output of 'docker save' write docker-archive:");
    return more;
}

static int fetch(const struct base_request *request, const struct store *store,
                 struct digest *manifest, char **name, struct error *err)
{
    AUTO(file_reference) reference = {0};
    AUTO(buf) index = {0};
    (void)name;
    if (file_reference_parse(request, &reference, err) != 0)
        return -1;
    if (read_archive(reference.path, store, &index, err) != 0)
        return error_wrap(err, "base image '%s'", request->reference);

    const struct layout layout = {request, store, reference.path, reference.tag, bring};
    return layout_fetch(&layout, &index, manifest, err);
}

const struct base_source base_source_oci_archive = {
    .prefix = "oci-archive:",
    .identify = identify,
    .fetch = fetch,
};
