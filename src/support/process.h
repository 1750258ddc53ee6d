#ifndef LBUILD_SUPPORT_PROCESS_H
#define LBUILD_SUPPORT_PROCESS_H

#include "support/buf.h"
#include "support/error.h"
#include "support/jobserver.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Child processes: an argv vector and a struct, never a shell string. The child gets no descriptor
 * but 0, 1 and 2, the default signal dispositions, and dies with lbuild (PR_SET_PDEATHSIG: with the
 * thread that started it, to be exact). It is the leader of a process group of its own, which is
 * killed as a whole: SIGTERM, and SIGKILL half a second later. What the child leaves running in its
 * group is killed when it ends. */
struct process {
    const char *const *argv; /* argv[0] is looked up in PATH unless it has a slash (then it is
                                relative to `dir`) */
    const char *dir;         /* working directory, NULL: ours */
    const char *const *env;  /* whole environment, NULL: ours */
    int input;               /* descriptor for its standard input, -1: /dev/null */
    struct buf *output;      /* gets its standard output, NULL: joined with its errors */
    struct buf *errors;      /* gets its standard error (and output, see above), NULL: ours */
    size_t limit;     /* bytes kept of either; what comes after is read and dropped. 0: 1 MiB */
    int stop;         /* descriptor: when it becomes readable the child is killed. 0: none */
    bool alone;       /* that it failed is no reason not to start the others */
    int64_t deadline; /* process_clock() when the child is killed, and the run fails (ERROR_BUILD).
                         0: never */
    int grace_ms;     /* from SIGTERM to SIGKILL. 0: 500 */
    bool adopt;       /* what the child leaves behind in other groups and sessions is ours
                         (PR_SET_CHILD_SUBREAPER), and is       killed too when the child is, or dies of a
                         signal. For process_run alone */
    bool deaf;        /* for cleaning up: an interrupt neither ends it nor keeps it from starting */
    /* Gets what the child writes as it comes, besides the buffers; NULL: not. */
    void (*wrote)(void *data, const char *bytes, size_t length);
    /* Called as soon as this child ended and its output is complete, one child at a time; NULL:
     * not. */
    void (*ended)(void *data, const struct process *process, int status);
    void *data;
};

/* How it ended: the exit status, or 128 + n when signal n killed it; -1 when it was never started.
 */
struct process_result {
    int status;
};

/* Runs one child to its end. Fails only when it could not be started (ERROR_ENGINE with "'gcc' was
 * not found" and the like) or when lbuild was interrupted meanwhile (128 + n; the child is gone
 * then). */
int process_run(const struct process *process, struct process_result *result,
                struct error *err) must_check;

/* Runs several with at most `jobs` at a time, in order of the array; each writes its own buffers.
 * Starts no more after one of them failed (a status other than 0), and waits for the running ones.
 * Each child but the first also needs a token from make; all tokens are back when this returns. A
 * jobserver that wasn't joined, or NULL, asks for none. */
int process_run_shared(const struct process *processes, size_t count, int jobs,
                       struct jobserver *jobserver, struct process_result *results,
                       struct error *err) must_check;

/* Milliseconds of a clock that nobody sets. */
int64_t process_clock(void);

/* Looks a program up in PATH, whose relative and empty entries don't count; NULL when there is
 * none. Caller frees. */
char *process_find(const char *name);

/* From now on SIGINT, SIGTERM and SIGHUP end lbuild in order: running children are killed, the
 * cleanup functions run as the stack unwinds, and process_interrupted() says which signal it was
 * (0: none). Long loops ask it. A second signal ends lbuild on the spot. A signal that was ignored
 * when lbuild started (nohup, a shell's background job) stays ignored. */
void process_catch_signals(void);
int process_interrupted(void);
/* Sets *err to kind 128 + n and returns -1 when a signal arrived, else 0. */
int process_check_interrupt(struct error *err) must_check;

#endif
