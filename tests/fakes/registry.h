#ifndef LBUILD_TESTS_FAKES_REGISTRY_H
#define LBUILD_TESTS_FAKES_REGISTRY_H

#include "support/strv.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* An HTTP server on 127.0.0.1 that plays a registry, a token server or what a redirect leads to,
 * faults included. It does as it is told by a list of routes, one connection at a time, and writes
 * down every request it gets. */
struct fake_reply {
    int status;          /* -1: hangs up without a word */
    const char *headers; /* further header lines, each ending in "\r\n", or NULL */
    const void *body;
    size_t length;
    size_t cut; /* stops after so many bytes of the body; 0: doesn't */
    bool stall; /* sends the head and `cut` bytes, then nothing until the server stops or the client
                   goes */
    bool ranges;  /* honours "Range: bytes=N-" */
    bool chunked; /* sends no Content-Length: the end of the connection is the end of the body */
    const char *need; /* a header line that the request must have, else the answer is 401 ... */
    const char *challenge; /* ... with this WWW-Authenticate */
};

enum { FAKE_REPLIES = 8 };
struct fake_route {
    const char *target; /* beginning of "METHOD TARGET"; the first route that fits counts */
    struct fake_reply
        replies[FAKE_REPLIES]; /* one after the other; the last one before a status of 0 stays */
    size_t used;
};

struct fake_server {
    int listener, stop[2];
    unsigned port;
    struct fake_route *routes; /* borrowed; not to be changed while a request is under way */
    size_t route_count;
    pthread_mutex_t lock;
    struct strv requests; /* whole heads (and bodies), under the lock */
    pthread_t thread;
};

void fake_start(struct fake_server *server, struct fake_route *routes, size_t count);
void fake_stop(struct fake_server *server);
/* How many requests hold both texts. */
size_t fake_count(struct fake_server *server, const char *text, const char *other);

#endif
