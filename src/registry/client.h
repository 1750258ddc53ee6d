#ifndef LBUILD_REGISTRY_CLIENT_H
#define LBUILD_REGISTRY_CLIENT_H

#include "registry/http.h"
#include "registry/reference.h"
#include "support/digest.h"
#include "support/strv.h"

/* One repository of one registry (OCI distribution-spec, "Pulling"): requests that log in when the
 * registry asks, go to the mirror if there is one, and are repeated when that may help.
 *
 * A request is tried three times, with pauses of 1 and 3 seconds or of what Retry-After asks for
 * (60 at most, whatever it says), after 408, 429, 5xx and failures of the connection; never after
 * 401 or 403 (except to log in) or 404. A blob continues where it was cut, and each further MiB
 * gives it new tries. A try ends when less than 1 KiB a second comes for 30 seconds, and after 300
 * seconds, for a blob after an hour. LBUILD_HTTP_TIMEOUT=SECONDS (1 to 3600) in the environment
 * replaces the 10 seconds to connect and the 30 of slowness, and the others become 10 and 120 times
 * as many.
 *
 * Errors: ERROR_REGISTRY is final, ERROR_RETRY is worth another try, 128 + n is a signal. Their
 * texts say the host, the object, the status, the registry's own code and message (at most
 * 200 bytes each, without secrets) and the remedy. */
struct client_settings {
    const struct strv *mirrors; /* "HOST=URL", or NULL (endpoint.h) */
    const char *ca_file;        /* or NULL (http.h) */
    unsigned second; /* milliseconds in a second of a pause, for impatient tests; 0: 1000 */
};

struct client;

/* Finds the mirror, if there is one. Sends nothing, except that a registry on this machine is asked
 * whether it speaks TLS. The settings are borrowed for this call only. Errors: those of http_open
 * and endpoint_find. */
struct client *client_open(const struct reference *reference,
                           const struct client_settings *settings, struct error *err) must_check;
void client_free(struct client *client);
DEFINE_AUTOPTR(client)
/* Hides the logins and tokens of this client in an error that quotes what the registry sent
 * (censor_error). Returns -1. */
int client_censor(const struct client *client, const char *where, struct error *err);

/* Gets the manifest or index of a tag or digest, not verified: its bytes are in reply->body (at
 * most 4 MiB). */
int client_manifest(struct client *client, const char *tag_or_digest, struct http_reply *reply,
                    struct error *err) must_check;

/* Where a blob goes. `offset` bytes of `size` are there already; `write` appends to them, and
 * client_blob moves `offset`; `restart` discards them. More bytes than `size`, or another
 * Content-Length, are ERROR_REGISTRY. The caller checks the digest. */
struct client_sink {
    uint64_t size, offset;
    int (*restart)(void *data, struct error *err);
    int (*write)(void *data, const void *bytes, size_t length, struct error *err);
    void *data;
};

/* Gets the rest of a blob, from sink->offset on. */
int client_blob(struct client *client, const struct digest *digest, struct client_sink *sink,
                struct error *err) must_check;

#endif
