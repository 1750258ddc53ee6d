#include "registry/way.h"

#include <stdlib.h>
#include <string.h>

void way_release(struct way *way)
{
    free(way->home);
    *way = (struct way){0};
}

void way_found_home(struct way *way, const char *address)
{
    way->zones |= address_zone_of_host(address);
}

bool way_allows(const struct way *way, enum zone zone)
{
    return zone == ZONE_PUBLIC || (way->zones & zone) != 0;
}

void hop_release(struct hop *hop)
{
    proxy_release(&hop->proxy);
    *hop = (struct hop){0};
}

int way_refuse(const struct way *way, const char *host, const char *address, struct error *err)
{
    return error_set(
        err, ERROR_REGISTRY,
        "%s: the registry sends lbuild on to '%s'%s%s%s, an address inside of this "
        "network, which is not accepted; use a registry that is in this network itself "
        "(--registry-mirror HOST=URL)",
        way->home, host, address ? " (" : "", address ? address : "", address ? ")" : "");
}

int way_choose(const struct way *way, const struct http_url *url, struct hop *hop,
               struct error *err)
{
    hop_release(hop);
    hop->foreign = way->home && strcmp(way->home, url->host) != 0;
    if (hop->foreign && !way_allows(way, address_zone_of_host(url->host)))
        return way_refuse(way, url->server, NULL, err);

    if (strcmp(url->scheme, "https") == 0)
        proxy_find(url->host, url->port, &hop->proxy);
    return 0;
}

bool way_same_origin(const struct http_url *a, const struct http_url *b)
{
    return strcmp(a->scheme, b->scheme) == 0 && strcmp(a->host, b->host) == 0 &&
           strcmp(a->port, b->port) == 0;
}
