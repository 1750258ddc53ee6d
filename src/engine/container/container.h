#ifndef LBUILD_ENGINE_CONTAINER_CONTAINER_H
#define LBUILD_ENGINE_CONTAINER_CONTAINER_H

#include "engine/engine.h"

/* What engines with containers share: one build by one of them. Its files lie in the job's work
 * folder, its objects in the engine (containers, images, volumes) carry its id, and neither
 * outlives the build. */
struct container {
    const struct engine_job *job;
    const char *program;    /* its name in messages, e.g. "buildah" */
    const char *dir;        /* the work folder */
    const char *cwd;        /* folder to run programs in; NULL at first: lbuild's own */
    const char *const *env; /* "NAME=VALUE" that the program gets besides lbuild's own environment,
                               NULL at the end; or NULL */
    char *id; /* unique to this build: "lbuild-" and six letters of any case, or digits */
    /* Interprets one line of the engine's output: calls container_step,
     * container_output or container_verdict. */
    void (*on_line)(struct container *c, const char *line);

    /* The step that is running. */
    char *stage, *step, *command; /* "build", "2/5", "RUN make"; NULL before the first one */
    int line;                     /* of the Dockerfile; 0: unknown */
    struct strv tail;             /* the last lines of its output */
    const struct template_failure *failure; /* the template's remedy for the output of ... */
    char *failing;                          /* ... this command; both NULL: none */
    char *verdict;      /* the engine's own words about why it failed, or NULL */
    struct buf pending; /* a line of output that isn't complete yet */
};
void container_open(const struct engine_job *job, const char *program,
                    void (*on_line)(struct container *c, const char *line), struct container *c);
void container_release(struct container *c);

/* Writes the context as a tar file to the work folder, with the Dockerfile in it as
 * DOCKERFILE_NAME, which calls the job's bases by the given names (one each, in their order).
 * *path: caller frees. */
int container_context(struct container *c, const struct strv *names, char **path,
                      struct error *err) must_check;
/* Writes a base as an OCI image layout (one image, OCI types) to the work folder; blobs are hard
 * links to the store's where the file system has them. *name gets the name of the layout's folder,
 * "lbuild-base-" and 12 digits of the image's digest. *manifest (NULL: not wanted) gets the digest
 * of the layout's manifest. Caller frees both. */
int container_layout(struct container *c, const struct engine_base *base, char **name,
                     char **manifest, struct error *err) must_check;

/* Adds the option and a value, once for each value. */
void container_repeat(struct strv *argv, const char *option, const struct strv *values);
/* Adds the options that every kind of `docker build` has: --platform, --network, --no-cache,
 * --target, --build-arg, --cache-from. */
void container_options(const struct engine_job *job, struct strv *argv);
/* Adds --secret and --ssh for the job's secrets: names of files and variables, never a value. */
void container_secrets(const struct engine_job *job, struct strv *argv);

/* A step begins: it is shown, and the output from now on belongs to it. `line`: of the Dockerfile,
 * or 0. */
void container_step(struct container *c, const char *stage, const char *step, const char *command,
                    int line);
/* One line of the current step's output: shown after its stage and step, and kept for the error. */
void container_output(struct container *c, const char *text);
/* The engine's own words about its failure; the last call counts. */
void container_verdict(struct container *c, const char *text);

/* Runs the engine's program with a TMPDIR in the work folder. Its output goes to c->on_line; with
 * `said`, its standard output goes there instead. `input`: descriptor for its standard input, or
 * -1. An interrupt or the end of --timeout kills the program and all that it started. Errors:
 * ERROR_BUILD for a step that failed, with the line of the project file or template that it came
 * from; ERROR_ENGINE when the program failed before the first step, or was killed. */
int container_run(struct container *c, struct strv *argv, int input, struct buf *said,
                  struct error *err) must_check;
/* Cleans up after a failure or an interrupt: runs a program for 30 seconds at most, shows no
 * output, and only warns when it fails. Standard output goes to `said` unless that is NULL. */
void container_clean(struct container *c, const char *const *argv, struct buf *said);

/* Reads a tar that the engine exported, hostile until checked: fills the tree with its files (which
 * then lie in the work folder), directories and links. Modes become 0755 or 0644, owners are
 * dropped. Devices and FIFOs, names that leave the root or mean deletion in a layer (".wh."), more
 * than 1,000,000 entries and more than 10 GiB are ERROR_BUILD. */
int container_read(struct container *c, const char *tar, struct tree *tree,
                   struct error *err) must_check;

/* The version that a program prints: the first number with a dot in the output of
 * `program argument`, e.g. "1.28.2". NULL with ERROR_ENGINE when it can't be run or
 * prints none. Caller frees. */
char *container_version(const char *program, const char *argument, struct error *err) must_check;
/* Whether the version is at least major.minor. */
bool container_at_least(const char *version, int major, int minor);

#endif
