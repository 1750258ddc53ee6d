#include "support/gzip.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define LEVEL 6
#define PIECE 1048576
#define CHUNK 65536
#define TEXT_OF(value) #value
#define TEXT(macro) TEXT_OF(macro)

struct gzip_writer {
    byte_sink sink;
    void *data;
    struct libdeflate_compressor *compressor;
    unsigned char *piece; /* plain bytes that wait; handed on when more follow, since the last piece ends the stream */
    unsigned char *packed;
    size_t used, bound;
    uint32_t crc, length; /* both modulo 2^32, as the trailer has them (RFC 1952) */
};

struct gzip_writer *gzip_writer_open(byte_sink sink, void *data, struct error *err)
{
    static const unsigned char header[10] = {0x1f, 0x8b, Z_DEFLATED, 0, 0, 0, 0, 0, 0, 255};
    AUTOPTR(gzip_writer) writer = xcalloc(1, sizeof *writer);
    writer->sink = sink;
    writer->data = data;
    writer->compressor = libdeflate_alloc_compressor(LEVEL);
    if (!writer->compressor) {
        error_set(err, ERROR_INTERNAL, "libdeflate gives no compressor of level %d", LEVEL);
        return NULL;
    }
    /* Room behind the piece for the joint between two pieces. */
    writer->bound = libdeflate_deflate_compress_bound(writer->compressor, PIECE);
    writer->piece = xmalloc(PIECE);
    writer->packed = xmalloc(writer->bound + 5);
    return sink(data, header, sizeof header, err) == 0 ? take(writer) : NULL;
}

void gzip_writer_free(struct gzip_writer *writer)
{
    if (!writer)
        return;
    libdeflate_free_compressor(writer->compressor);
    free(writer->piece);
    free(writer->packed);
    free(writer);
}

/* Finds, in bits, where the last block of a deflate stream starts and ends, by decoding it (as zlib's gzjoin does). */
static bool last_block(unsigned char *packed, size_t length, size_t plain, size_t *start, size_t *end)
{
    z_stream stream = {0};
    autofree unsigned char *scratch = xmalloc(CHUNK);
    int status = Z_OK;
    bool found = false;
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return false;
    stream.next_in = packed;
    stream.avail_in = (uInt)length;
    *start = 0;
    while (!found && status == Z_OK) {
        stream.next_out = scratch;
        stream.avail_out = CHUNK;
        status = inflate(&stream, Z_BLOCK);
        if (status != Z_OK || !(stream.data_type & 128))
            continue;
        size_t bit = 8 * (size_t)stream.total_in - (size_t)(stream.data_type & 7);
        found = stream.data_type & 64;
        *(found ? end : start) = bit;
    }
    found = found && stream.total_out == plain && stream.avail_in == 0;
    inflateEnd(&stream);
    return found;
}

/* Makes a finished stream one that others can follow: its last block isn't the last any more, and an empty stored block
 * (three zero bits, filled up to a byte, then 00 00 ff ff; RFC 1951 3.2.4) brings it to a byte boundary. */
static int make_joint(unsigned char *packed, size_t *length, size_t plain, struct error *err)
{
    size_t start = 0, end = 0;
    if (!last_block(packed, *length, plain, &start, &end))
        return error_set(err, ERROR_INTERNAL, "libdeflate made a stream that zlib can't read");
    packed[start / 8] &= (unsigned char)~(1u << (start % 8));
    if (end % 8 == 0 || end % 8 > 5)
        packed[(*length)++] = 0;
    memcpy(packed + *length, "\0\0\xff\xff", 4);
    *length += 4;
    return 0;
}

const char *gzip_writer_version(void)
{
    return "libdeflate-" LIBDEFLATE_VERSION_STRING "-" TEXT(LEVEL) "-" TEXT(PIECE);
}

static int flush_piece(struct gzip_writer *writer, bool last, struct error *err)
{
    size_t length =
        libdeflate_deflate_compress(writer->compressor, writer->piece, writer->used, writer->packed, writer->bound);
    if (length == 0)
        return error_set(err, ERROR_INTERNAL, "libdeflate needs more room than it said");
    if (!last && make_joint(writer->packed, &length, writer->used, err) != 0)
        return -1;
    writer->used = 0;
    return writer->sink(writer->data, writer->packed, length, err);
}

int gzip_writer_write(struct gzip_writer *writer, const void *bytes, size_t length, struct error *err)
{
    const unsigned char *from = bytes;
    writer->crc = libdeflate_crc32(writer->crc, from, length);
    writer->length += (uint32_t)length;
    while (length > 0) {
        if (writer->used == PIECE && flush_piece(writer, false, err) != 0)
            return -1;
        size_t room = PIECE - writer->used, part = length < room ? length : room;
        memcpy(writer->piece + writer->used, from, part);
        writer->used += part;
        from += part;
        length -= part;
    }
    return 0;
}

