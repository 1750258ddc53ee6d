#ifndef LBUILD_ENGINE_HOST_TOOLCHAIN_H
#define LBUILD_ENGINE_HOST_TOOLCHAIN_H

#include "plan/plan.h"
#include "store/store.h"

/* A C compiler that was shown to link static programs. */
struct toolchain {
    struct strv command; /* its words: "gcc", or "zig", "cc", "-target", "aarch64-linux-musl" */
    char *name;          /* the words in one text, for messages */
    char *libc;          /* "glibc" or "musl": what its programs are linked with */
    struct strv tools; /* absolute paths: the compiler, and the programs behind it (cc1, as, ld) */
    char *identity;    /* of all that, their files' stat data included: changes when one of them is
                          exchanged */
    bool prefix_map;   /* knows -ffile-prefix-map (gcc 8, clang 10) */
    bool link_depfile; /* its linker writes what it read (--dependency-file: binutils 2.35, lld 12)
                        */
};
void toolchain_release(struct toolchain *toolchain);

/* The compilers to try for an architecture and C library ("auto", "glibc", "musl"), best first,
 * each as its words in one text. Whether they exist is not looked at. */
void toolchain_candidates(enum arch arch, const char *libc, struct strv *out);

/* Proves one candidate by linking a tiny static program, without running it; the proof is
 * remembered in the store by the identity of its files. 1: proven, 0: not there, or no good: *why
 * says so (caller frees). -1: an error of lbuild's own. */
int toolchain_prove(const char *words, enum arch arch, const struct store *store,
                    struct toolchain *out, char **why, struct error *err) must_check;

/* The first candidate that is proven; [build] compiler alone when it is set. ERROR_ENGINE lists
 * what was tried, and names the command that installs one. */
int toolchain_find(const struct plan *plan, const struct store *store, struct toolchain *out,
                   struct error *err) must_check;
/* The same without starting anything: whether a candidate's program exists at all. */
int toolchain_maybe(const struct plan *plan, struct error *err) must_check;

/* The environment of compilers: PATH and what caches of compilers need, and nothing that changes
 * their output but the epoch (SOURCE_DATE_EPOCH). `temporary` is for their own temporary files. */
void toolchain_environment(int64_t epoch, const char *temporary, struct strv *out);

#endif
