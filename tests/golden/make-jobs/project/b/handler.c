#include <lambda_runtime.h>

static int b(const struct lambda_event *event, struct lambda_response *response, const struct lambda_context *context)
{
    (void)event;
    (void)context;
    return lambda_printf(response, "\"b\"");
}

LAMBDA_HANDLERS({"b", b})
