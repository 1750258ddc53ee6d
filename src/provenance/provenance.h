#ifndef LBUILD_PROVENANCE_PROVENANCE_H
#define LBUILD_PROVENANCE_PROVENANCE_H

#include "support/error.h"
#include "support/strv.h"

#include <stdbool.h>
#include <stdint.h>

/* What git knows about a folder, by libgit2. "No repository" is an answer, not an error. */
struct provenance {
    bool found;          /* the folder belongs to a work tree */
    char *commit;        /* 40 (or 64) hex digits; NULL before the first commit */
    int64_t commit_time; /* committer time, seconds since 1970 */
    char *version;       /* as `git describe --tags` says it: "v1.2" or "v1.2-3-gabc1234";
                            NULL without a tag */
    char *source; /* URL of the remote "origin" without user, password or query; NULL without one
                     or for a local path */
    bool dirty;   /* below the folder something differs from the commit, or is
                     untracked and not ignored */
    struct strv dirty_paths; /* relative to the folder, sorted, at most 100 */
    struct strv watched; /* absolute paths of git's own files, which may be absent: while their stat
                            data and the work tree stay the same, so do these facts */
};

/* Works in linked work trees, submodules, shallow, partial and sparse clones, on a detached HEAD,
 * with GIT_DIR and GIT_WORK_TREE. Changes in `left_out` (paths relative to the folder, or NULL)
 * don't count: it is lbuild's own output. Nor do untracked leftovers of killed runs. Writes
 * nothing, and runs no filter or hook. A repository that git wouldn't trust (git-config(1),
 * safe.directory) is ERROR_PROJECT with the remedy, and so is one with a FIFO, socket or device
 * among its files. One that libgit2 can't read (damaged, or of a newer kind) gives a warning and no
 * facts. libgit2 is loaded only when there is a ".git" in or above the folder, or a GIT_DIR. */
int provenance_read(const char *dir, const struct strv *left_out, struct provenance *out,
                    struct error *err) must_check;
/* Adds the files below the folder that git tracks, as paths that start with `dir`, whether they
 * exist or not. None without a repository that can be read. */
int provenance_tracked(const char *dir, struct strv *out, struct error *err) must_check;
void provenance_release(struct provenance *provenance);

#endif
