#include "engine.h"

#include <string.h>

#define ENGINE(name) extern const struct engine engine_##name;
#include "engine/list.h"
#undef ENGINE

const struct engine *const engines[] = {
#define ENGINE(name) &engine_##name,
#include "engine/list.h"
#undef ENGINE
    NULL,
};

const struct engine *engine_find(const char *name)
{
    for (size_t i = 0; engines[i]; i++)
        if (strcmp(engines[i]->name, name) == 0)
            return engines[i];
    return NULL;
}
