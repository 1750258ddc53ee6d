#ifndef LBUILD_SUPPORT_ARENA_H
#define LBUILD_SUPPORT_ARENA_H

#include <stddef.h>

/* Strings that come one by one and go all together, such as the paths of a tree: they lie side by
 * side in large blocks, so that each costs its own bytes and no more. `AUTO(arena) names = {0};` is
 * empty. What it gave out stays where it is. */
struct arena {
    struct arena_block *last;
};

void arena_release(struct arena *arena);
/* A copy that the arena owns. */
const char *arena_add(struct arena *arena, const char *text);
/* Of the first `length` bytes. */
const char *arena_addn(struct arena *arena, const char *text, size_t length);

#endif
