#include "support/process.h"

#include "support/fs.h"
#include "support/own.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT_DEFAULT = 1024 * 1024, GRACE_MS = 500, POLLED = 4 /* descriptors per child */ };

/* A signal handler has no other place for what it saw. */
static volatile sig_atomic_t caught;

static const int caught_signals[] = {SIGINT, SIGTERM, SIGHUP};

static void on_signal(int number)
{
    if (caught)
        _exit(128 + number);
    caught = number;
}

static void signals_of_ours(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < countof(caught_signals); i++)
        sigaddset(set, caught_signals[i]);
}

void process_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal}, before;
    signals_of_ours(&action.sa_mask);
    for (size_t i = 0; i < countof(caught_signals); i++)
        if (sigaction(caught_signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(caught_signals[i], &action, NULL);
}

int process_interrupted(void)
{
    return caught;
}

int process_check_interrupt(struct error *err)
{
    int number = caught;
    return number ? error_set(err, ERROR_SIGNAL + number, "interrupted (%s)", strsignal(number))
                  : 0;
}

static bool runnable(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

void process_places(const char *name, struct strv *out)
{
    const char *path = getenv("PATH");
    if (strchr(name, '/')) {
        strv_add(out, name);
        return;
    }

    for (path = path ? path : "/usr/local/bin:/usr/bin:/bin"; name[0]; path++) {
        size_t length = strcspn(path, ":");
        if (path[0] == '/')
            strv_addf(out, "%.*s/%s", (int)length, path, name);
        path += length;
        if (!*path)
            break;
    }
}

char *process_find(const char *name)
{
    AUTO(strv) places = {0};
    process_places(name, &places);
    for (size_t i = 0; i < places.len; i++)
        if (runnable(places.items[i]))
            return xstrdup(places.items[i]);
    return NULL;
}

/* One running child. */
struct child {
    const struct process *process;
    struct process_result *result;
    pid_t pid;
    int pidfd;          /* -1 on kernels without it: then the child's end is polled for */
    int output, errors; /* our ends of its pipes, or -1 */
    int64_t kill_at;    /* ms: when SIGTERM becomes SIGKILL; 0: not being killed */
    bool late;          /* its deadline has passed */
};

struct pool {
    const struct process *processes; /* all that are to run */
    struct process_result *results;
    size_t count, next, most; /* how many; the next to start; the maximum at a time */
    struct child *children;   /* those that run now */
    size_t len;
    sigset_t mask, blocked;      /* the mask before; that mask with our signals added */
    struct jobserver *jobserver; /* NULL: no limit shared with others */
    bool hungry;                 /* one more child could start if there were a token */
};

static void child_release(struct child *child)
{
    if (child->pid > 0) {
        kill(-child->pid, SIGKILL);
        while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    autoclose_release(&child->pidfd);
    autoclose_release(&child->output);
    autoclose_release(&child->errors);
}

static void pool_release(struct pool *pool)
{
    for (size_t i = 0; i < pool->len; i++)
        child_release(&pool->children[i]);
    free(pool->children);
    if (pool->jobserver)
        jobserver_give(pool->jobserver, 0);
    sigprocmask(SIG_SETMASK, &pool->mask, NULL);
}

/* The step between vfork and exec that failed. */
struct failure {
    int code; /* errno */
    bool directory;
};

static void close_others(void)
{
    struct rlimit limit = {.rlim_cur = 1024};
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 4u, ~0u, 0u) == 0)
        return;
#endif
    getrlimit(RLIMIT_NOFILE, &limit);
    for (int fd = 4; fd < (int)(limit.rlim_cur > 65536 ? 65536 : limit.rlim_cur); fd++)
        close(fd);
}

static _Noreturn void report_failure(int report, bool directory)
{
    struct failure failure = {.directory = directory, .code = errno};
    ssize_t ignored = write(report, &failure, sizeof failure);
    (void)ignored;
    _exit(127);
}

/* Runs between vfork and exec, in the parent's memory: only calls that are safe there. fds:
 * standard input, output, error, and the pipe for a failure report. */
static _Noreturn void become(const struct process *process, const char *path, const int *fds,
                             pid_t parent)
{
    int high[4];
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    /* First move them out of the way: one may be 0, 1 or 2 if lbuild was started
     * with those closed. */
    for (int i = 3; i >= 0; i--)
        if ((high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 4)) < 0)
            report_failure(fds[3], false);
    for (int i = 0; i < 3; i++)
        dup2(high[i], i);
    dup3(high[3], 3, O_CLOEXEC);
    close_others();
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);

    if (process->dir && chdir(process->dir) != 0)
        report_failure(3, true);
    execve(path, (char *const *)process->argv,
           process->env ? (char *const *)process->env : environ);
    report_failure(3, false);
}

