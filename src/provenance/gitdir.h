#ifndef LBUILD_PROVENANCE_GITDIR_H
#define LBUILD_PROVENANCE_GITDIR_H

#include "support/error.h"
#include "support/strv.h"

#include <stdint.h>

/* Git's own folder, read without libgit2 where libgit2 has no answer (gitrepository-layout(5)).
 * `own` is the folder of one work tree ($GIT_DIR), `common` the one that all work trees share
 * ($GIT_COMMON_DIR); without linked work trees they are the same. */

/* The number of objects in the packs, by their indexes (gitformat-pack(5)). What can't be read
 * counts as 0. */
uint64_t gitdir_count_packed(const char *common);
/* Adds the hex ids of the commits at which a shallow clone was cut, sorted. None
 * in a full clone. */
int gitdir_read_shallow(const char *common, struct strv *ids, struct error *err) must_check;
/* Adds the paths of the files and folders that change when the current commit, the index, the tags
 * or the settings do. They need not exist. */
void gitdir_watch(const char *own, const char *common, struct strv *watched);

#endif
