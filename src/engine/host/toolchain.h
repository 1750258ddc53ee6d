#ifndef LBUILD_ENGINE_HOST_TOOLCHAIN_H
#define LBUILD_ENGINE_HOST_TOOLCHAIN_H

#include "plan/plan.h"
#include "store/store.h"

/* A C compiler that was shown to link static programs. */
struct toolchain {
    struct strv command; /* its words: "gcc", or "zig", "cc", "-target", "aarch64-linux-musl" */
    char *name;          /* the words in one text, for messages */
    char *libc;          /* "glibc" or "musl": what its programs are linked with */
    struct strv tools;   /* absolute paths of the compiler and of what it runs (cc1, as, ld) */
    char *identity;      /* text of all that and the stat data of the tools: it changes when a
                            tool is replaced */
    struct strv watched; /* paths, mostly of missing files: when one of them appears or changes, a
                            better candidate may work, and the choice is made again */
    bool prefix_map;     /* knows -ffile-prefix-map (gcc 8, clang 10) */
    bool link_depfile;   /* its linker can list what it reads (--dependency-file:
                            binutils 2.35, lld 12) */
    bool as_depfile;     /* so can its assembler (-Xassembler --MD: gas, but not clang's own) */
    int glibc_minor;     /* 36 for glibc 2.36; 0 for musl */
};
void toolchain_release(struct toolchain *toolchain);

/* The compilers to try for an architecture and C library ("auto", "glibc", "musl"), best first,
 * each as its words in one text. They need not be installed. */
void toolchain_candidates(enum arch arch, const char *libc, struct strv *out);

/* Proves a candidate by linking a tiny static program, without running it. The store keeps the
 * proof while the compiler's files are unchanged. 1: proven. 0: missing or unfit, and *why (caller
 * frees) says so. -1: an error that isn't the compiler's. */
int toolchain_prove(const char *words, enum arch arch, const struct store *store,
                    struct toolchain *out, char **why, struct error *err) must_check;

/* The first candidate that can be proven; only [build] compiler when it is set. ERROR_ENGINE lists
 * what was tried, and names the command that installs a compiler. */
int toolchain_find(const struct plan *plan, const struct store *store, struct toolchain *out,
                   struct error *err) must_check;
/* The same without starting anything: only checks that a candidate's program exists. */
int toolchain_maybe(const struct plan *plan, struct error *err) must_check;

/* The environment for compilers: PATH and what compiler caches need, and nothing that changes their
 * output but the epoch (SOURCE_DATE_EPOCH). `temporary`: the folder for their temporary files. */
void toolchain_environment(int64_t epoch, const char *temporary, struct strv *out);

#endif
