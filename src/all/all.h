#ifndef LBUILD_ALL_ALL_H
#define LBUILD_ALL_ALL_H

#include "pipeline_options.h"
#include "support/buf.h"
#include "support/json.h"

/* `lbuild build --all`: each project of a tree is built by its own lbuild process, so
 * that a failure of one doesn't touch the others. They share the store, the bases and
 * the number of jobs. */

enum function_state {
    FUNCTION_STOPPED, /* not started, or interrupted */
    FUNCTION_BUILT,
    FUNCTION_FRESH,
    FUNCTION_FAILED,
};

/* The options of build, among them all that are passed on to the build of each project. */
extern const struct option_table all_tables[];

/* One project of the tree. */
struct function {
    char *dir; /* as messages show it */
    enum function_state state;
    int status;        /* exit code of its lbuild; 0 also when it wasn't started */
    char *error;       /* why it failed, or NULL */
    struct js *result; /* of the "result" event (docs/progress.md), or NULL */
    int64_t ms;        /* how long it took */
};

struct functions {
    struct function *items; /* sorted by dir, each once */
    size_t len;
    int64_t ms;
};
void functions_release(struct functions *functions);

/* Finds the projects and builds them. `argv` is the command line that `options` came from. Fails
 * when nothing could be started, or when lbuild was interrupted; *functions then holds what was
 * done before. */
int all_build(const char *const *argv, const struct pipeline_options *options,
              struct functions *functions, struct error *err) must_check;
/* Only finds the projects. */
int all_find(const struct pipeline_options *options, struct functions *functions,
             struct error *err) must_check;

/* The table for people, or the JSON of --json. */
void all_report(const struct functions *functions, bool json, struct buf *out);
/* Writes --metadata-file (one member for each folder) and --image-refs for what was built. */
int all_write_files(const struct pipeline_options *options, const struct functions *functions,
                    struct error *err) must_check;
/* The error of the whole run: that of the first function that failed for good, else of the first
 * whose error is worth a retry. 0, with *err untouched, when all went well. */
int all_verdict(const struct functions *functions, struct error *err) must_check;

#endif
