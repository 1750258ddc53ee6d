#ifndef LBUILD_REGISTRY_CREDENTIALS_H
#define LBUILD_REGISTRY_CREDENTIALS_H

#include "support/error.h"

#include <stdbool.h>

/* Logins for registries, where docker and the containers tools keep them. The places are asked in
 * this order, and the first that knows the registry wins (containers-auth.json(5)):
 *
 *   1. DOCKER_AUTH_CONFIG     the JSON itself
 *   2. REGISTRY_AUTH_FILE     a file with such JSON
 *   3. $DOCKER_CONFIG/config.json, else ~/.docker/config.json
 *   4. $XDG_RUNTIME_DIR/containers/auth.json, without that variable /run/containers/UID/auth.json
 *   5. $XDG_CONFIG_HOME/containers/auth.json, else ~/.config/containers/auth.json
 *
 * In each place: credHelpers, then credsStore (only in 3: the other tools don't read it), then
 * auths. Files are capped at 1 MiB, a helper's reply at 64 KiB and its time at 30 seconds. Docker
 * Hub's key is https://index.docker.io/v1/. */
struct credentials {
    char *username, *password;
    char *identity_token; /* exchanged for a token by POST */
    char *registry_token; /* sent as the Bearer token, unchanged */
    char *source;         /* for messages: the file or variable, and the helper */
};

/* Looks up "HOST[:PORT]" and "HOST[:PORT]/REPOSITORY" (the longest matching prefix in auths wins).
 * 1 and *out: found. 0: no login anywhere, and *out is empty. -1: interrupted by a signal. A
 * damaged place (a file that isn't JSON, a helper that is missing or fails) gets a warning and is
 * skipped, so that it never blocks a public image. No secret is ever logged. */
int credentials_find(const char *host, const char *repository, struct credentials *out,
                     struct error *err) must_check;
void credentials_release(struct credentials *credentials);

/* Looks a login up in the "auths" of one place: 1 found, 0 not found, -1 malformed
 * (ERROR_REGISTRY). A part of credentials_find, public for its tests. */
struct js;
int credentials_from_auths(const struct js *config, const char *host, const char *repository,
                           struct credentials *out, struct error *err) must_check;

#endif
