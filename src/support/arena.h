#ifndef LBUILD_SUPPORT_ARENA_H
#define LBUILD_SUPPORT_ARENA_H

#include <stddef.h>

/* Strings that are added one by one and freed all together, such as the paths of a tree. They lie
 * side by side in large blocks, so each string costs its own bytes and no more. `AUTO(arena) names
 * = {0};` is empty. A returned string never moves. */
struct arena {
    struct arena_block *last;
};

void arena_release(struct arena *arena);
/* Adds a copy, which the arena owns. */
const char *arena_add(struct arena *arena, const char *text);
/* The same for the first `length` bytes. */
const char *arena_addn(struct arena *arena, const char *text, size_t length);

#endif
