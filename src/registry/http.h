#ifndef LBUILD_REGISTRY_HTTP_H
#define LBUILD_REGISTRY_HTTP_H

#include "registry/address.h"
#include "registry/censor.h"
#include "registry/reply.h"
#include "support/error.h"
#include "support/own.h"

#include <stdbool.h>
#include <stdint.h>

/* HTTP and HTTPS, by libcurl: one request at a time, over connections that are kept alive.
 * Certificates are always verified. Proxies come from the environment (proxy.h); plain HTTP, which
 * is only for this machine, uses none. At most 10 redirects are followed, none from HTTPS to HTTP
 * and none by plain HTTP to another machine. A redirect to another host or port goes without the
 * credentials, and so do those after it. */

struct http_settings {
    const char *ca_file; /* CA certificates (PEM) besides the system's; or NULL */
    unsigned timeout;    /* seconds to connect, and seconds below the least rate of 1 KiB a second;
                            0: 10 and 30 */
    unsigned whole;      /* seconds for a request with its redirects, 12 times as many for one with
                            a sink; 0: 10 times the time below the least rate */
};

struct http_request {
    const char *url;
    const char *form;   /* the body of a POST, application/x-www-form-urlencoded, which follows no
                           redirect; NULL: GET */
    const char *accept; /* or NULL */
    const char *bearer; /* token for "Authorization: Bearer"; must be printable ASCII */
    const char *username, *password; /* of Basic, which is used when there is no bearer */
    uint64_t from;                   /* the first byte to ask for; 0: all of them */
    size_t limit; /* maximum bytes of a 200 reply in reply->body; more is an error */

    /* Streaming, or NULL. With a status of 200 or 206, `begin` is called once, before the body,
     * then `sink` with each piece. */
    int (*begin)(void *data, const struct http_reply *reply, struct error *err);
    int (*sink)(void *data, const void *bytes, size_t length, struct error *err);
    void *data;
};

struct http;

/* Errors: ERROR_ENGINE without libcurl, ERROR_REGISTRY for a CA file that can't be read. */
struct http *http_open(const struct http_settings *settings, struct error *err) must_check;
void http_free(struct http *http);
DEFINE_AUTOPTR(http)
/* The secrets that no message may repeat; callers add those that they know. Owned by the http. */
struct censor *http_censor(struct http *http);
/* From now on requests to other hosts than this URL's are only sent to addresses that way.h allows;
 * another one is ERROR_REGISTRY. False for text that isn't a URL. */
bool http_set_home(struct http *http, const char *base);
/* Whether a request to another host may go there. */
bool http_allows(const struct http *http, enum zone zone);

/* 0: a whole reply of any status came (the body of an error is cut at 64 KiB). -1: ERROR_RETRY for
 * failures that may pass (no connection, a cut, a stall, DNS), ERROR_REGISTRY for those that won't
 * (certificates, redirects, too large), the sink's own error, or 128 + n for a signal. Texts start
 * with the host. Headers are capped at 128 KiB. *reply is released first. */
int http_perform(struct http *http, const struct http_request *request, struct http_reply *reply,
                 struct error *err) must_check;

/* Whether "HOST[:PORT]" speaks TLS, by connecting to it. Returns false only when the host answers
 * with something else. */
bool http_speaks_tls(struct http *http, const char *host);

/* The parts of a URL, as libcurl understands them. */
struct http_url {
    char *scheme; /* lower case */
    char *host;   /* lower case, IPv6 in brackets, no port */
    char *port;   /* the scheme's own when absent */
    char *server; /* "HOST[:PORT]" as written */
    char *path;   /* "/" when absent */
    bool user, query, fragment;
};

/* Returns false, with *out empty, for text that isn't an http:// or https:// URL. Needs an open
 * struct http. */
bool http_url_parse(const char *text, struct http_url *out);
void http_url_release(struct http_url *url);

#endif
