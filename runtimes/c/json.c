/* Text as a JSON string (RFC 8259), in whatever encoding the text claims to be UTF-8. */
#include "internal.h"

/* Length of the well-formed UTF-8 sequence at text (Unicode, table 3-7), or 0. */
static size_t utf8_length(const unsigned char *text, size_t size)
{
    unsigned char first = text[0];
    size_t length = first < 0x80   ? 1
                    : first < 0xc2 ? 0
                    : first < 0xe0 ? 2
                    : first < 0xf0 ? 3
                    : first < 0xf5 ? 4
                                   : 0;

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

static int append_control(struct lambda_buffer *buffer, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    char escape[] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    const char *shorter = c == '"'    ? "\\\""
                          : c == '\\' ? "\\\\"
                          : c == '\n' ? "\\n"
                          : c == '\r' ? "\\r"
                          : c == '\t' ? "\\t"
                                      : NULL;

    return shorter ? lambda_buffer_append(buffer, shorter, 2)
                   : lambda_buffer_append(buffer, escape, sizeof escape);
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
            failed = bytes[at] < 0x80 ? append_control(buffer, bytes[at])
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
