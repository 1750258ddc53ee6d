#ifndef LBUILD_ENGINE_CONTAINER_DOCKER_H
#define LBUILD_ENGINE_CONTAINER_DOCKER_H

#include "engine/engine.h"

/* docker's classic builder, which exports nothing: the final stage becomes an image of one
 * layer, which is saved, read and removed by its id. Its RUN steps get no secrets: the
 * caller refuses those. */
int docker_classic_build(const struct engine_job *job, struct tree *tree,
                         struct error *err) must_check;

#endif
