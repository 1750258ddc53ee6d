#include "unit.h"

#include "support/fs.h"
#include "support/own.h"
#include "support/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SH(script)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        "/bin/sh", "-c", (script), NULL                                                            \
    }

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void status_and_output(void **state)
{
    struct error err = {0};
    struct process_result result;
    AUTO(buf) output = {0}, errors = {0};
    struct process p = {.argv = SH("echo out; echo err >&2; cat; exit 7"),
                        .input = -1,
                        .output = &output,
                        .errors = &errors};
    (void)state;
    assert_int_equal(process_run(&p, &result, &err), 0);
    assert_int_equal(result.status, 7);
    assert_string_equal(buf_text(&output), "out\n");
    assert_string_equal(buf_text(&errors), "err\n");

    buf_clear(&errors);
    p.output = NULL;
    assert_int_equal(process_run(&p, &result, &err), 0);
    assert_string_equal(buf_text(&errors), "out\nerr\n");
}

static void killed_by_a_signal(void **state)
{
    struct error err = {0};
    struct process_result result;
    struct process p = {.argv = SH("kill -SEGV $$"), .input = -1};
    (void)state;
    assert_int_equal(process_run(&p, &result, &err), 0);
    assert_int_equal(result.status, 128 + SIGSEGV);
}

static void output_is_capped_but_drained(void **state)
{
    struct error err = {0};
    struct process_result result;
    AUTO(buf) output = {0};
    struct process p = {.argv = SH("head -c 3000000 /dev/zero; echo done >&2"),
                        .input = -1,
                        .output = &output,
                        .limit = 1000};
    AUTO(buf) errors = {0};
    (void)state;

    p.errors = &errors;
    assert_int_equal(process_run(&p, &result, &err), 0);
    assert_int_equal(result.status, 0);
    assert_int_equal(output.len, 1000);
    assert_string_equal(buf_text(&errors), "done\n");
}

static void what_cannot_start(void **state)
{
    struct error err = {0};
    struct process_result result;
    (void)state;

    struct process absent = {.argv = (const char *const[]){"lbuild-no-such-program", NULL},
                             .input = -1};
    assert_int_equal(process_run(&absent, &result, &err), -1);
    assert_int_equal(err.kind, ERROR_ENGINE);
    assert_string_equal(err.text, "'lbuild-no-such-program' was not found in PATH");
    assert_int_equal(result.status, -1);

    struct process path = {.argv = (const char *const[]){"/nonexistent/x", NULL}, .input = -1};
    assert_int_equal(process_run(&path, &result, &err), -1);
    assert_string_equal(err.text, "can't start '/nonexistent/x': No such file or directory");

    struct process dir = {.argv = SH(":"), .dir = "/nonexistent", .input = -1};
    assert_int_equal(process_run(&dir, &result, &err), -1);
    assert_string_equal(err.text,
                        "can't run '/bin/sh' in '/nonexistent': No such file or directory");
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie is left */
    assert_int_equal(errno, ECHILD);
}

static void inherits_nothing(void **state)
{
    struct error err = {0};
    struct process_result result;
    AUTO(buf) output = {0};
    const char *env[] = {"ONLY=this", NULL};
    struct process p = {.argv = SH("cd /proc/self/fd; echo *; echo $ONLY$HOME"),
                        .env = env,
                        .input = -1,
                        .output = &output};
    (void)state;

    autoclose int leaked =
        open("/dev/null", O_RDONLY); /* not close-on-exec, as a careless library opens files */
    autoclose int far = fcntl(leaked, F_DUPFD, 300);
    assert_true(leaked >= 0 && far >= 300);
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(process_run(&p, &result, &err), 0);
    /* The shell may hold one descriptor of its own while it reads the folder. */
    assert_true(strcmp(buf_text(&output), "0 1 2\nthis\n") == 0 ||
                strcmp(buf_text(&output), "0 1 2 3\nthis\n") == 0);

    buf_clear(&output);
    struct process ignored = {.argv = SH("kill -PIPE $$"), .input = -1};
    assert_int_equal(process_run(&ignored, &result, &err), 0);
    assert_int_equal(result.status, 128 + SIGPIPE);
    signal(SIGPIPE, SIG_DFL);
}

