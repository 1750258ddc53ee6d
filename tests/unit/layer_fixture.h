#ifndef LBUILD_TESTS_LAYER_FIXTURE_H
#define LBUILD_TESTS_LAYER_FIXTURE_H

#include "unit.h"

#include "layer/layer.h"
#include "support/fs.h"
#include "support/gzip.h"
#include "support/own.h"
#include "support/strv.h"

/* A tree, a store and what lies below the layer that is made of the tree. */
struct fixture {
    char *folder;
    struct store store;
    struct rootfs *rootfs;
    struct tree tree;
    struct strv sources;
    struct layer_format format;
};

static inline void fixture_release(struct fixture *fixture)
{
    struct error err = {0};
    tree_release(&fixture->tree);
    strv_release(&fixture->sources);
    rootfs_free(fixture->rootfs);
    store_release(&fixture->store);
    assert_int_equal(fs_remove(fixture->folder, &err), 0);
    free(fixture->folder);
}

static inline int collect(void *data, const void *bytes, size_t length, struct error *err)
{
    (void)err;
    buf_add(data, bytes, length);
    return 0;
}

/* A base layer of these entries, in the store and listed. */
static inline struct digest base_layer(const struct store *store, const struct tar_entry *entries,
                                       size_t count)
{
    struct error err = {0};
    struct digest digest, diff_id = {""};
    AUTO(buf) tar = {0};
    AUTOPTR(tar_writer) writer = tar_writer_open(collect, &tar, &err);

    for (size_t i = 0; i < count; i++)
        assert_int_equal(tar_writer_entry(writer, &entries[i], &err), 0);
    assert_int_equal(tar_writer_finish(writer, &err), 0);
    assert_int_equal(store_put(store, tar.data, tar.len, &digest, &err), 0);
    assert_int_equal(listing_make(store, &digest, &diff_id, &err), 0);
    return digest;
}

static inline void set_up(struct fixture *fixture, const struct tar_entry *entries, size_t count)
{
    struct error err = {0};
    struct digest layer;

    memset(fixture, 0, sizeof *fixture);
    fixture->folder = unit_folder();
    fixture->format = (struct layer_format){.epoch = 77};
    autofree char *root = path_join(fixture->folder, "store");
    assert_int_equal(store_open(&fixture->store, root, &err), 0);
    if (count > 0)
        layer = base_layer(&fixture->store, entries, count);
    fixture->rootfs = rootfs_load(&fixture->store, &layer, count > 0, &err);
    assert_non_null(fixture->rootfs);
}

/* Adds a file whose content lies in the fixture's folder; the source's path is the fixture's. */
static inline const char *add_source(struct fixture *fixture, const char *path, const char *name,
                                     const char *content)
{
    struct error err = {0};
    char *source = path_join(fixture->folder, name);
    assert_int_equal(fs_write(source, content, strlen(content), 0600, &err), 0);
    tree_add_file(&fixture->tree, path, source, 0644);
    strv_take(&fixture->sources, source);
    return source;
}

/* Unpacks the blob: its one member must be the tar of this diff_id. */
static inline void read_blob(const struct fixture *fixture, const struct layer *layer,
                             struct buf *tar)
{
    struct error err = {0};
    struct digest digest;
    AUTO(buf) blob = {0};

    assert_int_equal(store_read(&fixture->store, &layer->digest, 100000000, &blob, &err), 0);
    assert_int_equal(blob.len, layer->size);
    AUTOPTR(gunzip) gunzip = gunzip_open(collect, tar, false, &err);
    assert_int_equal(gunzip_feed(gunzip, blob.data, blob.len, &err), 0);
    assert_int_equal(gunzip_finish(gunzip, &err), 0);
    assert_int_equal(tar->len, layer->content_size);
    assert_int_equal(digest_bytes(tar->data, tar->len, &digest, &err), 0);
    assert_string_equal(digest.text, layer->diff_id.text);
}

static inline int64_t from_buf(void *data, void *bytes, size_t capacity, struct error *err)
{
    struct buf *rest = data;
    size_t part = rest->len < capacity ? rest->len : capacity;
    (void)err;
    memcpy(bytes, rest->data, part);
    rest->data += part;
    rest->len -= part;
    return (int64_t)part;
}

/* The layer's entries as text: "TYPE MODE UID:GID MTIME PATH[ -> LINK][=CONTENT]". */
static inline char *describe(const struct fixture *fixture, const struct layer *layer)
{
    struct error err = {0};
    struct tar_entry entry;
    AUTO(buf) tar = {0}, text = {0};

    read_blob(fixture, layer, &tar);
    struct buf rest = tar;
    AUTOPTR(tar_reader) reader = tar_reader_open(from_buf, &rest, "layer", &err);
    for (int status = 0; (status = tar_reader_next(reader, &entry, &err)) != 0;) {
        char content[100];
        assert_int_equal(status, 1);
        buf_addf(&text, "%c %o %d:%d %d %s", "fdlh?"[entry.type], entry.mode, (int)entry.uid,
                 (int)entry.gid, (int)entry.mtime, entry.path);
        if (entry.link)
            buf_addf(&text, " -> %s", entry.link);
        int64_t got = tar_reader_read(reader, content, sizeof content, &err);
        assert_true(got >= 0);
        if (got > 0)
            buf_addf(&text, "=%.*s", (int)got, content);
        buf_addc(&text, '\n');
    }

    return buf_detach(&text);
}

static inline struct layer made(const struct fixture *fixture)
{
    struct error err = {0};
    struct layer layer;
    if (layer_make(&fixture->tree, fixture->rootfs, &fixture->format, &fixture->store, &layer,
                   &err) != 0)
        fail_msg("%s", err.text);
    return layer;
}

#endif
