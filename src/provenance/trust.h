#ifndef LBUILD_PROVENANCE_TRUST_H
#define LBUILD_PROVENANCE_TRUST_H

#include "support/strv.h"

#include <stdbool.h>

/* Where git searches for a repository and which repositories it trusts (git(1) "ENVIRONMENT
 * VARIABLES", git-config(1) "safe.directory"). lbuild follows the same rules, so that it never
 * reads a repository that git refuses. */

/* Whether an environment variable says yes: it is set, and not to "", 0, no, off or false. */
bool trust_flag(const char *variable);
/* Whether GIT_CEILING_DIRECTORIES names this folder: a search that comes from below
 * stops before it. */
bool trust_ceiling(const char *path);
/* Whether a file belongs to a user whom git trusts: ours, or for root under sudo the user who
 * called sudo. */
bool trust_owned(const char *path);

struct trust {
    const char *root; /* real path of the work tree */
    bool listed;      /* the answer so far */
};

/* Considers one value of safe.directory: an empty one cancels those before it, "*" is every folder,
 * PATH with "/" and "*" at its end is every folder below PATH. */
void trust_consider(struct trust *trust, const char *value);
/* Considers the values in GIT_CONFIG_COUNT, GIT_CONFIG_KEY_0, GIT_CONFIG_VALUE_0 and so on. */
void trust_consider_environment(struct trust *trust);
/* Adds the files that may list safe folders, in the order in which git reads them. They need not
 * exist. A repository's own file isn't one of them. */
void trust_config_files(struct strv *out);

/* The parent folder in which git would search next, or NULL at the end of the search: the root, a
 * ceiling, another file system. Caller frees. */
char *trust_parent(const char *path);

#endif
