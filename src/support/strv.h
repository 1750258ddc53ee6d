#ifndef LBUILD_SUPPORT_STRV_H
#define LBUILD_SUPPORT_STRV_H

#include <stdbool.h>
#include <stddef.h>

/* A growing list of owned strings. `AUTO(strv) v = {0};` is empty. items[len] is NULL once
 * something was added. */
struct strv {
    char **items;
    size_t len, cap;
};

void strv_release(struct strv *list);
/* Adds a copy. */
void strv_add(struct strv *list, const char *text);
/* Adds the string itself, which the list then owns. */
void strv_take(struct strv *list, char *text);
void strv_addf(struct strv *list, const char *format, ...) __attribute__((format(printf, 2, 3)));
void strv_add_all(struct strv *list, const struct strv *other);
bool strv_contains(const struct strv *list, const char *text);
/* Sorts by byte order (never by locale). */
void strv_sort(struct strv *list);
/* Drops equal neighbours: sort first. */
void strv_unique(struct strv *list);
/* The list as an argv: a NULL-terminated vector, still owned by the list. Never NULL. */
const char *const *strv_argv(struct strv *list);

/* The candidate closest to `word` by edit distance, or NULL when none is close
 * enough to suggest. */
const char *strv_nearest(const char *word, const char *const *candidates, size_t count);

#endif
