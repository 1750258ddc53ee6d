#include "support/control.h"

bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

void control_mask(char *text, char mask)
{
    for (; *text; text++)
        if (is_control(*text))
            *text = mask;
}

void control_add(struct buf *out, const char *text, size_t max)
{
    for (size_t i = 0; i < max && text[i]; i++)
        buf_addc(out, is_control(text[i]) ? '?' : text[i]);
}
