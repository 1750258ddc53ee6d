#include <lambda_runtime.hpp>

// Called for each event: return the answer, or throw.
static std::string handle(std::string_view event, const lambda::context &)
{
    if (event.empty())
        throw std::invalid_argument("the request has no event");
    return "{\"hello\":" + std::string(event) + "}";
}

LAMBDA_HANDLERS({"@NAME@", lambda::handler<handle>})
