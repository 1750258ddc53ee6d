#ifndef LBUILD_PROVENANCE_GITDIR_H
#define LBUILD_PROVENANCE_GITDIR_H

#include "support/error.h"
#include "support/strv.h"

#include <stdint.h>

/* Git's own folder, read without libgit2 where libgit2 has no answer (gitrepository-layout(5)).
 * `own` is the folder of one work tree ($GIT_DIR), `common` the one that all work trees share
 * ($GIT_COMMON_DIR); without linked work trees they are the same. */

/* A FIFO among the files that libgit2 would open and wait for: anywhere in the folders that the
 * marker (".git" or GIT_DIR) leads to, or, below and above the work tree's folder `tree`, with a
 * name that begins with ".git". Sockets and devices are none: git itself keeps a socket in ".git",
 * and sandboxes put /dev/null in the place of files. NULL: there is none. Caller frees. */
char *gitdir_fifo(const char *marker, const char *tree);
/* The number of objects in the packs, by their indexes (gitformat-pack(5)). What can't be read
 * counts as 0. */
uint64_t gitdir_count_packed(const char *common);
/* Adds the hex ids of the commits at which a shallow clone was cut, sorted. None
 * in a full clone. */
int gitdir_read_shallow(const char *common, struct strv *ids, struct error *err) must_check;
/* The URL without the part before "@" and without a query or fragment: they may hold secrets. NULL
 * for a path on this machine, which is of no use to others. Caller frees. */
char *gitdir_public_url(const char *url);
/* Adds the paths of the files and folders that change when the current commit, the index, the tags
 * or the settings do. They need not exist. */
void gitdir_watch(const char *own, const char *common, struct strv *watched);

#endif
