#ifndef LBUILD_TEMPLATE_TEMPLATE_H
#define LBUILD_TEMPLATE_TEMPLATE_H

#include "lambda/arch.h"
#include "support/error.h"
#include "support/strv.h"

#include <stdbool.h>

/* A language template: a data file with a head (INI: what it is and what it needs) and, after a
 * line "---", a body: the text of a multi-stage Dockerfile with placeholders. A line "--- aws" may
 * begin a second body for AWS's base image of the language. docs/templates.md is the format's
 * reference. Errors: ERROR_PROJECT with file:line:column. */

/* How a value is written in place of its placeholder. */
enum template_quoting {
    QUOTE_SHELL, /* words of a RUN line in shell form */
    QUOTE_JSON,  /* a JSON array of strings: exec form of ENTRYPOINT and CMD */
    QUOTE_ENV,   /* "value" of ENV, LABEL and WORKDIR: double-quoted, with backslash escapes */
    QUOTE_PLAIN, /* an image reference, a platform or an input of a plain type: checked against a
                    set of safe characters, never quoted */
    QUOTE_BLOCK, /* whole lines that lbuild writes; may be none */
    QUOTE_COUNT
};

/* What a body may ask for. */
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
    PLACEHOLDER_INPUT = PLACEHOLDER_COUNT /* "input:NAME", declared in the head; has no table row */
};

struct placeholder {
    const char *name;
    enum template_quoting quoting; /* that the body must ask for */
    enum template_quoting other;   /* or this one; the same if there is no choice */
    bool mandatory;                /* a body without it would lose settings of the project */
    const char *help;
};
extern const struct placeholder placeholders[PLACEHOLDER_COUNT];
/* "shell", "json", "env", "plain" or "block". */
const char *template_quoting_name(enum template_quoting quoting);

struct template_placeholder {
    enum placeholder_id id;
    enum template_quoting quoting;
    size_t input;  /* for PLACEHOLDER_INPUT: its index in the template's inputs */
    size_t offset; /* of the opening braces in the body */
    size_t length;
    int line, column;
};

struct template_body {
    char *text;                                /* NULL: there is no such body */
    int line;                                  /* of the file: where it starts */
    struct template_placeholder *placeholders; /* in the order of the text */
    size_t placeholder_count, placeholder_cap;
    bool uses[PLACEHOLDER_COUNT];
    struct strv stages; /* names after AS */
    size_t final_stage; /* offset of the last FROM */
    int final_run_line; /* of the file: the first RUN after that FROM, 0 without one */
};

/* What a project may set in [inputs]. */
enum template_input_type {
    INPUT_TEXT,    /* anything on one line */
    INPUT_WORDS,   /* any number of words, split the way a shell does it */
    INPUT_VERSION, /* "3.12": a digit, then letters, digits and . _ + - */
    INPUT_BOOL,    /* yes or no */
    INPUT_CHOICE,  /* one of a few words made of those characters */
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

/* A file in which a tool of the language records the versions and digests of all dependencies. */
struct template_lock {
    char *file;
    struct strv with;           /* manifests that must be there too */
    char *strict;               /* a text that makes the file a lock; NULL: it always is one */
    struct strv versions, open; /* in XML: elements that hold versions, and patterns for open
                                   versions (openversion.h); empty: not read */
    int line;                   /* of the file */
};

struct template_compile {
    struct strv command;                   /* empty: lbuild compiles C sources itself */
    struct strv env, env_arch[ARCH_COUNT]; /* "NAME=VALUE" */
    /* For the host engine, where no container keeps the command apart. */
    struct strv cross[ARCH_COUNT]; /* "NAME=VALUE", used when the program is for another
                                      architecture than this machine's */
    struct strv pass;              /* names of the user's own variables that the command sees */
    char *result;                  /* where it leaves the program; NULL: at {{program}} */
    bool dynamic;                  /* the program may need a loader: "static = no" */
};

/* Explains a failure of a command that is known by a text in its output. */
struct template_failure {
    char *name, *says, *help; /* says and help are NULL only while the head is read */
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
    /* head: [template] makes: whether the builder fills /out/deps and /out/app */
    bool deps, app;
    bool no_program;                        /* and leaves no /out/program */
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

/* Finds a template by its language in $LBUILD_TEMPLATES (a colon-separated list of folders),
 * then among the installed ones; or by path if the name has a slash. Caps: 64 KiB, and 1,000
 * placeholders in each body. Every placeholder must be known, have the quoting that it
 * demands, and be where that quoting is allowed; every mandatory one must be used, and
 * {{base}} only in the last FROM. */
int template_load(const char *name, struct template *out, struct error *err) must_check;
/* The same for text in memory; `path` is for messages. */
int template_parse(const char *text, size_t length, const char *path, struct template *out,
                   struct error *err) must_check;
void template_release(struct template *t);
/* The names of all languages that have a template, sorted. */
void template_languages(struct strv *out);

/* The first failure whose text is in `text`, the output of a command; or NULL. */
const struct template_failure *template_failure_find(const struct template *t, const char *text);
enum error_kind template_failure_kind(const struct template_failure *failure);

/* By a name of `length` bytes; NULL: the head declares no such input. */
const struct template_input *template_input_find(const struct template *t, const char *name,
                                                 size_t length);
/* Whether values of this type have no character that means something in a shell or a Dockerfile. */
bool template_input_is_plain(enum template_input_type type);
/* What is wrong with a value, and the remedy; NULL when nothing is. Caller frees. */
char *template_input_check(const struct template_input *input, const char *value);

/* The values of placeholders in the head's texts. */
struct template_values {
    const struct strv *inputs;   /* one value for each input, in their order; NULL: the defaults */
    const char *program, *cache; /* {{program}}, {{cache}}; NULL: not used in the text */
};
/* A text of the parsed head with its {{input:NAME}}, {{program}} and {{cache}} filled
 * in. Caller frees. */
char *template_expand(const struct template *t, const char *text,
                      const struct template_values *values);

#endif
