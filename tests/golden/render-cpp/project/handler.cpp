#include <lambda_runtime.h>

#include <string>

namespace {

// Called for each event: write the answer to the response and return 0, or return lambda_fail(...).
int handle(const lambda_event *event, lambda_response *response, const lambda_context *context)
{
    if (event->size == 0)
        return lambda_fail(response, "Function.EmptyEvent", "request %s has no event", context->request_id);
    const std::string answer = "{\"hello\":" + std::string(event->data, event->size) + "}";
    return lambda_write(response, answer.data(), answer.size());
}

} // namespace

LAMBDA_HANDLERS({"hello", handle})
