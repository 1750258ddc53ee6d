#include "engine/files.h"
#include "engine/host/compile.h"
#include "engine/host/compile_command.h"
#include "support/own.h"

/* The default engine: the compilers of this machine, no container. */

static void host_run_release(struct host_run *run)
{
    toolchain_release(&run->toolchain);
    objects_release(&run->objects);
    work_release(&run->work);
    strv_release(&run->environment);
    strv_release(&run->made);
}

static int available(const struct plan *plan, const struct engine_options *options,
                     struct error *err)
{
    (void)options;
    return plan->runs_command ? command_maybe(plan, err) : toolchain_maybe(plan, err);
}

/* A template's own command. */
static int build_command(const struct engine_job *job, struct tree *tree, struct error *err)
{
    AUTO(host_run)
    run = {.objects = {.store = job->store, .epoch = job->plan->epoch}, .work = WORK_INIT};
    autofree char *program = NULL;
    if (work_open(job->store, &run.work, err) != 0 ||
        command_program(job, &run.objects, &run.work, &program, err) != 0)
        return -1;
    tree_add_stored(tree, job->plan->program, program, 0755);
    return files_add(job, tree, err);
}

static int build(const struct engine_job *job, struct tree *tree, struct error *err)
{
    if (job->plan->runs_command)
        return build_command(job, tree, err);

    AUTO(host_run)
    run = {
        .job = job, .objects = {.store = job->store, .epoch = job->plan->epoch}, .work = WORK_INIT};
    run.objects.anew = job->options->no_cache;
    autofree char *program = NULL;
    if (toolchain_find(job->plan, job->store, &run.toolchain, err) != 0 ||
        work_open(job->store, &run.work, err) != 0)
        return -1;

    toolchain_environment(job->plan->epoch, run.work.path, &run.environment);
    host_run_inputs(&run, &run.toolchain.tools);
    host_run_inputs(&run, &run.toolchain.watched);
    if (compile_all(&run, err) != 0 || link_program(&run, &program, err) != 0)
        return -1;

    if (job->unlisted)
        *job->unlisted = run.unlisted;
    if (job->inputs)
        shadows_outside(&run.objects.shadows, job->plan->project_dir, job->inputs);
    tree_add_stored(tree, job->plan->program, program, 0755);
    return files_add(job, tree, err);
}

static const struct engine_lack lacks[] = {
    {"network",
     "the host engine runs the compilers of this machine, without a network of their own"},
    {"cache-from", "the host engine's cache is lbuild's own"},
    {"cache-to", "the host engine's cache is lbuild's own"},
    {"build-arg", "the host engine runs no Dockerfile"},
    {"target", "the host engine has no stages"},
    {"secret", "the host engine has no step that could use it"},
    {"ssh", "the host engine has no step that could use it"},
    {"builder", "the host engine works only on this machine"},
    {"addr", "the host engine works only on this machine"},
    {"tls*", "the host engine works only on this machine"},
    {NULL, NULL},
};

const struct engine engine_host = {
    .name = "host",
    .help = "the compilers of this machine; needs no container engine",
    .lacks = lacks,
    .available = available,
    .build = build,
};
