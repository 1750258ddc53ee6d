#ifndef LBUILD_ENGINE_CONTAINER_BUILDKIT_H
#define LBUILD_ENGINE_CONTAINER_BUILDKIT_H

#include "engine/container/buildkit_progress.h"
#include "engine/container/container.h"

/* What the clients of BuildKit share: docker build, docker buildx build and buildctl build. All are
 * told --progress plain. */
struct buildkit {
    struct container c; /* first: its callback gets this struct by it */
    struct buildkit_progress progress;
    unsigned failed; /* number of the step that did, as far as it is known; 0: none */
};
void buildkit_open(const struct engine_job *job, const char *program, struct buildkit *b);
void buildkit_release(struct buildkit *b);

/* The job's bases as layouts, for builders that take images from the client (BuildKit 0.11 and
 * later): `names` gets what the Dockerfile calls each, which means nothing to any registry,
 * `sources` its folder and manifest, "/DIR@sha256:HEX". */
int buildkit_bases(struct container *c, struct strv *names, struct strv *sources,
                   struct error *err) must_check;
/* Adds the options that docker build and docker buildx build share, by their names there, secrets
 * included. */
void buildkit_options(const struct engine_job *job, struct strv *argv);

/* Runs the client, whose output is BuildKit's progress. Errors as container_run's, and besides:
 * ERROR_RETRY when the builder went away in the middle or isn't reachable; ERROR_ENGINE for what it
 * can't do. */
int buildkit_run(struct buildkit *b, struct strv *argv, int input, struct error *err) must_check;
/* The same judgement for the words of another command of such a client: the kind of error that they
 * mean. */
int buildkit_error_kind(const char *words);
/* Behind a container_run that failed: *err becomes ERROR_RETRY when these words say that the
 * builder has gone, unless lbuild itself ended it. Returns -1. */
int buildkit_away(const struct container *c, const char *words, struct error *err) must_check;

/* Runs a client for its answer, at most 10 seconds; standard output and errors both go to *said.
 * Returns the exit status; -1 with *err set (ERROR_ENGINE) when it could not be run or took too
 * long. */
int buildkit_ask(const char *const *argv, struct buf *said, struct error *err) must_check;
/* The last line that says something, with "ERROR: " and the like taken off; "it says nothing" when
 * there is none. Caller frees. */
char *buildkit_words(const struct buf *said);

#endif
