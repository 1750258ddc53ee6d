#ifndef LBUILD_ENGINE_CONTAINER_DOCKER_LOAD_H
#define LBUILD_ENGINE_CONTAINER_DOCKER_LOAD_H

#include "engine/container/container.h"

/* Images of lbuild's store for a docker daemon, which takes them only from an archive. They get
 * names that lbuild makes and stay in the daemon, since loading takes longer than most builds; with
 * the digest in its name, an image stays valid for ever. */

/* Makes sure that the daemon has the job's bases. `names` gets their names in their order,
 * "lbuild-base:HEX" with the manifest's digest. Errors: ERROR_ENGINE with docker's own words. */
int docker_base_names(struct container *c, struct strv *names, struct error *err) must_check;

#endif
