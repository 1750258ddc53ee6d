#include "support/dl.h"

#include <dlfcn.h>
#include <string.h>

/* A table holds nothing but function pointers, in the order of its symbols: symbol n belongs in
 * slot n. */
int dl_load(const char *soname, const struct dl_symbol *symbols, size_t count, void *table,
            struct error *err)
{
    void *first = NULL;
    memcpy(&first, table, sizeof first);
    if (first)
        return 0;

    void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return error_set(
            err, ERROR_ENGINE,
            "the library '%s' can't be loaded (%s); install the package that contains it", soname,
            dlerror());

    /* Slot 0 is filled last, so a table whose first slot is set is complete. */
    for (size_t i = count; i-- > 0;) {
        void *address = dlsym(library, symbols[i].name);
        if (!address)
            return error_set(err, ERROR_ENGINE,
                             "the library '%s' lacks '%s'; install a newer version", soname,
                             symbols[i].name);
        memcpy((char *)table + i * sizeof address, &address, sizeof address);
    }
    return 0;
}
