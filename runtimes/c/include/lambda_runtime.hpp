/*
 * lambda_runtime.hpp: AWS Lambda functions in C++17 and later.
 *
 *     #include <lambda_runtime.hpp>
 *
 *     static std::string hello(std::string_view event, const lambda::context &context)
 *     {
 *         return "{\"id\":\"" + std::string(context.request_id) + "\",\"event\":" +
 *                std::string(event) + "}";
 *     }
 *
 *     LAMBDA_HANDLERS({"hello", lambda::handler<hello>})
 *
 * It puts C++ functions into the table of lambda_runtime.h, where everything else is described.
 * Nothing here allocates memory, and no exception gets out: one that leaves a handler fails the
 * invocation.
 */
#ifndef LAMBDA_RUNTIME_HPP
#define LAMBDA_RUNTIME_HPP

#if __cplusplus < 201703L
#error "lambda_runtime.hpp needs -std=c++17 or later; lambda_runtime.h works from C++11 on"
#endif

#include "lambda_runtime.h"

#include <chrono>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace lambda
{

/* As in C. Absent text is NULL: check before making a std::string or std::string_view from it. */
using context = ::lambda_context;

/* What the function was invoked with: text that is valid until the handler returns. */
struct event : std::string_view {
    const char *content_type; /* as the Runtime API names it; NULL if it doesn't */
};

/* What a handler may write to instead of returning its answer: the runtime's own memory. */
class response
{
  public:
    explicit response(::lambda_response *raw) noexcept : raw_(raw)
    {
    }
    response(const response &) = delete;
    response &operator=(const response &) = delete;

    /* Append bytes; append text as a JSON string, quotes included. When the answer gets too large,
     * or memory runs out, the invocation fails whatever the handler does next. */
    void write(std::string_view text) noexcept
    {
        (void)::lambda_write(raw_, text.data(), text.size());
    }
    void write_json(std::string_view text) noexcept
    {
        (void)::lambda_write_json(raw_, text.data(), text.size());
    }

    /* Another type than application/json. false (and no change) if lambda_content_type says -1. */
    bool content_type(const char *type) noexcept
    {
        return ::lambda_content_type(raw_, type) == 0;
    }

  private:
    ::lambda_response *raw_;
};

/* Throw it to fail the invocation with a type of your own, as lambda_fail does. */
class error : public std::runtime_error
{
  public:
    /* type: a literal, "Function.NoSuchOrder". */
    error(const char *type, const std::string &message) : std::runtime_error(message), type_(type)
    {
    }
    const char *type() const noexcept
    {
        return type_;
    }

  private:
    const char *type_;
};

/* Time until the invocation times out; 0 if it has, milliseconds::max() if the deadline is
 * unknown. */
inline std::chrono::milliseconds remaining(const context &of) noexcept
{
    return std::chrono::milliseconds(::lambda_remaining_ms(&of));
}

namespace detail
{

template <typename> constexpr bool never = false;

/* Call, and turn an exception into the invocation's error. */
template <typename Call> int guard(::lambda_response *raw, Call call) noexcept
{
#if defined(__cpp_exceptions)
    try {
        call();
        return 0;
    } catch (const error &e) {
        return ::lambda_fail(raw, e.type(), "%s", e.what());
    } catch (const std::bad_alloc &) {
        return ::lambda_fail(raw, "Function.OutOfMemory", "there is no memory for the handler");
    } catch (const std::exception &e) {
        return ::lambda_fail(raw, "Function.Exception", "%s", e.what());
    } catch (...) {
        return ::lambda_fail(raw, "Function.UnknownException",
                             "the handler threw something other than a std::exception");
    }
#else
    (void)raw;
    call();
    return 0;
#endif
}

/* Call, and write the text that it returns, if any. */
template <typename Call> void answer(response &out, Call call)
{
    using result = decltype(call());

    if constexpr (std::is_void_v<result>) {
        call();
    } else {
        static_assert(std::is_convertible_v<result, std::string_view>,
                      "a handler returns std::string, std::string_view or void");
        const result &text = call();
        out.write(text);
    }
}

} // namespace detail

/*
 * A C++ function as an entry of the table of handlers. It takes the event (std::string_view, or
 * const lambda::event &), then, if it wants them, lambda::response & and const lambda::context &,
 * in this order. It returns std::string or std::string_view, or void after writing to the
 * response.
 *
 * An exception fails the invocation: lambda::error with the type that it has, std::bad_alloc as
 * Function.OutOfMemory, another std::exception as Function.Exception with what() as the message,
 * anything else as Function.UnknownException.
 */
template <auto Function>
int handler(const ::lambda_event *given, ::lambda_response *raw,
            const ::lambda_context *facts) noexcept
{
    using function = decltype(Function);
    const event in = {{given->data, given->size}, given->content_type};
    response out(raw);

    return detail::guard(raw, [&] {
        if constexpr (std::is_invocable_v<function, const event &>)
            detail::answer(out, [&]() -> decltype(auto) { return Function(in); });
        else if constexpr (std::is_invocable_v<function, const event &, const context &>)
            detail::answer(out, [&]() -> decltype(auto) { return Function(in, *facts); });
        else if constexpr (std::is_invocable_v<function, const event &, response &>)
            detail::answer(out, [&]() -> decltype(auto) { return Function(in, out); });
        else if constexpr (std::is_invocable_v<function, const event &, response &,
                                               const context &>)
            detail::answer(out, [&]() -> decltype(auto) { return Function(in, out, *facts); });
        else
            static_assert(detail::never<function>,
                          "a handler takes std::string_view, then, if it wants "
                          "them, lambda::response & and const lambda::context &");
    });
}

/* An init function for LAMBDA_HANDLERS_WITH_INIT: void f() or void f(const lambda::context &). It
 * throws to give up. */
template <auto Function> int init(::lambda_response *raw, const ::lambda_context *facts) noexcept
{
    return detail::guard(raw, [&] {
        if constexpr (std::is_invocable_v<decltype(Function)>)
            Function();
        else
            Function(*facts);
    });
}

} // namespace lambda

#endif
