#include "engine/compile.h"
#include "engine/files.h"
#include "support/own.h"

/* The default engine: compilers of this machine, no container. */

static void host_run_release(struct host_run *run)
{
    toolchain_release(&run->toolchain);
    objects_release(&run->objects);
    work_release(&run->work);
    strv_release(&run->environment);
    strv_release(&run->made);
}

static int available(const struct plan *plan, struct error *err)
{
    return toolchain_maybe(plan, err);
}

static int build(const struct engine_job *job, struct tree *tree, struct error *err)
{
    AUTO(host_run) run = {.job = job, .objects = {.store = job->store, .epoch = job->plan->epoch}, .work = WORK_INIT};
    autofree char *program = NULL;
    if (toolchain_find(job->plan, job->store, &run.toolchain, err) != 0 || work_open(job->store, &run.work, err) != 0)
        return -1;
    toolchain_environment(job->plan->epoch, run.work.path, &run.environment);
    host_run_inputs(&run, &run.toolchain.tools);
    if (compile_all(&run, err) != 0 || link_program(&run, &program, err) != 0)
        return -1;
    tree_add_stored(tree, job->plan->program, program, 0755);
    return files_add(job, tree, err);
}

const struct engine engine_host = {
    .name = "host",
    .help = "the C compilers of this machine; needs no container engine",
    .available = available,
    .build = build,
};
