#ifndef LBUILD_TEMPLATE_H
#define LBUILD_TEMPLATE_H

#include "support/error.h"
#include "support/strv.h"

#include <stdbool.h>

/* A language template: a data file with a head (INI: what it is and needs) and, behind a line "---", a body: the text of a
 * multi-stage Dockerfile with placeholders. docs/templates.md is the format's reference. Errors: ERROR_PROJECT with
 * file:line:column. */

/* How a value is written where its placeholder stands. */
enum template_quoting {
    QUOTE_SHELL, /* words of a RUN line in shell form */
    QUOTE_JSON,  /* a JSON array of strings: exec form of ENTRYPOINT and CMD */
    QUOTE_ENV,   /* "value" of ENV, LABEL and WORKDIR: double-quoted, with backslash escapes */
    QUOTE_PLAIN, /* an image reference or a platform: checked against a safe set, never quoted */
    QUOTE_BLOCK, /* whole lines that dockerfile.c makes; may be none */
};

/* What a body may ask for. dockerfile.c fills each one in. */
enum placeholder_id {
    PLACEHOLDER_PLATFORM,
    PLACEHOLDER_BUILDER,
    PLACEHOLDER_INSTALL,
    PLACEHOLDER_COMPILE,
    PLACEHOLDER_FILES,
    PLACEHOLDER_BASE,
    PLACEHOLDER_COPY,
    PLACEHOLDER_ENV,
    PLACEHOLDER_LABELS,
    PLACEHOLDER_WORKDIR,
    PLACEHOLDER_ENTRYPOINT,
    PLACEHOLDER_CMD,
    PLACEHOLDER_SOURCES,
    PLACEHOLDER_FLAGS,
    PLACEHOLDER_PROGRAM,
    PLACEHOLDER_HANDLER,
    PLACEHOLDER_COUNT
};

struct placeholder {
    const char *name;
    enum template_quoting quoting; /* the one that the body must ask for */
    bool mandatory;                /* a body without it would lose what the project asks for */
    const char *help;
};
extern const struct placeholder placeholders[PLACEHOLDER_COUNT];
/* "shell", "json", "env", "plain" or "block". */
const char *template_quoting_name(enum template_quoting quoting);

struct template_placeholder {
    enum placeholder_id id;
    size_t offset; /* of the opening braces in the body */
    size_t length;
    int line, column;
};

struct template {
    char *path;        /* where it was found */
    char *language;    /* head: [template] language */
    char *description; /* head: [template] description, or NULL */
    char *runtime;     /* head: [template] runtime: the folder under runtimes/, or NULL */
    struct strv packages_dnf, packages_yum; /* head: [packages] al2023 =, al2 = */
    struct strv packages_apt, packages_apk; /* debian =, alpine = */
    char *body;
    int body_line; /* of the file: where the body starts */
    struct template_placeholder *placeholders; /* in the order of the body */
    size_t placeholder_count, placeholder_cap;
    struct strv stages; /* names behind AS */
    size_t final_stage; /* offset in the body of the last FROM */
    int final_run_line; /* of the file: the first RUN behind it, 0 without one */
};

/* By language name from $LBUILD_TEMPLATES (a colon-separated list of folders), then from the installed templates; or by path
 * when it has a slash. Caps: 64 KiB, 1,000 placeholders. Every placeholder must be a known one, with the quoting it demands, at a
 * place where that quoting holds, every mandatory one must be used, and {{base}} by the last FROM alone. */
int template_load(const char *name, struct template *out, struct error *err) must_check;
/* The same for text in memory; `path` is for messages. */
int template_parse(const char *text, size_t length, const char *path, struct template *out, struct error *err) must_check;
void template_release(struct template *t);

#endif
