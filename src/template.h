#ifndef LBUILD_TEMPLATE_H
#define LBUILD_TEMPLATE_H

#include "support/error.h"
#include "support/strv.h"

/* A language template: a data file with a head (INI: what it is and needs) and, behind a line "---", a body: the text of a
 * multi-stage Dockerfile with placeholders. docs/templates.md is the format's reference. Errors: ERROR_PROJECT with
 * file:line:column. */
struct template_placeholder {
    char *name;    /* as in {{name}} or {{name|quoting}} */
    int quoting;   /* enum template_quoting */
    size_t offset; /* of the opening braces in the body */
    size_t length;
    int line, column;
};

/* How a value is written where its placeholder stands. */
enum template_quoting {
    QUOTE_SHELL, /* one or more words of a RUN line in shell form */
    QUOTE_JSON,  /* a JSON array of strings: exec form of COPY, ENTRYPOINT, CMD */
    QUOTE_ENV,   /* "value" of ENV and LABEL: double-quoted, with backslash escapes */
    QUOTE_PLAIN, /* an image reference or a number: checked against a safe set, never quoted */
    QUOTE_BLOCK, /* whole lines that dockerfile.c makes (ENV, LABEL, COPY lines) */
};

struct template {
    char *path;        /* where it was found */
    char *language;    /* head: [template] language */
    char *description; /* head: [template] description */
    char *runtime;     /* head: [template] runtime: the folder under runtimes/, or NULL */
    struct strv packages_dnf, packages_yum; /* head: [packages] al2023 =, al2 = */
    char *body;
    int body_line; /* of the file: where the body starts */
    struct template_placeholder *placeholders;
    size_t placeholder_count;
};

/* By language name from the installed templates ($LBUILD_TEMPLATES first, a colon-separated list of folders), or by path
 * when it has a slash. Caps: 64 KiB, 1,000 placeholders. Every placeholder must be one that dockerfile.c knows, with the
 * quoting it demands, and every mandatory one must be used. */
int template_load(const char *name, struct template *out, struct error *err) must_check;
/* The same for text in memory; `path` is for messages. */
int template_parse(const char *text, size_t length, const char *path, struct template *out, struct error *err) must_check;
void template_release(struct template *t);

#endif
