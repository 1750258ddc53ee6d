#include "lambda/elf.h"

#include "support/own.h"

#include <elf.h>
#include <stdio.h>

static const char *machine_name(const struct elf_facts *facts, char *room, size_t size)
{
    if (facts->machine == EM_X86_64)
        return "x86_64";
    if (facts->machine == EM_AARCH64)
        return "arm64";
    snprintf(room, size, "machine %d", facts->machine);
    return room;
}

static int judge(const char *name, const struct elf_facts *facts, enum arch arch, struct error *err)
{
    char room[32];
    int machine = arch == ARCH_ARM64 ? EM_AARCH64 : EM_X86_64;

    if (facts->machine != machine || !facts->is_64 || !facts->little_endian)
        return error_set(
            err, ERROR_LAMBDA,
            "'%s' is a program for %s%s, not for %s; use a compiler for that (lbuild doctor "
            "lists them)",
            name, machine_name(facts, room, sizeof room), facts->is_64 ? "" : " (32 bit)",
            arch_lambda(arch));

    if (!facts->executable)
        return error_set(
            err, ERROR_LAMBDA,
            "'%s' is not a program that can be started; drop -c, -r and -shared from the link "
            "flags",
            name);
    if (facts->interpreter)
        return error_set(
            err, ERROR_LAMBDA,
            "'%s' is not static: it wants the interpreter '%s'; drop -dynamic and -pie from the "
            "link flags",
            name, facts->interpreter);

    if (facts->needed.len > 0)
        return error_set(
            err, ERROR_LAMBDA,
            "'%s' is not static: it needs '%s'; link with that library's static archive (.a)", name,
            facts->needed.items[0]);
    if (facts->executable_stack)
        return error_set(
            err, ERROR_LAMBDA,
            "'%s' asks for an executable stack; link with -Wl,-z,noexecstack and avoid nested "
            "functions",
            name);
    if (facts->text_relocations)
        return error_set(
            err, ERROR_LAMBDA,
            "'%s' has text relocations; compile every part of it with -fPIE, or link without "
            "-static-pie",
            name);
    return 0;
}

int elf_prove_static(const char *path, const char *name, enum arch arch, struct error *err)
{
    AUTO(elf_facts) facts;
    int kind = elf_read_file(path, &facts, err);
    if (kind < 0)
        return -1;
    if (kind == 0)
        return error_set(
            err, ERROR_LAMBDA,
            "'%s' is not an ELF program; lbuild packs programs that were linked statically", name);

    return judge(name, &facts, arch, err);
}
