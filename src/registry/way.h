#ifndef LBUILD_REGISTRY_WAY_H
#define LBUILD_REGISTRY_WAY_H

#include "registry/address.h"
#include "registry/http.h"
#include "registry/proxy.h"

/* Which way requests go, and which ways are forbidden. The user names the registry, so it may be
 * anywhere. The registry names hosts for tokens and blobs, and those may be public, or in a zone
 * where the registry itself was found: otherwise it could make us reach into our own network. What
 * counts is the address that is connected to, each time, since names can lead to any. Through a
 * proxy, which looks names up itself, it is the address as written. */
struct way {
    char *home;     /* the registry's host; NULL: nothing is forbidden */
    unsigned zones; /* enum zone: where it was found */
};

void way_release(struct way *way);
/* Notes that a connection to the registry itself has worked: its address or, through a proxy, its
 * host as written. */
void way_found_home(struct way *way, const char *address);
bool way_allows(const struct way *way, enum zone zone);

/* The way to one URL. */
struct hop {
    struct proxy proxy;
    bool foreign; /* to another host than the registry's: each address must be allowed */
};
/* Errors: ERROR_REGISTRY for an address, as written, that isn't allowed. *hop is released first. */
int way_choose(const struct way *way, const struct http_url *url, struct hop *hop,
               struct error *err) must_check;
void hop_release(struct hop *hop);
/* Makes the error for a host whose address isn't allowed; NULL when the host is the address.
 * Returns -1. */
int way_refuse(const struct way *way, const char *host, const char *address, struct error *err);

/* Whether both have the same scheme, host and port. */
bool way_same_origin(const struct http_url *a, const struct http_url *b);

#endif
