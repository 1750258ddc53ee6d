/* The runtime's own lines on stderr, which Lambda sends to the function's log. */
#include "internal.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

int lambda_log(const char *text, ...)
{
    char bytes[1024];
    struct lambda_buffer line = LAMBDA_FIXED_BUFFER(bytes);
    va_list more;

    lambda_buffer_text(&line, "lambda-runtime: ");
    va_start(more, text);
    for (; text; text = va_arg(more, const char *)) {
        size_t room = line.capacity - line.size - 1;
        size_t size = strlen(text);
        lambda_buffer_append(&line, text, size < room ? size : room);
    }
    va_end(more);

    for (size_t i = 0; i < line.size; i++)
        if ((unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7f)
            bytes[i] = '?';
    lambda_buffer_append(&line, "\n", 1);
    if (write(STDERR_FILENO, bytes, line.size) < 0)
        return -1; /* nowhere left to say so */
    return -1;
}
