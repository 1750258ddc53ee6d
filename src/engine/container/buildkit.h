#ifndef LBUILD_ENGINE_CONTAINER_BUILDKIT_H
#define LBUILD_ENGINE_CONTAINER_BUILDKIT_H

#include "engine/container/buildkit_progress.h"
#include "engine/container/container.h"

/* What the clients of BuildKit share: docker build, docker buildx build and buildctl build. All run
 * with --progress plain. */
struct buildkit {
    struct container c; /* first: its callback casts it to this struct */
    struct buildkit_progress progress;
    unsigned failed; /* number of the step that failed, as far as is known; 0: none */
};
void buildkit_open(const struct engine_job *job, const char *program, struct buildkit *b);
void buildkit_release(struct buildkit *b);

/* Writes the job's bases as layouts, for builders that take images from the client (BuildKit 0.11
 * and later). `names` gets each base's name for the Dockerfile, which no registry knows, `sources`
 * its folder and manifest, "/DIR@sha256:HEX". */
int buildkit_bases(struct container *c, struct strv *names, struct strv *sources,
                   struct error *err) must_check;
/* Adds the options that docker build and docker buildx build share, secrets included. */
void buildkit_options(const struct engine_job *job, struct strv *argv);

/* Runs the client, whose output is BuildKit's progress. Errors are those of container_run and
 * ERROR_RETRY when the builder went away in the middle or can't be reached, ERROR_ENGINE for
 * something that it can't do. */
int buildkit_run(struct buildkit *b, struct strv *argv, int input, struct error *err) must_check;
/* The kind of error that a client's words mean, for commands other than builds. */
int buildkit_error_kind(const char *words);
/* Call after a failed container_run: *err becomes ERROR_RETRY when these words say that the builder
 * has gone, unless lbuild itself ended it. Returns -1. */
int buildkit_away(const struct container *c, const char *words, struct error *err) must_check;

/* Runs a client to ask it something, for 10 seconds at most; its standard output and errors both go
 * to *said. Returns the exit status; -1 with *err set (ERROR_ENGINE) when it couldn't be run or
 * took too long. */
int buildkit_ask(const char *const *argv, struct buf *said, struct error *err) must_check;
/* The last line that isn't blank, without "ERROR: " and the like; "it printed nothing" when there
 * is none. Caller frees. */
char *buildkit_words(const struct buf *said);

#endif
