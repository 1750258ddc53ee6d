#include "registry/reference.h"

#include "support/own.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_HOST = 253, MAX_REPOSITORY = 255, MAX_TAG = 128, MAX_TEXT = 1024 };

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

void reference_release(struct reference *reference)
{
    free(reference->host);
    free(reference->repository);
    free(reference->tag);
    *reference = (struct reference){0};
}

/* The length of the host in "HOST[:PORT]", brackets included; 0 when a bracket isn't closed. */
static size_t host_length(const char *host)
{
    if (host[0] != '[')
        return strcspn(host, ":");

    const char *end = strchr(host, ']');
    return end ? (size_t)(end - host) + 1 : 0;
}

static bool port_valid(const char *port)
{
    size_t length = strlen(port);
    return length >= 1 && length <= 5 && strspn(port, DIGITS) == length && port[0] != '0' &&
           strtol(port, NULL, 10) <= 65535;
}

static bool label_valid(const char *label, size_t length)
{
    return length >= 1 && length <= 63 && label[0] != '-' && label[length - 1] != '-';
}

bool reference_host_valid(const char *host)
{
    size_t length = host_length(host);
    if (length == 0 || length > MAX_HOST ||
        (host[length] == ':' ? !port_valid(host + length + 1) : host[length] != '\0'))
        return false;

    if (host[0] == '[') {
        struct in6_addr address;
        autofree char *inner = xstrndup(host + 1, length - 2);
        return inet_pton(AF_INET6, inner, &address) == 1;
    }

    if (strspn(host, LOWER UPPER DIGITS "-.") < length)
        return false;

    for (size_t at = 0; at <= length;) {
        size_t label = strcspn(host + at, ".:");
        if (!label_valid(host + at, label))
            return false;
        at += label + 1;
    }
    return true;
}

