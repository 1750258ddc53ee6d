#ifndef LBUILD_TESTS_FAKES_REGISTRY_H
#define LBUILD_TESTS_FAKES_REGISTRY_H

#include "support/strv.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* An HTTP server on 127.0.0.1 that plays a registry, a token server or the target of a
 * redirect, faults included. It follows a list of routes, serves one connection at a time, and
 * records every request. */
struct fake_reply {
    int status;          /* -1: hangs up without a word */
    const char *headers; /* further header lines, each ending in "\r\n", or NULL */
    const void *body;
    size_t length;
    size_t cut;    /* stops after this many bytes of the body; 0: doesn't */
    bool cut_head; /* stops within the head, before Content-Length */
    unsigned pace; /* sends this many bytes at a time, 10 times a second; 0: all at once */
    /* sends the head and `cut` bytes, then nothing until the server stops or the client hangs up */
    bool stall;
    bool ranges;  /* honours "Range: bytes=N-" */
    bool chunked; /* sends no Content-Length: the end of the connection is the end of the body */
    const char *need; /* a header line that the request must have, else the answer is 401 ... */
    const char *challenge; /* ... with this WWW-Authenticate */
};

enum { FAKE_REPLIES = 8 };
struct fake_route {
    const char *target; /* beginning of "METHOD TARGET"; the first route that fits counts */
    /* one after the other; the last one before a status of 0 is repeated */
    struct fake_reply replies[FAKE_REPLIES];
    size_t used;
};

struct fake_server {
    int listener, stop[2];
    unsigned port;
    struct fake_route *routes; /* borrowed; don't change them during a request */
    size_t route_count;
    pthread_mutex_t lock;
    struct strv requests; /* whole heads (and bodies), under the lock */
    pthread_t thread;
};

void fake_start(struct fake_server *server, struct fake_route *routes, size_t count);
void fake_stop(struct fake_server *server);

/* How many requests contain both texts. */
size_t fake_count(struct fake_server *server, const char *text, const char *other);

#endif
