#ifndef LBUILD_REGISTRY_CLIENT_H
#define LBUILD_REGISTRY_CLIENT_H

#include "registry/http.h"
#include "registry/reference.h"
#include "support/digest.h"
#include "support/strv.h"

/* One repository of one registry (OCI distribution-spec, "Pulling"): requests with the login that
 * it takes, through a mirror if there is one, tried again when that may help.
 *
 * Tries: three, with pauses of 1 and 3 seconds or what Retry-After asks for (60 at most), for 408,
 * 429, 5xx and failures of the connection; a blob goes on where it was cut, and every further MiB
 * gives it new tries. Never for 401, 403 (beyond the login) or 404. The environment's
 * LBUILD_HTTP_TIMEOUT=SECONDS (1 to 3600) replaces the 10 seconds to connect and the 30 without
 * data.
 *
 * Errors: ERROR_REGISTRY for what is final, ERROR_RETRY for what may go away, 128 + n for a signal;
 * texts say which host, what, the status, the registry's own code and message (printable ASCII, at
 * most 200 characters) and the remedy. */
struct client_settings {
    const struct strv *mirrors; /* "HOST=URL", or NULL (endpoint.h) */
    const char *ca_file;        /* or NULL (http.h) */
    unsigned second; /* milliseconds that a second of a pause takes; 0: 1000. Tests don't like to
                        wait. */
};

struct client;
/* Finds the mirror, if there is one; sends nothing but the question of TLS to a registry on this
 * machine. Settings are borrowed for the call only. Errors: as http_open and endpoint_find. */
struct client *client_open(const struct reference *reference,
                           const struct client_settings *settings, struct error *err) must_check;
void client_free(struct client *client);
DEFINE_AUTOPTR(client)

/* The manifest or index of a tag or digest, not verified: its bytes are reply->body (at most 4
 * MiB). */
int client_manifest(struct client *client, const char *tag_or_digest, struct http_reply *reply,
                    struct error *err) must_check;

/* Where a blob goes. `offset` bytes of `size` are there already; write goes on behind them and
 * moves `offset`; restart throws them away. More bytes than `size`, or another Content-Length, are
 * ERROR_REGISTRY. The caller checks the digest. */
struct client_sink {
    uint64_t size, offset;
    int (*restart)(void *data, struct error *err);
    int (*write)(void *data, const void *bytes, size_t length, struct error *err);
    void *data;
};
int client_blob(struct client *client, const struct digest *digest, struct client_sink *sink,
                struct error *err) must_check;

#endif
