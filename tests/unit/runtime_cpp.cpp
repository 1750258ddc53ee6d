// The C++ functions that test_runtime_compilers.c builds and invokes.
#include <lambda_runtime.hpp>

#include <cstdlib>

static unsigned long allocations;

void *operator new(std::size_t size)
{
    allocations++;
    if (void *memory = std::malloc(size))
        return memory;
    throw std::bad_alloc();
}

void operator delete(void *memory) noexcept
{
    std::free(memory);
}

void operator delete(void *memory, std::size_t) noexcept
{
    std::free(memory);
}

static std::string greeting;

static void set_up(const lambda::context &context)
{
    const char *text = std::getenv("GREETING");

    if (text && std::string_view(text).empty())
        throw lambda::error("Function.NoGreeting",
                            std::string("nothing to greet with in ") + context.handler);
    greeting = text ? text : "Hello";
}

static std::string greet(std::string_view event, const lambda::context &context)
{
    return greeting + " " + std::string(event) + " " + context.request_id;
}

static std::string_view same(std::string_view event)
{
    return event;
}

static void write(const lambda::event &event, lambda::response &response)
{
    if (!response.content_type("text/plain") || response.content_type(""))
        throw lambda::error("Function.ContentType", event.content_type);
    response.write_json(event);
}

static void count(std::string_view event, lambda::response &response,
                  const lambda::context &context)
{
    response.write(lambda::remaining(context) > std::chrono::milliseconds(0) ? "in time "
                                                                             : "late ");
    response.write(event);
    response.write(" ");
    response.write(
        std::string(1, static_cast<char>('0' + allocations))); // too short to be allocated
}

static std::string fail(std::string_view event)
{
    if (event == "error")
        throw lambda::error("Function.NoSuchOrder", "there is no order 7, 100%s");
    if (event == "logic")
        throw std::logic_error("not \"logical\"");
    if (event == "memory")
        throw std::bad_alloc();
    if (event == "number")
        throw 7;
    return std::string(7000000, 'x');
}

LAMBDA_HANDLERS_WITH_INIT(lambda::init<set_up>, {"greet", lambda::handler<greet>},
                          {"same", lambda::handler<same>}, {"write", lambda::handler<write>},
                          {"count", lambda::handler<count>}, {"fail", lambda::handler<fail>})
