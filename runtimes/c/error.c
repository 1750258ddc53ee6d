/* Failed invocations, in the form that Lambda passes on to the caller. */
#include "internal.h"

#include <errno.h>
#include <string.h>

int lambda_fail_text(struct lambda_response *response, const char *type, const char *message,
                     size_t size)
{
    struct lambda_buffer *body = &response->body;
    size_t type_size = strlen(type);

    if (response->failed)
        return -1;

    if (type_size >= sizeof response->error_type)
        type_size = sizeof response->error_type - 1;
    memcpy(response->error_type, type, type_size);
    response->error_type[type_size] = '\0';
    if (size > LAMBDA_MESSAGE_MAX)
        size = LAMBDA_MESSAGE_MAX;

    /* lambda_response_init made the buffer large enough for this. */
    response->failed = true;
    body->size = 0;
    lambda_buffer_text(body, "{\"errorMessage\":");
    lambda_buffer_json(body, message, size);
    lambda_buffer_text(body, ",\"errorType\":");
    lambda_buffer_json(body, response->error_type, type_size);
    lambda_buffer_text(body, ",\"stackTrace\":[]}");
    return -1;
}

int lambda_fail_buffer(struct lambda_response *response)
{
    static const char large[] = "the response is larger than 6291556 bytes";
    static const char memory[] = "there is no memory for the response";

    if (errno == ENOMEM)
        return lambda_fail_text(response, "Function.OutOfMemory", memory, sizeof memory - 1);
    return lambda_fail_text(response, "Function.ResponseSizeTooLarge", large, sizeof large - 1);
}

const char *lambda_error_header(const char *type)
{
    bool function = strncmp(type, "Function.", 9) == 0;
    bool runtime = strncmp(type, "Runtime.", 8) == 0;
    const char *name = type + (function ? 9 : 8);
    size_t letters = 0;

    if (function || runtime)
        while ((name[letters] >= 'A' && name[letters] <= 'Z') ||
               (letters && name[letters] >= 'a' && name[letters] <= 'z'))
            letters++;

    if (letters > 1 && name[letters] == '\0')
        return type;
    return runtime ? "Runtime.Unknown" : "Function.Unknown";
}
