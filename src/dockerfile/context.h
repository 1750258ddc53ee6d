#ifndef LBUILD_DOCKERFILE_CONTEXT_H
#define LBUILD_DOCKERFILE_CONTEXT_H

#include "plan/plan.h"
#include "support/arena.h"
#include "support/error.h"
#include "support/ignore.h"
#include "support/tar.h"

/* The build context: the project's files, except those that .dockerignore leaves out. */

struct context_file {
    const char *path; /* cleaned, relative to the project */
    enum tar_type type;
    unsigned mode;    /* 0755 or 0644; directories 0755 */
    const char *link; /* its target, else NULL */
};

struct context {
    struct context_file *files; /* sorted by path bytes, parents first */
    size_t len, cap;
    struct arena names; /* paths and links */
};

/* Walks the project folder and follows no links. Leaves out the ignore file's matches, `left_out`
 * (cleaned paths relative to the folder, e.g. of the output), leftovers of killed runs, .git, and
 * everything that is neither a regular file nor a directory nor a link. At most 1,000,000 files. */
int context_scan(const char *dir, const struct ignore *ignore, const struct strv *left_out,
                 struct context *out, struct error *err) must_check;
void context_release(struct context *context);

/* Writes the context tar: the project's files as context_scan found them, all files of the runtime
 * under plan->runtime_prefix, and Dockerfile.lbuild. A .dockerignore or .containerignore at the
 * project's root is carried as .lbuild/held/NAME, so that no engine applies its rules a second
 * time. The same files make the same bytes: every time is plan->epoch, owners are 0:0. A project
 * that has a .lbuild or Dockerfile.lbuild itself is ERROR_PROJECT; a file that changes while it is
 * read is ERROR_BUILD. */
int context_write(const struct plan *plan, const struct context *context, const char *dockerfile,
                  byte_sink sink, void *data, struct error *err) must_check;

#endif
