#include "unit.h"

#include "support/fs.h"
#include "support/jobserver.h"
#include "support/own.h"
#include "support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void parsing(void **state)
{
    static const struct {
        const char *flags;
        struct jobserver_address want;
    } cases[] = {
        {NULL, {JOBSERVER_NONE, 0, 0, NULL}},
        {"", {JOBSERVER_NONE, 0, 0, NULL}},
        {"kw", {JOBSERVER_NONE, 0, 0, NULL}},
        {"k -j", {JOBSERVER_NONE, 0, 0, NULL}},
        {" -j1", {JOBSERVER_SERIAL, 0, 0, NULL}},
        {"w -j2 --jobserver-auth=3,4", {JOBSERVER_PIPE, 3, 4, NULL}},
        {"--jobserver-fds=5,6 -j", {JOBSERVER_PIPE, 5, 6, NULL}},
        {" -j8 --jobserver-auth=fifo:/tmp/GMfifo12",
         {JOBSERVER_FIFO, -1, -1, (char *)"/tmp/GMfifo12"}},
        {" --jobserver-auth=fifo:/tmp/a\\ b\\\\c/GMfifo12 -k",
         {JOBSERVER_FIFO, -1, -1, (char *)"/tmp/a b\\c/GMfifo12"}},
        {" --jobserver-auth=3,4 --jobserver-auth=7,8", {JOBSERVER_PIPE, 7, 8, NULL}},
        {" --jobserver-auth=fifo:/x --jobserver-auth=7,8", {JOBSERVER_PIPE, 7, 8, NULL}},
        {" --jobserver-auth=-2,-2", {JOBSERVER_SERIAL, -1, -1, NULL}},
        {" --jobserver-auth=3", {JOBSERVER_SERIAL, -1, -1, NULL}},
        {" --jobserver-auth=3,", {JOBSERVER_SERIAL, -1, -1, NULL}},
        {" --jobserver-auth=3,4x", {JOBSERVER_SERIAL, -1, -1, NULL}},
        {" --jobserver-auth=99999999999,4", {JOBSERVER_SERIAL, -1, -1, NULL}},
        {" --jobserver-auth=", {JOBSERVER_SERIAL, -1, -1, NULL}},
        {"k -- A=1 --jobserver-auth=3,4", {JOBSERVER_NONE, 0, 0, NULL}},
        {"k A=\\ --jobserver-auth=3,4", {JOBSERVER_NONE, 0, 0, NULL}},
        {"k\\", {JOBSERVER_NONE, 0, 0, NULL}},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        AUTO(jobserver_address) got;
        jobserver_parse(cases[i].flags, &got);
        if (got.kind != cases[i].want.kind || got.read != cases[i].want.read ||
            got.write != cases[i].want.write)
            fail_msg("'%s': %d %d,%d", cases[i].flags, (int)got.kind, got.read, got.write);
        assert_string_equal(got.path ? got.path : "-",
                            cases[i].want.path ? cases[i].want.path : "-");
    }
}

/* A pipe with tokens in it, like make's. */
static char *make_pipe(int *ends, const char *tokens)
{
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], tokens, strlen(tokens)), strlen(tokens));
    return xasprintf(" -j3 --jobserver-auth=%d,%d", ends[0], ends[1]);
}

/* Takes the content out of a pipe. */
static void assert_tokens(int fd, const char *want)
{
    char got[64] = "";
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    ssize_t length = poll(&ready, 1, 0) > 0 ? read(fd, got, sizeof got - 1) : 0;
    assert_true(length >= 0);
    assert_string_equal(got, want);
}

static void taking_and_giving(void **state)
{
    int ends[2];
    autofree char *flags = make_pipe(ends, "ab");
    AUTO(jobserver) jobserver = JOBSERVER_INIT;
    (void)state;

    jobserver_join(&jobserver, flags);
    assert_int_equal(jobserver.kind, JOBSERVER_PIPE);
    assert_true(jobserver_take(&jobserver));
    assert_true(jobserver_take(&jobserver));
    assert_false(jobserver_take(&jobserver));                  /* doesn't wait, */
    assert_int_equal(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0); /* though make's own end would */
    jobserver_give(&jobserver, 1);
    assert_tokens(ends[0], "b");
    jobserver_release(&jobserver);
    assert_tokens(ends[0], "a");
    close(ends[0]);
    close(ends[1]);
}

