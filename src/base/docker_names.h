#ifndef LBUILD_BASE_DOCKER_NAMES_H
#define LBUILD_BASE_DOCKER_NAMES_H

#include "support/error.h"
#include "support/json.h"

/* The image that `name` chooses in docker's manifest.json. NULL: the only one. The name is one of
 * RepoTags, written in full or as docker and podman shorten it ("go:v1" for
 * "docker.io/library/go:v1" or "localhost/go:v1"), or a tag that only one image has. Anything else
 * is ERROR_REGISTRY, with the names that there are. */
const struct js *docker_names_choose(const struct js *list, const char *name,
                                     struct error *err) must_check;

#endif
