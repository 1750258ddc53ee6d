#include "registry/challenge.h"

#include "support/buf.h"
#include "support/own.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_CHALLENGES = 16 };

/* RFC 9110 section 5.6.2. */
#define TOKEN "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

void challenges_release(struct challenges *list)
{
    for (size_t i = 0; i < list->len; i++) {
        free(list->items[i].realm);
        free(list->items[i].service);
        free(list->items[i].scope);
    }
    free(list->items);
    *list = (struct challenges){0};
}

static enum challenge_scheme scheme_of(const char *text, size_t length)
{
    if (length == 5 && strncasecmp(text, "Basic", 5) == 0)
        return CHALLENGE_BASIC;
    if (length == 6 && strncasecmp(text, "Bearer", 6) == 0)
        return CHALLENGE_BEARER;
    return CHALLENGE_OTHER;
}

static const char *skip(const char *at, const char *set)
{
    return at + strspn(at, set);
}

/* Reads a quoted string or a bare value, and returns its end. A bare value goes up to the next
 * comma or space, since some servers don't quote the realm. */
static const char *read_value(const char *at, struct buf *out)
{
    if (*at != '"') {
        size_t length = strcspn(at, ", \t");
        buf_add(out, at, length);
        return at + length;
    }

    for (at++; *at && *at != '"'; at++) {
        if (*at == '\\' && at[1])
            at++;
        buf_addc(out, *at);
    }
    return *at ? at + 1 : at;
}

static bool is_key(const char *key, size_t length, const char *name)
{
    return length == strlen(name) && strncasecmp(key, name, length) == 0;
}

static void set_parameter(struct challenge *challenge, const char *key, size_t length,
                          struct buf *value)
{
    char **slot = NULL;
    if (is_key(key, length, "realm"))
        slot = &challenge->realm;
    else if (is_key(key, length, "service"))
        slot = &challenge->service;
    else if (is_key(key, length, "scope"))
        slot = &challenge->scope;

    if (slot && !*slot)
        *slot = buf_detach(value);
}

void challenges_parse(struct challenges *list, const char *value)
{
    struct challenge *current = NULL;

    for (const char *at = skip(value, ", \t"); *at; at = skip(at, ", \t")) {
        size_t length = strspn(at, TOKEN);
        if (length == 0) {
            at++;
            continue;
        }

        const char *next = skip(at + length, " \t");
        if (*next == '=' && current) {
            AUTO(buf) text = {0};
            const char *end = read_value(skip(next + 1, " \t"), &text);
            set_parameter(current, at, length, &text);
            at = end;
        } else if (*next == '=') {
            at = next + 1;
        } else {
            if (list->len == MAX_CHALLENGES)
                return;
            grow(list->items, list->len, list->cap);
            current = &list->items[list->len++];
            *current = (struct challenge){.scheme = scheme_of(at, length)};
            at += length;
        }
    }
}

const struct challenge *challenges_find(const struct challenges *list, enum challenge_scheme scheme)
{
    for (size_t i = 0; i < list->len; i++)
        if (list->items[i].scheme == scheme)
            return &list->items[i];
    return NULL;
}
