/* Two functions in one program, and something to set up before the first event. */
#include <lambda_runtime.h>

#include <stdlib.h>
#include <string.h>

struct settings {
    const char *greeting; /* borrowed from the environment */
    unsigned long served;
};

static struct settings settings;

/* Read the settings once. Without a greeting there is no point in starting. */
static int init(struct lambda_response *response, const struct lambda_context *context)
{
    const char *greeting = getenv("GREETING");

    if (greeting && !*greeting)
        return lambda_fail(response, "Function.NoGreeting", "GREETING is empty, and %s needs it",
                           context->handler);
    settings.greeting = greeting ? greeting : "Hello";
    return 0;
}

/* Any text in, a JSON string out. */
static int greet(const struct lambda_event *event, struct lambda_response *response,
                 const struct lambda_context *context)
{
    (void)context;
    settings.served++;
    lambda_printf(response, "{\"number\":%lu,\"greeting\":", settings.served);
    lambda_write_json(response, settings.greeting, strlen(settings.greeting));
    lambda_printf(response, ",\"to\":");
    lambda_write_json(response, event->data, event->size);
    return lambda_write(response, "}", 1); /* had one of these failed, the runtime would know */
}

/* How many bytes, and how much time is left? */
static int count(const struct lambda_event *event, struct lambda_response *response,
                 const struct lambda_context *context)
{
    return lambda_printf(response, "{\"bytes\":%zu,\"remaining_ms\":%lld}", event->size,
                         (long long)lambda_remaining_ms(context));
}

LAMBDA_HANDLERS_WITH_INIT(init, {"greet", greet}, {"count", count})