static void input_dir_and_closed_standard_descriptors(void **state)
{
    struct error err = {0};
    struct process_result result;
    AUTO(buf) output = {0};
    int ends[2];
    (void)state;

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "hello", 5), 5);
    close(ends[1]);
    struct process p = {.argv = SH("pwd; cat"), .dir = "/", .input = ends[0], .output = &output};

    int saved = dup(0);
    close(0);
    int status = process_run(&p, &result, &err);
    dup2(saved, 0);
    close(saved);
    close(ends[0]);
    assert_int_equal(status, 0);
    assert_string_equal(buf_text(&output), "/\nhello");
}

static void count_ended(void *data, const struct process *process, int status)
{
    int *ended = data;
    (void)process;
    *ended += status == 0;
}

static void several_at_a_time(void **state)
{
    enum { COUNT = 12 };
    struct error err = {0};
    struct process p[COUNT];
    struct process_result results[COUNT];
    struct buf outputs[COUNT] = {{0}};
    int ended = 0;
    const char *const *argv = SH("sleep 0.05; echo x");
    (void)state;

    for (int i = 0; i < COUNT; i++)
        p[i] = (struct process){
            .argv = argv, .input = -1, .output = &outputs[i], .ended = count_ended, .data = &ended};

    int64_t start = now_ms();
    assert_int_equal(process_run_shared(p, COUNT, COUNT, NULL, results, &err), 0);
    assert_true(now_ms() - start < 12 * 50);
    assert_int_equal(ended, COUNT);

    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(results[i].status, 0);
        assert_string_equal(buf_text(&outputs[i]), "x\n");
        buf_release(&outputs[i]);
    }
}

static void a_failure_starts_no_more(void **state)
{
    struct error err = {0};
    struct process p[] = {
        {.argv = SH("exit 3"), .input = -1},
        {.argv = SH("exit 0"), .input = -1},
        {.argv = SH("exit 0"), .input = -1},
    };
    struct process_result results[3];
    (void)state;

    assert_int_equal(process_run_shared(p, 3, 1, NULL, results, &err), 0);
    assert_int_equal(results[0].status, 3);
    assert_int_equal(results[1].status, -1);
    assert_int_equal(results[2].status, -1);
}

static void leftovers_are_killed(void **state)
{
    struct error err = {0};
    struct process_result result;
    AUTO(buf) output = {0};
    struct process p = {.argv = SH("sleep 60 & echo started"), .input = -1, .output = &output};
    (void)state;

    int64_t start = now_ms();
    assert_int_equal(process_run(&p, &result, &err), 0);
    assert_true(now_ms() - start < 5000); /* the sleeper holds the pipe open */
    assert_string_equal(buf_text(&output), "started\n");
}

static void stopped_from_outside(void **state)
{
    struct error err = {0};
    struct process_result result;
    int ends[2];
    (void)state;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    struct process p = {.argv = SH("sleep 60"), .input = -1, .stop = ends[0]};
    int64_t start = now_ms();
    assert_int_equal(process_run(&p, &result, &err), 0);
    assert_int_equal(result.status, 128 + SIGTERM);

    /* A child that ignores SIGTERM is killed all the same. */
    struct process deaf = {
        .argv = SH("trap '' TERM; while :; do sleep 0.01; done"), .input = -1, .stop = ends[0]};
    assert_int_equal(process_run(&deaf, &result, &err), 0);
    assert_true(result.status == 128 + SIGKILL || result.status == 128 + SIGTERM);
    assert_true(now_ms() - start < 20000);
    close(ends[0]);
    close(ends[1]);
}

/* In its own process, because an interruption is final. */
static void interrupted(void **state)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    (void)state;

    for (size_t i = 0; i < countof(signals); i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            struct error err = {0};
            struct process_result result;
            struct process p = {.argv = SH("kill -$0 $PPID; sleep 60"), .input = -1};
            const char *argv[] = {"/bin/sh", "-c", "kill -$0 $PPID; sleep 60",
                                  i == 0   ? "INT"
                                  : i == 1 ? "TERM"
                                           : "HUP",
                                  NULL};
            p.argv = argv;
            signal(signals[i],
                   SIG_DFL); /* they are ignored when a shell runs us in the background */
            process_catch_signals();
            int failed = process_run(&p, &result, &err);
            _exit(failed == -1 && err.kind == 128 + signals[i] &&
                          process_interrupted() == signals[i]
                      ? 42
                      : 1);
        }

        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 42);
    }
}

/* When a parent is killed its child dies too, which closes the child's end of the pipe. */
static void dies_with_its_parent(void **state)
{
    int ends[2];
    char byte = 0;
    (void)state;

    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct error err = {0};
        struct process_result result;
        struct process p = {.argv = (const char *const[]){"sleep", "60", NULL}, .input = ends[1]};
        close(ends[0]);
        int failed = process_run(&p, &result, &err);
        _exit(failed ? 1 : 0);
    }

    close(ends[1]);
    usleep(200 * 1000);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
}

