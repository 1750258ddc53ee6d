#ifndef LBUILD_REGISTRY_ENDPOINT_H
#define LBUILD_REGISTRY_ENDPOINT_H

#include "registry/http.h"
#include "registry/reference.h"
#include "support/error.h"
#include "support/strv.h"

/* Where the requests for an image really go: to its registry, or to a mirror of the registry. */
struct endpoint {
    char *base;       /* "https://HOST[:PORT]", no slash at the end */
    char *host;       /* "HOST[:PORT]" of base, for logins and messages */
    char *repository; /* with a mirror's path prefix in front */
    char *mirror_of;  /* the registry that it mirrors, or NULL */
};

/* `mirrors` (may be NULL) and then LBUILD_REGISTRY_MIRROR of the environment, separated by commas,
 * hold entries "HOST=URL"; the first one for the reference's host is used. URL is
 * https://HOST[:PORT][/PREFIX]; http:// is accepted only for this machine. Without a mirror, a
 * registry on this machine is asked whether it speaks TLS, and gets plain HTTP when it doesn't.
 * Errors: ERROR_USAGE for any other entry, also when it is for another host. */
int endpoint_find(const struct reference *reference, const struct strv *mirrors, struct http *http,
                  struct endpoint *out, struct error *err) must_check;
void endpoint_release(struct endpoint *endpoint);

#endif
