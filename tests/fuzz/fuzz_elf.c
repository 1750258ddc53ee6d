#include "lambda/elf.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    struct elf_facts facts;
    if (elf_read(data, size, "input", &facts, &err) == 1)
        elf_facts_release(&facts);
    return 0;
}
