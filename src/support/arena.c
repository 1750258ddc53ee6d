#include "support/arena.h"

#include "support/own.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 32 * 1024 };

struct arena_block {
    struct arena_block *before;
    size_t used, size;
    char bytes[];
};

void arena_release(struct arena *arena)
{
    for (struct arena_block *block = take(arena->last); block;) {
        struct arena_block *before = block->before;
        free(block);
        block = before;
    }
}

const char *arena_addn(struct arena *arena, const char *text, size_t length)
{
    struct arena_block *block = arena->last;
    if (!block || block->size - block->used <= length) {
        size_t size = length < BLOCK ? BLOCK : length + 1;
        block = xmalloc(sizeof *block + size);
        *block = (struct arena_block){.before = arena->last, .size = size};
        arena->last = block;
    }

    char *copy = block->bytes + block->used;
    memcpy(copy, text, length);
    copy[length] = '\0';
    block->used += length + 1;
    return copy;
}

const char *arena_add(struct arena *arena, const char *text)
{
    return arena_addn(arena, text, strlen(text));
}
