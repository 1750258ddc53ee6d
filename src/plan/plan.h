#ifndef LBUILD_PLAN_PLAN_H
#define LBUILD_PLAN_PLAN_H

#include "base/base.h"
#include "lambda/arch.h"
#include "project/project.h"
#include "provenance/provenance.h"
#include "support/buf.h"
#include "support/error.h"
#include "support/json.h"
#include "support/strv.h"
#include "template/template.h"

#include <stdbool.h>
#include <stdint.h>

/* Every decision of a build, made once and before anything runs. All engines execute this one
 * struct, so what the host engine runs and what the Dockerfile says can't drift apart. Pure: it
 * depends on struct plan_facts alone. */

enum base_family {
    FAMILY_AL2023, /* public.ecr.aws/lambda/provided:al2023 and its dated tags */
    FAMILY_AL2,
    FAMILY_SCRATCH,
    FAMILY_OTHER,
};

/* How the program is started. */
enum plan_start {
    START_STOCK,      /* the base's /lambda-entrypoint.sh runs /var/runtime/bootstrap; CMD is one
                         word, the handler's name */
    START_ENTRYPOINT, /* ENTRYPOINT is the program itself, CMD its argument: the handler's name */
};

struct plan_pair {
    char *name, *value;
    struct origin origin;
};

struct plan_pairs {
    struct plan_pair *items;
    size_t len, cap;
};

struct plan_stage {
    const struct stage *stage; /* borrowed from the project */
    char *from;                /* for FROM: an image, "scratch", or a stage above it */
    bool from_stage;           /* it is a stage */
    char *package_manager;     /* as in struct plan */
};

/* A line of `lbuild plan`: what was decided, and why. */
struct plan_decision {
    char *subject, *value, *reason;
};

struct plan {
    const char *project_dir;       /* borrowed from the project */
    const struct project *project; /* borrowed, for the places in messages; may be NULL */
    char *name, *version;          /* version: NULL when unknown */
    char *handler;
    enum arch arch;

    enum base_family family;
    enum plan_start start;
    bool aws;                /* the template's body for AWS's base image of the language is used */
    char *base_reference;    /* for FROM: a full reference, "scratch", or a file source as the user
                                wrote it */
    char *base_digest;       /* of the platform's manifest, if known; else NULL */
    char *builder_reference; /* FROM of the builder stage */
    char *package_manager;   /* "dnf", "yum", "apt", "apk" or "none"; NULL: the
                                builder's isn't known */
    struct strv packages;    /* of the builder stage: the template's and the project's */

    /* From the template. */
    const struct template *template; /* borrowed from the facts; NULL in tests */
    bool runs_command; /* its [compile] command makes the program, and the host engine can run it */
    struct plan_pairs inputs; /* effective values of the head's inputs, in its order;
                                 origin: where set */
    char *lock;               /* the project's lock file, or NULL */
    struct strv manifest;     /* for {{manifest}}: that file and the manifests, sorted */

    /* The user's own stages, in the order of the Dockerfile, without unused ones. */
    struct plan_stage *stages;
    size_t stage_count, stage_cap;
    struct stage_copies stage_files; /* [files] that come from stages; each dest is absolute */
    /* What stages ask for: name = the id, value = the stage, origin = where it asks. */
    struct plan_pairs secrets, ssh;
    bool needs_engine;   /* only a container engine can execute this plan */
    char *engine_reason; /* "[stage:assets] at lbuild.ini:14:1" or "[build] packages at
                            lbuild.ini:5:12"; else NULL */
    bool needs_mounts;   /* and it must have RUN --mount */
    char *mounts_reason; /* "secrets of [stage:assets] at lbuild.ini:20:11"; else NULL */

    /* The compile, in options that gcc and clang share. Every path is relative to the project
     * folder, which is the context in the builder stage. The runtime's sources appear below
     * runtime_prefix, wherever they really lie. */
    bool compiles_c;             /* else the rest is empty */
    struct strv sources;         /* sorted */
    struct strv runtime_sources; /* relative to runtime_dir, sorted */
    char *runtime_dir;           /* on this machine, absolute */
    char *runtime_prefix;        /* ".lbuild/runtime/c" */
    struct strv include_dirs;    /* of the project */
    struct strv compile_flags;   /* all but -I, -o, -c and prefix maps, in order */
    struct strv cxx_flags;     /* the same for C++; empty: no such sources. gcc tells the languages
                                  apart by the files' names */
    struct strv runtime_flags; /* for the runtime's sources, which see nothing of the project's
                                  flags, defines and folders */
    struct strv link_flags;    /* before the objects */
    struct strv link_inputs;   /* after the objects: archives by path, -l, and what follows them in
                                  the project's link-flags */
    struct strv libraries;     /* names for -l */
    char *compiler;            /* [build] compiler, or NULL */
    char *libc;                /* "auto", "glibc" or "musl" */

