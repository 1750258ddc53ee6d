#ifndef LBUILD_ENGINE_DEPS_H
#define LBUILD_ENGINE_DEPS_H

#include "dockerfile/dockerfile.h"
#include "engine/engine.h"
#include "layer/layer.h"

/* The layer of dependencies that a template's stage "deps" makes. Everything that it depends on is
 * known before an engine runs, so a layer made earlier from the same input is found, and need not
 * be exported, read and compressed again. */

/* The digest of that input: the Dockerfile up to the end of the stage, the content of what the
 * stage copies from the context (lock file and manifests, the runtime's files; for any other COPY
 * the whole context), the images that it is FROM, the layers of the base below it, architecture,
 * build arguments and time. `base`: the base of the final stage. */
int deps_key(const struct engine_job *job, const struct base *base, struct digest *key,
             struct error *err) must_check;
/* The time of everything in the layer, in seconds: 1980, the earliest that a zip file can hold, or
 * `epoch` when that is earlier. A fixed date keeps the layer the same from commit to commit. */
int64_t deps_epoch(int64_t epoch);

/* 1: the store has the layer. 0: it must be made. */
int deps_find(const struct store *store, const struct digest *key, struct layer *layer);
/* Remembers the layer under the key. */
int deps_keep(const struct store *store, const struct digest *key, const struct layer *layer,
              struct error *err) must_check;

/* Moves the files below DOCKERFILE_DEPS_TOP to *deps and keeps those below DOCKERFILE_APP_TOP
 * in *tree, each without that folder. Files elsewhere (the working directory of the final
 * stage) are dropped. */
void deps_split(struct tree *tree, struct tree *deps);

#endif
