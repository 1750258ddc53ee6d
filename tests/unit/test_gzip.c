#include "unit.h"

#include "support/buf.h"
#include "support/fs.h"
#include "support/gzip.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

enum { MIB = 1024 * 1024, PIECE = MIB / 2 /* the compressor's */ };

static int collect(void *data, const void *bytes, size_t length, struct error *err)
{
    (void)err;
    buf_add(data, bytes, length);
    return 0;
}

/* Writes `step` bytes at a time, which must not show in the result. */
static void compress_all(const char *bytes, size_t length, size_t step, struct buf *out)
{
    struct error err = {0};
    AUTOPTR(gzip_writer) writer = gzip_writer_open(collect, out, GZIP_DEFAULT, 0, &err);
    assert_non_null(writer);
    for (size_t at = 0; at < length; at += step)
        assert_int_equal(
            gzip_writer_write(writer, bytes + at, length - at < step ? length - at : step, &err),
            0);
    assert_int_equal(gzip_writer_finish(writer, &err), 0);
}

/* Reads exactly one member by zlib; it must end at the last byte. */
static void one_member(const struct buf *packed, const char *bytes, size_t length)
{
    z_stream stream = {0};
    autofree char *plain = xmalloc(length + 1);

    assert_int_equal(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
    stream.next_in = (unsigned char *)packed->data;
    stream.avail_in = (uInt)packed->len;
    stream.next_out = (unsigned char *)plain;
    stream.avail_out = (uInt)length + 1;

    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    assert_int_equal(stream.total_out, length);
    assert_memory_equal(plain, bytes, length);
    inflateEnd(&stream);
}

static void gzip_tool_agrees(const struct buf *packed)
{
    struct error err = {0};
    autofree char *folder = unit_folder(), *path = path_join(folder, "x.gz");
    int status = 0;

    assert_int_equal(fs_write(path, packed->data, packed->len, 0600, &err), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execlp("gzip", "gzip", "-t", path, (char *)NULL);
        _exit(access("/bin/gzip", X_OK) == 0 ? 99 : 0); /* without gzip, zlib's verdict is enough */
    }

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(fs_remove(folder, &err), 0);
}

enum kind { ZEROS, NOISE, TEXT, BOTH, KINDS };

/* BOTH: text and noise in turns, in odd lengths. */
static void fill(char *bytes, size_t length, enum kind kind)
{
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < length; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes[i] = kind == ZEROS ? 0
                   : kind == NOISE || (kind == BOTH && i % 100003 > 30011)
                       ? (char)state
                       : "etaoin shrdlu"[(state >> 8) % 13];
    }
}

