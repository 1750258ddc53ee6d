#ifndef LBUILD_ENGINE_CONTAINER_DOCKER_LOAD_H
#define LBUILD_ENGINE_CONTAINER_DOCKER_LOAD_H

#include "base/base.h"
#include "engine/container/container.h"
#include "support/error.h"

/* Images of lbuild's store for a docker daemon, which takes them from an archive only. They get
 * names of lbuild's own and stay there, since loading takes longer than most builds; the digest in
 * the name makes them good for ever. */

/* "lbuild-base:HEX", by the manifest's digest. Caller frees. */
char *docker_base_name(const struct base *base);
/* Makes sure that the daemon has it under that name: it is there, or gets the name, or is loaded
 * from an archive that is written to `folder` meanwhile. `deadline` as in struct engine_job.
 * Errors: ERROR_ENGINE with docker's own words. */
int docker_load(const struct base *base, const struct store *store, const char *folder,
                int64_t deadline, struct error *err) must_check;
/* Loads all of the job's bases; `names` gets the name of each, in their order. */
int docker_base_names(struct container *c, struct strv *names, struct error *err) must_check;

#endif