static void the_fifo(void **state)
{
    autofree char *folder = unit_folder(), *path = path_join(folder, "GMfifo 1");
    autofree char *flags = xasprintf(" -j3 --jobserver-auth=fifo:%s/GMfifo\\ 1", folder);
    AUTO(jobserver) jobserver = JOBSERVER_INIT;
    struct error err = {0};
    (void)state;
    assert_int_equal(mkfifo(path, 0600), 0);
    autoclose int make = open(path, O_RDWR);
    assert_int_equal(write(make, "x", 1), 1);
    jobserver_join(&jobserver, flags);
    assert_int_equal(jobserver.kind, JOBSERVER_FIFO);
    assert_true(jobserver_take(&jobserver));
    assert_false(jobserver_take(&jobserver));
    jobserver_release(&jobserver);
    assert_tokens(make, "x");

    jobserver_join(&jobserver, "--jobserver-auth=fifo:/nonexistent/fifo");
    assert_int_equal(jobserver.kind, JOBSERVER_SERIAL);
    jobserver_join(&jobserver, "--jobserver-auth=fifo:/dev/null");
    assert_int_equal(jobserver.kind, JOBSERVER_SERIAL);
    assert_int_equal(jobserver.read, -1);
    assert_int_equal(fs_remove(folder, &err), 0);
}

static void assert_serial(int in, int out)
{
    AUTO(jobserver) jobserver = JOBSERVER_INIT;
    autofree char *flags = xasprintf("--jobserver-auth=%d,%d", in, out);
    jobserver_join(&jobserver, flags);
    assert_int_equal(jobserver.kind, JOBSERVER_SERIAL);
    assert_int_equal(jobserver.read, -1);
    assert_int_equal(jobserver.write, -1);
}

/* Descriptors that make closed may by now belong to other files. */
static void what_is_no_jobserver(void **state)
{
    int a[2], b[2], own[2];
    (void)state;

    autofree char *first = make_pipe(a, ""), *second = make_pipe(b, "");
    autoclose int file = open("/dev/null", O_RDWR);
    assert_int_equal(pipe2(own, O_CLOEXEC), 0);
    assert_serial(a[0], b[1]);
    assert_serial(a[1], a[0]);
    assert_serial(a[0], a[0]);
    assert_serial(file, file);
    assert_serial(own[0], own[1]); /* not inherited: ours */
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
        close(own[i]);
    }
    assert_serial(a[0], a[1]);
}

/* Each child logs its start and end, and waits a while until `barrier` children have started. */
static char *noting(const char *log, int barrier)
{
    return xasprintf(
        "echo + >>%s; i=0; "
        "while [ $(grep -c + %s) -lt %d ] && [ $i -lt 200 ]; do i=$((i + 1)); sleep 0.05; done; "
        "echo - >>%s",
        log, log, barrier, log);
}

static int most_at_once(const char *log)
{
    AUTO(buf) text = {0};
    struct error err = {0};
    int now = 0, most = 0;

    assert_int_equal(fs_read(log, 65536, &text, &err), 0);
    for (const char *at = buf_text(&text); *at; at++) {
        now += *at == '+' ? 1 : *at == '-' ? -1 : 0;
        most = now > most ? now : most;
    }

    assert_int_equal(now, 0);
    return most;
}

enum { COUNT = 9 };

static int run_children(const char *script, int jobs, struct jobserver *jobserver,
                        struct error *err)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    struct process processes[COUNT];
    struct process_result results[COUNT];
    for (int i = 0; i < COUNT; i++)
        processes[i] = (struct process){.argv = argv, .input = -1};
    return process_run_shared(processes, COUNT, jobs, jobserver, results, err);
}

static void children_need_tokens(void **state)
{
    static const struct {
        const char *tokens;
        int jobs, most;
    } cases[] = {{"xy", COUNT, 3}, {"", COUNT, 1}, {"xyz", 2, 2}};
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        int ends[2];
        struct error err = {0};
        AUTO(jobserver) jobserver = JOBSERVER_INIT;
        autofree char *folder = unit_folder(), *log = path_join(folder, "log");
        autofree char *flags = make_pipe(ends, cases[i].tokens),
                      *script = noting(log, cases[i].most);
        jobserver_join(&jobserver, flags);
        assert_int_equal(run_children(script, cases[i].jobs, &jobserver, &err), 0);
        assert_int_equal(most_at_once(log), cases[i].most);
        assert_int_equal(jobserver.tokens.len, 0);
        jobserver_release(&jobserver);
        char back[8] = "";
        ssize_t length = cases[i].tokens[0] ? read(ends[0], back, sizeof back) : 0;
        assert_int_equal(length, strlen(cases[i].tokens));
        close(ends[0]);
        close(ends[1]);
        assert_int_equal(fs_remove(folder, &err), 0);
    }
}

