#ifndef LBUILD_SUPPORT_OWN_H
#define LBUILD_SUPPORT_OWN_H

#include <stddef.h>
#include <stdio.h>

/* Ownership, said once.
 *
 *   autofree char *path = ...;          freed at the end of the scope
 *   autoclose int fd = -1;              closed, unless negative; errno survives
 *   AUTO(buf) text = {0};               a value: buf_release(&text) at the end of the scope
 *   AUTOPTR(json) root = NULL;          a heap object: json_free(root) at the end of the scope
 *   return take(path);                  hands over: the local becomes NULL
 *
 * X_init/X_release go with values, X_load or X_make with X_free for heap objects. In structs `char
 * *` is owned and `const char *` is borrowed. */
void autofree_release(void *pointer);
void autoclose_release(int *fd);
void autofclose_release(FILE **file);

/* "unused", since clang doesn't count the cleanup as a use. */
#define autofree __attribute__((unused, cleanup(autofree_release)))
#define autoclose __attribute__((unused, cleanup(autoclose_release)))
#define autofclose __attribute__((unused, cleanup(autofclose_release)))
#define AUTO(name) __attribute__((unused, cleanup(name##_release))) struct name
#define AUTOPTR(name) __attribute__((unused, cleanup(name##_freep))) struct name *

/* Put this below the declaration of X_free to allow AUTOPTR(X). */
#define DEFINE_AUTOPTR(name)                                                                       \
    static inline void name##_freep(struct name **pointer)                                         \
    {                                                                                              \
        name##_free(*pointer);                                                                     \
    }

#define take(pointer)                                                                              \
    ({                                                                                             \
        __auto_type take_ = (pointer);                                                             \
        (pointer) = NULL;                                                                          \
        take_;                                                                                     \
    })
#define take_fd(fd)                                                                                \
    ({                                                                                             \
        int take_ = (fd);                                                                          \
        (fd) = -1;                                                                                 \
        take_;                                                                                     \
    })

#define countof(array) (sizeof(array) / sizeof(array)[0])

/* Allocation that does not fail: when memory runs out, the program prints one line and ends with
 * exit code 70. Code that reads sizes from outside caps them first. */
void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *old, size_t count, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *text) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *text, size_t length) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *format, ...)
    __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

/* Gives free heap memory back to the system; call it after a large list was freed. Otherwise that
 * memory counts as used until the end, too fragmented for later large blocks. */
void xtrim(void);

/* Makes room for one more item in a growing array with `cap` slots, `len` of them used. */
#define grow(items, len, cap)                                                                      \
    do {                                                                                           \
        if ((len) == (cap)) {                                                                      \
            (cap) = (cap) ? (cap)*2 : 8;                                                           \
            (items) = xrealloc((items), (cap), sizeof *(items));                                   \
        }                                                                                          \
    } while (0)

#endif
