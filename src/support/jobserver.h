#ifndef LBUILD_SUPPORT_JOBSERVER_H
#define LBUILD_SUPPORT_JOBSERVER_H

#include "support/buf.h"

#include <stdbool.h>

/* A client of GNU make's jobserver, so that lbuild's compilers count among make's jobs (GNU make
 * manual, "POSIX Jobserver Interaction"). A program that make starts may run one job. For each
 * further job it takes a byte from a pipe, and puts the same byte back when that job has ended. */

enum jobserver_kind {
    JOBSERVER_NONE,   /* MAKEFLAGS says nothing: any number of jobs */
    JOBSERVER_SERIAL, /* one job: -j1, or make has a jobserver but doesn't share it (a recipe
                         without "+") */
    JOBSERVER_PIPE,   /* --jobserver-auth=R,W, before make 4.2 --jobserver-fds=R,W */
    JOBSERVER_FIFO,   /* --jobserver-auth=fifo:PATH, make 4.4 */
};

struct jobserver_address {
    enum jobserver_kind kind;
    int read, write; /* descriptors, for JOBSERVER_PIPE */
    char *path;      /* for JOBSERVER_FIFO */
};
void jobserver_address_release(struct jobserver_address *address);
/* What MAKEFLAGS (NULL: unset) says; the last mention wins. */
void jobserver_parse(const char *makeflags, struct jobserver_address *out);

struct jobserver {
    enum jobserver_kind kind;
    int read, write;   /* our own descriptors; reading never blocks */
    struct buf tokens; /* the bytes taken so far */
};
#define JOBSERVER_INIT                                                                             \
    {                                                                                              \
        .read = -1, .write = -1                                                                    \
    }

/* Joins the jobserver that MAKEFLAGS announces. Call it before anything is opened: descriptors in
 * MAKEFLAGS that make has closed could by then be files of ours. Never fails: a jobserver that
 * can't be joined makes it JOBSERVER_SERIAL. */
void jobserver_join(struct jobserver *jobserver, const char *makeflags);
bool jobserver_joined(const struct jobserver *jobserver);
/* How many jobs may run at a time: `wanted` (-j N; 0: not said) can only lower what make allows.
 * Without make it is one for each core. */
int jobserver_jobs(const struct jobserver *jobserver, int wanted);
/* Takes a token if there is one now. jobserver->read becomes readable when it's
 * worth asking again. */
bool jobserver_take(struct jobserver *jobserver);
/* Puts tokens back until no more than `keep` are held. */
void jobserver_give(struct jobserver *jobserver, size_t keep);
/* Puts all tokens back and leaves. */
void jobserver_release(struct jobserver *jobserver);

#endif
