#ifndef LBUILD_PROVENANCE_TRUST_H
#define LBUILD_PROVENANCE_TRUST_H

#include "support/strv.h"

#include <stdbool.h>

/* Where git searches for a repository and whether it trusts what it found (git(1) "ENVIRONMENT
 * VARIABLES", git-config(1) "safe.directory"). lbuild follows the same rules, so that a repository
 * that git refuses isn't read behind its back. */

/* Whether a variable of the environment says yes: set, and not empty, 0, no, off or false. */
bool trust_flag(const char *variable);
/* Whether GIT_CEILING_DIRECTORIES names this folder: a search from below doesn't look into it. */
bool trust_ceiling(const char *path);
/* Whether a file belongs to the user whose files git trusts: ours, or for root under sudo the one
 * who called it. */
bool trust_owned(const char *path);

struct trust {
    const char *root; /* real path of the work tree */
    bool listed;      /* the answer so far */
};
/* One value of safe.directory: empty forgets those before, "*" is every folder, "PATH" and a final
 * slash with
 * "*" all below it. */
void trust_consider(struct trust *trust, const char *value);
/* The values in GIT_CONFIG_COUNT, GIT_CONFIG_KEY_0, GIT_CONFIG_VALUE_0 and so on. */
void trust_consider_environment(struct trust *trust);
/* The files that may list safe folders, in the order in which git reads them; they need not exist.
 * A repository's own file isn't one of them. */
void trust_config_files(struct strv *out);

#endif
