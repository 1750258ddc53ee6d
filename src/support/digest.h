#ifndef LBUILD_SUPPORT_DIGEST_H
#define LBUILD_SUPPORT_DIGEST_H

#include "support/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SHA-256 digests, made by OpenSSL, which uses the processor's SHA instructions. */

/* "sha256:" and 64 lower-case hex digits (OCI image-spec, descriptor.md), NUL-terminated. Empty
 * when unset. */
struct digest {
    char text[7 + 64 + 1];
};

struct digest_context {
    void *state;
};

/* Call init, update as often as needed, then final, which also releases. To give up, release. */
int digest_init(struct digest_context *context, struct error *err) must_check;
void digest_update(struct digest_context *context, const void *bytes, size_t length);
void digest_final(struct digest_context *context, struct digest *out);
void digest_context_release(struct digest_context *context);

/* The digest of a piece of memory. */
int digest_bytes(const void *bytes, size_t length, struct digest *out,
                 struct error *err) must_check;
/* The digest and size of what can be read from a file descriptor; size may be NULL. */
int digest_fd(int fd, const char *name, struct digest *out, uint64_t *size,
              struct error *err) must_check;

/* Whether the text is a well-formed sha256 digest (upper-case hex is not). */
bool digest_valid(const char *text);
bool digest_equal(const struct digest *a, const struct digest *b);
/* The 64 hex digits after the colon. */
const char *digest_hex(const struct digest *digest);
/* Copies a well-formed digest; false, with *out empty, for any other text. */
bool digest_parse(struct digest *out, const char *text);

#endif
