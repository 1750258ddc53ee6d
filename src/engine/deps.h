#ifndef LBUILD_ENGINE_DEPS_H
#define LBUILD_ENGINE_DEPS_H

#include "dockerfile/dockerfile.h"
#include "engine/engine.h"

/* The layer of dependencies that a template's stage "deps" makes. All that decides on it is known
 * before an engine runs, so a layer that was made from the same is found again, and neither
 * exported nor read nor compressed anew. */

/* The digest of all that decides: the Dockerfile up to the end of the stage, the content of what it
 * copies from the context (lock file and manifests, the runtime's files; for any other COPY the
 * whole context), the images that it is FROM, those of the base that it goes on, architecture,
 * build arguments and time. `base`: of the final stage. */
int deps_key(const struct engine_job *job, const struct base *base, struct digest *key,
             struct error *err) must_check;
/* The time of everything in the layer, in seconds: 1980, the first that zip files can say, so that
 * it is no other one in the next commit; `epoch` when that is earlier. */
int64_t deps_epoch(int64_t epoch);

/* 1: the store has the layer. 0: it must be made. */
int deps_find(const struct store *store, const struct digest *key, struct layer *layer);
int deps_keep(const struct store *store, const struct digest *key, const struct layer *layer,
              struct error *err) must_check;

/* Moves what lies below DOCKERFILE_DEPS_TOP to *deps and leaves what lies below DOCKERFILE_APP_TOP,
 * each without that folder. What lies elsewhere (the working directory of the final stage) goes. */
void deps_split(struct tree *tree, struct tree *deps);

#endif
