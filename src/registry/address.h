#ifndef LBUILD_REGISTRY_ADDRESS_H
#define LBUILD_REGISTRY_ADDRESS_H

#include <sys/socket.h>

/* Where an internet address is, as bits. A registry says where its tokens and blobs come from, and
 * must not make us reach into our own network. Pure. */
enum zone {
    ZONE_PUBLIC = 1,
    ZONE_PRIVATE = 2,  /* RFC 1918, 100.64.0.0/10, fc00::/7, fec0::/10 */
    ZONE_LOOPBACK = 4, /* 127.0.0.0/8, 0.0.0.0/8, ::1, :: */
    ZONE_LINK = 8,     /* 169.254.0.0/16, fe80::/10: metadata services are there */
};

/* IPv6 addresses that hold an IPv4 address (mapped, compatible, NAT64, 6to4) are where that one is.
 * Other families are public. */
enum zone address_zone(const struct sockaddr *address);
/* The zone of a URL's host as written: an address in any form that resolvers accept, IPv6 in
 * brackets or not, or "localhost". Other names are public: only their address can tell. */
enum zone address_zone_of_host(const char *host);

#endif
