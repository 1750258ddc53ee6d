#ifndef LBUILD_LAMBDA_ELF_H
#define LBUILD_LAMBDA_ELF_H

#include "lambda/arch.h"
#include "support/error.h"
#include "support/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Facts of an ELF file, read from untrusted bytes: every offset and count is checked against the
 * size. */
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
    struct strv versions; /* "LIBRARY VERSION": what it must find in its libraries; weak ones are
                             left out */
    struct strv gives;    /* versions that it defines as a library */
    unsigned isa; /* x86-64 level that it says it needs (.note.gnu.property): 1 to 4; 0: it says
                     nothing */
    struct strv sections; /* "BYTES NAME" of those that take room in the file, 100 at most */
    bool partial;         /* some of this lies in a part of the file that was not kept */
};

/* A file of which only some windows are at hand. */
struct elf_window {
    const void *bytes;
    uint64_t offset, length;
};
enum { ELF_WINDOWS = 3 };
struct elf_source {
    struct elf_window windows[ELF_WINDOWS]; /* the first begins at 0 */
    uint64_t size;                          /* of the whole file */
};

/* 1: an ELF file, *facts filled in; 0: something else; -1: a damaged ELF file (ERROR_LAMBDA, with
 * `name` in front). */
int elf_read_source(const struct elf_source *source, const char *name, struct elf_facts *facts,
                    struct error *err) must_check;
int elf_read(const void *bytes, size_t length, const char *name, struct elf_facts *facts,
             struct error *err) must_check;
int elf_read_file(const char *path, struct elf_facts *facts, struct error *err) must_check;
void elf_facts_release(struct elf_facts *facts);
/* Where the dynamic section lies, going by the head of a file alone: false when it says nothing of
 * one. */
bool elf_find_dynamic(const void *head, size_t length, uint64_t *offset, uint64_t *size);

/* Proves that a program can start on Lambda with nothing else: static (no interpreter, no needed
 * library), of the right machine, no executable stack, no text relocations. ERROR_LAMBDA names the
 * fact that is wrong and the remedy; the message calls the file `name`. */
int elf_prove_static(const char *path, const char *name, enum arch arch,
                     struct error *err) must_check;

#endif
