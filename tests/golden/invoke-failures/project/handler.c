/* Does what the event says. */
#include <lambda_runtime.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int ask(const struct lambda_event *event, struct lambda_response *response,
               const struct lambda_context *context)
{
    switch (event->data[1]) {
    case 'f':
        return lambda_fail(response, "Function.NoSuchOrder", "no order");
    case 'c':
        signal(SIGABRT, SIG_DFL);
        abort();
    case 'e':
        exit(9);
    case 's':
        sleep(30);
        return 0;
    case 'l':
        for (int i = 0; i < 7 * 1024 * 1024; i += 1024) {
            char chunk[1024];
            memset(chunk, 'x', sizeof chunk);
            lambda_write(response, chunk, sizeof chunk);
        }
        return 0;
    case 'v':
        return lambda_printf(response, "%s %s %u %s %s %s", context->function_name, context->function_version,
                             context->memory_mb, getenv("HOME") ? "HOME" : "no HOME", getenv("LAMBDA_TASK_ROOT"),
                             getenv("AWS_EXECUTION_ENV"));
    default:
        return lambda_fail(response, "nonsense", "what?");
    }
}

LAMBDA_HANDLERS({"ask", ask})