/* The descriptors for starting a child; the child's ends are closed again when it runs. */
struct plumbing {
    int null, output[2], errors[2], report[2];
};

static void plumbing_release(struct plumbing *p)
{
    int *all[] = {&p->null,      &p->output[0], &p->output[1], &p->errors[0],
                  &p->errors[1], &p->report[0], &p->report[1]};
    for (size_t i = 0; i < countof(all); i++)
        autoclose_release(all[i]);
}

static int open_pipe(int *ends)
{
    if (pipe2(ends, O_CLOEXEC) == 0)
        return 0;
    ends[0] = ends[1] = -1;
    return -1;
}

static int plumb(const struct process *process, struct plumbing *p)
{
    if (process->input < 0 && (p->null = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0)
        return -1;
    if (process->output &&
        (open_pipe(p->output) != 0 || fcntl(p->output[0], F_SETFL, O_NONBLOCK) != 0))
        return -1;
    if (process->errors &&
        (open_pipe(p->errors) != 0 || fcntl(p->errors[0], F_SETFL, O_NONBLOCK) != 0))
        return -1;
    return open_pipe(p->report);
}

/* By errno. A program that the machine has no room for just now isn't missing or broken. */
static int cant_start(const struct process *process, struct error *err)
{
    static const int passing[] = {EAGAIN, EMFILE, ENFILE, ENOMEM, EIO, ETXTBSY, EINTR};
    int kind = ERROR_ENGINE;
    for (size_t i = 0; i < countof(passing); i++)
        if (errno == passing[i])
            kind = ERROR_BUILD;
    return error_errno(err, kind, "can't start '%s'", process->argv[0]);
}

static int start_failed(const struct process *process, const struct failure *failure,
                        struct error *err)
{
    errno = failure->code;
    if (failure->directory)
        return error_errno(err, ERROR_ENGINE, "can't run '%s' in '%s'", process->argv[0],
                           process->dir);
    return cant_start(process, err);
}

/* Waits for exec, which closes the pipe; true when the child reported a failure instead. */
static bool read_failure(int report, struct failure *failure)
{
    ssize_t got = -1;
    do
        got = read(report, failure, sizeof *failure);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof *failure;
}

static int child_start(struct child *child, struct error *err)
{
    const struct process *process = child->process;
    __attribute__((cleanup(plumbing_release))) struct plumbing p = {
        -1, {-1, -1}, {-1, -1}, {-1, -1}};
    autofree char *path =
        strchr(process->argv[0], '/') ? xstrdup(process->argv[0]) : process_find(process->argv[0]);
    if (!path)
        return error_set(err, ERROR_ENGINE, "'%s' was not found in PATH", process->argv[0]);
    if (plumb(process, &p) != 0)
        return cant_start(process, err);

    int errors = process->errors ? p.errors[1] : STDERR_FILENO;
    int fds[] = {process->input < 0 ? p.null : process->input,
                 process->output ? p.output[1] : errors, errors, p.report[1]};
    pid_t parent = getpid();
    if (process->adopt)
        prctl(PR_SET_CHILD_SUBREAPER, 1);
    /* vfork, since copying our page tables would take longer than everything else here, and we wait
     * for exec anyway. Our signals are blocked. */
    child->pid = vfork();
    if (child->pid == 0)
        become(process, path, fds, parent);
    if (child->pid < 0)
        return cant_start(process, err);
    setpgid(child->pid, child->pid); /* the child does the same: whoever comes first */

    struct failure failure;
    autoclose_release(&p.report[1]);
    p.report[1] = -1;
    if (read_failure(p.report[0], &failure))
        return start_failed(process, &failure, err); /* child_release reaps it */

    child->output = take_fd(p.output[0]);
    child->errors = take_fd(p.errors[0]);
#ifdef SYS_pidfd_open
    child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0u);
#endif
    return 0;
}

