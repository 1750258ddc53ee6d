#include "support/deflate.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* Bits, least significant first. After a refill there are at least 56. */
struct bits {
    const unsigned char *start, *at, *end;
    uint64_t window;
    unsigned count;
};

enum {
    LENGTH_MAX = 15,
    LITERALS = 288,
    DISTANCES = 32,
    END_OF_BLOCK = 256,
    INDEX_BITS = 11,
    INDEX = 1 << INDEX_BITS,
};

/* What follows some bits. The first two are indices of the tables. */
enum next { NEXT_LITERAL, NEXT_DISTANCE, NEXT_END, NEXT_LONG, NEXT_INVALID };

/* What a table says about the next bits: how many belong together (extra bits included), and what
 * follows them. */
struct entry {
    uint8_t used, next, length, symbol; /* length: of the code itself; symbol: below 256 */
};

/* A canonical code. */
struct code {
    uint16_t count[LENGTH_MAX + 1]; /* codes of each length */
    uint16_t sorted[LITERALS];      /* symbols by code */
    uint8_t (*extra)(unsigned symbol);
    enum next (*next)(unsigned symbol);
};

struct codes {
    struct code code[2];
    struct entry table[2][INDEX];
};

/* May read up to DEFLATE_SLACK bytes past the end. Using such bytes is noticed at the end. */
static inline bool refill(struct bits *bits)
{
    uint64_t more;
    if (bits->at > bits->end + (DEFLATE_SLACK - sizeof more))
        return false;
    memcpy(&more, bits->at, sizeof more);
    bits->window |= le64toh(more) << bits->count;
    bits->at += (63 - bits->count) >> 3;
    bits->count |= 56;
    return true;
}

static inline void skip(struct bits *bits, unsigned count)
{
    bits->window >>= count;
    bits->count -= count;
}

static unsigned read_bits(struct bits *bits, unsigned count)
{
    unsigned value = (unsigned)(bits->window & ((1u << count) - 1));
    skip(bits, count);
    return value;
}

static size_t position(const struct bits *bits)
{
    return (size_t)(bits->at - bits->start) * 8 - bits->count;
}

static uint8_t literal_extra(unsigned symbol)
{
    return symbol < 265 || symbol >= 285 ? 0 : (uint8_t)((symbol - 261) / 4);
}

static enum next literal_next(unsigned symbol)
{
    if (symbol < END_OF_BLOCK)
        return NEXT_LITERAL;
    if (symbol == END_OF_BLOCK)
        return NEXT_END;
    return symbol < 286 ? NEXT_DISTANCE : NEXT_INVALID;
}

static uint8_t distance_extra(unsigned symbol)
{
    return symbol < 4 ? 0 : (uint8_t)(symbol / 2 - 1);
}

static enum next distance_next(unsigned symbol)
{
    return symbol < 30 ? NEXT_LITERAL : NEXT_INVALID;
}

static struct entry entry_of(const struct code *code, unsigned symbol, unsigned length)
{
    return (struct entry){(uint8_t)(length + code->extra(symbol)), (uint8_t)code->next(symbol),
                          (uint8_t)length, (uint8_t)symbol};
}

/* The next code of this length. Codes have their first bit lowest, so the carry goes downwards. */
static unsigned following(unsigned reversed, unsigned length)
{
    unsigned bit = 1u << (length - 1);
    for (; reversed & bit; bit >>= 1)
        reversed ^= bit;
    return reversed | bit;
}

/* A code may be incomplete (the missing bit patterns are invalid), but not ambiguous. */
static bool sort(struct code *code, const uint8_t *lengths, unsigned symbols)
{
    uint16_t offsets[LENGTH_MAX + 2] = {0};
    int left = 1;

    memset(code->count, 0, sizeof code->count);
    for (unsigned i = 0; i < symbols; i++)
        code->count[lengths[i]]++;
    code->count[0] = 0;
    for (unsigned length = 1; length <= LENGTH_MAX; length++) {
        left = 2 * left - code->count[length];
        if (left < 0)
            return false;
        offsets[length + 1] = (uint16_t)(offsets[length] + code->count[length]);
    }

    for (unsigned i = 0; i < symbols; i++)
        if (lengths[i] > 0)
            code->sorted[offsets[lengths[i]]++] = (uint16_t)i;
    return true;
}

