#include "support/noise.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    SAMPLE = 8,     /* one byte out of this many is looked at first */
    HASH_BITS = 11, /* room for about one unit's words */
    WORD = 4,       /* one word is kept per this many bytes: about the shortest
                       match worth its code */
    WORDS_MAX = NOISE_UNIT / WORD / 100,
    WINDOW = 32768, /* bytes that deflate looks back */
};

/* Whether all values are about equally frequent among every `step`th byte of a unit, judged by the
 * sum of the squares of their counts. For n bytes of pure noise that is n * n / 256 + n on average.
 * If it is a tenth higher, codes save about 1 %. A sample varies by up to a tenth. */
static bool is_even(const unsigned char *unit, size_t step)
{
    uint32_t counts[2][256] = {{0}}, sum = 0, total = (uint32_t)(NOISE_UNIT / step),
             average = total * total / 256 + total;

    for (size_t i = 0; i < NOISE_UNIT; i += 2 * step) {
        counts[0][unit[i]]++;
        counts[1][unit[i + step]]++;
    }
    for (unsigned i = 0; i < 256; i++) {
        uint32_t count = counts[0][i] + counts[1][i];
        sum += count * count;
    }

    return sum <= average + average / (step == 1 ? 10 : 5);
}

static uint32_t word_at(const unsigned char *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Counts the places in a unit that repeat a kept word, either of the unit itself or of the
 * window before it, which begins at `start` at the earliest. `places` holds the places of
 * kept words, by hash. */
static unsigned count_repeats(const unsigned char *start, const unsigned char *unit,
                              uint32_t *places)
{
    unsigned repeats = 0;
    const unsigned char *end = unit + NOISE_UNIT - WORD;

    for (const unsigned char *at = unit; at <= end; at++) {
        uint32_t word = word_at(at), *place = &places[word * 0x9e3779b1u >> (32 - HASH_BITS)];
        size_t back = (size_t)(at - start) - *place;
        repeats += word_at(start + *place) == word && back > 0 && back <= WINDOW;
        if ((at - unit) % WORD == 0)
            *place = (uint32_t)(at - start);
    }
    return repeats;
}

size_t noise_find(const unsigned char *bytes, size_t length, size_t *start)
{
    uint32_t places[1 << HASH_BITS] = {0};
    size_t run = 0, at = 0;

    for (; length - at >= NOISE_UNIT; at += NOISE_UNIT) {
        const unsigned char *unit = bytes + at;
        if (is_even(unit, SAMPLE) && is_even(unit, 1) &&
            count_repeats(bytes, unit, places) <= WORDS_MAX) {
            run += NOISE_UNIT;
            continue;
        }
        if (run >= NOISE_RUN)
            break;
        run = 0;
    }

    *start = run >= NOISE_RUN ? at - run : length;
    return run >= NOISE_RUN ? run : 0;
}
