/* Two functions in one program, and settings that are read before the first event. */
#include <lambda_runtime.h>

#include <stdlib.h>
#include <string.h>

struct settings {
    const char *greeting; /* borrowed from the environment */
    unsigned long served;
};

static struct settings settings;

/* Reads the settings once. An empty greeting keeps the program from starting. */
static int init(struct lambda_response *response, const struct lambda_context *context)
{
    const char *greeting = getenv("GREETING");

    if (greeting && !*greeting)
        return lambda_fail(response, "Function.NoGreeting", "GREETING is empty, and %s needs it",
                           context->handler);
    settings.greeting = greeting ? greeting : "Hello";
    return 0;
}

/* Answers any text with a greeting to it, as JSON. */
static int greet(const struct lambda_event *event, struct lambda_response *response,
                 const struct lambda_context *context)
{
    (void)context;

    settings.served++;
    lambda_printf(response, "{\"number\":%lu,\"greeting\":", settings.served);
    lambda_write_json(response, settings.greeting, strlen(settings.greeting));
    lambda_printf(response, ",\"to\":");
    lambda_write_json(response, event->data, event->size);
    return lambda_write(response, "}", 1); /* the runtime remembers if one of these calls failed */
}

/* Answers with the size of the event and the time that is left. */
static int count(const struct lambda_event *event, struct lambda_response *response,
                 const struct lambda_context *context)
{
    return lambda_printf(response, "{\"bytes\":%zu,\"remaining_ms\":%lld}", event->size,
                         (long long)lambda_remaining_ms(context));
}

LAMBDA_HANDLERS_WITH_INIT(init, {"greet", greet}, {"count", count})
