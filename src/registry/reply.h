#ifndef LBUILD_REGISTRY_REPLY_H
#define LBUILD_REGISTRY_REPLY_H

#include "registry/challenge.h"
#include "support/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* What came for an HTTP request. */
struct http_reply {
    long status;          /* of the last reply, after redirects */
    char *content_type;   /* without parameters, lower case; NULL when absent */
    char *content_digest; /* Docker-Content-Digest, or NULL */
    char *location;       /* or NULL */
    int64_t length;       /* Content-Length, -1 when unknown */
    int64_t range_start;  /* of Content-Range, -1 when absent or unreadable */
    unsigned retry_after; /* seconds, at most 60; 0 when absent */
    bool headed;          /* its head came to its end */
    struct challenges challenges;
    struct buf body; /* unless a sink takes it */
};

void http_reply_release(struct http_reply *reply);
/* Takes one line of the head, without its line break: the status line begins a new reply, an empty
 * line ends the head. */
void http_reply_header(struct http_reply *reply, const char *line);

#endif
