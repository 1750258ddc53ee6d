#ifndef LBUILD_TEMPLATE_TEMPLATE_H
#define LBUILD_TEMPLATE_TEMPLATE_H

#include "lambda/arch.h"
#include "support/error.h"
#include "support/strv.h"

#include <stdbool.h>

/* A language template: a data file with a head (INI: what it is and needs) and, behind a line
 * "---", a body: the text of a multi-stage Dockerfile with placeholders; behind a line "--- aws"
 * there may be a second one for AWS's base image of the language. docs/templates.md is the format's
 * reference. Errors: ERROR_PROJECT with file:line:column. */

/* How a value is written where its placeholder stands. */
enum template_quoting {
    QUOTE_SHELL, /* words of a RUN line in shell form */
    QUOTE_JSON,  /* a JSON array of strings: exec form of ENTRYPOINT and CMD */
    QUOTE_ENV,   /* "value" of ENV, LABEL and WORKDIR: double-quoted, with backslash escapes */
    QUOTE_PLAIN, /* an image reference, a platform or an input of few characters: checked against a
                    safe set, never quoted */
    QUOTE_BLOCK, /* whole lines that dockerfile.c makes; may be none */
    QUOTE_COUNT
};

/* What a body may ask for. dockerfile.c fills each one in. */
enum placeholder_id {
    PLACEHOLDER_PLATFORM,
    PLACEHOLDER_BUILDER,
    PLACEHOLDER_INSTALL,
    PLACEHOLDER_MANIFEST,
    PLACEHOLDER_COMPILE,
    PLACEHOLDER_APP,
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
    PLACEHOLDER_COUNT,
    PLACEHOLDER_INPUT = PLACEHOLDER_COUNT /* "input:NAME": one of the head's; not in the table */
};

struct placeholder {
    const char *name;
    enum template_quoting quoting; /* the one that the body must ask for */
    enum template_quoting other;   /* or this one; the same where there is no choice */
    bool mandatory;                /* a body without it would lose what the project asks for */
    const char *help;
};
extern const struct placeholder placeholders[PLACEHOLDER_COUNT];
/* "shell", "json", "env", "plain" or "block". */
const char *template_quoting_name(enum template_quoting quoting);

struct template_placeholder {
    enum placeholder_id id;
    enum template_quoting quoting;
    size_t input;  /* of PLACEHOLDER_INPUT: which of the head's */
    size_t offset; /* of the opening braces in the body */
    size_t length;
    int line, column;
};

struct template_body {
    char *text;                                /* NULL: there is none */
    int line;                                  /* of the file: where it starts */
    struct template_placeholder *placeholders; /* in their order */
    size_t placeholder_count, placeholder_cap;
    bool uses[PLACEHOLDER_COUNT];
    struct strv stages; /* names behind AS */
    size_t final_stage; /* offset of the last FROM */
    int final_run_line; /* of the file: the first RUN behind it, 0 without one */
};

/* What a project may set in [inputs]. */
enum template_input_type {
    INPUT_TEXT,    /* anything on one line */
    INPUT_WORDS,   /* any number of words, split as a shell does it */
    INPUT_VERSION, /* "3.12": letters, digits and . _ + - behind a digit */
    INPUT_BOOL,    /* yes or no */
    INPUT_CHOICE,  /* one of a few words of those characters */
    INPUT_TYPE_COUNT
};
struct template_input {
    char *name;
    int line; /* of the file */
    enum template_input_type type;
    struct strv choices;
    char *fallback; /* never NULL: without a default, "" or the first choice */
    char *help;     /* never NULL */
};

/* A file in which a tool of the language notes the versions and digests of all dependencies. */
struct template_lock {
    char *file;
    struct strv with; /* manifests that belong to it: they must be there too */
    char *strict;     /* a text that only a file that is a lock has; NULL: it is one in any case */
    struct strv versions, open; /* in XML: elements where versions stand, patterns of those that are
                                   open (openversion.h); none: any is fine */
    int line;                   /* of the file */
};

