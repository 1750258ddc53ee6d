/* What a handler writes: one buffer that lives as long as the program. */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Enough for the JSON of the largest error (every byte of type and message escaped), so that
 * lambda_fail always works. */
#define RESPONSE_INITIAL ((LAMBDA_MESSAGE_MAX + 128) * 6 + 128)

int lambda_response_init(struct lambda_response *response)
{
    memset(response, 0, sizeof *response);
    response->body.max = LAMBDA_PAYLOAD_MAX + 1; /* vsnprintf wants to end its text with a NUL */
    if (lambda_buffer_reserve(&response->body, RESPONSE_INITIAL) != 0)
        return -1;
    lambda_response_reset(response);
    return 0;
}

void lambda_response_reset(struct lambda_response *response)
{
    response->body.size = 0;
    response->failed = false;
    memcpy(response->content_type, "application/json", sizeof "application/json");
}

void lambda_response_release(struct lambda_response *response)
{
    lambda_buffer_release(&response->body);
}

int lambda_write(struct lambda_response *response, const void *data, size_t size)
{
    if (response->failed)
        return -1;
    if (size <= LAMBDA_PAYLOAD_MAX && lambda_buffer_reserve(&response->body, size + 1) == 0)
        return lambda_buffer_append(&response->body, data, size);
    return lambda_fail_buffer(response);
}

int lambda_write_json(struct lambda_response *response, const char *text, size_t size)
{
    if (response->failed)
        return -1;
    if (lambda_buffer_json(&response->body, text, size) != 0 ||
        lambda_buffer_reserve(&response->body, 1) != 0)
        return lambda_fail_buffer(response);
    return 0;
}

int lambda_printf(struct lambda_response *response, const char *format, ...)
{
    static const char invalid[] = "lambda_printf was given an invalid format or value";
    struct lambda_buffer *body = &response->body;

    while (!response->failed) {
        size_t room = body->capacity - body->size;
        va_list values;
        va_start(values, format);
        int size = vsnprintf(body->data + body->size, room, format, values);
        va_end(values);

        if (size < 0)
            return lambda_fail_text(response, "Function.InvalidFormat", invalid,
                                    sizeof invalid - 1);
        if ((size_t)size < room) {
            body->size += (size_t)size;
            return 0;
        }
        if (lambda_buffer_reserve(body, (size_t)size + 1) != 0)
            return lambda_fail_buffer(response);
    }
    return -1;
}

int lambda_content_type(struct lambda_response *response, const char *type)
{
    size_t size = strlen(type);

    if (size == 0 || size >= sizeof response->content_type)
        return -1;
    for (size_t i = 0; i < size; i++)
        if (type[i] < 0x20 || type[i] > 0x7e)
            return -1;

    memcpy(response->content_type, type, size + 1);
    return 0;
}

int lambda_fail(struct lambda_response *response, const char *type, const char *format, ...)
{
    char message[LAMBDA_MESSAGE_MAX + 1];
    va_list values;

    va_start(values, format);
    int size = vsnprintf(message, sizeof message, format, values);
    va_end(values);

    if (size < 0)
        return lambda_fail_text(response, type, format, strlen(format));
    return lambda_fail_text(response, type, message,
                            (size_t)size < sizeof message ? (size_t)size : sizeof message - 1);
}
