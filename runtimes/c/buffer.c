/*
 * A buffer grows by doubling, up to a cap, and keeps its memory for the next use. Its pages come
 * straight from the kernel, so that it grows without copying, and a program whose handler doesn't
 * use malloc starts without setting malloc up.
 */
#include "internal.h"

#include <errno.h>
#include <sys/mman.h>

int lambda_buffer_reserve(struct lambda_buffer *buffer, size_t more)
{
    if (more <= buffer->capacity - buffer->size)
        return 0;
    if (more > buffer->max - buffer->size) {
        errno = EFBIG;
        return -1;
    }

    size_t needed = buffer->size + more;
    size_t capacity = buffer->capacity ? buffer->capacity : 4096;
    while (capacity < needed)
        capacity *= 2;
    if (capacity > buffer->max)
        capacity = buffer->max;

    void *data = buffer->data ? mremap(buffer->data, buffer->capacity, capacity, MREMAP_MAYMOVE)
                              : mmap(NULL, capacity, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED)
        return -1;

    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

int lambda_buffer_number(struct lambda_buffer *buffer, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    return lambda_buffer_append(buffer, digits + at, sizeof digits - at);
}

void lambda_buffer_release(struct lambda_buffer *buffer)
{
    if (buffer->data)
        munmap(buffer->data, buffer->capacity);
    *buffer = (struct lambda_buffer){0};
}

int64_t lambda_decimal(const char *text, size_t max)
{
    int64_t value = 0;
    size_t length = 0;

    for (unsigned digit; length < max && (digit = (unsigned char)(text[length] - '0')) < 10;
         length++)
        value = value * 10 + digit;
    return length == 0 || text[length] != '\0' ? -1 : value;
}
