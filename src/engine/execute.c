#include "engine/execute.h"

#include "dockerfile/read.h"
#include "engine/deps.h"
#include "engine/files.h"
#include "engine/handler.h"
#include "support/data.h"
#include "support/fs.h"
#include "support/log.h"
#include "support/own.h"
#include "support/process.h"

#include <stdlib.h>
#include <string.h>

int execution_choose(const char *wanted, const struct engine_options *options,
                     const struct plan *plan, struct execution *execution, struct error *err)
{
    execution->engine = engine_choose(wanted, plan, options, &execution->why, err);
    if (execution->engine)
        return 0;
    free(take(execution->why));
    return -1;
}

void execution_watch(const struct base_request *request, struct strv *inputs)
{
    const char *colon = strchr(request->reference, ':');
    if (!base_is_file(request->reference))
        return;

    autofree char *name = xstrndup(colon + 1, strcspn(colon + 1, ":")),
                  *path = path_join(request->dir, name);
    strv_add(inputs, path);
    strv_take(inputs, path_join(path, "index.json"));
}

/* An image that stages are FROM, for the platform that the Dockerfile names. */
static int load_image(struct execution *execution, const struct dockerfile_image *image,
                      const struct engine_job *job, const struct base_request *like,
                      struct error *err)
{
    struct base_request request = *like;
    request.reference = image->reference;
    if (!image->platform || arch_parse(image->platform, &request.arch) != 0)
        request.arch = job->plan->arch;

    grow(execution->bases, execution->base_count, execution->base_cap);
    struct engine_base *base = &execution->bases[execution->base_count++];
    *base = (struct engine_base){.reference = xstrdup(image->reference)};

    execution_watch(&request, job->inputs);
    return base_load(&request, job->store, &base->base, err);
}

static int load_images(struct execution *execution, const struct engine_job *job,
                       const struct base_request *like, struct error *err)
{
    AUTO(dockerfile_images) images = {0};
    dockerfile_images_find(buf_text(&execution->dockerfile.text), &images);
    for (size_t i = 0; i < images.len; i++)
        if (load_image(execution, &images.items[i], job, like, err) != 0)
            return -1;
    return 0;
}

/* Adds the files of the context that aren't the project's own: fresh.c watches those,
 * whatever the engine. */
static int watch_context(const struct engine_job *job, struct error *err)
{
    AUTO(strv) files = {0};
    const char *dir = job->plan->runtime_dir;
    if (!dir || !dir[0])
        return 0;

    if (data_files(dir, "", &files, err) != 0)
        return -1;
    for (size_t i = 0; i < files.len; i++)
        strv_take(job->inputs, path_join(dir, files.items[i]));
    return 0;
}

/* Looks for the layer of dependencies. When it is known, the engine runs a
 * Dockerfile without them. */
static int look_for_deps(struct execution *execution, struct engine_job *job,
                         const struct template *template, struct error *err)
{
    execution->has_deps = template->deps && !job->options->target;
    if (!execution->has_deps)
        return 0;
    if (deps_key(job, execution->base, &execution->deps_key, err) != 0)
        return -1;
    if (job->options->no_cache ||
        deps_find(job->store, &execution->deps_key, &execution->deps_layer) != 1)
        return 0;

    execution->deps_known = true;
    log_step("deps", "unchanged since an earlier build");
    dockerfile_release(&execution->dockerfile);
    return dockerfile_render(job->plan, template, DOCKERFILE_REST, &execution->dockerfile, err);
}

static int prepare_container(struct execution *execution, struct engine_job *job,
                             const struct template *template, const struct base_request *like,
                             struct error *err)
{
    const struct engine_options *options = job->options;
    struct secrets *secrets = &execution->secrets;
    struct dockerfile *dockerfile = &execution->dockerfile;
    log_step("engine", "%s: %s", execution->engine->name, execution->why);
    if (files_check(job, err) != 0 ||
        secrets_find(job->plan, &options->secrets, &options->ssh, secrets, err) != 0 ||
        dockerfile_render(job->plan, template, DOCKERFILE_FILES, dockerfile, err) != 0 ||
        load_images(execution, job, like, err) != 0 || watch_context(job, err) != 0 ||
        work_open(job->store, &execution->work, err) != 0)
        return -1;

    job->dockerfile = dockerfile;
    job->bases = execution->bases;
    job->base_count = execution->base_count;
    job->secrets = secrets;
    job->work = &execution->work;
    return look_for_deps(execution, job, template, err);
}

int execution_prepare(struct execution *execution, struct engine_job *job,
                      const struct template *template, const struct base_request *like,
                      struct error *err)
{
    const struct engine *engine = execution->engine;
    if (engine->available(job->plan, job->options, err) != 0)
        return -1;

    if (job->options->timeout > 0)
        job->deadline = process_clock() + (int64_t)job->options->timeout * 1000;
    return engine->containers ? prepare_container(execution, job, template, like, err) : 0;
}

int execution_run(struct execution *execution, const struct engine_job *job, struct tree *tree,
                  struct error *err)
{
    if (execution->engine->build(job, tree, err) != 0)
        return -1;

    if (execution->has_deps)
        deps_split(tree, &execution->deps);
    if (!job->options->target)
        handler_look(job->plan, tree);
    return 0;
}

void execution_release(struct execution *execution)
{
    for (size_t i = 0; i < execution->base_count; i++) {
        free(execution->bases[i].reference);
        base_release(&execution->bases[i].base);
    }
    free(execution->bases);
    dockerfile_release(&execution->dockerfile);
    secrets_release(&execution->secrets);
    free(execution->why);
    work_release(&execution->work);
    tree_release(&execution->deps);
}
