#ifndef LBUILD_PROVENANCE_H
#define LBUILD_PROVENANCE_H

#include "support/error.h"
#include "support/strv.h"

#include <stdbool.h>
#include <stdint.h>

/* What git knows of a directory, by libgit2. "No repository" is an answer, not an error. */
struct provenance {
    bool found;          /* the directory belongs to a work tree */
    char *commit;        /* 40 (or 64) hex digits; NULL before the first commit */
    int64_t commit_time; /* committer time, seconds since 1970 */
    char *version;       /* nearest tag as `git describe --tags` says it: "v1.2" or "v1.2-3-gabc1234"; NULL without a tag */
    char *source;        /* URL of the remote "origin" without user or password; NULL without one */
    bool dirty;          /* below the directory something differs from the commit, untracked files (not ignored) included */
    struct strv dirty_paths; /* relative to the directory, sorted, at most 100 */
    struct strv watched; /* absolute paths of git's own files: while their stat data and the work tree's stay, so does all this */
};

/* Works in linked work trees, submodules, shallow clones, on a detached HEAD, in bare-looking set-ups with GIT_DIR. A
 * repository that belongs to another user is refused by libgit2: ERROR_PROJECT with the remedy
 * (git config --global --add safe.directory DIR). libgit2 is only loaded when a ".git" is found above the directory. */
int provenance_read(const char *dir, struct provenance *out, struct error *err) must_check;
void provenance_release(struct provenance *provenance);

#endif
