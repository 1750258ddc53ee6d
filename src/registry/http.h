#ifndef LBUILD_REGISTRY_HTTP_H
#define LBUILD_REGISTRY_HTTP_H

#include "registry/challenge.h"
#include "support/buf.h"
#include "support/error.h"
#include "support/own.h"

#include <stdbool.h>
#include <stdint.h>

/* HTTP and HTTPS, by libcurl: one request at a time over connections that are kept alive.
 * Certificates are always verified. Proxies come from the environment as libcurl reads it
 * (HTTPS_PROXY, NO_PROXY), but never stand before plain HTTP, which is for this machine only.
 * Redirects: at most 10, never from HTTPS to HTTP, never by plain HTTP to another machine, and
 * without the credentials when they lead to another host or port (libcurl does that;
 * CURLOPT_UNRESTRICTED_AUTH stays off). */

struct http_settings {
    const char
        *ca_file;     /* CA certificates (PEM) on top of the system's or SSL_CERT_FILE's, or NULL */
    unsigned timeout; /* seconds to connect, and without data before giving up; 0: 10 and 30 */
};

struct http_reply {
    long status;          /* of the last reply, after redirects */
    char *content_type;   /* without parameters, lower case; NULL when absent */
    char *content_digest; /* Docker-Content-Digest, or NULL */
    int64_t length;       /* Content-Length, -1 when unknown */
    int64_t range_start;  /* of Content-Range, -1 when absent or unreadable */
    unsigned retry_after; /* seconds, at most 60; 0 when absent */
    struct challenges challenges;
    struct buf body; /* what no sink took */
};

struct http_request {
    const char *url;
    const char *form;   /* makes it a POST of application/x-www-form-urlencoded that follows no
                           redirect; NULL: GET */
    const char *accept; /* or NULL */
    const char *bearer; /* token for "Authorization: Bearer"; printable ASCII, else the request is
                           refused */
    const char *username, *password; /* Basic, without a bearer */
    uint64_t from;                   /* first byte wanted; 0: all */
    size_t limit; /* most bytes of a 200 reply's body that are taken into reply->body; more is an
                     error */
    /* Streaming, or NULL: for a status of 200 or 206, `begin` comes once, before the body, then
     * `sink` with each piece. */
    int (*begin)(void *data, const struct http_reply *reply, struct error *err);
    int (*sink)(void *data, const void *bytes, size_t length, struct error *err);
    void *data;
};

struct http;
/* Errors: ERROR_ENGINE without libcurl, ERROR_REGISTRY for a CA file that can't be read. */
struct http *http_open(const struct http_settings *settings, struct error *err) must_check;
void http_free(struct http *http);
DEFINE_AUTOPTR(http)

/* 0: there is a whole reply, of whatever status (an error's body is cut at 64 KiB). -1: ERROR_RETRY
 * for what may go away (no connection, a cut, a stall, DNS), ERROR_REGISTRY for what won't
 * (certificates, redirects, too large), the sink's own error, or 128 + n for a signal. Texts start
 * with the host. Headers are capped at 128 KiB. Empty *reply first with http_reply_release. */
int http_perform(struct http *http, const struct http_request *request, struct http_reply *reply,
                 struct error *err) must_check;
void http_reply_release(struct http_reply *reply);

/* Whether "HOST[:PORT]" speaks TLS, by connecting to it: false only when something else answers
 * there. */
bool http_speaks_tls(struct http *http, const char *host);

/* A URL's parts as libcurl will understand them. */
struct http_url {
    char *scheme; /* lower case */
    char *host;   /* lower case, IPv6 in brackets, no port */
    char *server; /* "HOST[:PORT]" as written */
    char *path;   /* "/" when absent */
    bool user, query, fragment;
};
/* False, and *out empty, when it isn't an http:// or https:// URL. Needs an open struct http. */
bool http_url_parse(const char *text, struct http_url *out);
void http_url_release(struct http_url *url);

#endif
