#ifndef LBUILD_REGISTRY_AUTH_H
#define LBUILD_REGISTRY_AUTH_H

#include "registry/credentials.h"
#include "registry/endpoint.h"
#include "registry/http.h"

/* How requests to one repository authenticate (distribution: token and OAuth2 authentication). They
 * are anonymous until the registry asks. Then they use Basic, or a Bearer token from the realm that
 * the registry names, fetched with the login that credentials_find knows or anonymously. A refused
 * login is set aside once, with a warning, and anonymous access is tried: a forgotten `docker login
 * public.ecr.aws` must not block public images. */
struct auth {
    const struct endpoint *endpoint;
    struct credentials credentials;
    enum { LOGIN_UNKNOWN, LOGIN_NONE, LOGIN_FOUND, LOGIN_REFUSED } login;
    char *token; /* of Bearer */
    bool basic;  /* the registry asked for Basic, and there is a login */
    bool used;   /* what requests carry now comes from the login */
    bool fresh;  /* what requests carry now was obtained for the present request */
};

/* Anonymous at first. The endpoint is borrowed. */
void auth_init(struct auth *auth, const struct endpoint *endpoint);
void auth_release(struct auth *auth);
/* Call before each new request: what it carries is older than the request and may have expired. */
void auth_begin(struct auth *auth);
/* Sets the request's token, or user name and password, if there are any. The request borrows them
 * until the next auth_answer. */
void auth_apply(const struct auth *auth, struct http_request *request);
/* Answers a 401 or 403 to a request that auth_apply has filled. 1: send it again. 0: there is
 * nothing else to try, which happens after at most four answers to one request. -1: ERROR_REGISTRY
 * for a realm that is not acceptable, ERROR_RETRY for a token server in trouble, whose Retry-After
 * is then in reply->retry_after. */
int auth_answer(struct auth *auth, struct http *http, struct http_reply *reply,
                struct error *err) must_check;
/* Adds "; WHAT; REMEDY" to the message about a request that was refused to the end: where the login
 * came from and what became of it, never the login itself. */
void auth_explain(const struct auth *auth, struct buf *out);

/* Whether a token may be fetched from `realm` for a registry at `base` (both URLs). The realm must
 * be HTTPS, or plain HTTP when both are on this machine; it must not hold a user name. Loopback,
 * link-local and private addresses are refused unless the registry is there too (way.h): a registry
 * could make us reach into our own network. This is about the address as written; http_perform
 * judges what a name leads to. Otherwise ERROR_REGISTRY. */
int auth_check_realm(struct http *http, const char *base, const char *realm,
                     struct error *err) must_check;

#endif
