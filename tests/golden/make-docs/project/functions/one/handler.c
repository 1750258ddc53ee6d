#include <lambda_runtime.h>

static int one(const struct lambda_event *event, struct lambda_response *response, const struct lambda_context *context)
{
    (void)event;
    (void)context;
    return lambda_printf(response, "\"one\"");
}

LAMBDA_HANDLERS({"one", one})
