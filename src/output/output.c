#include "output/output.h"

#include <string.h>

#define OUTPUT(name) extern const struct output output_##name;
#include "output/list.h"
#undef OUTPUT

const struct output *const outputs[] = {
#define OUTPUT(name) &output_##name,
#include "output/list.h"
#undef OUTPUT
    NULL,
};

const struct output *output_find(const char *name)
{
    for (size_t i = 0; outputs[i]; i++)
        if (strcmp(outputs[i]->name, name) == 0)
            return outputs[i];
    return NULL;
}
