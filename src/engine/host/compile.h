#ifndef LBUILD_ENGINE_HOST_COMPILE_H
#define LBUILD_ENGINE_HOST_COMPILE_H

#include "engine/engine.h"
#include "engine/host/objects.h"
#include "engine/host/toolchain.h"
#include "engine/work.h"

/* One run of the host engine. */
struct host_run {
    const struct engine_job *job;
    struct toolchain toolchain;
    struct objects objects;
    struct work work;
    struct strv environment;
    bool lto;         /* a source was compiled for link-time optimization */
    bool unlisted;    /* an object was made of files that nobody listed */
    struct strv made; /* digests ("sha256:...") of the object files, in link order */
};

/* Compiles what changed, `job->jobs` files at a time, and lists all objects in run->made: the
 * project's in the plan's order, then the runtime's. A compiler's output goes to standard error as
 * soon as it ends. ERROR_BUILD when one of them fails. */
int compile_all(struct host_run *run, struct error *err) must_check;

/* The digest of a command: its words, the toolchain and the folder that it runs in. */
int compile_key(const struct host_run *run, const char *kind, const struct strv *words,
                struct digest *key, struct error *err) must_check;

/* Fills in what a step's words say about its inputs: step->named and step->folders. `words` gets
 * them with the content of option files. */
void step_words(struct step *step, const struct strv *argv, struct strv *words);

/* Refuses words that ask for this machine's processor, as step_words() gave them: an option file
 * has them, which the plan doesn't read. */
int compile_refuse_native(const struct host_run *run, const struct strv *words, const char *setting,
                          struct error *err) must_check;

/* The options that keep paths of this machine out of __FILE__ and debug information. With gcc the
 * last map that matches wins. */
void compile_prefix_maps(const struct host_run *run, struct strv *argv);
/* Whether the words ask for -flto: then the linker compiles and assembles. */
bool compile_has_lto(const struct strv *words);

/* Links run->made into one static program and proves it. *path gets its path in the store; caller
 * frees. Linker errors are ERROR_BUILD, a program that Lambda couldn't start is ERROR_LAMBDA. */
int link_program(struct host_run *run, char **path, struct error *err) must_check;

/* Adds what was read to the job's inputs. */
void host_run_inputs(struct host_run *run, const struct strv *inputs);

#endif
