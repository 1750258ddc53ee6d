#include "layer/listing.h"

#include "support/gzip.h"
#include "support/hasher.h"
#include "support/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads layers: they are unpacked, hashed in both forms and listed in one pass. */

enum { PIECE = 32 * 1024 /* deflate expands it at most 1,032 times */, CONTENT = 256 * 1024 };
/* Lambda allows at most 10 GB. */
static const uint64_t largest_content = UINT64_C(16) << 30;

/* A layer on its way from the source to the tar reader. */
struct stream {
    tar_source source;
    void *data;
    struct digest_context packed;
    struct hasher *plain;
    struct gunzip *gunzip;
    struct strict strict;
    struct buf ready; /* decompressed; bytes from `taken` on are not passed on yet */
    size_t taken;
    uint64_t size, total;           /* bytes of the blob, and of its content */
    bool gzip, zstd, ended, failed; /* failed: reading the source failed */
};

static void stream_release(struct stream *stream)
{
    digest_context_release(&stream->packed);
    hasher_free(stream->plain);
    gunzip_free(stream->gunzip);
    buf_release(&stream->ready);
    strict_release(&stream->strict);
}

static int plain_sink(void *data, const void *bytes, size_t length, struct error *err)
{
    struct stream *stream = data;
    static const unsigned char gzip[2] = {0x1f, 0x8b};
    if (stream->total == 0 && length >= 2 && memcmp(bytes, gzip, 2) == 0)
        return error_set(err, ERROR_REGISTRY, "it is compressed twice");

    stream->total += length;
    if (stream->total > largest_content)
        return error_set(err, ERROR_REGISTRY, "it holds more than 16 GiB");
    hasher_add(stream->plain, bytes, length);
    strict_feed(&stream->strict, bytes, length);
    buf_add(&stream->ready, bytes, length);
    return 0;
}

/* Reads and hashes the next piece of the blob; 0 at the end. */
static int64_t next_piece(struct stream *stream, char *piece, struct error *err)
{
    int64_t got =
        process_check_interrupt(err) == 0 ? stream->source(stream->data, piece, PIECE, err) : -1;
    if (got > 0)
        digest_update(&stream->packed, piece, (size_t)got);
    stream->failed = stream->failed || got < 0;
    stream->ended = got <= 0;
    stream->size += got > 0 ? (uint64_t)got : 0;
    return got;
}

static int advance(struct stream *stream, struct error *err)
{
    static const unsigned char zstd[4] = {0x28, 0xb5, 0x2f, 0xfd}, gzip[2] = {0x1f, 0x8b};
    char piece[PIECE];
    bool first = stream->size == 0;
    int64_t got = next_piece(stream, piece, err);
    if (got < 0)
        return -1;
    if (got == 0)
        return gunzip_finish(stream->gunzip, err);

    stream->gzip = first ? got >= 2 && memcmp(piece, gzip, 2) == 0 : stream->gzip;
    stream->zstd = first ? got >= 4 && memcmp(piece, zstd, 4) == 0 : stream->zstd;

    if (first && stream->zstd)
        return error_set(
            err, ERROR_REGISTRY,
            "it is compressed with zstd, which Lambda doesn't accept; convert the image to gzip, "
            "e.g. with 'skopeo copy --dest-compress-format gzip'");
    return gunzip_feed(stream->gunzip, piece, (size_t)got, err);
}

static int64_t tar_bytes(void *data, void *bytes, size_t capacity, struct error *err)
{
    struct stream *stream = data;
    if (stream->taken == stream->ready.len) {
        buf_clear(&stream->ready);
        stream->taken = 0;
    }
    while (stream->ready.len == 0 && !stream->ended)
        if (advance(stream, err) != 0)
            return -1;

    size_t part = stream->ready.len - stream->taken;
    part = part < capacity ? part : capacity;
    if (part > 0)
        memcpy(bytes, stream->ready.data + stream->taken, part);
    stream->taken += part;
    return (int64_t)part;
}

static int read_content(struct tar_reader *reader, struct listing_writer *writer, char *room,
                        struct error *err)
{
    int64_t got = 0;
    while ((got = tar_reader_read(reader, room, CONTENT, err)) > 0)
        listing_writer_data(writer, room, (size_t)got);
    return got < 0 ? -1 : 0;
}

static int read_entries(struct stream *stream, struct listing_writer *writer, struct error *err)
{
    struct tar_entry entry;
    int more = 0;
    autofree char *room = xmalloc(CONTENT);
    while (stream->ready.len == 0 && !stream->ended)
        if (advance(stream, err) != 0)
            return -1;
    if (stream->ready.len == 0) /* no content at all is a layer without entries, as in Go's tools */
        return 0;

    AUTOPTR(tar_reader) reader = tar_reader_open(tar_bytes, stream, "the layer", err);
    if (!reader)
        return -1;

    while ((more = tar_reader_next(reader, &entry, err)) == 1)
        if (listing_writer_entry(writer, &entry, err) != 0 ||
            (entry.size > 0 && read_content(reader, writer, room, err) != 0))
            return -1;
    return more;
}

/* The digests include padding after the archive's end. */
static int read_rest(struct stream *stream, struct error *err)
{
    while (!stream->ended) {
        buf_clear(&stream->ready);
        if (advance(stream, err) != 0)
            return -1;
    }
    return 0;
}

/* Reads on for the sake of the blob's own digest and size. */
static int drain(struct stream *stream, struct error *err)
{
    char piece[PIECE];
    int64_t got = 1;
    while (!stream->ended && got > 0)
        got = next_piece(stream, piece, err);
    return got < 0 ? -1 : 0;
}

