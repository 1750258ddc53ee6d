#ifndef LBUILD_LAMBDA_ELF_H
#define LBUILD_LAMBDA_ELF_H

#include "lambda/arch.h"
#include "support/error.h"
#include "support/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Facts about an ELF file, read from untrusted bytes: every offset and count is checked
 * against the size. */
struct elf_facts {
    int machine;                           /* e_machine: 62 x86-64, 183 AArch64 */
    bool is_64, little_endian, executable; /* executable: ET_EXEC, or ET_DYN with an entry point */
    char *interpreter;                     /* PT_INTERP, NULL for a static program */
    struct strv needed;                    /* DT_NEEDED */
    bool executable_stack;                 /* PT_GNU_STACK missing or with PF_X */
    bool text_relocations;                 /* DT_TEXTREL or DF_TEXTREL */
    bool stripped;                         /* no .symtab */
    int type; /* e_type: 1 relocatable, 2 program, 3 shared (programs too), 4 core */
    char *soname, *rpath, *runpath; /* NULL: none */
    struct strv versions;           /* "LIBRARY VERSION" that it requires, except weak ones */
    struct strv gives;              /* versions that it defines, as a library */
    unsigned isa; /* x86-64 level that it says it needs (.note.gnu.property), 1 to 4; 0: none */
    struct strv sections; /* "BYTES NAME" of those that take room in the file, at most 100 */
    bool partial; /* some facts are missing: they lie in a part of the file that was not kept */
};

/* A part of a file; only some parts are at hand. */
struct elf_window {
    const void *bytes;
    uint64_t offset, length;
};
enum { ELF_WINDOWS = 3 };
struct elf_source {
    struct elf_window windows[ELF_WINDOWS]; /* the first begins at 0 */
    uint64_t size;                          /* of the whole file */
};

/* 1: an ELF file, *facts is filled in. 0: another kind of file. -1: a damaged ELF file
 * (ERROR_LAMBDA; the message begins with `name`). */
int elf_read_source(const struct elf_source *source, const char *name, struct elf_facts *facts,
                    struct error *err) must_check;
int elf_read(const void *bytes, size_t length, const char *name, struct elf_facts *facts,
             struct error *err) must_check;
int elf_read_file(const char *path, struct elf_facts *facts, struct error *err) must_check;
void elf_facts_release(struct elf_facts *facts);
/* Where the dynamic section lies, judging by the head of a file alone. False when the
 * head names none. */
bool elf_find_dynamic(const void *head, size_t length, uint64_t *offset, uint64_t *size);

/* Proves that a program can start on Lambda without any other file: it is static (no interpreter,
 * no needed library), for the right machine, without an executable stack or text relocations.
 * ERROR_LAMBDA names the wrong fact and the remedy; the message calls the file `name`. */
int elf_prove_static(const char *path, const char *name, enum arch arch,
                     struct error *err) must_check;

#endif