int gzip_writer_finish(struct gzip_writer *writer, struct error *err)
{
    unsigned char trailer[8];
    if (flush_piece(writer, true, err) != 0)
        return -1;
    for (unsigned i = 0; i < 4; i++) {
        trailer[i] = (unsigned char)(writer->crc >> (8 * i));
        trailer[4 + i] = (unsigned char)(writer->length >> (8 * i));
    }
    return writer->sink(writer->data, trailer, sizeof trailer, err);
}

struct gunzip {
    byte_sink sink;
    void *data;
    bool plain_allowed, plain, begun, in_member;
    unsigned char magic[2]; /* until the first two bytes are there */
    size_t magic_length;
    z_stream stream;
    unsigned char *chunk;
};

struct gunzip *gunzip_open(byte_sink sink, void *data, bool plain_allowed, struct error *err)
{
    AUTOPTR(gunzip) gunzip = xcalloc(1, sizeof *gunzip);
    gunzip->sink = sink;
    gunzip->data = data;
    gunzip->plain_allowed = plain_allowed;
    gunzip->chunk = xmalloc(CHUNK);
    if (inflateInit2(&gunzip->stream, MAX_WBITS + 16) != Z_OK) {
        error_set(err, ERROR_INTERNAL, "zlib can't start: %s", gunzip->stream.msg ? gunzip->stream.msg : "no reason given");
        return NULL;
    }
    return take(gunzip);
}

void gunzip_free(struct gunzip *gunzip)
{
    if (!gunzip)
        return;
    inflateEnd(&gunzip->stream);
    free(gunzip->chunk);
    free(gunzip);
}

/* Members may follow each other; what follows the last one must be another one (Go's reader wants that too). */
static int feed_members(struct gunzip *gunzip, const unsigned char *bytes, size_t length, struct error *err)
{
    z_stream *stream = &gunzip->stream;
    stream->next_in = (unsigned char *)(uintptr_t)bytes;
    stream->avail_in = (uInt)length;
    do {
        if (stream->avail_in > 0 && !gunzip->in_member) {
            inflateReset(stream);
            gunzip->in_member = true;
        }
        stream->next_out = gunzip->chunk;
        stream->avail_out = CHUNK;
        int status = gunzip->in_member ? inflate(stream, Z_NO_FLUSH) : Z_BUF_ERROR;
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
            return error_set(err, ERROR_REGISTRY, "damaged gzip data: %s", stream->msg ? stream->msg : "zlib refuses it");
        if (status == Z_STREAM_END)
            gunzip->in_member = false;
        size_t made = CHUNK - stream->avail_out;
        if (made > 0 && gunzip->sink(gunzip->data, gunzip->chunk, made, err) != 0)
            return -1;
    } while (stream->avail_in > 0 || stream->avail_out == 0);
    return 0;
}

static int feed(struct gunzip *gunzip, const void *bytes, size_t length, struct error *err)
{
    const unsigned char *from = bytes;
    if (gunzip->plain)
        return gunzip->sink(gunzip->data, bytes, length, err);
    /* zlib counts in unsigned int. */
    for (size_t part = 0; length > 0; from += part, length -= part) {
        part = length < (1u << 30) ? length : 1u << 30;
        if (feed_members(gunzip, from, part, err) != 0)
            return -1;
    }
    return 0;
}

static int begin(struct gunzip *gunzip, struct error *err)
{
    static const unsigned char magic[2] = {0x1f, 0x8b};
    gunzip->begun = true;
    gunzip->plain = gunzip->magic_length < 2 || memcmp(gunzip->magic, magic, 2) != 0;
    if (gunzip->plain && !gunzip->plain_allowed)
        return error_set(err, ERROR_REGISTRY, "not gzip data");
    return gunzip->magic_length > 0 ? feed(gunzip, gunzip->magic, gunzip->magic_length, err) : 0;
}

int gunzip_feed(struct gunzip *gunzip, const void *bytes, size_t length, struct error *err)
{
    const unsigned char *from = bytes;
    for (; !gunzip->begun && length > 0; from++, length--) {
        gunzip->magic[gunzip->magic_length++] = *from;
        if (gunzip->magic_length == 2 && begin(gunzip, err) != 0)
            return -1;
    }
    return length > 0 ? feed(gunzip, from, length, err) : 0;
}

int gunzip_finish(struct gunzip *gunzip, struct error *err)
{
    if (!gunzip->begun && begin(gunzip, err) != 0)
        return -1;
    if (gunzip->in_member)
        return error_set(err, ERROR_REGISTRY, "the gzip data ends in the middle");
    return 0;
}