static void finding(void **state)
{
    struct error err = {0};
    autofree char *folder = unit_folder();
    autofree char *tool = path_join(folder, "lbuild-tool"),
                  *plain = path_join(folder, "lbuild-plain");
    autofree char *saved = xstrdup(getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
    autofree char *path = xasprintf("::relative:/nonexistent:%s", folder);
    (void)state;

    assert_int_equal(fs_write(tool, "#!/bin/sh\n", 10, 0755, &err), 0);
    assert_int_equal(fs_write(plain, "x", 1, 0644, &err), 0);
    setenv("PATH", path, 1);

    autofree char *found = process_find("lbuild-tool"),
                  *not_runnable = process_find("lbuild-plain"), *empty = process_find("");
    setenv("PATH", saved, 1);

    assert_non_null(found);
    assert_string_equal(found, tool);
    assert_null(empty);
    assert_null(not_runnable);
    assert_int_equal(fs_remove(folder, &err), 0);
}

static void gather(void *data, const char *bytes, size_t length)
{
    buf_add(data, bytes, length);
}

static void tells_what_is_written(void **state)
{
    struct error err = {0};
    struct process_result result;
    AUTO(buf) seen = {0}, kept = {0};
    struct process p = {.argv = SH("echo one; echo two >&2"),
                        .input = -1,
                        .errors = &kept,
                        .limit = 1,
                        .wrote = gather,
                        .data = &seen};
    (void)state;

    assert_int_equal(process_run(&p, &result, &err), 0);
    assert_string_equal(buf_text(&seen), "one\ntwo\n");
    assert_int_equal(kept.len, 1);
}

static void a_deadline_ends_it(void **state)
{
    struct error err = {0};
    struct process_result result;
    struct process p = {
        .argv = SH("exec sleep 600"), .input = -1, .deadline = process_clock() + 50};
    (void)state;
    assert_int_equal(process_run(&p, &result, &err), -1);
    assert_int_equal(err.kind, ERROR_BUILD);
    assert_string_equal(err.text,
                        "'sh' did not end in time and was killed; allow more time with --timeout");
    assert_int_equal(result.status, 128 + SIGTERM);

    /* A child that then exits with 0 is late all the same. */
    p.argv = SH("trap 'exit 0' TERM; while :; do sleep 0.01; done");
    p.deadline = process_clock() + 300;
    assert_int_equal(process_run(&p, &result, &err), -1);
    assert_string_equal(err.text,
                        "'sh' did not end in time and was killed; allow more time with --timeout");

    p.argv = SH("exit 3");
    p.deadline = process_clock() + 600000;
    assert_int_equal(process_run(&p, &result, &err), 0);
    assert_int_equal(result.status, 3);
}

/* A process in its own session, as in a container, whose parent is killed. */
static void what_escaped_is_killed_too(void **state)
{
    struct error err = {0};
    struct process_result result;
    AUTO(buf) output = {0};
    struct process p = {.argv = SH("setsid sh -c 'echo $$; exec sleep 600' & sleep 600"),
                        .input = -1,
                        .errors = &output,
                        .adopt = true};
    (void)state;

    /* A busy machine may need longer to get there. */
    for (int64_t most = 250; output.len == 0 && most < 60000; most *= 3) {
        p.deadline = process_clock() + most;
        assert_int_equal(process_run(&p, &result, &err), -1);
    }

    int pid = 0;
    assert_int_equal(sscanf(buf_text(&output), "%d", &pid), 1);
    assert_true(pid > 1);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_and_output),
        cmocka_unit_test(killed_by_a_signal),
        cmocka_unit_test(output_is_capped_but_drained),
        cmocka_unit_test(what_cannot_start),
        cmocka_unit_test(inherits_nothing),
        cmocka_unit_test(input_dir_and_closed_standard_descriptors),
        cmocka_unit_test(several_at_a_time),
        cmocka_unit_test(a_failure_starts_no_more),
        cmocka_unit_test(leftovers_are_killed),
        cmocka_unit_test(stopped_from_outside),
        cmocka_unit_test(interrupted),
        cmocka_unit_test(dies_with_its_parent),
        cmocka_unit_test(finding),
        cmocka_unit_test(tells_what_is_written),
        cmocka_unit_test(a_deadline_ends_it),
        cmocka_unit_test(what_escaped_is_killed_too),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
