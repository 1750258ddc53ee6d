#ifndef LBUILD_ENGINE_CONTAINER_DOCKER_LOAD_H
#define LBUILD_ENGINE_CONTAINER_DOCKER_LOAD_H

#include "engine/container/container.h"

/* Images of lbuild's store for a docker daemon, which takes them from an archive only. They get
 * names of lbuild's own and stay there, since loading takes longer than most builds; the digest in
 * the name makes them good for ever. */

/* Makes sure that the daemon has the job's bases. `names` gets the name of each, in their order:
 * "lbuild-base:HEX", by the manifest's digest. Errors: ERROR_ENGINE with docker's own words. */
int docker_base_names(struct container *c, struct strv *names, struct error *err) must_check;

#endif
