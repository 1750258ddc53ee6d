#ifndef LBUILD_ALL_ALL_H
#define LBUILD_ALL_ALL_H

#include "pipeline_options.h"
#include "support/buf.h"
#include "support/json.h"

/* `lbuild build --all`: each project of a tree by an lbuild of its own, so that nothing that
 * happens to one touches the others; they share the store, the bases and the number of jobs. */

enum function_state {
    FUNCTION_STOPPED /* not started, or interrupted */,
    FUNCTION_BUILT,
    FUNCTION_FRESH,
    FUNCTION_FAILED
};

/* The options of build: all that are passed on to the build of each project are among them. */
extern const struct option_table all_tables[];

/* One project of the tree. */
struct function {
    char *dir; /* as it is shown */
    enum function_state state;
    int status;        /* exit code of its lbuild; 0: fine, or not started */
    char *error;       /* why it failed, or NULL */
    struct js *result; /* what it made: the "result" event's (docs/progress.md), or NULL */
    int64_t ms;        /* how long it took */
};

struct functions {
    struct function *items; /* sorted by dir, each once */
    size_t len;
    int64_t ms;
};
void functions_release(struct functions *functions);

/* Finds and builds them. `argv` is the command line that `options` came from. Fails when nothing
 * could be started, or when lbuild was interrupted: what was done until then is in *functions. */
int all_build(const char *const *argv, const struct pipeline_options *options,
              struct functions *functions, struct error *err) must_check;
/* Only finds them. */
int all_find(const struct pipeline_options *options, struct functions *functions,
             struct error *err) must_check;

/* The table for people, or the JSON of --json. */
void all_report(const struct functions *functions, bool json, struct buf *out);
/* --metadata-file (one member for each folder) and --image-refs, of what was built. */
int all_write_files(const struct pipeline_options *options, const struct functions *functions,
                    struct error *err) must_check;
/* ERROR_... of the run: that of the first function that failed for good, else of the first that may
 * be tried again; 0 and *err untouched when all went well. */
int all_verdict(const struct functions *functions, struct error *err) must_check;

#endif