struct template_compile {
    struct strv command;                   /* empty: C, as plan_compile_decide has it */
    struct strv env, env_arch[ARCH_COUNT]; /* "NAME=VALUE" */
    /* For the host engine, where no container keeps the command apart. */
    struct strv cross[ARCH_COUNT]; /* "NAME=VALUE" when the program is for another architecture than
                                      this machine */
    struct strv pass;              /* names of the user's own variables that the command sees */
    char *result;                  /* where it leaves the program; NULL: at {{program}} */
    bool dynamic;                  /* the program may need a loader: "static = no" */
};

/* What the failure of a command means, told by a text in what it says. */
struct template_failure {
    char *name, *says, *help; /* says and help: NULL until set, never afterwards */
    bool toolchain; /* the machine lacks something, and the project is fine: ERROR_ENGINE */
    bool lock;      /* a lock file doesn't fit: ERROR_LOCKED */
    int line;       /* of the file */
};

struct template
{
    char *path;        /* where it was found */
    char *language;    /* head: [template] language */
    char *description; /* head: [template] description, or NULL */
    char *runtime;     /* head: [template] runtime: the folder under runtimes/, or NULL */
    bool deps,
        app; /* head: [template] makes: what the builder leaves below /out/deps and /out/app */
    bool no_program;                        /* and there is no /out/program */
    struct strv packages_dnf, packages_yum; /* head: [packages] al2023 =, al2 = */
    struct strv packages_apt, packages_apk; /* debian =, alpine = */
    struct strv packages_aws;               /* aws = */
    struct template_input *inputs;          /* head: [input:NAME] */
    size_t input_count, input_cap;
    struct strv manifest_needs, manifest_takes; /* head: [manifest] needs =, takes = */
    struct template_lock *locks;                /* head: [lock:FILE] */
    size_t lock_count, lock_cap;
    struct strv detect_files, detect_sources; /* head: [detect] files =, sources =: patterns */
    int detect_priority;
    char *handler_fallback, *handler_help; /* head: [handler] default =, help =; or NULL */
    char *aws_base, *aws_builder;          /* head: [aws] base =, builder =; or NULL */
    struct template_compile compile;       /* head: [compile] */
    struct template_failure *failures;     /* head: [failure:NAME] */
    size_t failure_count, failure_cap;
    struct template_body body, aws;
};

/* By language name from $LBUILD_TEMPLATES (a colon-separated list of folders), then from the
 * installed templates; or by path when it has a slash. Caps: 64 KiB, 1,000 placeholders in each
 * body. Every placeholder must be a known one, with the quoting it demands, at a place where that
 * quoting holds, every mandatory one must be used, and {{base}} by the last FROM alone. */
int template_load(const char *name, struct template *out, struct error *err) must_check;
/* The same for text in memory; `path` is for messages. */
int template_parse(const char *text, size_t length, const char *path, struct template *out,
                   struct error *err) must_check;
void template_release(struct template *t);
/* What a command tells of its failure by this text, or NULL. */
const struct template_failure *template_failure_find(const struct template *t, const char *text);
enum error_kind template_failure_kind(const struct template_failure *failure);
/* The names of all languages that there are templates for, sorted. */
void template_languages(struct strv *out);

/* NULL: the head declares none of this name, which is `length` bytes long. */
const struct template_input *template_input_find(const struct template *t, const char *name,
                                                 size_t length);
/* Whether a value of this type has no character that means something in a shell or a Dockerfile. */
bool template_input_is_plain(enum template_input_type type);
/* What is wrong with a value, remedy included; NULL when nothing is. Caller frees. */
char *template_input_check(const struct template_input *input, const char *value);
/* What the placeholders in a text of the head stand for. */
struct template_values {
    const struct strv *inputs;   /* one value for each input, in their order; NULL: the defaults */
    const char *program, *cache; /* {{program}}, {{cache}}; NULL: not to be used */
};
/* The text with {{input:NAME}}, {{program}} and {{cache}} filled in; it passed
 * template_parse's check. Caller frees. */
char *template_expand(const struct template *t, const char *text,
                      const struct template_values *values);

#endif
