/* The C runtime's side of bench/runtime.sh. */
#include <lambda_runtime.h>

static int echo(const struct lambda_event *event, struct lambda_response *response,
                const struct lambda_context *context)
{
    (void)context;
    return lambda_write(response, event->data, event->size);
}

LAMBDA_HANDLERS({"echo", echo})
