/* What one invocation costs the C runtime: no allocation, four system calls. */
#include "../../runtimes/c/include/lambda_runtime.h"
#include "../fakes/runtime_api.h"
#include "unit.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* A sanitizer has its own allocator, and makes system calls of its own. */
#if !defined(__GLIBC__) || defined(__SANITIZE_ADDRESS__)
#define CAN_COUNT 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CAN_COUNT 0
#endif
#endif
#ifndef CAN_COUNT
#define CAN_COUNT 1
#endif

static unsigned long allocations;

#if CAN_COUNT
/* Every allocation of the process goes through here, libc's own (setenv, printf) included. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    allocations++;
    return __libc_realloc(old, size);
}
#endif

static int count_allocations(const struct lambda_event *event, struct lambda_response *response,
                             const struct lambda_context *context)
{
    lambda_write_json(response, event->data, event->size);
    return lambda_printf(response, " %s %lld %lu", getenv("_X_AMZN_TRACE_ID"),
                         (long long)lambda_remaining_ms(context), allocations);
}

static int fail_now_and_then(const struct lambda_event *event, struct lambda_response *response,
                             const struct lambda_context *context)
{
    if (event->data[0] == '7')
        return lambda_fail(response, "Function.Seven", "%s after %lu", context->trace_id,
                           allocations);
    return count_allocations(event, response, context);
}

static const struct lambda_handler handlers[] = {{"count", count_allocations},
                                                 {"fail", fail_now_and_then}};

static int run_failing(void)
{
    return lambda_run(handlers + 1, 1, 0, NULL);
}

/* Play the Runtime API for count events, each with a trace id of its own; the allocations before
 * the last one. */
static unsigned long serve(struct runtime_api *api, int count)
{
    unsigned long counted = 0;

    for (int i = 0; i < count; i++) {
        struct runtime_request request;
        char trace[64];
        char event[16];
        snprintf(trace, sizeof trace, "Lambda-Runtime-Trace-Id: Root=%d\r\n", i);
        snprintf(event, sizeof event, "%d", i);
        runtime_api_invoke(api, "id", trace, event, strlen(event), &request);
        if (!request.error_type[0])
            counted = strtoul(strrchr(request.body, ' '), NULL, 10);
        free(request.body);
        runtime_api_send_status(api, 202, NULL);
    }

    return counted;
}

static void end(struct runtime_api *api)
{
    struct runtime_request request;

    runtime_api_receive(api, &request);
    free(request.body);
    runtime_api_send_status(api, 500, "InternalServerError");
    assert_int_equal(1, runtime_api_finish(api, NULL, 0));
}

/* valgrind has its own malloc, and can't be traced. */
static bool can_count(void)
{
    const char *preloaded = getenv("LD_PRELOAD");

    return CAN_COUNT && !(preloaded && strstr(preloaded, "vgpreload"));
}

static void no_allocation_once_warm(void **state)
{
    struct runtime_api api;

    (void)state;

    if (!can_count())
        skip();
    runtime_api_open(&api);
    runtime_api_start(&api, run_failing, NULL);
    unsigned long warm = serve(&api, 3);
    assert_true(warm > 0); /* it does count */
    assert_int_equal(warm, serve(&api, 1000));
    end(&api);
}

/* Written by the tracer, a child: one stop at the start and one at the end of each system call. */
static unsigned long *stops;

static int traced(void)
{
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    return lambda_run(handlers, 1, 0, NULL);
}

/* Run the runtime as a child of this one, and count its system calls. */
static int trace(void)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0)
        _exit(traced());
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 1;
    if (WIFSTOPPED(status))
        ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    while (WIFSTOPPED(status)) {
        if (WSTOPSIG(status) == (SIGTRAP | 0x80))
            ++*stops;
        if (ptrace(PTRACE_SYSCALL, child, NULL, NULL) != 0 || waitpid(child, &status, 0) != child)
            return 1;
    }

    return WEXITSTATUS(status);
}

static unsigned long system_calls(int events)
{
    struct runtime_api api;

    *stops = 0;
    runtime_api_open(&api);
    runtime_api_start(&api, trace, NULL);
    serve(&api, events);
    end(&api);
    return *stops / 2;
}

/* A container may forbid it, qemu can't do it. */
static bool can_trace(void)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0)
        _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : 1);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static void four_system_calls(void **state)
{
    (void)state;

    if (!can_count() || !can_trace())
        skip();
    stops = mmap(NULL, sizeof *stops, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(MAP_FAILED, stops);
    unsigned long ten = system_calls(10);
    unsigned long more = system_calls(110);
    munmap(stops, sizeof *stops);
    assert_int_equal(400, more - ten); /* send, receive; send, receive */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_allocation_once_warm),
        cmocka_unit_test(four_system_calls),
    };
    return cmocka_run_group_tests_name("runtime_costs", tests, NULL, NULL);
}
