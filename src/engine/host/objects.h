#ifndef LBUILD_ENGINE_HOST_OBJECTS_H
#define LBUILD_ENGINE_HOST_OBJECTS_H

#include "engine/host/shadows.h"
#include "store/store.h"
#include "support/strv.h"

/* What the host engine made, kept for later builds under objects/ in the store:
 *
 *     c-HEX    a file that was made, by its own digest
 *     s-HEX    a step (one compile, one link), by the digest of its command: what it read and made
 *     work/    temporary files; one folder for each running build
 *
 * A step is good while every file that it read is unchanged (by stat data: size, times, inode; else
 * by content), and no new file has appeared that it would read instead of one of them. */

/* The files that were looked at in this run, each once. */
struct objects {
    const struct store *store;
    int64_t epoch; /* what __DATE__ and __TIME__ say */
    bool anew;     /* --no-cache: objects_find finds nothing */
    void *seen;
    int64_t newest; /* time of the last change among them, ns */
    struct shadows shadows;
};
void objects_release(struct objects *objects);

/* A step that was found, or done. */
struct step {
    struct digest key;   /* of everything that it depends on, except the content of files */
    struct strv folders; /* where it looks for files: shadows_folders() */
    const char *dir;     /* where it runs */
    struct digest output;
    struct strv inputs; /* absolute paths, as the compiler named them */
    struct strv notes;  /* short words that are kept with it */
    struct strv named;  /* files that its command names (absolute paths): inputs, too */
    bool unlisted;      /* it read files that nobody listed: it isn't remembered, and neither may
                           anything be that was made of it */
};
void step_release(struct step *step);

/* 1: found by step->key, its inputs are unchanged, and its output is there with the right digest.
 * 0: the step must be done. */
int objects_find(struct objects *objects, struct step *step);

/* How to remember a step that was just done. */
struct done {
    const char *made;     /* the file that was made; it is moved into the store */
    const char *depfile;  /* make rules as compilers and linkers write them; NULL: the
                             step isn't remembered */
    const char *embedded; /* the same from the assembler, which reads .incbin and .include;
                             NULL: none */
    const char *source;   /* the only file that it reads, except embedded ones; NULL: the depfile
                             says which */
    bool blind;           /* there is no such list: look for these words in what it read */
    int64_t started; /* objects_settle() before the start: a file changed since then may differ from
                        what was read */
    bool by_content; /* keep digests of the inputs too: for sources; stat data is
                        enough for libraries */
};
/* Fills in step->output and step->inputs; the caller has filled in the other fields. */
int objects_keep(struct objects *objects, const struct done *done, struct step *step,
                 struct error *err) must_check;
/* The time in ns by the clock that stamps files: later than the last change of any file that was
 * looked at, and of `path` (may be NULL). Waits until it is, for one step of the clock at most:
 * some milliseconds. */
int64_t objects_settle(struct objects *objects, const char *path);

/* The path of a file that was made. Caller frees. */
char *objects_path(const struct store *store, const struct digest *digest);
/* Writes a small text under objects/, whole or not at all. Without fsync: a torn text is noticed
 * when it is read. */
int objects_write(const struct store *store, const char *name, const struct buf *text,
                  struct error *err) must_check;

#endif