/* Reads all that has arrived. Closes the descriptor at the end of file. */
static void pump(const struct process *process, int *fd, struct buf *into)
{
    size_t limit = process->limit ? process->limit : LIMIT_DEFAULT;
    char chunk[16384];
    while (*fd >= 0) {
        ssize_t got = read(*fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            close(take_fd(*fd));
            return;
        }

        size_t room = into->len < limit ? limit - into->len : 0;
        buf_add(into, chunk, (size_t)got < room ? (size_t)got : room);
        if (process->wrote)
            process->wrote(process->data, chunk, (size_t)got);
    }
}

int64_t process_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void child_kill(struct child *child)
{
    if (child->kill_at == 0) {
        kill(-child->pid, SIGTERM);
        child->kill_at =
            process_clock() + (child->process->grace_ms ? child->process->grace_ms : GRACE_MS);
    } else if (process_clock() >= child->kill_at) {
        kill(-child->pid, SIGKILL);
    }
}

/* Sends SIGKILL to every child of this process that /proc lists, and returns their number. */
static size_t children_kill(void)
{
    size_t count = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc && (entry = readdir(proc));) {
        char state, path[64];
        int pid = 0, parent = 0;
        AUTO(buf) stat = {0};
        struct error ignored;

        snprintf(path, sizeof path, "/proc/%.20s/stat", entry->d_name);
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
            fs_read(path, 4096, &stat, &ignored) != 0)
            continue;

        /* The name in parentheses may hold anything; the last parenthesis ends it. */
        const char *after = strrchr(buf_text(&stat), ')');
        if (!after || sscanf(after, ") %c %d", &state, &parent) != 2 || parent != getpid() ||
            sscanf(entry->d_name, "%d", &pid) != 1)
            continue;
        kill(pid, SIGKILL);
        count++;
    }

    if (proc)
        closedir(proc);
    return count;
}

/* Kills the processes that dead children left to us. Killing one makes us the parent of its
 * children, so this goes on until there are none. */
static void adopted_kill(void)
{
    enum { ROUNDS = 200 };
    for (int round = 0; round < ROUNDS; round++) {
        siginfo_t info = {0};
        if (children_kill() == 0)
            return;

        while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0)
            info.si_pid = 0;
        struct timespec pause = {.tv_nsec = 5000000};
        nanosleep(&pause, NULL);
    }
}

/* Takes in what the child wrote; true when it has ended, with its result set and
 * the callback called. */
static bool child_advance(struct child *child)
{
    const struct process *process = child->process;
    siginfo_t info = {0};

    /* First ask whether it has ended, then read the pipes, which then hold everything it wrote. It
     * stays a zombie until its group has been killed, so that nobody else can get its number. */
    bool ended = waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
                 info.si_pid == child->pid;
    pump(process, &child->output, process->output);
    pump(process, &child->errors, process->errors);
    if (!ended)
        return false;

    child->result->status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    child_release(child);
    if (process->adopt && (child->kill_at || info.si_code != CLD_EXITED))
        adopted_kill();
    if (process->ended)
        process->ended(process->data, process, child->result->status);
    return true;
}

/* Milliseconds until the child's deadline; -1: it has none. */
static int64_t time_left(const struct child *child)
{
    int64_t left = child->process->deadline - process_clock();
    return child->process->deadline == 0 ? -1 : left > 0 ? left : 0;
}

/* Sleeps until something happens to a child, or a signal comes. Signals are let in
 * here and only here. */
static void pool_wait(struct pool *pool)
{
    size_t count = pool->len * POLLED;
    autofree struct pollfd *fds = xcalloc(count + 1, sizeof *fds);
    int64_t wait = -1;

    for (size_t i = 0; i < pool->len; i++) {
        struct child *child = &pool->children[i];
        bool killed = child->kill_at != 0;
        int watched[POLLED] = {child->pidfd, child->output, child->errors,
                               child->process->stop > 0 && !killed ? child->process->stop : -1};
        for (int j = 0; j < POLLED; j++)
            fds[i * POLLED + (size_t)j] = (struct pollfd){.fd = watched[j], .events = POLLIN};
        int64_t most = child->pidfd < 0 ? 5 : killed ? 20 : time_left(child);
        wait = most >= 0 && (wait < 0 || most < wait) ? most : wait;
    }

    struct timespec timeout = {.tv_sec = wait < 0 ? 0 : wait / 1000,
                               .tv_nsec = wait < 0 ? 0 : wait % 1000 * 1000000};
    fds[count] = (struct pollfd){.fd = pool->hungry ? pool->jobserver->read : -1, .events = POLLIN};
    /* A second signal would end us at once, while we hold tokens of make's, so it has to wait. */
    bool holding = caught && pool->jobserver && pool->jobserver->tokens.len > 0;
    if (ppoll(fds, count + 1, wait < 0 ? NULL : &timeout, holding ? &pool->blocked : &pool->mask) <=
        0)
        return;

    for (size_t i = 0; i < pool->len; i++)
        if (fds[i * POLLED + 3].revents)
            child_kill(&pool->children[i]);
}

