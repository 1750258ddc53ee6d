#ifndef LBUILD_REGISTRY_CHALLENGE_H
#define LBUILD_REGISTRY_CHALLENGE_H

#include <stdbool.h>
#include <stddef.h>

/* WWW-Authenticate headers (RFC 9110 section 11.6.1). Each holds one or more challenges, "SCHEME
 * key=value, key=\"value\"", and a reply may have several headers. */
enum challenge_scheme { CHALLENGE_OTHER, CHALLENGE_BASIC, CHALLENGE_BEARER };

struct challenge {
    enum challenge_scheme scheme;
    char *realm, *service, *scope; /* NULL when absent; the first of a name; unquoted */
};

struct challenges {
    struct challenge *items;
    size_t len, cap;
};

/* Adds the challenges of one header's value, up to 16 in all. Skips unreadable parts: a server may
 * send anything, and we couldn't meet a challenge that we don't understand. */
void challenges_parse(struct challenges *list, const char *value);
/* The first one of a scheme, or NULL. */
const struct challenge *challenges_find(const struct challenges *list,
                                        enum challenge_scheme scheme);
void challenges_release(struct challenges *list);

#endif
