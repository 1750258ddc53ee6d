#ifndef LBUILD_TESTS_UNIT_H
#define LBUILD_TESTS_UNIT_H

/* What every unit test needs, in the order that cmocka wants it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A fresh private folder; remove it with fs_remove. Caller frees. */
static inline char *unit_folder(void)
{
    const char *base = getenv("TMPDIR");
    char *path = NULL;
    if (asprintf(&path, "%s/lbuild-test.XXXXXX", base && base[0] ? base : "/tmp") < 0 ||
        !mkdtemp(path))
        abort();
    return path;
}

#endif
