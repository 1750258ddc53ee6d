#ifndef LBUILD_REGISTRY_AUTH_H
#define LBUILD_REGISTRY_AUTH_H

#include "registry/credentials.h"
#include "registry/endpoint.h"
#include "registry/http.h"

/* How requests to one repository prove who we are (distribution: token and OAuth2 authentication):
 * nobody until the registry asks; then Basic, or a Bearer token from the realm that it names,
 * fetched with the login that credentials_find knows, else anonymously. A login that is refused is
 * set aside once, with a warning, and the anonymous way tried: a forgotten `docker login
 * public.ecr.aws` must not stand in the way of public images. */
struct auth {
    const struct endpoint *endpoint;
    struct credentials credentials;
    enum { LOGIN_UNKNOWN, LOGIN_NONE, LOGIN_FOUND, LOGIN_REFUSED } login;
    char *token; /* the Bearer */
    bool basic;  /* Basic was asked for, and there is a login */
    bool used;   /* the login took part in what the requests now carry */
    bool fresh;  /* what they carry was got for the present request */
};

/* Nobody yet; the endpoint is borrowed. */
void auth_init(struct auth *auth, const struct endpoint *endpoint);
void auth_release(struct auth *auth);
/* A new request begins: what it carries is from before, and may have run out. */
void auth_begin(struct auth *auth);
/* Puts what there is into a request; the request borrows it until the next auth_answer. */
void auth_apply(const struct auth *auth, struct http_request *request);
/* Answers a 401 or 403 that came for a request carrying what auth_apply gave. 1: send it again; 0:
 * there is nothing else to try; -1: ERROR_REGISTRY for a realm that is not acceptable, ERROR_RETRY
 * (reply->retry_after is then the token server's) for a token server in trouble. It comes to an
 * end: 0 after four answers to one request at the latest. */
int auth_answer(struct auth *auth, struct http *http, struct http_reply *reply,
                struct error *err) must_check;
/* Adds ", DID WHAT; REMEDY" for the message about a request that stayed refused: whose login it
 * was, never the login. */
void auth_explain(const struct auth *auth, struct buf *out);

/* Whether a token may be fetched from `realm` on behalf of a registry at `base` (both URLs): HTTPS
 * only, plain HTTP just between parts of this machine; no user in it; no loopback, link-local or
 * private address on behalf of another host, or a registry could make us reach into our own
 * network. Otherwise ERROR_REGISTRY. Needs an open struct http. */
int auth_check_realm(const char *base, const char *realm, struct error *err) must_check;

#endif
