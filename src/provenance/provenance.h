#ifndef LBUILD_PROVENANCE_PROVENANCE_H
#define LBUILD_PROVENANCE_PROVENANCE_H

#include "support/error.h"
#include "support/strv.h"

#include <stdbool.h>
#include <stdint.h>

/* What git knows of a directory, by libgit2. "No repository" is an answer, not an error. */
struct provenance {
    bool found;          /* the directory belongs to a work tree */
    char *commit;        /* 40 (or 64) hex digits; NULL before the first commit */
    int64_t commit_time; /* committer time, seconds since 1970 */
    char *version; /* nearest tag as `git describe --tags` says it: "v1.2" or "v1.2-3-gabc1234";
                      NULL without a tag */
    char *source; /* URL of the remote "origin" without user, password or query; NULL without one or
                     for a local path */
    bool dirty;   /* below the directory something differs from the commit, untracked files (not
                     ignored)   included */
    struct strv dirty_paths; /* relative to the directory, sorted, at most 100 */
    struct strv watched; /* absolute paths of git's own files, which may be absent: while their stat
                          * data and the work tree's stay, so does all this */
};

/* Works in linked work trees, submodules, shallow, partial and sparse clones, on a detached HEAD,
 * with GIT_DIR and GIT_WORK_TREE. `left_out` (paths relative to the directory, or NULL) doesn't
 * count as a change: lbuild's own output. Nothing is written, no filter or hook is run. A
 * repository that git wouldn't trust (git-config(1), safe.directory) is ERROR_PROJECT with the
 * remedy, a damaged one ERROR_PROJECT too. libgit2 is only loaded when there is a ".git" above the
 * directory. */
int provenance_read(const char *dir, const struct strv *left_out, struct provenance *out,
                    struct error *err) must_check;
/* The files below the directory that git tracks, as absolute paths, whether they are there or not.
 * None without a repository. */
int provenance_tracked(const char *dir, struct strv *out, struct error *err) must_check;
void provenance_release(struct provenance *provenance);

#endif
