#ifndef LBUILD_REGISTRY_ENDPOINT_H
#define LBUILD_REGISTRY_ENDPOINT_H

#include "registry/http.h"
#include "registry/reference.h"
#include "support/error.h"
#include "support/strv.h"

/* Where the requests for an image really go: to its registry or to a mirror of that. */
struct endpoint {
    char *base;       /* "https://HOST[:PORT]", no slash at the end */
    char *host;       /* "HOST[:PORT]" of it: whose login is used, and for messages */
    char *repository; /* as the server calls it: a mirror's path prefix comes first */
    char *mirror_of;  /* the registry it stands for, or NULL */
};

/* `mirrors` (may be NULL) and the environment's LBUILD_REGISTRY_MIRROR, separated by commas, are
 * entries "HOST=URL"; the first for the reference's host counts. URL is
 * https://HOST[:PORT][/PREFIX]; http:// is accepted for this machine only. A registry on this
 * machine that is named without a mirror is asked whether it speaks TLS, and gets plain HTTP when
 * it doesn't. Errors: ERROR_USAGE for an entry that is none of that, whatever host it is for. */
int endpoint_find(const struct reference *reference, const struct strv *mirrors, struct http *http,
                  struct endpoint *out, struct error *err) must_check;
void endpoint_release(struct endpoint *endpoint);

#endif