/* An index has the code in its low bits; the table doubles with each length. A code longer than an
 * index is entered by its first bits alone: see decode_long. */
static bool build(struct code *code, struct entry *table, const uint8_t *lengths, unsigned symbols)
{
    const uint16_t *symbol = code->sorted;
    unsigned reversed = 0;
    if (!sort(code, lengths, symbols))
        return false;

    table[0] = (struct entry){.next = NEXT_INVALID};
    for (unsigned length = 1; length <= LENGTH_MAX; length++) {
        if (length <= INDEX_BITS)
            memcpy(table + (1u << (length - 1)), table, sizeof *table << (length - 1));
        for (unsigned left = code->count[length]; left > 0;
             left--, symbol++, reversed = following(reversed, length))
            table[reversed % INDEX] = length <= INDEX_BITS ? entry_of(code, *symbol, length)
                                                           : (struct entry){.next = NEXT_LONG};
    }
    return true;
}

/* Literals that fit into one index together become one entry with what follows them: nobody needs
 * to tell them apart. */
static void combine(struct entry *table)
{
    struct entry single[INDEX];
    memcpy(single, table, sizeof single);

    for (unsigned i = 0; i < INDEX; i++) {
        struct entry all = single[i];
        while (all.next == NEXT_LITERAL) {
            struct entry then = single[i >> all.used];
            if (then.next > NEXT_END || all.used + then.length > INDEX_BITS)
                break;
            all.used = (uint8_t)(all.used + then.used);
            all.next = then.next;
        }
        table[i] = all;
    }
}

/* Goes bit by bit, since such codes are rare. */
static struct entry decode_long(const struct code *code, uint64_t window)
{
    unsigned value = 0, first = 0, index = 0;
    for (unsigned length = 1; length <= LENGTH_MAX; length++, window >>= 1) {
        unsigned count = code->count[length];
        value |= (unsigned)(window & 1);
        if (value - first < count)
            return entry_of(code, code->sorted[index + value - first], length);
        index += count;
        first = (first + count) << 1;
        value <<= 1;
    }

    return (struct entry){.next = NEXT_INVALID};
}

/* Chooses the table by index and not by a branch, which would be mispredicted every other time. */
static bool walk_coded(struct bits *bits, const struct codes *codes)
{
    struct bits now = *bits;
    unsigned next = NEXT_LITERAL;

    while (refill(&now)) {
        struct entry entry = codes->table[next][now.window % INDEX];
        if (entry.next <= NEXT_DISTANCE) { /* enough bits are left for another step */
            skip(&now, entry.used);
            next = entry.next;
            entry = codes->table[next][now.window % INDEX];
        }
        if (entry.next == NEXT_LONG)
            entry = decode_long(&codes->code[next], now.window);
        skip(&now, entry.used);
        next = entry.next;
        if (next > NEXT_DISTANCE)
            break;
    }

    *bits = now;
    return next == NEXT_END;
}

static bool build_both(struct codes *codes, const uint8_t *lengths, unsigned literals,
                       unsigned distances)
{
    codes->code[NEXT_LITERAL].extra = literal_extra;
    codes->code[NEXT_LITERAL].next = literal_next;
    codes->code[NEXT_DISTANCE].extra = distance_extra;
    codes->code[NEXT_DISTANCE].next = distance_next;

    if (!build(&codes->code[NEXT_LITERAL], codes->table[NEXT_LITERAL], lengths, literals) ||
        !build(&codes->code[NEXT_DISTANCE], codes->table[NEXT_DISTANCE], lengths + literals,
               distances))
        return false;

    combine(codes->table[NEXT_LITERAL]);
    return true;
}

