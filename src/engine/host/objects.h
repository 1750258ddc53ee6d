#ifndef LBUILD_ENGINE_HOST_OBJECTS_H
#define LBUILD_ENGINE_HOST_OBJECTS_H

#include "engine/host/shadows.h"
#include "store/store.h"
#include "support/strv.h"

/* What the host engine made, to be found again: under objects/ in the store,
 *
 *     c-HEX    a file that was made, by its own digest
 *     s-HEX    a step (one compile, one link), by the digest of its command: what it read and made
 *     work/    files on their way; one folder for each running build
 *
 * A step is good while every file that it read is as it was (by stat data: size, times, inode; else
 * by content), and no other one has come that it would read in the place of one of them. */

/* The files looked at in this run, each once. */
struct objects {
    const struct store *store;
    int64_t epoch; /* what __DATE__ and __TIME__ say */
    bool anew;     /* --no-cache: objects_find finds nothing */
    void *seen;
    int64_t newest; /* the last change among them, ns */
    struct shadows shadows;
};
void objects_release(struct objects *objects);

/* A step that was found, or done. */
struct step {
    struct digest key;   /* of everything that decides on it but the content of files */
    struct strv folders; /* where it looks for files: shadows_folders() */
    const char *dir;     /* where it runs */
    struct digest output;
    struct strv inputs; /* absolute paths, as the compiler named them */
    struct strv notes;  /* short words to be remembered with it */
};
void step_release(struct step *step);

/* 1: found by step->key, everything as it was, and the output present with the right digest. 0: to
 * be done. */
int objects_find(struct objects *objects, struct step *step);

/* How a step that was just done is remembered. */
struct done {
    const char *made;    /* file that was made: moved away */
    const char *depfile; /* make rules as compilers and linkers write them; NULL: none, and the step
                            isn't remembered */
    int64_t started; /* objects_settle() before the start: a file changed since then may not be what
                        was read */
    bool by_content; /* keep digests of the inputs too: for sources; libraries change with their
                        stat data */
};
/* Fills in step->output and step->inputs; the others are the caller's. */
int objects_keep(struct objects *objects, const struct done *done, struct step *step,
                 struct error *err) must_check;
/* The time by the clock that file times are made of, in ns: later than the last change of any file
 * that was looked at, and of `path` (may be NULL). Waits for that, some milliseconds at most: the
 * clock's step. */
int64_t objects_settle(struct objects *objects, const char *path);

/* Where a made file lies. Caller frees. */
char *objects_path(const struct store *store, const struct digest *digest);
/* A small text under objects/, written at once or not at all; without fsync: a torn one is noticed
 * when it is read. */
int objects_write(const struct store *store, const char *name, const struct buf *text,
                  struct error *err) must_check;

#endif
