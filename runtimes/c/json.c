/* Text as a JSON string (RFC 8259). Bytes that aren't UTF-8 become U+FFFD. */
#include "internal.h"

/* Length of the UTF-8 sequence that this byte starts; 0 if none starts with it. */
static size_t sequence_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2)
        return 0;
    if (first < 0xe0)
        return 2;
    if (first < 0xf0)
        return 3;
    return first < 0xf5 ? 4 : 0;
}

/* Length of the well-formed UTF-8 sequence at text (Unicode, table 3-7), or 0. */
static size_t utf8_length(const unsigned char *text, size_t size)
{
    unsigned char first = text[0];
    size_t length = sequence_length(first);

    if (length == 0 || length > size)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;

    if ((first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] > 0x9f) ||
        (first == 0xf0 && text[1] < 0x90) || (first == 0xf4 && text[1] > 0x8f))
        return 0;
    return length;
}

/* The escape of a byte that can't stand for itself, in its short form where it has one. */
static int append_escape(struct lambda_buffer *buffer, unsigned char c)
{
    static const char bytes[] = "\"\\\n\r\t", letters[] = "\"\\nrt";
    static const char digits[] = "0123456789abcdef";
    const char *found = c ? strchr(bytes, c) : NULL;

    if (found) {
        char escape[] = {'\\', letters[found - bytes]};
        return lambda_buffer_append(buffer, escape, sizeof escape);
    }

    char escape[] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    return lambda_buffer_append(buffer, escape, sizeof escape);
}

int lambda_buffer_json(struct lambda_buffer *buffer, const char *text, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t start = buffer->size;
    size_t at = 0;
    int failed = lambda_buffer_append(buffer, "\"", 1);

    while (at < size && !failed) {
        size_t plain = at;
        size_t length = 0;
        while (plain < size && bytes[plain] >= 0x20 && bytes[plain] != '"' &&
               bytes[plain] != '\\' && (length = utf8_length(bytes + plain, size - plain)) > 0)
            plain += length;

        if (plain > at)
            failed = lambda_buffer_append(buffer, text + at, plain - at);
        at = plain;
        if (at < size && !failed) {
            failed = bytes[at] < 0x80 ? append_escape(buffer, bytes[at])
                                      : lambda_buffer_append(buffer, "\\ufffd", 6);
            at++;
        }
    }

    if (!failed)
        failed = lambda_buffer_append(buffer, "\"", 1);
    if (failed)
        buffer->size = start;
    return failed;
}