    /* The image. */
    char *program; /* "var/runtime/bootstrap" */
    /* [files]: name = path in the project, value = cleaned path in the image. */
    struct plan_pairs files;
    struct plan_pairs env, labels; /* of the project only, in the order written */
    struct plan_pairs annotations; /* org.opencontainers.image.*: become labels too */
    struct strv entrypoint;        /* empty: the base's is kept */
    struct strv cmd;
    char *workdir;    /* NULL: the base's is kept */
    struct strv tags; /* full references, at least one */
    int64_t epoch;    /* seconds since 1970, for every time in the output */

    char *output_type, *output_file;
    char *compression; /* "default", "fast" or "best" */

    struct plan_decision *decisions;
    size_t decision_count, decision_cap;
    struct strv warnings; /* about settings that may not mean what the user thinks, one line each */
};

/* All that a plan is made from. */
struct plan_facts {
    const struct project *project;
    const struct provenance *provenance;
    const struct template *template;
    const struct base *base; /* NULL: not looked up; the plan goes by the reference alone */
    const struct strv *project_files; /* regular files of the context, cleaned paths, sorted */
    const struct strv *strict_locks;  /* the project's lock files, from lockfiles_find */
    const char *open_version;         /* the open version that it found, or NULL */
    bool locked;                      /* --locked */
    const struct strv *runtime_files; /* .c files of the template's runtime, sorted */
    const char *runtime_dir;
    const char *source_date_epoch; /* the environment's or the option's text, or NULL */
    const struct strv *tags;       /* -t, or empty */
    const char *output_type, *output_file, *compression; /* -o, or NULL */
};

/* Errors: ERROR_PROJECT with the setting's place; ERROR_USAGE for SOURCE_DATE_EPOCH and tags;
 * ERROR_LOCKED when --locked can't be met. */
int plan_make(const struct plan_facts *facts, struct plan *plan, struct error *err) must_check;
void plan_release(struct plan *plan);

/* The project's base image; "aws" stands for the one that the template names. NULL with
 * ERROR_PROJECT for wrong inputs and for a template without an AWS base. Caller frees. */
char *plan_base_of(const struct project *project, const struct template *t,
                   struct error *err) must_check;
/* Where the image goes: `file` (from -o), else [output] file, else a name made from the project's.
 * `type` NULL: [output] type. NULL with ERROR_PROJECT when the folder's name can't name an image,
 * and for a project file that names a path outside of its folder. Caller frees. */
char *plan_output_file(const struct project *project, const char *type, const char *file,
                       struct error *err) must_check;

/* For programs linked with musl: musl gives a thread 128 KiB of stack unless the program says
 * otherwise, and 8 MiB at most, which is what glibc gives. */
#define PLAN_MUSL_STACK "-Wl,-z,stack-size=8388608"

/* Whether the user typed the output's name, with -o (`file`) or --set, and so may mean any
 * place. */
bool plan_output_is_typed(const struct project *project, const char *file);

/* Whether gcc treats a source as C++. */
bool plan_is_cxx(const char *source);
/* The first of a compiler's words that asks for the processor of the machine that compiles, e.g.
 * "-march=native"; NULL: none does. The text that says what to write instead; caller frees. */
const char *plan_native_word(const struct strv *words);
char *plan_native_help(const char *word, enum arch arch);

/* The template's [compile] for this plan, with all placeholders filled in. `place`: {{program}} and
 * {{cache}}. `cross`: it runs on this machine, not in a container of the plan's architecture. */
struct plan_command {
    struct strv argv; /* empty: nothing to run, the result is there already */
    struct strv env;  /* "NAME=VALUE" */
    char *result;     /* relative to the project, or absolute; NULL: {{program}} */
};
void plan_command_make(const struct plan *plan, const struct template *t,
                       const struct template_values *place, bool cross, struct plan_command *out);
void plan_command_release(struct plan_command *command);
/* The decisions as text, one a line, and the whole plan as JSON (docs/plan.md names the
 * members). `engine` would execute the plan ("": none can); it is listed as a decision
 * unless `why` is NULL. */
void plan_print(const struct plan *plan, const char *engine, const char *why, struct buf *out);
struct js *plan_json(const struct plan *plan, const char *engine, const char *why);
/* Adds a decision. */
void plan_decide(struct plan *plan, const char *subject, const char *value, const char *reason);

#endif
