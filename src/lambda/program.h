#ifndef LBUILD_LAMBDA_PROGRAM_H
#define LBUILD_LAMBDA_PROGRAM_H

#include "lambda/elf.h"
#include "support/buf.h"
#include "support/own.h"

/* The facts that tell whether a file in an image can start. They are found while its content flows
 * by, kept as a few lines of text in a layer's list, and read back from there. Files of any size
 * take the same memory: 16 MiB of the head, 1 MiB of the dynamic section and 256 KiB of the end are
 * kept; facts that lie elsewhere stay unknown (elf.partial). */

/* Scans one file after the other. */
struct program_scan;
struct program_scan *program_scan_new(void);
void program_scan_free(struct program_scan *scan);
DEFINE_AUTOPTR(program_scan)
/* What else is wanted of a file. Both are for text of at most 16 KiB. */
enum program_want {
    PROGRAM_FACTS,  /* nothing */
    PROGRAM_TEXT,   /* its content, unchanged */
    PROGRAM_SECRET, /* whether these settings hold a secret, but not the secret itself */
};
/* Begins a file of `size` bytes. */
void program_scan_begin(struct program_scan *scan, uint64_t size, enum program_want want);
void program_scan_feed(struct program_scan *scan, const void *bytes, size_t length);
/* Ends the file and adds its lines, or nothing when there is nothing to say. The lines hold no NUL,
 * and names from the file no control characters. */
void program_scan_end(struct program_scan *scan, struct buf *out);

enum program_kind {
    PROGRAM_NONE, /* neither ELF nor script */
    PROGRAM_ELF,
    PROGRAM_DAMAGED, /* begins like ELF, but isn't whole */
    PROGRAM_SCRIPT,  /* begins with "#!" */
};

struct program {
    enum program_kind kind;
    struct elf_facts elf; /* of PROGRAM_ELF, as far as Lambda cares */
    char *trouble;        /* of PROGRAM_DAMAGED: what is wrong with it */
    char *interpreter; /* of PROGRAM_SCRIPT, without its arguments; "" when the line names none */
    char *arguments;   /* the rest of the line; "" for none */
    bool carriage_return; /* the "#!" line ends in CR LF */
    bool client;          /* it names AWS_LAMBDA_RUNTIME_API, so it may speak to Lambda */
    bool key;             /* it holds a private key */
    int secret;           /* enum secret_kind: the first secret in these settings */
    const char *text;     /* the content that was kept, or NULL; borrowed from the lines */
};

/* Reads the lines of program_scan_end. `lines` may be NULL, or anything else: lines that aren't
 * understood are ignored. */
void program_read(const char *lines, struct program *out);
void program_release(struct program *program);

#endif
