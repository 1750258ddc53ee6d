#include <lambda_runtime.h>

static int two(const struct lambda_event *event, struct lambda_response *response, const struct lambda_context *context)
{
    (void)event;
    (void)context;
    return lambda_printf(response, "\"two\"");
}

LAMBDA_HANDLERS({"two", two})
