#ifndef LBUILD_REGISTRY_TRANSFER_H
#define LBUILD_REGISTRY_TRANSFER_H

#include "registry/http.h"
#include "registry/way.h"

#include <netinet/in.h>

/* One request on its way: what becomes of the pieces that arrive. */
struct transfer {
    struct http *http;
    const struct http_request *request;
    struct http_reply *reply;
    struct error *err;
    const char *where; /* the host, for messages */
    struct hop hop;    /* the present one */
    int64_t deadline;  /* by process_clock() */
    size_t header_bytes;
    char inside[INET6_ADDRSTRLEN]; /* an address of the hop that was refused; "" for none */
    bool failed;                   /* *err says why */
    bool enough;                   /* the body of an error was cut */
    bool started;                  /* the request's `begin` was called */
};

/* These return -1 when no more may come: after an error, with `failed` set, or with `enough`. */

/* Takes a line of the head, line break included. All heads together may have 128 KiB. */
int transfer_head(struct transfer *transfer, const char *bytes, size_t length);
/* Takes a piece of the body. The status and the length of the reply must be set. */
int transfer_body(struct transfer *transfer, const char *bytes, size_t length);
/* Call when the reply is whole, since a body may be empty. */
int transfer_end(struct transfer *transfer);
/* Marks it as failed, and returns -1. */
int transfer_fail(struct transfer *transfer);

#endif
