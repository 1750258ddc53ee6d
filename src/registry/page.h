#ifndef LBUILD_REGISTRY_PAGE_H
#define LBUILD_REGISTRY_PAGE_H

#include "registry/censor.h"
#include "registry/reply.h"

#include <stdbool.h>

/* Web pages where a registry should answer: from a proxy, a login page of a network, a name that is
 * somebody else's. Pure. */

/* Whether a reply's Content-Type says that it is one. */
bool page_by_type(const struct http_reply *reply);
/* Whether a text starts as one, after blanks. */
bool page_starts(const char *text);
/* Whether a reply is one, by its first character, or by its type unless it is a JSON object. */
bool page_is(const struct http_reply *reply);
/* The page's title, or its first words if it has none, at most 100 bytes; "" when it has no words.
 * Caller frees. */
char *page_title(const struct censor *censor, const char *html);

#endif
