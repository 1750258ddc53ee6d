#include "registry/proxy.h"

#include "support/buf.h"
#include "support/own.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What a request asks for. */
struct target {
    const char *name, *port; /* no brackets */
    unsigned char bytes[16]; /* of an address */
    size_t length;           /* 4, 16, or 0 for a name */
};

void proxy_release(struct proxy *proxy)
{
    if (proxy->url)
        explicit_bzero(proxy->url, strlen(proxy->url));
    if (proxy->password)
        explicit_bzero(proxy->password, strlen(proxy->password));
    free(proxy->url);
    free(proxy->server);
    free(proxy->variable);
    free(proxy->username);
    free(proxy->password);
    *proxy = (struct proxy){0};
}

/* --- NO_PROXY --- */

/* The bytes of an address, IPv4-mapped ones as IPv4: 4, 16, or 0 when the text is none. */
static size_t read_address(const char *text, unsigned char *bytes)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (inet_pton(AF_INET, text, bytes) == 1)
        return 4;
    if (inet_pton(AF_INET6, text, bytes) != 1)
        return 0;
    if (memcmp(bytes, mapped, sizeof mapped) != 0)
        return 16;
    memmove(bytes, bytes + 12, 4);
    return 4;
}

static bool is_loopback(const struct target *target)
{
    static const unsigned char one[16] = {[15] = 1};
    if (target->length == 4)
        return target->bytes[0] == 127;
    return target->length == 16 ? memcmp(target->bytes, one, sizeof one) == 0
                                : strcmp(target->name, "localhost") == 0;
}

/* "ADDRESS/BITS". */
static bool in_network(const struct target *target, const char *entry, const char *slash)
{
    unsigned char bytes[16];
    char *end = NULL;
    autofree char *address = xstrndup(entry, (size_t)(slash - entry));
    size_t length = read_address(address, bytes);
    unsigned long bits = isdigit((unsigned char)slash[1]) ? strtoul(slash + 1, &end, 10) : 0;
    if (length == 0 || length != target->length || !end || *end || bits > length * 8)
        return false;

    size_t whole = bits / 8, rest = bits % 8;
    unsigned mask = 0xff00U >> rest & 0xff;
    return memcmp(bytes, target->bytes, whole) == 0 &&
           (rest == 0 || (bytes[whole] & mask) == (target->bytes[whole] & mask));
}

/* Splits "HOST[:PORT]" or "[IPv6][:PORT]"; a bare IPv6 address has no port. The caller frees the
 * host, and *port points into the entry, or is NULL. */
static char *split(const char *entry, const char **port)
{
    const char *colon = strrchr(entry, ':'), *bracket = strchr(entry, ']');
    *port = NULL;
    if (entry[0] == '[' && bracket) {
        *port = bracket[1] == ':' ? bracket + 2 : NULL;
        return xstrndup(entry + 1, (size_t)(bracket - entry - 1));
    }

    if (!colon || strchr(entry, ':') != colon)
        return xstrdup(entry);
    *port = colon + 1;
    return xstrndup(entry, (size_t)(colon - entry));
}

static bool name_matches(const char *name, const char *wanted)
{
    if (strncmp(wanted, "*.", 2) == 0)
        wanted++;
    size_t length = strlen(name), tail = strlen(wanted);
    if (wanted[0] != '.' && strcasecmp(name, wanted) == 0)
        return true;

    const char *dot = wanted[0] == '.' ? "" : ".";
    size_t all = tail + strlen(dot);
    return length > all && strcasecmp(name + length - tail, wanted) == 0 &&
           (wanted[0] == '.' || name[length - all] == '.');
}

static bool entry_matches(const struct target *target, const char *entry)
{
    unsigned char bytes[16];
    const char *slash = strchr(entry, '/'), *port = NULL;
    if (strcmp(entry, "*") == 0)
        return true;
    if (slash)
        return in_network(target, entry, slash);

    autofree char *host = split(entry, &port);
    if (!host[0] || (port && port[0] && strcmp(port, target->port) != 0))
        return false;

    size_t length = read_address(host, bytes);
    if (length > 0)
        return length == target->length && memcmp(bytes, target->bytes, length) == 0;
    return name_matches(target->name, host);
}

static const char *first_set(const char *const *names, size_t count, const char **which)
{
    for (size_t i = 0; i < count; i++) {
        const char *text = getenv(names[i]);
        *which = names[i];
        if (text && text[0])
            return text;
    }
    return NULL;
}

static bool excepted(const struct target *target)
{
    static const char *const names[] = {"NO_PROXY", "no_proxy"};
    static const char blanks[] = ", \t\r\n";
    const char *which, *at = first_set(names, countof(names), &which);

    while (at && *at) {
        at += strspn(at, blanks);
        size_t length = strcspn(at, blanks);
        autofree char *entry = xstrndup(at, length);
        if (length > 0 && entry_matches(target, entry))
            return true;
        at += length;
    }
    return false;
}

/* --- the proxy --- */

static char *decode(const char *text, size_t length)
{
    AUTO(buf) out = {0};
    for (size_t i = 0; i < length; i++) {
        char hex[3] = {0};
        if (text[i] == '%' && i + 2 < length && isxdigit((unsigned char)text[i + 1]) &&
            isxdigit((unsigned char)text[i + 2])) {
            memcpy(hex, text + i + 1, 2);
            buf_addc(&out, (char)strtoul(hex, NULL, 16));
            i += 2;
        } else {
            buf_addc(&out, text[i]);
        }
    }
    return buf_detach(&out);
}

/* Takes [SCHEME://][USER[:PASSWORD]@]HOST[:PORT][/...] apart. All up to the last '@' is the login:
 * a password may hold a '/' that should have been encoded. */
static void describe(struct proxy *proxy)
{
    const char *scheme = strstr(proxy->url, "://"), *start = scheme ? scheme + 3 : proxy->url;
    const char *at = strrchr(start, '@'), *server = at ? at + 1 : start;
    proxy->server = xstrndup(server, strcspn(server, "/?#"));
    if (!at)
        return;

    const char *colon = memchr(start, ':', (size_t)(at - start)), *end = colon ? colon : at;
    proxy->username = decode(start, (size_t)(end - start));
    if (colon)
        proxy->password = decode(colon + 1, (size_t)(at - colon - 1));
}

void proxy_find(const char *host, const char *port, struct proxy *out)
{
    static const char *const names[] = {"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"};
    bool brackets = host[0] == '[';
    autofree char *name = xstrndup(host + brackets, strcspn(host + brackets, "]"));
    struct target target = {.name = name, .port = port};
    const char *variable, *url = first_set(names, countof(names), &variable);

    *out = (struct proxy){0};
    target.length = read_address(name, target.bytes);
    if (!url || is_loopback(&target) || excepted(&target))
        return;

    out->url = xstrdup(url);
    out->variable = xstrdup(variable);
    describe(out);
}
