#include "unit.h"

#include "support/buf.h"
#include "support/deflate.h"
#include "support/own.h"

#include <string.h>
#include <zlib.h>

enum { SIZE = 700000 };

static uint32_t next(uint32_t *x)
{
    return *x = *x * 1664525 + 1013904223;
}

/* Content of several kinds, so that a compressor makes several blocks: words, noise, one byte
 * repeated, few symbols. */
static void fill(unsigned char *bytes, size_t length, uint32_t seed)
{
    static const char *const words[] = {"static ", "int ", "return ",    "layer",
                                        "(",       ");\n", "0123456789", "struct stat "};

    for (size_t i = 0; i < length;) {
        uint32_t kind = next(&seed) >> 30;
        for (size_t end = i + 20000 + (next(&seed) >> 16); i < end && i < length;) {
            uint32_t r = next(&seed) >> 8;
            if (kind == 0) {
                const char *word = words[r % countof(words)];
                for (size_t k = 0; word[k] && i < length; k++)
                    bytes[i++] = (unsigned char)word[k];
            } else {
                bytes[i++] = kind == 1   ? (unsigned char)r
                             : kind == 2 ? 'x'
                                         : "\x01\x02\x02\x02\x02\x03\xff\x80"[r >> 20 & 7];
            }
        }
    }
}

static void compress_with(int level, int strategy, const unsigned char *bytes, size_t length,
                          struct buf *out)
{
    unsigned char chunk[4096];
    z_stream stream = {0};
    int status = Z_OK;

    assert_int_equal(deflateInit2(&stream, level, Z_DEFLATED, -MAX_WBITS, 8, strategy), Z_OK);
    stream.next_in = (unsigned char *)(uintptr_t)bytes;
    stream.avail_in = (uInt)length;
    while (status != Z_STREAM_END) {
        stream.next_out = chunk;
        stream.avail_out = sizeof chunk;
        status = deflate(&stream, Z_FINISH);
        buf_add(out, (const char *)chunk, sizeof chunk - stream.avail_out);
    }

    deflateEnd(&stream);
}

/* Where zlib's decompressor sees the last block, in bits; -1: it refuses the stream, or something
 * follows it. */
static int by_zlib(const struct buf *packed, size_t *start, size_t *end)
{
    static unsigned char scratch[65536];
    z_stream stream = {0};
    int status = Z_OK;
    bool found = false;
    assert_int_equal(inflateInit2(&stream, -MAX_WBITS), Z_OK);
    stream.next_in = (unsigned char *)packed->data;
    stream.avail_in = (uInt)packed->len;

    for (*start = 0; !found && status == Z_OK;) {
        stream.next_out = scratch;
        stream.avail_out = sizeof scratch;
        status = inflate(&stream, Z_BLOCK);
        if ((status != Z_OK && status != Z_STREAM_END) || !(stream.data_type & 128))
            continue;
        found = stream.data_type & 64;
        *(found ? end : start) = 8 * (size_t)stream.total_in - (size_t)(stream.data_type & 7);
    }

    found = found && stream.avail_in == 0;
    inflateEnd(&stream);
    return found ? 0 : -1;
}

/* The bytes after the stream must not count. */
static bool by_us(const struct buf *packed, int after, size_t *start, size_t *end)
{
    autofree unsigned char *copy = xmalloc(packed->len + DEFLATE_SLACK);
    if (packed->len > 0)
        memcpy(copy, packed->data, packed->len);
    memset(copy + packed->len, after, DEFLATE_SLACK);
    return deflate_last_block(copy, packed->len, start, end);
}

static void agree(const struct buf *packed)
{
    size_t start = 0, end = 0, expected_start = 0, expected_end = 0;
    assert_int_equal(by_zlib(packed, &expected_start, &expected_end), 0);
    for (int after = 0; after < 256; after += 255) {
        assert_true(by_us(packed, after, &start, &end));
        assert_int_equal(start, expected_start);
        assert_int_equal(end, expected_end);
    }
}

static void finds_what_zlib_finds(void **state)
{
    static const struct {
        int level, strategy;
    } ways[] = {{0, 0},     {1, 0},         {6, 0}, {9, 0}, {6, Z_FIXED}, {6, Z_HUFFMAN_ONLY},
                {6, Z_RLE}, {6, Z_FILTERED}};
    static const size_t lengths[] = {0, 1, 2, 3, 100, 5000, 65535, 65536, 300001, SIZE};
    autofree unsigned char *bytes = xmalloc(SIZE);
    (void)state;

    for (uint32_t seed = 1; seed < 4; seed++) {
        fill(bytes, SIZE, seed);
        for (size_t i = 0; i < countof(ways); i++) {
            for (size_t k = 0; k < countof(lengths); k++) {
                AUTO(buf) packed = {0};
                compress_with(ways[i].level, ways[i].strategy, bytes, lengths[k], &packed);
                agree(&packed);
            }
        }
    }
}

static void long_codes(void **state)
{
    /* Symbols as frequent as Fibonacci's numbers get codes up to the limit of 15 bits. */
    AUTO(buf) text = {0}, packed = {0};
    (void)state;
    for (unsigned symbol = 0, a = 1, b = 1; symbol < 22; symbol++, b += a, a = b - a)
        for (unsigned i = 0; i < a; i++)
            buf_addc(&text, (char)(symbol * 7));
    compress_with(9, Z_HUFFMAN_ONLY, (const unsigned char *)text.data, text.len, &packed);
    agree(&packed);
}

static void damage_is_no_stream(void **state)
{
    autofree unsigned char *bytes = xmalloc(SIZE);
    AUTO(buf) packed = {0};
    size_t start = 0, end = 0;
    uint32_t seed = 5;
    (void)state;

    fill(bytes, SIZE, 7);
    compress_with(6, 0, bytes, 60000, &packed);
    for (size_t length = 0; length < packed.len; length += 1 + length / 50)
        assert_false(by_us(&(struct buf){.data = packed.data, .len = length}, 0, &start, &end));

    /* Whichever bit is flipped, a stream that we accept is one for zlib too, except for distances
     * that reach too far back. */
    for (int i = 0; i < 3000; i++) {
        AUTO(buf) broken = {0};
        buf_add(&broken, packed.data, packed.len);
        broken.data[(next(&seed) >> 8) % broken.len] ^= (char)(1 << (next(&seed) >> 29));
        if (by_us(&broken, 0, &start, &end))
            assert_true(start < end && (end + 7) / 8 == broken.len);
    }

    /* A reserved block type; stored blocks whose two lengths differ, or that are cut off; bad
     * numbers of codes. */
    static const char *const wrong[] = {"\x07", "\x01\x01\x00\x00\x00!", "\x01\x02\x00\xfd\xff!",
                                        "\xfd\xff\xff", ""};
    for (size_t i = 0; i < countof(wrong); i++) {
        AUTO(buf) text = {0};
        buf_add(&text, wrong[i], i == 1 || i == 2 ? 6 : strlen(wrong[i]));
        assert_false(by_us(&text, 0, &start, &end));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_zlib_finds),
        cmocka_unit_test(long_codes),
        cmocka_unit_test(damage_is_no_stream),
    };
    return cmocka_run_group_tests_name("deflate", tests, NULL, NULL);
}
