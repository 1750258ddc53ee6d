#include "unit.h"

#include "support/noise.h"
#include "support/own.h"

#include <zlib.h>

enum { SIZE = 40 * NOISE_UNIT };

static void put_noise(unsigned char *bytes, size_t length)
{
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < length; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        bytes[i] = (unsigned char)(x >> 32);
    }
}

static void put_text(unsigned char *bytes, size_t length)
{
    put_noise(bytes, length);
    for (size_t i = 0; i < length; i++)
        bytes[i] = (unsigned char)"etaoin shrdlu"[bytes[i] % 13];
}

static void expect(const unsigned char *bytes, size_t length, size_t start, size_t run)
{
    size_t got = 1;
    assert_int_equal(noise_find(bytes, length, &got), run);
    assert_int_equal(got, start);
}

static void noise_is_found_in_whole_units(void **state)
{
    autofree unsigned char *bytes = xmalloc(SIZE);
    (void)state;

    put_noise(bytes, SIZE);
    expect(bytes, 0, 0, 0);
    expect(bytes, 1, 1, 0);
    expect(bytes, NOISE_RUN - 1, NOISE_RUN - 1, 0);
    expect(bytes, NOISE_RUN, 0, NOISE_RUN);
    expect(bytes, NOISE_RUN + NOISE_UNIT - 1, 0, NOISE_RUN);
    expect(bytes, SIZE, 0, SIZE);
}

static void runs_between_other_bytes(void **state)
{
    autofree unsigned char *bytes = xmalloc(SIZE);
    (void)state;

    put_text(bytes, SIZE);
    expect(bytes, SIZE, SIZE, 0);
    put_noise(bytes + NOISE_UNIT / 2, NOISE_RUN); /* three whole units are too few */
    expect(bytes, SIZE, SIZE, 0);
    put_noise(bytes + 20 * NOISE_UNIT, NOISE_RUN);
    expect(bytes, SIZE, 20 * NOISE_UNIT, NOISE_RUN);
    put_noise(bytes + 35 * NOISE_UNIT - 100, 5 * NOISE_UNIT + 100); /* the first run counts */
    expect(bytes, SIZE, 20 * NOISE_UNIT, NOISE_RUN);
    expect(bytes + 24 * NOISE_UNIT, 16 * NOISE_UNIT, 11 * NOISE_UNIT, 5 * NOISE_UNIT);
}

/* Bytes that deflate can compress, whatever they look like. */
static void what_can_be_compressed_is_not_noise(void **state)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    autofree unsigned char *bytes = xcalloc(1, SIZE);
    (void)state;

    expect(bytes, SIZE, SIZE, 0);
    for (size_t i = 0; i < SIZE; i++) /* each value equally often */
        bytes[i] = (unsigned char)i;
    expect(bytes, SIZE, SIZE, 0);
    put_noise(bytes, SIZE);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (unsigned char)digits[bytes[i] % 64];
    expect(bytes, SIZE, SIZE, 0);
    for (size_t period = 3; period <= NOISE_UNIT; period = 2 * period + 1) {
        put_noise(bytes, SIZE);
        for (size_t i = period; i < SIZE; i++)
            bytes[i] = bytes[i - period];
        expect(bytes, SIZE, SIZE, 0);
    }
    put_noise(bytes, SIZE);
    for (size_t i = 0; i < SIZE; i++) /* noise where a sample is taken */
        bytes[i] = i % 8 == 0 ? bytes[i] : 'x';
    expect(bytes, SIZE, SIZE, 0);
    put_noise(bytes, SIZE);
    for (size_t i = 0; i < SIZE; i++) /* 4 of 100 bytes repeat earlier ones */
        bytes[i] = i % 500 > 480 ? "(static int matches)"[i % 500 - 480] : bytes[i];
    expect(bytes, SIZE, SIZE, 0);
}

static void what_is_compressed_is_noise(void **state)
{
    autofree unsigned char *plain = xmalloc(SIZE), *packed = xmalloc(SIZE);
    uLongf length = SIZE;
    (void)state;
    put_text(plain, SIZE);
    assert_int_equal(compress2(packed, &length, plain, SIZE, 6), Z_OK);
    assert_in_range(length, NOISE_RUN, SIZE - 1);
    expect(packed, length, 0, length - length % NOISE_UNIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_is_found_in_whole_units),
        cmocka_unit_test(runs_between_other_bytes),
        cmocka_unit_test(what_can_be_compressed_is_not_noise),
        cmocka_unit_test(what_is_compressed_is_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
