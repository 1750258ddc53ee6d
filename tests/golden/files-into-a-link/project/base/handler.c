#include <lambda_runtime.h>

static int answer(const struct lambda_event *event, struct lambda_response *response,
                  const struct lambda_context *context)
{
    (void)event;
    (void)context;
    return lambda_printf(response, "1");
}

LAMBDA_HANDLERS({"handler", answer})
