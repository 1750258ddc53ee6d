#ifndef LBUILD_SUPPORT_ERROR_H
#define LBUILD_SUPPORT_ERROR_H

/* One error, made where the facts are, wrapped on the way up, printed once by main.c.
 *
 * A function that can fail takes `struct error *err` as its last argument and returns 0 or -1
 * (pointers: NULL). On success *err is untouched. An error is a plain value: nothing to free. Texts
 * longer than the buffer are cut at a character boundary. Text is one line, lower case: where,
 * what, the remedy. */

/* The kind is the exit code that main.c returns (docs/exit-codes.md). */
enum error_kind {
    ERROR_NONE = 0,
    ERROR_BUILD = 1,    /* the build failed: compiler, RUN step, local files */
    ERROR_USAGE = 2,    /* the command line is wrong */
    ERROR_PROJECT = 3,  /* the project file or a template is wrong */
    ERROR_ENGINE = 4,   /* an engine or a toolchain is missing or broken */
    ERROR_REGISTRY = 5, /* registry, network or base image: final */
    ERROR_LAMBDA = 6,   /* the image breaks a Lambda rule */
    ERROR_LOCKED =
        7, /* --locked or --offline can't be met, or a lock file contradicts its manifest */
    ERROR_INTERNAL = 70, /* a bug in lbuild */
    ERROR_RETRY = 75,    /* registry or network: worth a retry */
    ERROR_SIGNAL = 128,  /* 128 + n: interrupted by signal n */
};

struct error {
    int kind; /* enum error_kind, or 128 + n */
    char text[2000];
};

/* Sets *err and returns -1, so that failing is one line:
 * `return error_set(err, ERROR_USAGE, "...")`. */
int error_set(struct error *err, int kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Like error_set, with ": " and the text of errno (as it was at the call) appended. */
int error_errno(struct error *err, int kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts a prefix in front that only the caller knows: "PREFIX: text". Keeps the kind. Returns -1. */
int error_wrap(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define must_check __attribute__((warn_unused_result))

#endif
