#ifndef LBUILD_REGISTRY_HELPER_H
#define LBUILD_REGISTRY_HELPER_H

#include "registry/credentials.h"

/* What docker calls Docker Hub in its files and towards helpers. */
#define HELPER_DOCKER_HUB "https://index.docker.io/v1/"

/* Asks the program docker-credential-NAME for the login of a host (docker-credential-helpers,
 * "Development"): the host on its standard input, {"ServerURL", "Username", "Secret"} on its
 * standard output; the user name
 * "<token>" makes the secret an identity token. 1 and *out (source not set), 0: the helper knows
 * none, -1: it is missing, failed, took longer than 30 seconds or answered nonsense
 * (ERROR_REGISTRY, with what it said but never the secret), or 128 + n for a signal. */
int helper_get(const char *name, const char *host, struct credentials *out,
               struct error *err) must_check;

#endif