/* A token that another process gives back later is taken at that time. */
static void tokens_that_come_later(void **state)
{
    int ends[2];
    struct error err = {0};
    AUTO(jobserver) jobserver = JOBSERVER_INIT;
    autofree char *folder = unit_folder(), *log = path_join(folder, "log");
    autofree char *flags = make_pipe(ends, "");
    /* The first child itself puts the token there, and ends only after a second
     * child has started. */
    autofree char *note = noting(log, 2);
    autofree char *script = xasprintf("[ -e %s ] || printf x >%s/token; %s", log, folder, note);
    (void)state;

    jobserver_join(&jobserver, flags);
    pid_t pid = fork();
    if (pid == 0) {
        autofree char *token = path_join(folder, "token");
        while (!fs_exists(token))
            usleep(1000);
        _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
    }
    assert_int_equal(run_children(script, COUNT, &jobserver, &err), 0);
    assert_int_equal(most_at_once(log), 2);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    jobserver_release(&jobserver);
    assert_tokens(ends[0], "x");
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(fs_remove(folder, &err), 0);
}

/* Signals come while tokens are held: one, or two, where the second would normally end the process
 * at once. */
static void interrupts_give_back(void **state)
{
    static const char *const scripts[] = {
        "kill -TERM $PPID; sleep 30",
        "trap '' TERM; kill -TERM $PPID; kill -INT $PPID; sleep 30; sleep 30"};
    (void)state;

    for (size_t i = 0; i < countof(scripts); i++) {
        int ends[2], status = 0;
        autofree char *flags = make_pipe(ends, "xy");
        pid_t pid = fork();
        if (pid == 0) {
            struct error err = {0};
            AUTO(jobserver) jobserver = JOBSERVER_INIT;
            process_catch_signals();
            jobserver_join(&jobserver, flags);
            _exit(run_children(scripts[i], COUNT, &jobserver, &err) == -1 ? 42 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        /* With several signals, a later one may end it after the tokens are back. */
        if (WEXITSTATUS(status) != 42 && WEXITSTATUS(status) != 128 + SIGTERM &&
            WEXITSTATUS(status) != 128 + SIGINT)
            fail_msg("status %d", WEXITSTATUS(status));
        char back[8] = "";
        struct pollfd ready = {.fd = ends[0], .events = POLLIN};
        assert_int_equal(poll(&ready, 1, 0), 1);
        assert_int_equal(read(ends[0], back, sizeof back), 2);
        close(ends[0]);
        close(ends[1]);
    }
}

static void failures_give_back(void **state)
{
    int ends[2];
    struct error err = {0};
    AUTO(jobserver) jobserver = JOBSERVER_INIT;
    autofree char *flags = make_pipe(ends, "xy");
    (void)state;

    jobserver_join(&jobserver, flags);
    assert_int_equal(run_children("sleep 0.1; exit 3", COUNT, &jobserver, &err), 0);
    assert_int_equal(jobserver.tokens.len, 0);
    const char *const absent[] = {"/nonexistent/cc", NULL};
    struct process processes[] = {
        {.argv = (const char *const[]){"/bin/sh", "-c", "sleep 0.1", NULL}, .input = -1},
        {.argv = absent, .input = -1}};
    struct process_result results[2];
    assert_int_equal(process_run_shared(processes, 2, 2, &jobserver, results, &err), -1);
    assert_int_equal(jobserver.tokens.len, 0);
    jobserver_release(&jobserver);
    char back[8] = "";
    assert_int_equal(read(ends[0], back, sizeof back), 2);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsing),
        cmocka_unit_test(taking_and_giving),
        cmocka_unit_test(the_fifo),
        cmocka_unit_test(what_is_no_jobserver),
        cmocka_unit_test(children_need_tokens),
        cmocka_unit_test(tokens_that_come_later),
        cmocka_unit_test(interrupts_give_back),
        cmocka_unit_test(failures_give_back),
    };
    return cmocka_run_group_tests_name("jobserver", tests, NULL, NULL);
}
