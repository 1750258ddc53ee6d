#ifndef LBUILD_REGISTRY_HELPER_H
#define LBUILD_REGISTRY_HELPER_H

#include "registry/credentials.h"

/* Docker's name for Docker Hub in its files and in requests to helpers. */
#define HELPER_DOCKER_HUB "https://index.docker.io/v1/"

/* Asks the program docker-credential-NAME for the login of a host (docker-credential-helpers,
 * "Development"). It gets the host on its standard input and writes {"ServerURL", "Username",
 * "Secret"} to its standard output; with the user name "<token>" the secret is an identity token.
 * 1 and *out (source not set). 0: the helper knows no login. -1: the helper is missing, failed,
 * took longer than 30 seconds or wrote something else (ERROR_REGISTRY), or a signal came (128 + n).
 * The error quotes the reason that a failing helper gives, but nothing that may be a login. */
int helper_get(const char *name, const char *host, struct credentials *out,
               struct error *err) must_check;

#endif
