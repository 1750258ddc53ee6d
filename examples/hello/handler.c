/* Answers with the event that it was given. */
#include <lambda_runtime.h>

static int hello(const struct lambda_event *event, struct lambda_response *response,
                 const struct lambda_context *context)
{
    if (event->size == 0)
        return lambda_fail(response, "Function.EmptyEvent", "request %s came without an event",
                           context->request_id);
    return lambda_printf(response, "{\"hello\":%.*s}", (int)event->size, event->data);
}

LAMBDA_HANDLERS({"hello", hello})
