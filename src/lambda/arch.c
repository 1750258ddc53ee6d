#include "lambda/arch.h"

#include "support/own.h"

#include <string.h>

static const struct spelling {
    const char *text;
    enum arch arch;
} spellings[] = {
    {"x86_64", ARCH_X86_64}, {"x86-64", ARCH_X86_64}, {"amd64", ARCH_X86_64},
    {"arm64", ARCH_ARM64},   {"aarch64", ARCH_ARM64}, {"arm64/v8", ARCH_ARM64},
};

int arch_parse(const char *text, enum arch *out)
{
    if (strncmp(text, "linux/", 6) == 0)
        text += 6;
    for (size_t i = 0; i < countof(spellings); i++) {
        if (strcmp(spellings[i].text, text) == 0) {
            *out = spellings[i].arch;
            return 0;
        }
    }
    return -1;
}

const char *arch_lambda(enum arch arch)
{
    return arch == ARCH_ARM64 ? "arm64" : "x86_64";
}

const char *arch_oci(enum arch arch)
{
    return arch == ARCH_ARM64 ? "arm64" : "amd64";
}

const char *arch_compiler(enum arch arch)
{
    return arch == ARCH_ARM64 ? "aarch64" : "x86_64";
}

enum arch arch_native(void)
{
#if defined(__aarch64__)
    return ARCH_ARM64;
#else
    return ARCH_X86_64;
#endif
}
