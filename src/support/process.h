#ifndef LBUILD_SUPPORT_PROCESS_H
#define LBUILD_SUPPORT_PROCESS_H

#include "support/buf.h"
#include "support/error.h"
#include "support/jobserver.h"
#include "support/strv.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Child processes: an argv vector and a struct, never a shell string. The child gets the
 * descriptors 0, 1 and 2 alone and the default signal dispositions, and dies with lbuild
 * (PR_SET_PDEATHSIG: strictly, with the thread that started it). It leads its own process group,
 * which is killed as a whole: with SIGTERM, and half a second later with SIGKILL. Processes that it
 * leaves running in its group are killed when it ends. */
struct process {
    /* argv[0] is looked up in PATH; with a slash in it, it is relative to `dir`. */
    const char *const *argv;
    const char *dir;        /* working directory, NULL: ours */
    const char *const *env; /* whole environment, NULL: ours */
    int input;              /* descriptor for its standard input, -1: /dev/null */
    struct buf *output;     /* gets its standard output, NULL: goes where its standard error goes */
    struct buf *errors;     /* gets its standard error, NULL: ours */
    size_t limit;           /* bytes kept of either; the rest is read and dropped. 0: 1 MiB */
    int stop;               /* descriptor that kills the child when it becomes readable. 0: none */
    bool alone;             /* its failure doesn't keep the others from starting */
    int64_t deadline;       /* when the child is killed and the run fails (ERROR_BUILD), by
                               process_clock(). 0: never */
    int grace_ms;           /* from SIGTERM to SIGKILL. 0: 500 */
    bool adopt; /* processes that the child leaves behind in other groups and sessions become ours
                   (PR_SET_CHILD_SUBREAPER), and are killed too when the child is killed or dies of
                   a signal. For process_run alone */
    bool deaf;  /* for clean-up: an interrupt neither ends it nor keeps it from starting */
    /* Called with everything the child writes, as it comes, besides filling the
     * buffers; may be NULL. */
    void (*wrote)(void *data, const char *bytes, size_t length);
    /* Called as soon as this child has ended and its output is complete, for one child at a time;
     * may be NULL. */
    void (*ended)(void *data, const struct process *process, int status);
    void *data;
};

/* How the child ended: its exit status, 128 + n when signal n killed it, or -1 when it
 * was never started. */
struct process_result {
    int status;
};

/* Runs one child to its end. Fails only when it could not be started (ERROR_ENGINE, e.g. "'gcc' was
 * not found in PATH"; ERROR_BUILD when the machine was short of processes, memory or descriptors),
 * when its deadline passed (ERROR_BUILD), or when lbuild was interrupted meanwhile (128 + n). The
 * child is gone then. */
int process_run(const struct process *process, struct process_result *result,
                struct error *err) must_check;

/* Runs several children, at most `jobs` at a time, in the order of the array; each writes its own
 * buffers. Starts no more after one of them failed (a status other than 0), and waits for the
 * running ones. Each child but the first also needs a token from make; all tokens are back when
 * this returns. A jobserver that wasn't joined, or NULL, asks for none. */
int process_run_shared(const struct process *processes, size_t count, int jobs,
                       struct jobserver *jobserver, struct process_result *results,
                       struct error *err) must_check;

/* Milliseconds by a clock that nobody can set. */
int64_t process_clock(void);

/* Looks a program up in PATH, whose relative and empty entries are ignored; NULL when there is
 * none. Caller frees. */
char *process_find(const char *name);
/* The paths at which process_find looks, in its order. */
void process_places(const char *name, struct strv *out);

/* From now on SIGINT, SIGTERM and SIGHUP end lbuild in an orderly way: running children are killed,
 * cleanup functions run as the stack unwinds, and process_interrupted() says which signal it was
 * (0: none). Long loops have to ask. A second signal ends lbuild at once. A signal that was ignored
 * when lbuild started (nohup, a shell's background job) stays ignored. */
void process_catch_signals(void);
int process_interrupted(void);
/* Sets *err to kind 128 + n and returns -1 when a signal arrived, else 0. */
int process_check_interrupt(struct error *err) must_check;

#endif
