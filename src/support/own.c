#include "support/own.h"

#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void autofree_release(void *pointer)
{
    free(*(void **)pointer);
}

void autoclose_release(int *fd)
{
    int saved = errno;
    if (*fd >= 0)
        close(*fd);
    errno = saved;
}

void autofclose_release(FILE **file)
{
    int saved = errno;
    if (*file)
        fclose(*file);
    errno = saved;
}

/* The one place besides main.c that ends the program: no caller could do anything useful, or even
 * allocate a message. */
static void *present(void *memory)
{
    static const char text[] = "lbuild: out of memory\n";
    if (!memory) {
        ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
        (void)ignored;
        _exit(70);
    }
    return memory;
}

void *xmalloc(size_t size)
{
    return present(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
    return present(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *old, size_t count, size_t size)
{
    size_t total = 0;
    if (__builtin_mul_overflow(count, size, &total))
        return present(NULL);
    return present(realloc(old, total ? total : 1));
}

char *xstrdup(const char *text)
{
    return present(strdup(text));
}

char *xstrndup(const char *text, size_t length)
{
    return present(strndup(text, length));
}

char *xasprintf(const char *format, ...)
{
    char *text = NULL;
    va_list ap;
    va_start(ap, format);
    int length = vasprintf(&text, format, ap);
    va_end(ap);
    return present(length < 0 ? NULL : text);
}

void xtrim(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
