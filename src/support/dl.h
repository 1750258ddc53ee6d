#ifndef LBUILD_SUPPORT_DL_H
#define LBUILD_SUPPORT_DL_H

#include "support/error.h"

#include <stddef.h>

/* A foreign library that only some runs need is loaded at its first use. Loading libcurl with the
 * libraries below it takes longer than everything else that a run without changes does.
 *
 * The one .c file that wraps the library lists the functions it calls:
 *
 *     #define CURL_FUNCTIONS(X) X(curl_, easy_init) X(curl_, easy_cleanup)
 *     DL_TABLE(curl, CURL_FUNCTIONS)
 *     ...
 *     if (DL_LOAD(curl, SONAME_CURL, err) != 0)
 *         return -1;
 *     CURL *handle = curl.easy_init();
 *
 * SONAME_* come from config.h: the names that configure found by linking. Loading twice is
 * harmless; the first load must happen before a second thread starts. */
struct dl_symbol {
    const char *name;
};

#define DL_MEMBER(prefix, name) __typeof__(prefix##name) *name;
#define DL_SYMBOL(prefix, name) {#prefix #name},
#define DL_TABLE(table, LIST)                                                                      \
    static struct {                                                                                \
        LIST(DL_MEMBER)                                                                            \
    } table;                                                                                       \
    static const struct dl_symbol table##_symbols[] = {LIST(DL_SYMBOL)};

/* Fails with ERROR_ENGINE, naming the library and what is missing in it. */
#define DL_LOAD(table, soname, err)                                                                \
    dl_load((soname), table##_symbols, sizeof table##_symbols / sizeof table##_symbols[0],         \
            &(table), (err))

/* For DL_LOAD alone. */
int dl_load(const char *soname, const struct dl_symbol *symbols, size_t count, void *table,
            struct error *err) must_check;

#endif