static void pool_init(struct pool *pool, struct jobserver *jobserver)
{
    sigset_t ours;
    pool->children = xcalloc(pool->most, sizeof *pool->children);
    pool->jobserver = jobserver && jobserver_joined(jobserver) ? jobserver : NULL;
    signals_of_ours(&ours);
    sigprocmask(SIG_BLOCK, &ours, &pool->mask);
    sigprocmask(SIG_BLOCK, NULL, &pool->blocked);
}

/* The first child uses the job that make gave us by starting us, each further child a token. */
static bool pool_has_room(struct pool *pool)
{
    pool->hungry = false;
    if (pool->len >= pool->most || pool->len == 0 || !pool->jobserver)
        return pool->len < pool->most;
    pool->hungry = !jobserver_take(pool->jobserver);
    return !pool->hungry;
}

/* Starts as many children as there is room for; false when one couldn't be started. */
static bool pool_fill(struct pool *pool, struct error *first)
{
    while (pool->next < pool->count && (!caught || pool->processes[pool->next].deaf) &&
           pool_has_room(pool)) {
        struct child *child = &pool->children[pool->len];
        *child = (struct child){.process = &pool->processes[pool->next],
                                .result = &pool->results[pool->next],
                                .pidfd = -1,
                                .output = -1,
                                .errors = -1};
        pool->next++;
        if (child_start(child, first) != 0) {
            child_release(child);
            return false;
        }
        pool->len++;
    }
    return true;
}

/* Takes in what happened to the children, and gives tokens back for those that have ended; true
 * when one failed. */
static bool pool_advance(struct pool *pool, struct error *first)
{
    bool failed = false;

    for (size_t i = 0; i < pool->len; i++) {
        struct child *child = &pool->children[i];
        if (!child_advance(child)) {
            child->late = child->late || time_left(child) == 0;
            if ((caught && !child->process->deaf) || child->kill_at || child->late)
                child_kill(child);
            continue;
        }

        /* A late child has failed, whatever its status: podman ends with 0 then. */
        failed = failed || child->late || (child->result->status != 0 && !child->process->alone);
        if (child->late && !first->kind)
            error_set(first, ERROR_BUILD,
                      "'%s' did not end in time and was killed; allow more time with --timeout",
                      path_base(child->process->argv[0]));
        pool->children[i--] = pool->children[--pool->len];
    }

    if (pool->jobserver)
        jobserver_give(pool->jobserver, pool->len > 0 ? pool->len - 1 : 0);
    return failed;
}

int process_run_shared(const struct process *processes, size_t count, int jobs,
                       struct jobserver *jobserver, struct process_result *results,
                       struct error *err)
{
    size_t most = jobs < 1 ? 1 : (size_t)jobs;
    AUTO(pool) pool = {.processes = processes, .results = results, .count = count};
    struct error first = {0};
    bool failed = false;

    pool.most = most < count ? most : count;
    pool_init(&pool, jobserver);
    for (size_t i = 0; i < count; i++)
        results[i].status = -1;

    for (;;) {
        pool.hungry = false;
        failed = failed || !pool_fill(&pool, &first);
        if (pool.len == 0)
            break;
        pool_wait(&pool);
        failed = pool_advance(&pool, &first) || failed;
    }

    if (!(count > 0 && processes[0].deaf) && process_check_interrupt(err) != 0)
        return -1;
    return first.kind ? error_set(err, first.kind, "%s", first.text) : 0;
}

int process_run(const struct process *process, struct process_result *result, struct error *err)
{
    return process_run_shared(process, 1, 1, NULL, result, err);
}