struct listing_scan listing_scan_known(const struct listing *known, const struct digest *digest)
{
    struct listing_scan scan = {.digest = *digest,
                                .diff_id = known->diff_id,
                                .size = known->size,
                                .content_size = known->content_size,
                                .members = known->members,
                                .listed = true,
                                .gzip = known->members > 0};
    memcpy(scan.odd_header, known->odd_header, STRICT_NOTE);
    memcpy(scan.odd_type, known->odd_type, STRICT_NOTE);
    return scan;
}

/* Takes *out from the list's head when the blob is the one that was named. */
static int scan_known(struct stream *stream, const struct listing *known,
                      const struct digest *named, struct listing_scan *out, struct error *err)
{
    if (drain(stream, err) != 0)
        return -1;

    digest_final(&stream->packed, &out->digest);
    out->size = stream->size;
    if (!digest_equal(&out->digest, named)) {
        out->trouble = xstrdup("its content doesn't match the digest in its name");
        return 0;
    }

    *out = listing_scan_known(known, named);
    out->size = stream->size;
    return 0;
}

static int scan_content(struct stream *stream, const struct store *store, struct listing_scan *out,
                        struct error *err)
{
    AUTOPTR(listing_writer) writer = listing_writer_new(store);
    int result = read_entries(stream, writer, err);
    if (result == 0)
        result = read_rest(stream, err);
    if (result != 0 && (stream->failed || err->kind != ERROR_REGISTRY))
        return -1;

    if (result != 0)
        out->trouble = xstrdup(err->text);
    if (drain(stream, err) != 0)
        return -1;

    digest_final(&stream->packed, &out->digest);
    out->size = stream->size;
    out->gzip = stream->gzip;
    out->zstd = stream->zstd;
    if (result != 0)
        return 0;

    hasher_finish(stream->plain, &out->diff_id);
    out->content_size = stream->total;
    out->members = gunzip_members(stream->gunzip);
    out->listed = true;
    struct listing about = {.diff_id = out->diff_id,
                            .size = out->size,
                            .content_size = out->content_size,
                            .members = out->members};
    memcpy(about.odd_header, stream->strict.header, STRICT_NOTE);
    memcpy(about.odd_type, stream->strict.type, STRICT_NOTE);
    memcpy(out->odd_header, stream->strict.header, STRICT_NOTE);
    memcpy(out->odd_type, stream->strict.type, STRICT_NOTE);
    return listing_writer_save(writer, &out->digest, &about, err);
}

int listing_scan(const struct store *store, tar_source source, void *data,
                 const struct digest *named, struct listing_scan *out, struct error *err)
{
    struct listing known;
    AUTO(stream) stream = {.source = source, .data = data};
    strict_begin(&stream.strict);
    *out = (struct listing_scan){0};
    if (digest_init(&stream.packed, err) != 0)
        return -1;
    if (named && listing_known(store, named, &known))
        return scan_known(&stream, &known, named, out, err);

    stream.plain = hasher_new(err);
    stream.gunzip = stream.plain ? gunzip_open(plain_sink, &stream, true, err) : NULL;
    return stream.gunzip ? scan_content(&stream, store, out, err) : -1;
}

void listing_scan_release(struct listing_scan *scan)
{
    free(scan->trouble);
    *scan = (struct listing_scan){0};
}

/* Layers of the store. */

static int64_t blob_bytes(void *data, void *bytes, size_t capacity, struct error *err)
{
    const int *fd = data;
    for (;;) {
        ssize_t got = read(*fd, bytes, capacity);
        if (got >= 0 || errno != EINTR)
            return got >= 0 ? got : error_errno(err, ERROR_BUILD, "can't read it");
    }
}

static int check_content(const struct digest *blob, const struct digest *found,
                         struct digest *diff_id, struct error *err)
{
    if (diff_id->text[0] && !digest_equal(diff_id, found))
        return error_set(err, ERROR_REGISTRY,
                         "the layer '%s' holds '%s', but the image's config says '%s'", blob->text,
                         found->text, diff_id->text);
    *diff_id = *found;
    return 0;
}

/* Content may be unreadable because the disk damaged it. Then the digest is wrong as well, and that
 * is what the user should hear. */
static int scan_blob(const struct store *store, const struct digest *blob,
                     struct listing_scan *scan, struct error *err)
{
    uint64_t size = 0;
    autoclose int fd = store_open_blob(store, blob, &size, err);
    if (fd < 0)
        return -1;

    if (listing_scan(store, blob_bytes, &fd, NULL, scan, err) != 0)
        return error_wrap(err, "the layer '%s'", blob->text);

    if (!digest_equal(&scan->digest, blob)) {
        store_discard(store, blob);
        return error_set(
            err, ERROR_REGISTRY,
            "the layer '%s' was damaged on disk and has been removed from the cache; build again",
            blob->text);
    }
    if (!scan->listed)
        return error_set(err, ERROR_REGISTRY, "the layer '%s' can't be used: %s", blob->text,
                         scan->trouble);
    return 0;
}

int listing_make(const struct store *store, const struct digest *blob, struct digest *diff_id,
                 struct error *err)
{
    struct listing listing;
    AUTO(listing_scan) scan = {0};
    if (diff_id->text[0] && listing_known(store, blob, &listing) &&
        digest_equal(&listing.diff_id, diff_id))
        return 0;

    AUTOPTR(listing_reader) reader = listing_reader_open(store, blob, &listing);
    if (reader)
        return check_content(blob, &listing.diff_id, diff_id, err);

    if (scan_blob(store, blob, &scan, err) != 0)
        return -1;
    return check_content(blob, &scan.diff_id, diff_id, err);
}
