#include "answer.h"

#include <lambda_runtime.h>

static int hello(const struct lambda_event *event, struct lambda_response *response, const struct lambda_context *context)
{
    (void)event;
    (void)context;
    return lambda_printf(response, "\"%s\"", ANSWER);
}

LAMBDA_HANDLERS({"hello", hello})
