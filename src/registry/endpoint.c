#include "registry/endpoint.h"

#include "support/own.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void endpoint_release(struct endpoint *endpoint)
{
    free(endpoint->base);
    free(endpoint->host);
    free(endpoint->repository);
    free(endpoint->mirror_of);
    *endpoint = (struct endpoint){0};
}

static int check_url(const char *entry, const char *text, const struct http_url *url,
                     struct error *err)
{
    if (url->user || url->query || url->fragment)
        return error_set(
            err, ERROR_USAGE,
            "mirror '%s': a mirror's URL has no user, query or fragment; logins come from "
            "docker's or podman's files",
            url->user ? "(not shown: it holds a login)" : entry);
    if (!reference_host_valid(url->server))
        return error_set(err, ERROR_USAGE, "mirror '%s': '%s' has no valid host", entry, text);
    if (strcmp(url->scheme, "http") == 0 && !reference_is_loopback(url->server))
        return error_set(err, ERROR_USAGE,
                         "mirror '%s': plain http:// is accepted for this machine only (localhost, "
                         "127.0.0.0/8, ::1), since anybody "
                         "on the way could change the image; use https://",
                         entry);
    return 0;
}

/* The path prefix without leading and trailing slashes. Caller frees. */
static char *trim_prefix(const char *path)
{
    path += strspn(path, "/");
    size_t length = strlen(path);
    while (length > 0 && path[length - 1] == '/')
        length--;
    return xstrndup(path, length);
}

/* Returns 1 and *out when the entry is for the reference's host, 0 when it isn't. */
static int use_entry(const char *entry, const struct reference *reference, struct endpoint *out,
                     struct error *err)
{
    const char *equals = strchr(entry, '=');
    struct http_url url = {0};
    if (!equals || equals == entry || !http_url_parse(equals + 1, &url))
        return error_set(err, ERROR_USAGE,
                         "mirror '%s' is not HOST=URL, as in docker.io=https://mirror.example",
                         strchr(entry, '@') ? "(not shown: it may hold a login)" : entry);

    int result = check_url(entry, equals + 1, &url, err);
    size_t length = (size_t)(equals - entry);
    if (result == 0 && strlen(reference->host) == length &&
        strncasecmp(entry, reference->host, length) == 0) {
        autofree char *prefix = trim_prefix(url.path);
        out->base = xasprintf("%s://%s", url.scheme, url.server);
        out->host = xstrdup(url.server);
        out->repository = xasprintf("%s%s%s", prefix, prefix[0] ? "/" : "", reference->repository);
        out->mirror_of = xstrdup(reference->host);
        result = 1;
    }

    http_url_release(&url);
    return result;
}

static void add_environment(struct strv *entries)
{
    const char *text = getenv("LBUILD_REGISTRY_MIRROR");
    while (text && *text) {
        text += strspn(text, ", \t\n");
        size_t length = strcspn(text, ", \t\n");
        if (length > 0)
            strv_take(entries, xstrndup(text, length));
        text += length;
    }
}

int endpoint_find(const struct reference *reference, const struct strv *mirrors, struct http *http,
                  struct endpoint *out, struct error *err)
{
    AUTO(strv) entries = {0};
    *out = (struct endpoint){0};
    if (mirrors)
        strv_add_all(&entries, mirrors);
    add_environment(&entries);

    for (size_t i = 0; i < entries.len; i++) {
        struct endpoint found = {0};
        int result = use_entry(entries.items[i], reference, &found, err);
        if (result > 0 && !out->base)
            *out = found;
        else
            endpoint_release(&found);
        if (result < 0) {
            endpoint_release(out);
            return -1;
        }
    }

    if (out->base)
        return 0;

    const char *server = reference_server(reference->host);
    bool plain = reference_is_loopback(server) && !http_speaks_tls(http, server);
    out->base = xasprintf("%s://%s", plain ? "http" : "https", server);
    out->host = xstrdup(server);
    out->repository = xstrdup(reference->repository);
    return 0;
}
