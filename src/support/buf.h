#ifndef LBUILD_SUPPORT_BUF_H
#define LBUILD_SUPPORT_BUF_H

#include <stddef.h>

/* A growing byte string. `AUTO(buf) b = {0};` is empty and ready. While len > 0, data[len] is a NUL
 * that len does not count. An empty buffer may have data == NULL, so read the content as text
 * through buf_text. */
struct buf {
    char *data;
    size_t len, cap;
};

void buf_release(struct buf *buf);
/* Empties the buffer but keeps its memory. */
void buf_clear(struct buf *buf);
void buf_add(struct buf *buf, const void *bytes, size_t length);
void buf_addc(struct buf *buf, char c);
void buf_adds(struct buf *buf, const char *text);
void buf_addf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Makes room for `extra` bytes after the content and returns where they go. The caller
 * then adds to len. */
char *buf_reserve(struct buf *buf, size_t extra);
/* The content as text: never NULL, owned by the buffer, valid until the buffer changes. */
const char *buf_text(const struct buf *buf);
/* Hands the content over as a NUL-terminated string (never NULL) and leaves the buffer empty. */
char *buf_detach(struct buf *buf);

#endif
