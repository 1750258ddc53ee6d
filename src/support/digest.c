#include "support/digest.h"

#include "config.h"
#include "support/dl.h"
#include "support/own.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#define CRYPTO_FUNCTIONS(X)                                                                        \
    X(EVP_, MD_CTX_new)                                                                            \
    X(EVP_, MD_CTX_free)                                                                           \
    X(EVP_, sha256) X(EVP_, DigestInit_ex) X(EVP_, DigestUpdate) X(EVP_, DigestFinal_ex)
DL_TABLE(evp, CRYPTO_FUNCTIONS)

int digest_init(struct digest_context *context, struct error *err)
{
    context->state = NULL;
    if (DL_LOAD(evp, SONAME_CRYPTO, err) != 0)
        return -1;
    context->state = evp.MD_CTX_new();
    if (!context->state || evp.DigestInit_ex(context->state, evp.sha256(), NULL) != 1)
        return error_set(err, ERROR_ENGINE,
                         "the OpenSSL library on this machine can't make SHA-256 digests; "
                         "install another version");
    return 0;
}

void digest_update(struct digest_context *context, const void *bytes, size_t length)
{
    evp.DigestUpdate(context->state, bytes, length);
}

void digest_final(struct digest_context *context, struct digest *out)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int length = 0;

    evp.DigestFinal_ex(context->state, bytes, &length);
    memcpy(out->text, "sha256:", 7);
    for (unsigned int i = 0; i < 32; i++) {
        out->text[7 + 2 * i] = hex[bytes[i] >> 4];
        out->text[8 + 2 * i] = hex[bytes[i] & 15];
    }
    out->text[sizeof out->text - 1] = '\0';
    digest_context_release(context);
}

void digest_context_release(struct digest_context *context)
{
    if (context->state)
        evp.MD_CTX_free(context->state);
    context->state = NULL;
}

int digest_bytes(const void *bytes, size_t length, struct digest *out, struct error *err)
{
    AUTO(digest_context) context = {0};
    if (digest_init(&context, err) != 0)
        return -1;
    digest_update(&context, bytes, length);
    digest_final(&context, out);
    return 0;
}

int digest_fd(int fd, const char *name, struct digest *out, uint64_t *size, struct error *err)
{
    enum { CHUNK = 256 * 1024 };
    AUTO(digest_context) context = {0};
    autofree char *chunk = xmalloc(CHUNK);
    uint64_t total = 0;

    if (digest_init(&context, err) != 0)
        return -1;
    for (;;) {
        ssize_t got = read(fd, chunk, CHUNK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_errno(err, ERROR_BUILD, "can't read '%s'", name);
        if (got == 0)
            break;
        digest_update(&context, chunk, (size_t)got);
        total += (uint64_t)got;
    }

    digest_final(&context, out);
    if (size)
        *size = total;
    return 0;
}

bool digest_valid(const char *text)
{
    return strncmp(text, "sha256:", 7) == 0 && strlen(text) == 71 &&
           strspn(text + 7, "0123456789abcdef") == 64;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return strcmp(a->text, b->text) == 0;
}

const char *digest_hex(const struct digest *digest)
{
    return digest->text[0] ? digest->text + 7 : "";
}

bool digest_parse(struct digest *out, const char *text)
{
    bool valid = text && digest_valid(text);
    memset(out, 0, sizeof *out);
    if (valid)
        memcpy(out->text, text, sizeof out->text);
    return valid;
}
