#ifndef LBUILD_REGISTRY_CHALLENGE_H
#define LBUILD_REGISTRY_CHALLENGE_H

#include <stdbool.h>
#include <stddef.h>

/* WWW-Authenticate headers (RFC 9110 section 11.6.1): a list of challenges, "SCHEME key=value,
 * key=\"value\"", several of them possible in one header and in several headers. */
enum challenge_scheme { CHALLENGE_OTHER, CHALLENGE_BASIC, CHALLENGE_BEARER };

struct challenge {
    enum challenge_scheme scheme;
    char *realm, *service, *scope; /* NULL when absent; the first one counts; quoting undone */
};

struct challenges {
    struct challenge *items;
    size_t len, cap;
};

/* Adds what one header's value holds, at most 16 challenges in all. What can't be read is left out:
 * a server may send anything, and a challenge that isn't understood can't be met anyway. */
void challenges_parse(struct challenges *list, const char *value);
/* The first one of a scheme, or NULL. */
const struct challenge *challenges_find(const struct challenges *list,
                                        enum challenge_scheme scheme);
void challenges_release(struct challenges *list);

#endif
