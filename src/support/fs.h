#ifndef LBUILD_SUPPORT_FS_H
#define LBUILD_SUPPORT_FS_H

#include "support/buf.h"
#include "support/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Files and paths. Errors are ERROR_BUILD unless said otherwise; a caller may
 * set another err->kind. */

/* "A/B", or a copy of B when B is absolute or A is empty or ".". Caller frees. */
char *path_join(const char *a, const char *b);
/* The part after the last slash; points into the path. */
const char *path_base(const char *path);
/* Everything before the last slash; "." when there is none, "/" for "/x". Caller frees. */
char *path_dir(const char *path);
/* The path cleaned by its text alone: without a leading or trailing slash, ".", ".." and "//"; ""
 * is the root itself. NULL when ".." would climb above the root. Caller frees. */
char *path_clean(const char *path);
/* Whether a path is `folder` or lies below it, by the names alone: both cleaned, and both absolute
 * or both relative. The folder may end with a slash; "" is the root of relative paths. *rest
 * (may be NULL) is then the part of the path below the folder, "" for the folder itself. */
bool path_below(const char *path, const char *folder, const char **rest);

/* Reads a whole regular file of at most `max` bytes. */
int fs_read(const char *path, size_t max, struct buf *out, struct error *err) must_check;
/* Reads everything from a descriptor, at most `max` bytes; `name` is for the message. */
int fs_read_fd(int fd, const char *name, size_t max, struct buf *out, struct error *err) must_check;
/* Writes all bytes, whatever short writes come in between. A signal that ends lbuild (process.h)
 * ends a write that waits. */
int fs_write_fd(int fd, const char *name, const void *bytes, size_t length,
                struct error *err) must_check;
/* Call it after each write to a large new file: the disk starts on the finished part while the rest
 * is still being made, so the fsync at the end waits for less. Start with {0}. */
struct fs_ahead {
    uint64_t written, started; /* bytes; up to `started` they are on their way to the disk */
};
void fs_write_ahead(int fd, struct fs_ahead *ahead, size_t length);
/* Makes a directory and its parents (0755 less the umask); an existing one is fine. */
int fs_mkdirs(const char *path, struct error *err) must_check;
/* The same with 0700, for folders that are this user's alone. */
int fs_mkdirs_private(const char *path, struct error *err) must_check;
/* Removes a file or a whole tree without following links, whatever the modes of its folders. A
 * missing one is fine. */
int fs_remove(const char *path, struct error *err) must_check;
bool fs_exists(const char *path);
/* Whether two calls of stat() saw the same file, unchanged in between. */
bool fs_same_file(const struct stat *before, const struct stat *after);

/* A name for what is being made beside `path`: ".NAME.lbuild-" and six random letters. NULL, with
 * errno set, when there is no randomness. Caller frees. */
char *fs_temporary(const char *path);
/* Whether a file's name is such a name: of this path, or, when it is NULL, of any. Files with such
 * names are never input. */
bool fs_is_temporary(const char *name, const char *path);
/* Whether a relative path is such a file, or lies in such a folder. */
bool fs_in_temporary(const char *path);
/* Calls `remove` for each file or folder of this user beside `path` that a killed run left under
 * such a name: nobody holds its lock. */
void fs_sweep(const char *path, void (*remove)(const char *leftover));
/* Locks what was just made under such a name, until it is closed. False when another process took
 * it for a leftover: then try another name. File systems may lack locks. */
bool fs_lock(int fd, const char *path) must_check;

/* A file that appears whole or not at all: written without a name (or under a temporary one, where
 * the file system can't), then fsync and rename.
 *
 *     AUTO(atomic) file = ATOMIC_INIT;
 *     atomic_open(&file, "out.tar", 0644, err), write to file.fd, atomic_commit(&file, err)
 *
 * Released without a commit, it leaves nothing behind. The mode is less the umask. */
struct atomic {
    int fd;
    char *path, *temporary;
    bool lazy; /* set after atomic_open: no fsync. For files that can be made again and are checked
                  when they are read */
};
#define ATOMIC_INIT                                                                                \
    {                                                                                              \
        .fd = -1                                                                                   \
    }
int atomic_open(struct atomic *file, const char *path, mode_t mode, struct error *err) must_check;
/* Lets the file appear under this path instead, in the same folder: for names that
 * depend on the content. */
void atomic_move(struct atomic *file, const char *path);
int atomic_commit(struct atomic *file, struct error *err) must_check;
void atomic_release(struct atomic *file);
/* All three steps, for content in memory; fs_keep is lazy. */
int fs_write(const char *path, const void *bytes, size_t length, mode_t mode,
             struct error *err) must_check;
int fs_keep(const char *path, const void *bytes, size_t length, struct error *err) must_check;

#endif
