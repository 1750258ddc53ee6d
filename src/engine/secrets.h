#ifndef LBUILD_ENGINE_SECRETS_H
#define LBUILD_ENGINE_SECRETS_H

#include "plan/plan.h"
#include "support/error.h"
#include "support/strv.h"

/* Where the secrets are that build stages ask for. lbuild never reads a value: engines get the name
 * of a variable or of a file, and so does every message, cache key and argument list. */

#define SECRET_MAX                                                                                 \
    512000 /* bytes of a file: what BuildKit takes (session/secrets/secretsprovider) */

struct secret {
    char *id;
    char *env;  /* name of an environment variable; or */
    char *file; /* absolute path */
};

struct secret_ssh {
    char *id;
    char *paths; /* sockets or keys, absolute, separated by commas; NULL: the agent of
                    $SSH_AUTH_SOCK */
};

struct secrets {
    struct secret *items; /* in the order in which stages ask */
    size_t len, cap;
    struct secret_ssh *ssh;
    size_t ssh_len, ssh_cap;
};
void secrets_release(struct secrets *secrets);

/* What the plan's stages ask for, taken from --secret ("id=NAME[,src=FILE][,env=VARIABLE]", as
 * buildx reads it) or else from [secrets], and from --ssh ("default", "ID" or "ID=PATH[,PATH]").
 * Each is there: a variable that is set, a readable file within SECRET_MAX, a socket. Errors:
 * ERROR_USAGE for an option that makes no sense, that nothing asks for, or that is missing;
 * ERROR_PROJECT, with the line, for what is wrong with [secrets]. */
int secrets_find(const struct plan *plan, const struct strv *secret_options,
                 const struct strv *ssh_options, struct secrets *out, struct error *err) must_check;

/* The option's text as docker, buildx, buildctl, podman and buildah take it behind --secret and
 * --ssh: "id=token,src=/run/token". Caller frees. */
char *secret_option(const struct secret *secret);
char *secret_ssh_option(const struct secret_ssh *ssh);

#endif
