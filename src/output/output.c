#include "output/output.h"

#include "support/own.h"

#include <string.h>

#define OUTPUT(name) extern const struct output output_##name;
#include "output/list.h"
#undef OUTPUT

static const struct output *const outputs[] = {
#define OUTPUT(name) &output_##name,
#include "output/list.h"
#undef OUTPUT
};

const struct output *output_find(const char *name)
{
    for (size_t i = 0; i < countof(outputs); i++)
        if (strcmp(outputs[i]->name, name) == 0)
            return outputs[i];
    return NULL;
}
