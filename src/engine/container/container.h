#ifndef LBUILD_ENGINE_CONTAINER_CONTAINER_H
#define LBUILD_ENGINE_CONTAINER_CONTAINER_H

#include "engine/engine.h"

/* What engines with containers share: one build by one of them. What it writes lies in the job's
 * work folder, what it makes in the engine (containers, images, volumes) carries its id, and
 * nothing of either outlives the build. */
struct container {
    const struct engine_job *job;
    const char *program; /* as messages call it: "buildah" */
    const char *dir;     /* the work folder */
    const char
        *cwd; /* where container_run runs the program; NULL, as at first: where lbuild runs */
    const char *const *env; /* "NAME=VALUE" that the program gets besides lbuild's own environment,
                               NULL at the end; or NULL */
    char
        *id; /* "lbuild-XXXXXX": unique to this build; lower case but for the last six characters */
    /* Makes sense of one line of what the engine says: calls container_step, container_output or
     * container_verdict. */
    void (*on_line)(struct container *c, const char *line);
    /* The step that runs now. */
    char *stage, *step, *command; /* "build", "2/5", "RUN make"; NULL before the first one */
    int line;                     /* of the Dockerfile; 0: unknown */
    struct strv tail;             /* the last lines of its output */
    const struct template_failure *failure; /* what the template makes of the output of ... */
    char *failing;                          /* ... this command; both NULL: nothing */
    char *verdict;      /* the engine's own words about why it failed, or NULL */
    struct buf pending; /* of the output: a line that isn't whole yet */
};
void container_open(const struct engine_job *job, const char *program,
                    void (*on_line)(struct container *c, const char *line), struct container *c);
void container_release(struct container *c);

/* The context as a tar file in the work folder, with the Dockerfile in it as DOCKERFILE_NAME, in
 * which the job's bases have the names given (one each, in their order). *path: caller frees. */
int container_context(struct container *c, const struct strv *names, char **path,
                      struct error *err) must_check;
/* A base as an OCI image layout of its own (one image, OCI types) in the work folder; blobs are
 * hard links to the store's where the file system has them. *name: of its folder there,
 * "lbuild-base-" and 12 digits of the image's digest. *manifest (NULL: not wanted): digest of the
 * layout's manifest. Caller frees both. */
int container_layout(struct container *c, const struct engine_base *base, char **name,
                     char **manifest, struct error *err) must_check;

/* The option in front of each value. */
void container_repeat(struct strv *argv, const char *option, const struct strv *values);
/* Adds what every kind of `docker build` has, by its names there: platform, --network, --no-cache,
 * --target, --build-arg, --cache-from. */
void container_options(const struct engine_job *job, struct strv *argv);
/* Adds --secret and --ssh for what the plan's stages ask for: names of files and variables, never a
 * value. */
void container_secrets(const struct engine_job *job, struct strv *argv);

/* A step begins: it is shown, and what follows belongs to it. `line` of the Dockerfile, or 0. */
void container_step(struct container *c, const char *stage, const char *step, const char *command,
                    int line);
/* One line of output of the current step: shown with stage and step in front, and kept for the
 * error. */
void container_output(struct container *c, const char *text);
/* What the engine itself says about its failure; the last one counts. */
void container_verdict(struct container *c, const char *text);

/* Runs the engine's program. TMPDIR is in the work folder. Its output goes to c->on_line; with
 * `said`, its standard output goes there instead. `input`: descriptor for its standard input, or
 * -1. Interrupt, and the end of --timeout, kill it and all that it started. Errors: ERROR_BUILD for
 * a step that failed, with the line of the project file or template that it came from; ERROR_ENGINE
 * when it failed before the first step, or was killed. */
int container_run(struct container *c, struct strv *argv, int input, struct buf *said,
                  struct error *err) must_check;
/* For cleaning up after a failure or an interrupt: runs, says nothing, and can't fail; at most 30
 * seconds. Its standard output goes to `said` unless that is NULL. */
void container_clean(struct container *c, const char *const *argv, struct buf *said);

/* A tar that the engine exported: hostile until checked. Fills the tree with its files (they lie in
 * the work folder), directories and links. Modes are made 0755 or 0644, owners don't count. Devices
 * and FIFOs, names that leave the root or mean deletion in a layer
 * (".wh."), more than 1,000,000 entries and more than 10 GiB are ERROR_BUILD. */
int container_read(struct container *c, const char *tar, struct tree *tree,
                   struct error *err) must_check;

/* The version that a program prints: the first number with a dot in the output of `program
 * argument` ("1.28.2"). NULL: it can't be run or says none, with ERROR_ENGINE. Caller frees. */
char *container_version(const char *program, const char *argument, struct error *err) must_check;
/* Whether version a is at least major.minor. */
bool container_at_least(const char *version, int major, int minor);

#endif