bool reference_is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    size_t length = host_length(host);

    if (length >= 2 && host[0] == '[') {
        autofree char *inner = xstrndup(host + 1, length - 2);
        return inet_pton(AF_INET6, inner, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    }

    autofree char *name = xstrndup(host, length);
    if (strcasecmp(name, "localhost") == 0)
        return true;
    return inet_pton(AF_INET, name, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

/* The full name, or the text itself when it is no reference. Caller frees. */
static char *full_name(const char *text)
{
    struct error ignored = {0};
    struct reference reference = {0};
    if (reference_parse(text, &reference, &ignored) != 0)
        return xstrdup(text);

    char *name = reference_name(&reference);
    reference_release(&reference);
    return name;
}

bool reference_same(const char *one, const char *other)
{
    autofree char *left = full_name(one), *right = full_name(other);
    return strcmp(left, right) == 0;
}

const char *reference_server(const char *host)
{
    return strcmp(host, "docker.io") == 0 ? "registry-1.docker.io" : host;
}

/* One component: runs of [a-z0-9] joined by '.', '_', '__' or any number of '-'. */
static bool component_valid(const char *text, size_t length)
{
    size_t at = 0;

    for (;;) {
        size_t run = strspn(text + at, LOWER DIGITS);
        if (run == 0 || (at += run) > length)
            return false;
        if (at == length)
            return true;

        size_t dashes = strspn(text + at, "-");
        if (dashes > 0)
            at += dashes;
        else if (text[at] == '.')
            at++;
        else if (text[at] == '_')
            at += text[at + 1] == '_' ? 2 : 1;
        else
            return false;
    }
}

static int check_repository(const char *text, const char *repository, struct error *err)
{
    if (strlen(repository) > MAX_REPOSITORY)
        return error_set(err, ERROR_PROJECT,
                         "image reference '%.80s...': the name is longer than %d characters", text,
                         MAX_REPOSITORY);
    if (strpbrk(repository, UPPER))
        return error_set(err, ERROR_PROJECT,
                         "image reference '%s': '%s' has upper-case letters; names are lower case",
                         text, repository);

    for (const char *at = repository;;) {
        size_t length = strcspn(at, "/");
        if (length == 0)
            return error_set(
                err, ERROR_PROJECT,
                "image reference '%s': a part of the name is empty; write HOST/NAME:TAG", text);
        if (!component_valid(at, length))
            return error_set(
                err, ERROR_PROJECT,
                "image reference '%s': '%.*s' is not a valid name; use a-z, 0-9 and single '.', "
                "'_' or '-' between them",
                text, (int)length, at);
        if (!at[length])
            return 0;
        at += length + 1;
    }
}

static int check_tag(const char *text, const char *tag, struct error *err)
{
    size_t length = strlen(tag);
    if (length == 0)
        return error_set(err, ERROR_PROJECT, "image reference '%s': the tag after ':' is empty",
                         text);
    if (length > MAX_TAG)
        return error_set(err, ERROR_PROJECT,
                         "image reference '%.80s...': the tag is longer than %d characters", text,
                         MAX_TAG);

    if (tag[0] == '.' || tag[0] == '-' || strspn(tag, LOWER UPPER DIGITS "_.-") < length)
        return error_set(
            err, ERROR_PROJECT,
            "image reference '%s': '%s' is not a valid tag; use letters, digits, '_', '.' and '-'",
            text, tag);
    return 0;
}

static int set_digest(const char *text, const char *digest, struct reference *out,
                      struct error *err)
{
    if (digest_parse(&out->digest, digest))
        return 0;

    if (strncmp(digest, "sha256:", 7) == 0)
        return error_set(err, ERROR_PROJECT,
                         "image reference '%s': '%s' is not a digest; "
                         "it is 'sha256:' and 64 lower-case hex digits",
                         text, digest);
    return error_set(
        err, ERROR_PROJECT,
        "image reference '%s': the digest '%s' is not of type sha256, the only one supported", text,
        digest);
}

/* Sets out->host, and moves *rest past it. */
static int split_host(const char *text, char **rest, struct reference *out, struct error *err)
{
    char *slash = strchr(*rest, '/');
    size_t length = slash ? (size_t)(slash - *rest) : 0;
    bool named = length > 0 && (memchr(*rest, '.', length) || memchr(*rest, ':', length) ||
                                (length == 9 && strncasecmp(*rest, "localhost", 9) == 0));

    if (!named) {
        out->host = xstrdup("docker.io");
        return 0;
    }

    out->host = xstrndup(*rest, length);
    for (char *c = out->host; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    if (!reference_host_valid(out->host))
        return error_set(err, ERROR_PROJECT, "image reference '%s': '%s' is not a valid host", text,
                         out->host);

    if (strcmp(out->host, "index.docker.io") == 0 || strcmp(out->host, "registry-1.docker.io") == 0)
        memcpy(out->host, "docker.io", sizeof "docker.io");
    *rest = slash + 1;
    return 0;
}

static int parse(const char *text, char *rest, struct reference *out, struct error *err)
{
    char *at = strchr(rest, '@');
    if (at) {
        *at = '\0';
        if (set_digest(text, at + 1, out, err) != 0)
            return -1;
    }

    if (split_host(text, &rest, out, err) != 0)
        return -1;

    char *slash = strrchr(rest, '/'), *colon = strchr(slash ? slash : rest, ':');
    if (colon) {
        *colon = '\0';
        if (check_tag(text, colon + 1, err) != 0)
            return -1;
        out->tag = xstrdup(colon + 1);
    } else if (!at) {
        out->tag = xstrdup("latest");
    }

    bool official = strcmp(out->host, "docker.io") == 0 && rest[0] && !strchr(rest, '/');
    out->repository = xasprintf("%s%s", official ? "library/" : "", rest);
    return check_repository(text, out->repository, err);
}

int reference_parse(const char *text, struct reference *out, struct error *err)
{
    *out = (struct reference){0};

    if (text[0] == '\0')
        return error_set(err, ERROR_PROJECT, "the image reference is empty; write HOST/NAME:TAG");
    if (strlen(text) > MAX_TEXT)
        return error_set(err, ERROR_PROJECT,
                         "image reference '%.80s...' is longer than %d characters", text, MAX_TEXT);

    const char *scheme = strstr(text, "://");
    if (scheme)
        return error_set(err, ERROR_PROJECT,
                         "image reference '%s': leave '%.*s' out; it starts with the host", text,
                         (int)(scheme + 3 - text), text);
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
            return error_set(err, ERROR_PROJECT,
                             "image reference '%s' has a space or a character that isn't ASCII",
                             text);

    autofree char *copy = xstrdup(text);
    int result = parse(text, copy, out, err);
    if (result != 0)
        reference_release(out);
    return result;
}

char *reference_name(const struct reference *reference)
{
    bool digest = reference->digest.text[0] != '\0';
    return xasprintf("%s/%s%s%s%s%s", reference->host, reference->repository,
                     reference->tag ? ":" : "", reference->tag ? reference->tag : "",
                     digest ? "@" : "", digest ? reference->digest.text : "");
}
