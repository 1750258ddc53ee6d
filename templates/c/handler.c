#include <lambda_runtime.h>

/* Called for each event: write the answer to the response and return 0, or return lambda_fail(...). */
static int handle(const struct lambda_event *event, struct lambda_response *response,
                  const struct lambda_context *context)
{
    if (event->size == 0)
        return lambda_fail(response, "Function.EmptyEvent", "request %s has no event", context->request_id);
    return lambda_printf(response, "{\"hello\":%.*s}", (int)event->size, event->data);
}

LAMBDA_HANDLERS({"@NAME@", handle})
