#ifndef LBUILD_REGISTRY_PROXY_H
#define LBUILD_REGISTRY_PROXY_H

/* The proxy of a request over HTTPS, by the rules of Go's tools (golang.org/x/net/http/httpproxy),
 * so that lbuild takes the way that docker and skopeo take. HTTPS_PROXY, https_proxy, and then
 * libcurl's ALL_PROXY and all_proxy name it. "localhost" and loopback addresses never use one, nor
 * do the hosts in NO_PROXY (no_proxy), a list separated by commas or blanks:
 *
 *   *                          all
 *   example.com[:PORT]         the host and all names below it
 *   .example.com, *.example.com[:PORT]   the names below it alone
 *   10.0.0.1[:PORT], 10.0.0.0/8, [::1]:PORT   addresses as written in the URL
 */
struct proxy {
    char *url;                 /* for libcurl, with the login; NULL: no proxy */
    char *server;              /* "HOST[:PORT]" of it, for messages */
    char *variable;            /* that names it */
    char *username, *password; /* decoded, or NULL */
};

/* The host as in a URL: lower case, IPv6 in brackets. The port is never empty. */
void proxy_find(const char *host, const char *port, struct proxy *out);
void proxy_release(struct proxy *proxy);

#endif
