#ifndef LBUILD_CONTEXT_H
#define LBUILD_CONTEXT_H

#include "plan.h"
#include "support/error.h"
#include "support/tar.h"

/* The build context: the project's files after .dockerignore. */

/* Rules with the exact meaning of .dockerignore (moby patternmatcher): filepath.Match with "**", "!" exceptions, the last
 * match wins, comments, blank lines, leading slashes, a BOM. Caps: 1 MiB, 10,000 rules. */
struct ignore;
struct ignore *ignore_parse(const char *text, size_t length, const char *name, struct error *err) must_check;
void ignore_free(struct ignore *ignore);
DEFINE_AUTOPTR(ignore)
/* Whether a cleaned path (of a file or a directory) is left out. */
bool ignore_matches(const struct ignore *ignore, const char *path);
/* Whether something below a directory that is left out could still be let in by a "!" rule. */
bool ignore_may_reinclude(const struct ignore *ignore, const char *directory);

struct context_file {
    char *path; /* cleaned, relative to the project */
    enum tar_type type;
    unsigned mode; /* 0755 or 0644; directories 0755 */
    uint64_t size;
    char *link;
};

struct context {
    struct context_file *files; /* sorted by path bytes, parents first */
    size_t len, cap;
};

/* Walks the project folder (never following links out of it), leaving out what the ignore file says, the output file, .git and
 * other file types than regular, directory and link. At most 1,000,000 files. */
int context_scan(const char *dir, const struct ignore *ignore, const struct strv *left_out, struct context *out,
                 struct error *err) must_check;
void context_release(struct context *context);

/* Writes the context tar: the project's files, the runtime's sources under .lbuild/runtime/NAME/, Dockerfile.lbuild (and a
 * .dockerignore that lets all of it through). Same bytes for the same files. */
int context_write(const struct plan *plan, const char *dockerfile, byte_sink sink, void *data, struct error *err) must_check;

#endif
