#include "registry/address.h"

#include "registry/reference.h"
#include "support/own.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

static enum zone zone_v4(uint32_t a)
{
    if (a >> 24 == 0 || a >> 24 == 127)
        return ZONE_LOOPBACK;
    if (a >> 16 == 0xa9fe)
        return ZONE_LINK;
    if (a >> 24 == 10 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8 || a >> 22 == 0x191)
        return ZONE_PRIVATE;
    return ZONE_PUBLIC;
}

static enum zone zone_within(const struct in6_addr *v6, size_t at)
{
    uint32_t v4;
    memcpy(&v4, &v6->s6_addr[at], sizeof v4);
    return zone_v4(ntohl(v4));
}

static enum zone zone_v6(const struct in6_addr *v6)
{
    static const unsigned char nat64[12] = {0x00, 0x64, 0xff, 0x9b}; /* RFC 6052 */

    if (IN6_IS_ADDR_LOOPBACK(v6) || IN6_IS_ADDR_UNSPECIFIED(v6))
        return ZONE_LOOPBACK;
    if (IN6_IS_ADDR_V4MAPPED(v6) || IN6_IS_ADDR_V4COMPAT(v6) ||
        memcmp(v6, nat64, sizeof nat64) == 0)
        return zone_within(v6, 12);
    if (v6->s6_addr[0] == 0x20 && v6->s6_addr[1] == 0x02) /* 6to4, RFC 3056 */
        return zone_within(v6, 2);
    if (IN6_IS_ADDR_LINKLOCAL(v6))
        return ZONE_LINK;
    return IN6_IS_ADDR_SITELOCAL(v6) || (v6->s6_addr[0] & 0xfe) == 0xfc ? ZONE_PRIVATE
                                                                        : ZONE_PUBLIC;
}

enum zone address_zone(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        return zone_v4(ntohl(v4.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        return zone_v6(&v6.sin6_addr);
    }
    return ZONE_PUBLIC;
}

enum zone address_zone_of_host(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    bool brackets = host[0] == '[';
    autofree char *address = xstrndup(host + brackets, strcspn(host + brackets, "]%"));

    if (inet_pton(AF_INET6, address, &v6) == 1)
        return zone_v6(&v6);
    if (brackets) /* a form that only libcurl understands */
        return ZONE_LINK;
    if (inet_aton(address, &v4))
        return zone_v4(ntohl(v4.s_addr));
    return reference_is_loopback(host) ? ZONE_LOOPBACK : ZONE_PUBLIC;
}
