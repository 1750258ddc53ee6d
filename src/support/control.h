#ifndef LBUILD_SUPPORT_CONTROL_H
#define LBUILD_SUPPORT_CONTROL_H

#include "support/buf.h"

#include <stdbool.h>

/* Names and texts from an image, a registry or a child process can hold anything. Text that is
 * shown must not steer the terminal or break a line in two. One rule for all: a control character
 * is a byte below 0x20, tabs and line breaks included, or 0x7f. Bytes from 0x80 on pass, since they
 * may be UTF-8. */
bool is_control(char c);
/* Replaces each control character by `mask`. */
void control_mask(char *text, char mask);
/* Appends at most `max` bytes of the text, with '?' for each control character. */
void control_add(struct buf *out, const char *text, size_t max);

#endif
