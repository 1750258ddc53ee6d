#ifndef LBUILD_TESTS_LAYERS_H
#define LBUILD_TESTS_LAYERS_H

#include "unit.h"

#include "store/store.h"
#include "support/buf.h"
#include "support/gzip.h"
#include "support/own.h"

/* Items are written down by the dozen, and mostly need no mode. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* Layers and images for tests, from raw bytes, because a tar writer would refuse hostile names. */

struct item {
    const char *path;
    char type;        /* of the tar header: '0' file, '5' directory, '2' symbolic link, '1' hard
                         link, '3' device */
    const char *text; /* content or link target */
    unsigned mode;    /* 0: 0644, 0755 for a directory */
    size_t size;      /* of the content when it isn't text */
};

static inline void item_add(struct buf *tar, const struct item *item)
{
    char head[512] = {0};
    bool link = item->type == '1' || item->type == '2';
    size_t size = item->type != '0' || !item->text ? 0
                  : item->size                     ? item->size
                                                   : strlen(item->text);
    unsigned sum = 0, mode = item->mode ? item->mode : item->type == '5' ? 0755 : 0644;

    snprintf(head, 101, "%s", item->path);
    snprintf(head + 100, 8, "%07o", mode & 07777);
    snprintf(head + 108, 8, "%07o", 0);
    snprintf(head + 116, 8, "%07o", 0);
    snprintf(head + 124, 12, "%011o", (unsigned)(size & 0xffffff));
    snprintf(head + 136, 12, "%011o", 5);
    memset(head + 148, ' ', 8);
    head[156] = item->type;
    if (link && item->text)
        snprintf(head + 157, 101, "%s", item->text);
    memcpy(head + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof head; i++)
        sum += (unsigned char)head[i];
    snprintf(head + 148, 8, "%06o", sum);
    buf_add(tar, head, sizeof head);
    if (size > 0) {
        buf_add(tar, item->text, size);
        while (tar->len % 512)
            buf_addc(tar, '\0');
    }
}

static inline void tar_end(struct buf *tar)
{
    static const char zeros[1024];
    buf_add(tar, zeros, sizeof zeros);
}

static inline int buf_sink(void *data, const void *bytes, size_t length, struct error *err)
{
    (void)err;
    buf_add(data, bytes, length);
    return 0;
}

static inline void gzip_add(struct buf *out, const void *bytes, size_t length)
{
    struct error err = {0};
    AUTOPTR(gzip_writer) writer = gzip_writer_open(buf_sink, out, GZIP_DEFAULT, 0, &err);
    if (!writer || gzip_writer_write(writer, bytes, length, &err) != 0 ||
        gzip_writer_finish(writer, &err) != 0)
        fail_msg("%s", err.text);
}

/* A layer of these items in the store. */
static inline struct digest put_layer(const struct store *store, const struct item *items,
                                      size_t count, struct digest *diff_id)
{
    struct error err = {0};
    struct digest digest = {0};
    AUTO(buf) tar = {0};
    AUTO(buf) packed = {0};

    for (size_t i = 0; i < count; i++)
        item_add(&tar, &items[i]);
    tar_end(&tar);
    gzip_add(&packed, tar.data, tar.len);
    if (digest_bytes(tar.data, tar.len, diff_id, &err) != 0 ||
        store_put(store, packed.data, packed.len, &digest, &err) != 0)
        fail_msg("%s", err.text);
    return digest;
}

#endif
