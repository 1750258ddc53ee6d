#ifndef LBUILD_REGISTRY_CREDENTIALS_H
#define LBUILD_REGISTRY_CREDENTIALS_H

#include "support/error.h"

#include <stdbool.h>

/* Where a login for a registry comes from, as docker and the containers tools keep it. Asked in
 * this order; the first that knows the registry wins ("Where credentials come from" of the registry
 * facts; containers-auth.json(5)):
 *
 *   1. DOCKER_AUTH_CONFIG     the JSON itself
 *   2. REGISTRY_AUTH_FILE     a file of that form
 *   3. $DOCKER_CONFIG/config.json, else ~/.docker/config.json
 *   4. $XDG_RUNTIME_DIR/containers/auth.json, without that variable /run/containers/UID/auth.json
 *   5. $XDG_CONFIG_HOME/containers/auth.json, else ~/.config/containers/auth.json
 *
 * In each: credHelpers, then credsStore (not in 4 and 5, whose tools don't read it), then auths.
 * Files are capped at 1 MiB, a helper's reply at 64 KiB and its time at 30 seconds. Docker Hub's
 * key is https://index.docker.io/v1/. */
struct credentials {
    char *username, *password;
    char *identity_token; /* to be traded for a token by POST */
    char *registry_token; /* to be used as the bearer as it is */
    char *source;         /* for messages: which file or variable, and which helper */
};

/* Looks up "HOST[:PORT]" and "HOST[:PORT]/REPOSITORY" (the longest matching prefix in auths wins).
 * 1 and *out: found; 0: no login anywhere, *out is empty; -1: interrupted by a signal. What is
 * damaged (a file that is no JSON, a helper that is missing or fails) is warned about and passed
 * over, so that it never stands in the way of a public image. No secret is ever logged. */
int credentials_find(const char *host, const char *repository, struct credentials *out,
                     struct error *err) must_check;
void credentials_release(struct credentials *credentials);

/* One place's content, for the tests and for credentials_find: 1 found, 0 not, -1 an error
 * (ERROR_REGISTRY: malformed). */
struct js;
int credentials_from_auths(const struct js *config, const char *host, const char *repository,
                           struct credentials *out, struct error *err) must_check;

#endif
