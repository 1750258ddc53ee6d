#ifndef LBUILD_LAMBDA_PROGRAM_H
#define LBUILD_LAMBDA_PROGRAM_H

#include "lambda/elf.h"
#include "support/buf.h"
#include "support/own.h"

/* What must be known of a file in an image to judge whether it can start, found out while its
 * content flows by: as a few lines of text for a layer's list, and read back from there. Files of
 * any size take the same memory: 16 MiB of their head, 1 MiB of the dynamic section and 256 KiB of
 * the end are kept, and what lies elsewhere is not known (elf.partial). */

/* A scan takes one file after the other. */
struct program_scan;
struct program_scan *program_scan_new(void);
void program_scan_free(struct program_scan *scan);
DEFINE_AUTOPTR(program_scan)
/* A file of `size` bytes begins. With `keep_text` its content is kept as it is, when it is text of
 * at most 16 KiB. */
void program_scan_begin(struct program_scan *scan, uint64_t size, bool keep_text);
void program_scan_feed(struct program_scan *scan, const void *bytes, size_t length);
/* Adds the lines, or nothing when there is nothing to say. They hold no NUL, and names from the
 * file no control characters. */
void program_scan_end(struct program_scan *scan, struct buf *out);

enum program_kind {
    PROGRAM_NONE, /* neither ELF nor script */
    PROGRAM_ELF,
    PROGRAM_DAMAGED, /* begins as ELF does, but isn't whole */
    PROGRAM_SCRIPT,  /* begins with "#!" */
};

struct program {
    enum program_kind kind;
    struct elf_facts elf; /* of PROGRAM_ELF, as far as Lambda cares */
    char *trouble;        /* of PROGRAM_DAMAGED: what is wrong */
    char *interpreter; /* of PROGRAM_SCRIPT, without its arguments; "" when the line names none */
    char *arguments;   /* what stands behind it; "" for nothing */
    bool carriage_return; /* the "#!" line ends in CR LF */
    bool client;          /* it names AWS_LAMBDA_RUNTIME_API: it speaks, or may speak, to Lambda */
    bool key;             /* it holds a private key */
    const char *text;     /* the content that was kept, or NULL; borrowed from the lines */
};

/* From the lines of program_scan_end; `lines` may be NULL or anything else: what isn't understood
 * is passed over. */
void program_read(const char *lines, struct program *out);
void program_release(struct program *program);

#endif
