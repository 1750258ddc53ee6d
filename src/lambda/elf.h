#ifndef LBUILD_LAMBDA_ELF_H
#define LBUILD_LAMBDA_ELF_H

#include "arch.h"
#include "support/error.h"
#include "support/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Facts of an ELF file, read from untrusted bytes: every offset and count is checked against the size. */
struct elf_facts {
    int machine;         /* e_machine: 62 x86-64, 183 AArch64 */
    bool is_64, little_endian, executable; /* executable: ET_EXEC, or ET_DYN with an entry point */
    bool pie;
    char *interpreter;   /* PT_INTERP, NULL for a static program */
    struct strv needed;  /* DT_NEEDED */
    bool executable_stack; /* PT_GNU_STACK missing or with PF_X */
    bool text_relocations; /* DT_TEXTREL or DF_TEXTREL */
    bool relro, bind_now;
    bool stripped;       /* no .symtab */
};

/* 1: an ELF file, *facts filled in; 0: something else; -1: a damaged ELF file (ERROR_LAMBDA, with `name` in front). */
int elf_read(const void *bytes, size_t length, const char *name, struct elf_facts *facts, struct error *err) must_check;
int elf_read_file(const char *path, struct elf_facts *facts, struct error *err) must_check;
void elf_facts_release(struct elf_facts *facts);

/* Proves that a program can start on Lambda with nothing else: static (no interpreter, no needed library), of the right
 * machine, no executable stack, no text relocations. ERROR_LAMBDA names the fact that is wrong and the remedy; the message
 * calls the file `name`. */
int elf_prove_static(const char *path, const char *name, enum arch arch, struct error *err) must_check;

#endif
