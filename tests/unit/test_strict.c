#include "unit.h"

#include "layer/strict.h"
#include "support/own.h"

/* C24: what Go's archive/tar refuses. C1: types that unpackers don't know. */

static void add_header(struct buf *tar, char type, size_t size)
{
    char block[512] = "some/file";
    unsigned sum = 8 * ' ';
    snprintf(block + 100, 8, "%07o", 0644);
    snprintf(block + 108, 8, "%07o", 0);
    snprintf(block + 116, 8, "%07o", 0);
    snprintf(block + 124, 12, "%011o", (unsigned)size);
    snprintf(block + 136, 12, "%011o", 1);
    block[156] = type;
    memcpy(block + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof block; i++)
        sum += (unsigned char)block[i];
    snprintf(block + 148, 8, "%06o", sum);
    buf_add(tar, block, sizeof block);
}

static void add_content(struct buf *tar, const char *text, size_t size)
{
    static const char zeros[512];
    buf_add(tar, text, size);
    buf_add(tar, zeros, (512 - size % 512) % 512);
}

/* In pieces of any size the result is the same. */
static void read_all(const struct buf *tar, size_t piece, struct strict *out)
{
    strict_begin(out);
    for (size_t at = 0; at < tar->len; at += piece)
        strict_feed(out, (const char *)tar->data + at,
                    tar->len - at < piece ? tar->len - at : piece);
    strict_release(out);
}

static void records(void **state)
{
    static const struct {
        const char *text;
        size_t size; /* 0: it is text */
        bool fine;
    } cases[] = {
        {"11 mtime=1\n", 0, true},    {"11 mtime=1\n11 atime=2\n", 0, true},
        {"13 mtime=1.5\n", 0, true},  {"12 mtime=-1\n", 0, true},
        {"9 mtime=\n", 0, true},      {"20 SCHILY.xattr.a=\0\n", 20, true},
        {"10 LIB.x==\n", 0, false},   {"11 LIB.x==\n", 0, true},
        {"12 mtime=1\n", 0, false},   {"10 mtime=1\n", 0, false},
        {"99 mtime=1\n", 0, false},   {"99999999999999999999 path=x\n", 0, false},
        {"x mtime=1\n", 0, false},    {"mtime=1\n", 0, false},
        {"11 mtime 1\n", 0, false},   {"11 mtime=x\n", 0, false},
        {"11 mtime=1.", 0, false},    {"5 =x\n", 0, false},
        {"10 path=\0a\n", 11, false}, {"9 size=x\n", 0, false},
        {"11 mtime=1\n1", 0, false},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        size_t size = cases[i].size ? cases[i].size : strlen(cases[i].text);
        AUTO(buf) tar = {0};
        add_header(&tar, 'x', size);
        add_content(&tar, cases[i].text, size);
        add_header(&tar, '0', 0);
        add_content(&tar, "", 0);

        for (size_t piece = 1; piece < 2000; piece = piece * 7 + 1) {
            struct strict strict;
            read_all(&tar, piece, &strict);
            if (!strict.header[0] != cases[i].fine)
                fail_msg("'%s' in pieces of %zu: '%s'", cases[i].text, piece, strict.header);
        }
    }
}

/* Numbers of headers, in octal and in binary. */
static void numbers(void **state)
{
    static const struct {
        size_t at;
        const char *field;
        size_t length;
        bool fine;
    } cases[] = {
        {136, "\x80\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f", 12, false},
        {136, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, true},
        {100, "00x0644", 7, false},
        {329, "garbage", 7, false},
        {329, " 12\0\0\0\0", 7, true},
        {108, "\0\0\0\0\0\0\0", 7, true},
        {116, "12\0x", 4, true},
        {124, "00000000000 ", 12, true},
        {124, "0000000000x", 11, false},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        struct strict strict;
        AUTO(buf) tar = {0};
        add_header(&tar, '0', 0);
        char *block = tar.data;
        memcpy(block + cases[i].at, cases[i].field, cases[i].length);
        memset(block + 148, ' ', 8);
        unsigned sum = 0;
        for (size_t j = 0; j < 512; j++)
            sum += (unsigned char)block[j];
        snprintf(block + 148, 8, "%06o", sum);
        read_all(&tar, 512, &strict);
        if (!strict.header[0] != cases[i].fine)
            fail_msg("'%s' at %zu: '%s'", cases[i].field, cases[i].at, strict.header);
    }
}

static void types(void **state)
{
    static const char fine[] = "0123456xgLK", odd[] = "7SVDMNAZz9X \377";
    (void)state;

    for (size_t i = 0; i < sizeof fine + sizeof odd - 1; i++) { /* and NUL */
        char type = i < sizeof fine ? fine[i] : odd[i - sizeof fine];
        struct strict strict;
        AUTO(buf) tar = {0};
        add_header(&tar, type, 0);
        add_header(&tar, '0', 0);
        read_all(&tar, 512, &strict);
        assert_string_equal(strict.header, "");
        assert_int_equal(strict.type[0] != 0, i >= sizeof fine);
    }
}

/* Content is passed by, whatever it looks like: by the size in the header, or in a PAX record. */
static void contents(void **state)
{
    struct strict strict;
    AUTO(buf) odd = {0};
    AUTO(buf) tar = {0};
    (void)state;

    add_header(&odd, 'V', 0);
    add_header(&tar, '0', odd.len);
    buf_add(&tar, odd.data, odd.len);
    add_header(&tar, 'x', 12);
    add_content(&tar, "12 size=512\n", 12);
    add_header(&tar, '0', 0);
    buf_add(&tar, odd.data, odd.len);
    read_all(&tar, 100, &strict);
    assert_string_equal(strict.type, "");

    buf_add(&tar, odd.data, odd.len);
    read_all(&tar, 100, &strict);
    assert_string_equal(strict.type, "'some/file' is of the type 'V', a volume's label");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(records), cmocka_unit_test(numbers),
                                       cmocka_unit_test(types), cmocka_unit_test(contents)};

    return cmocka_run_group_tests_name("strict", tests, NULL, NULL);
}