static void every_size_is_one_member(void **state)
{
    static const size_t sizes[] = {0,         1,   100,     PIECE - 1, PIECE,
                                   PIECE + 1, MIB, 2 * MIB, 3 * MIB,   3 * MIB + 12345};
    autofree char *bytes = xmalloc(4 * MIB);
    (void)state;

    for (enum kind kind = ZEROS; kind < KINDS; kind++) {
        fill(bytes, 4 * MIB, kind);
        for (size_t i = 0; i < countof(sizes); i++) {
            AUTO(buf) packed = {0}, again = {0};
            compress_all(bytes, sizes[i], sizes[i] + 1, &packed);
            one_member(&packed, bytes, sizes[i]);
            assert_memory_equal(packed.data, "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
            compress_all(bytes, sizes[i], 65521, &again);
            assert_int_equal(packed.len, again.len);
            assert_memory_equal(packed.data, again.data, packed.len);
            if (sizes[i] >= PIECE)
                gzip_tool_agrees(&packed);
            if (kind == NOISE) /* stored, in blocks of up to 65,535 bytes */
                assert_in_range(packed.len, sizes[i] + 18,
                                sizes[i] + 18 + 5 * (sizes[i] / PIECE + 1) * (PIECE / 65535 + 2));
        }
    }
}

/* Joints of every bit offset: short random pieces of text after a full one wouldn't give them, so
 * the whole first piece varies. */
static void joints_at_every_bit(void **state)
{
    autofree char *bytes = xmalloc(PIECE + 10);
    (void)state;

    for (size_t i = 0; i < 16; i++) {
        AUTO(buf) packed = {0};
        fill(bytes, PIECE + 10, ZEROS);
        fill(bytes, 100 * i, TEXT);
        compress_all(bytes, PIECE + 10, PIECE + 10, &packed);
        one_member(&packed, bytes, PIECE + 10);
    }
}

static void compress_by(enum gzip_level level, unsigned threads, const char *bytes, size_t length,
                        struct buf *out)
{
    struct error err = {0};
    AUTOPTR(gzip_writer) writer = gzip_writer_open(collect, out, level, threads, &err);
    assert_non_null(writer);
    assert_int_equal(gzip_writer_write(writer, bytes, length, &err), 0);
    assert_int_equal(gzip_writer_finish(writer, &err), 0);
}

static void any_number_of_threads_gives_the_same(void **state)
{
    const size_t length = 12 * MIB + 1;
    autofree char *bytes = xmalloc(length);
    AUTO(buf) expected = {0};
    (void)state;

    fill(bytes, length, TEXT);
    compress_by(GZIP_DEFAULT, 1, bytes, length, &expected);
    one_member(&expected, bytes, length);

    for (unsigned threads = 0; threads < 12; threads++) {
        AUTO(buf) packed = {0};
        compress_by(GZIP_DEFAULT, threads, bytes, length, &packed);
        assert_int_equal(packed.len, expected.len);
        assert_memory_equal(packed.data, expected.data, packed.len);
    }

    /* Giving up in the middle doesn't wait for anything. */
    for (size_t part = 0; part < length; part += 3 * MIB) {
        AUTO(buf) packed = {0};
        struct error err = {0};
        AUTOPTR(gzip_writer) writer = gzip_writer_open(collect, &packed, GZIP_DEFAULT, 3, &err);
        assert_non_null(writer);
        assert_int_equal(gzip_writer_write(writer, bytes, part, &err), 0);
    }
}

/* Each level makes one member with any number of threads, and slower levels make smaller ones. */
static void levels(void **state)
{
    static const char *const names[] = {"fast", "default", "best"};
    const size_t length = 2 * MIB + 77;
    autofree char *bytes = xmalloc(length);
    size_t last = length;
    enum gzip_level level = GZIP_DEFAULT;
    (void)state;

    fill(bytes, length, TEXT);
    for (size_t i = 0; i < length; i++) /* repeats, at distances of all sizes */
        if (i > 40000 && i % 40 > 10)
            bytes[i] = bytes[i - 7 - i / 40 % 32000];

    for (size_t i = 0; i < countof(names); i++) {
        AUTO(buf) packed = {0}, again = {0};
        assert_true(gzip_level_parse(names[i], &level));
        compress_by(level, 1, bytes, length, &packed);
        compress_by(level, 3, bytes, length, &again);
        one_member(&packed, bytes, length);
        assert_int_equal(packed.len, again.len);
        assert_memory_equal(packed.data, again.data, packed.len);
        assert_true(packed.len < last);
        last = packed.len;
    }

    assert_false(gzip_level_parse("6", &level) || gzip_level_parse("", &level));
    /* docs/image.md says the same. */
    assert_non_null(strstr(gzip_writer_version(GZIP_DEFAULT), "-2-524288-32768"));
    assert_non_null(strstr(gzip_writer_version(GZIP_FAST), "-1-524288-32768"));
    assert_non_null(strstr(gzip_writer_version(GZIP_BEST), "-10-524288-32768"));
}

static int count_bytes(void *data, const void *bytes, size_t length, struct error *err)
{
    (void)bytes;
    (void)err;
    *(size_t *)data += length;
    return 0;
}

static long most_memory(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss; /* KiB */
}

/* The memory used for the first 16 MiB is enough for any length. */
static void memory_does_not_grow(void **state)
{
    struct error err = {0};
    size_t made = 0;
    long before = 0;
    autofree char *bytes = xmalloc(MIB);
    (void)state;

    fill(bytes, MIB, NOISE); /* incompressible */
    AUTOPTR(gzip_writer) writer = gzip_writer_open(count_bytes, &made, GZIP_FAST, 3, &err);
    assert_non_null(writer);
    for (int i = 0; i < 80; i++) {
        assert_int_equal(gzip_writer_write(writer, bytes, MIB, &err), 0);
        if (i == 15)
            before = most_memory();
    }
    assert_int_equal(gzip_writer_finish(writer, &err), 0);
    assert_true(made > (size_t)80 * MIB);
    assert_in_range(most_memory() - before, 0, 1024);
}

static int refuse(void *data, const void *bytes, size_t length, struct error *err)
{
    (void)data;
    (void)bytes;
    return length > 10 ? error_set(err, ERROR_BUILD, "disk full") : 0;
}

static void a_failing_sink_ends_it(void **state)
{
    struct error err = {0};
    (void)state;
    AUTOPTR(gzip_writer) writer = gzip_writer_open(refuse, NULL, GZIP_DEFAULT, 0, &err);
    assert_int_equal(gzip_writer_write(writer, "abcdefghijkl", 12, &err), 0);
    assert_int_equal(gzip_writer_finish(writer, &err), -1);
    assert_string_equal(err.text, "disk full");
}

static int expand(const char *bytes, size_t length, size_t step, bool plain_allowed,
                  struct buf *out, struct error *err)
{
    AUTOPTR(gunzip) gunzip = gunzip_open(collect, out, plain_allowed, err);
    assert_non_null(gunzip);
    for (size_t at = 0; at < length; at += step)
        if (gunzip_feed(gunzip, bytes + at, length - at < step ? length - at : step, err) != 0)
            return -1;
    return gunzip_finish(gunzip, err);
}

static void gunzip_reads_members_in_any_pieces(void **state)
{
    static const size_t steps[] = {1, 2, 3, 7, 1000000};
    struct error err = {0};
    AUTO(buf) packed = {0};
    autofree char *bytes = xmalloc(200000);
    (void)state;

    fill(bytes, 200000, TEXT);
    compress_all(bytes, 50000, 50000, &packed);
    compress_all(bytes, 0, 1, &packed);
    compress_all(bytes + 50000, 150000, 50000, &packed);
    for (size_t i = 0; i < countof(steps); i++) {
        AUTO(buf) plain = {0};
        assert_int_equal(expand(packed.data, packed.len, steps[i], false, &plain, &err), 0);
        assert_int_equal(plain.len, 200000);
        assert_memory_equal(plain.data, bytes, 200000);
    }
}

static void gunzip_refuses_damage(void **state)
{
    struct error err = {0};
    AUTO(buf) packed = {0}, plain = {0};
    (void)state;

    compress_all("hello, hello, hello", 19, 19, &packed);
    for (size_t cut = 0; cut < packed.len; cut++) {
        assert_int_equal(expand(packed.data, cut, 1000, false, &plain, &err), -1);
        assert_int_equal(err.kind, ERROR_REGISTRY);
    }
    packed.data[packed.len - 6] ^= 1; /* the CRC */
    assert_int_equal(expand(packed.data, packed.len, 1000, false, &plain, &err), -1);
    packed.data[packed.len - 6] ^= 1;
    buf_add(&packed, "\0\0\0", 3);
    assert_int_equal(expand(packed.data, packed.len, 1000, false, &plain, &err), -1);
    assert_non_null(strstr(err.text, "damaged gzip data"));
}

static void plain_passes_when_allowed(void **state)
{
    static const char *const texts[] = {"", "\x1f", "x", "plain text"};
    struct error err = {0};
    (void)state;

    for (size_t i = 0; i < countof(texts); i++) {
        AUTO(buf) plain = {0};
        assert_int_equal(expand(texts[i], strlen(texts[i]), 1, true, &plain, &err), 0);
        assert_string_equal(buf_text(&plain), texts[i]);
        assert_int_equal(expand(texts[i], strlen(texts[i]), 1, false, &plain, &err), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_is_one_member),
        cmocka_unit_test(joints_at_every_bit),
        cmocka_unit_test(any_number_of_threads_gives_the_same),
        cmocka_unit_test(levels),
        cmocka_unit_test(memory_does_not_grow),
        cmocka_unit_test(a_failing_sink_ends_it),
        cmocka_unit_test(gunzip_reads_members_in_any_pieces),
        cmocka_unit_test(gunzip_refuses_damage),
        cmocka_unit_test(plain_passes_when_allowed),
    };
    return cmocka_run_group_tests_name("gzip", tests, NULL, NULL);
}
