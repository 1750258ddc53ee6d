#ifndef LBUILD_ENGINE_SECRETS_H
#define LBUILD_ENGINE_SECRETS_H

#include "plan/plan.h"
#include "support/error.h"
#include "support/strv.h"

/* Where to find the secrets that build stages ask for. lbuild never reads a value: engines get the
 * name of a variable or of a file, and so does every message, cache key and argument list. */

/* Maximum bytes of a file: BuildKit's limit (session/secrets/secretsprovider). */
#define SECRET_MAX 512000

struct secret {
    char *id;
    char *env;  /* name of an environment variable, or NULL */
    char *file; /* absolute path, or NULL: one of the two is set */
};

struct secret_ssh {
    char *id;
    char *paths; /* sockets or keys, absolute, separated by commas; NULL: the
                    agent of $SSH_AUTH_SOCK */
};

struct secrets {
    struct secret *items; /* in the order in which stages ask */
    size_t len, cap;
    struct secret_ssh *ssh;
    size_t ssh_len, ssh_cap;
};
void secrets_release(struct secrets *secrets);

/* Finds what the plan's stages ask for in --secret ("id=NAME[,src=FILE][,env=VARIABLE]", as buildx
 * reads it) or else in [secrets], and in --ssh ("default", "ID" or "ID=PATH[,PATH]"). Checks that
 * each exists: a variable that is set, a readable file within SECRET_MAX, a socket. Errors:
 * ERROR_USAGE for an option that makes no sense, that nothing asks for, or that is missing;
 * ERROR_PROJECT, with the line, for a mistake in [secrets]. */
int secrets_find(const struct plan *plan, const struct strv *secret_options,
                 const struct strv *ssh_options, struct secrets *out, struct error *err) must_check;

/* The option's text as docker, buildx, buildctl, podman and buildah take it after --secret and
 * --ssh, e.g. "id=token,src=/run/token". Caller frees. */
char *secret_option(const struct secret *secret);
char *secret_ssh_option(const struct secret_ssh *ssh);

#endif
