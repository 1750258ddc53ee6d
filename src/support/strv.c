#include "support/strv.h"

#include "support/own.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void strv_release(struct strv *list)
{
    for (size_t i = 0; i < list->len; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct strv){0};
}

void strv_take(struct strv *list, char *text)
{
    if (list->len + 1 >= list->cap) {
        list->cap = list->cap ? list->cap * 2 : 8;
        list->items = xrealloc(list->items, list->cap, sizeof *list->items);
    }
    list->items[list->len++] = text;
    list->items[list->len] = NULL;
}

void strv_add(struct strv *list, const char *text)
{
    strv_take(list, xstrdup(text));
}

void strv_addf(struct strv *list, const char *format, ...)
{
    char *text = NULL;
    va_list ap;
    va_start(ap, format);
    int length = vasprintf(&text, format, ap);
    va_end(ap);
    strv_take(list, length < 0 ? xstrdup("") : text);
}

void strv_add_all(struct strv *list, const struct strv *other)
{
    for (size_t i = 0; i < other->len; i++)
        strv_add(list, other->items[i]);
}

bool strv_contains(const struct strv *list, const char *text)
{
    for (size_t i = 0; i < list->len; i++)
        if (strcmp(list->items[i], text) == 0)
            return true;
    return false;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *list)
{
    if (list->len > 1)
        qsort(list->items, list->len, sizeof *list->items, compare);
}

void strv_unique(struct strv *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->len; i++) {
        if (kept > 0 && strcmp(list->items[kept - 1], list->items[i]) == 0)
            free(list->items[i]);
        else
            list->items[kept++] = list->items[i];
    }

    list->len = kept;
    if (list->items)
        list->items[kept] = NULL;
}

const char *const *strv_argv(struct strv *list)
{
    if (!list->items)
        list->items = xcalloc(list->cap = 8, sizeof *list->items);
    return (const char *const *)list->items;
}

enum { NEAREST_MAX = 64 };

/* Optimal string alignment: two swapped letters, the most common typing slip, count as one edit. */
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    size_t rows[3][NEAREST_MAX + 1];
    if (n > NEAREST_MAX || m > NEAREST_MAX)
        return NEAREST_MAX;

    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
            best = above[j] + 1 < best ? above[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[n % 3][m];
}

const char *strv_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t limit = strlen(word) / 3 + 1, least = limit + 1;

    for (size_t i = 0; i < count; i++) {
        size_t edits = distance(word, candidates[i]);
        if (edits < least) {
            least = edits;
            best = candidates[i];
        }
    }
    return best;
}