static bool build_fixed(struct codes *codes)
{
    uint8_t lengths[LITERALS + DISTANCES];
    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    memset(lengths + 280, 8, 8);
    memset(lengths + LITERALS, 5, DISTANCES);
    return build_both(codes, lengths, LITERALS, DISTANCES);
}

enum { COPY_LAST = 16, ZEROS = 17, MORE_ZEROS = 18, LENGTH_SYMBOLS };

static uint8_t length_extra(unsigned symbol)
{
    switch (symbol) {
    case COPY_LAST:
        return 2;
    case ZEROS:
        return 3;
    case MORE_ZEROS:
        return 7;
    default:
        return 0;
    }
}

static enum next length_next(unsigned symbol)
{
    (void)symbol;
    return NEXT_LITERAL;
}

/* Reads the code lengths of both codes, which are themselves coded. */
static bool read_lengths(struct bits *bits, const struct entry *table, uint8_t *lengths,
                         unsigned total)
{
    for (unsigned i = 0, repeat; i < total; i += repeat) {
        if (!refill(bits))
            return false;
        struct entry entry = table[bits->window % INDEX];
        if (entry.next == NEXT_INVALID)
            return false;

        skip(bits, entry.length);
        repeat = entry.symbol < COPY_LAST ? 1 : entry.symbol == MORE_ZEROS ? 11 : 3;
        repeat += read_bits(bits, entry.used - entry.length);
        if (repeat > total - i || (entry.symbol == COPY_LAST && i == 0))
            return false;

        uint8_t value = 0;
        if (entry.symbol < COPY_LAST)
            value = entry.symbol;
        else if (entry.symbol == COPY_LAST)
            value = lengths[i - 1];
        memset(lengths + i, value, repeat);
    }
    return true;
}

static bool build_dynamic(struct bits *bits, struct codes *codes)
{
    static const uint8_t order[LENGTH_SYMBOLS] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                  11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[LITERALS + DISTANCES], own[LENGTH_SYMBOLS] = {0};
    unsigned literals = 257 + read_bits(bits, 5), distances = 1 + read_bits(bits, 5),
             count = 4 + read_bits(bits, 4);
    struct code *code = &codes->code[NEXT_LITERAL]; /* not in use yet */
    struct entry *table = codes->table[NEXT_LITERAL];

    if (literals > 286 || distances > 30)
        return false;
    for (unsigned i = 0; i < count; i++) {
        if (!refill(bits))
            return false;
        own[order[i]] = (uint8_t)read_bits(bits, 3);
    }

    code->extra = length_extra;
    code->next = length_next;
    return build(code, table, own, LENGTH_SYMBOLS) &&
           read_lengths(bits, table, lengths, literals + distances) &&
           build_both(codes, lengths, literals, distances);
}

static bool walk_stored(struct bits *bits)
{
    const unsigned char *at = bits->start + (position(bits) + 7) / 8;
    if (at > bits->end || bits->end - at < 4)
        return false;
    size_t length = at[0] | (size_t)at[1] << 8;
    if ((length ^ (at[2] | (size_t)at[3] << 8)) != 0xffff || (size_t)(bits->end - at) - 4 < length)
        return false;
    *bits = (struct bits){.start = bits->start, .at = at + 4 + length, .end = bits->end};
    return true;
}

static bool walk_block(struct bits *bits, struct codes *codes, unsigned type)
{
    switch (type) {
    case 0:
        return walk_stored(bits);
    case 1:
        return build_fixed(codes) && walk_coded(bits, codes);
    case 2:
        return build_dynamic(bits, codes) && walk_coded(bits, codes);
    default:
        return false;
    }
}

bool deflate_last_block(const unsigned char *packed, size_t length, size_t *start, size_t *end)
{
    struct bits bits = {.start = packed, .at = packed, .end = packed + length};
    struct codes codes;

    for (unsigned last = 0; !last;) {
        *start = position(&bits);
        if (!refill(&bits))
            return false;
        last = read_bits(&bits, 1);
        if (!walk_block(&bits, &codes, read_bits(&bits, 2)))
            return false;
    }

    *end = position(&bits);
    return (*end + 7) / 8 == length;
}
