#ifndef LBUILD_SUPPORT_OUTFILE_H
#define LBUILD_SUPPORT_OUTFILE_H

#include "support/fs.h"

/* Files that a user names: every option that writes goes through here.
 *
 * A name may stand for anything. A regular file appears by rename, whole or not at all, with the
 * mode that the umask leaves; so does the file that a link leads to, and the link stays. A device,
 * a FIFO, a socket, or a descriptor (/dev/stdout, /dev/fd/N) is written through and never replaced.
 * A folder is refused (ERROR_USAGE). */
struct outfile {
    int fd;           /* write here */
    const char *path; /* borrowed */
    struct atomic file;
};
#define OUTFILE_INIT                                                                               \
    {                                                                                              \
        .fd = -1, .file = ATOMIC_INIT                                                              \
    }
int outfile_open(struct outfile *out, const char *path, struct error *err) must_check;
int outfile_commit(struct outfile *out, struct error *err) must_check;
/* Without a commit, no file appears. What was written through stays written. */
void outfile_release(struct outfile *out);
/* All three steps, for content in memory. */
int outfile_write(const char *path, const void *bytes, size_t length, struct error *err) must_check;

/* The regular file that a name stands for, links followed; it need not exist. NULL: the name stands
 * for something else. Caller frees. */
char *outfile_regular(const char *path);
/* Removes what killed runs left of this file. outfile_open does it too. */
void outfile_sweep(const char *path);
/* Opens what isn't a regular file, to be written through. Waits two seconds for a FIFO's reader.
 * Returns the descriptor, or -1. */
int outfile_through(const char *path, struct error *err) must_check;

#endif
