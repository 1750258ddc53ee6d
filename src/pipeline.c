#include "pipeline.h"

#include "dockerfile/warnings.h"
#include "engine/deps.h"
#include "gate/build.h"
#include "support/fs.h"
#include "support/log.h"
#include "support/own.h"
#include "support/process.h"

#include <stdlib.h>

/* The build on one page: project, plan, Dockerfile, engine, layers, image, gate, output.
 * pipeline_build is all of it. */

/* --- project, plan --- */

static void warn(const struct strv *warnings)
{
    for (size_t i = 0; i < warnings->len; i++)
        log_warn("%s", warnings->items[i]);
}

int pipeline_plan(const struct pipeline_options *options, enum facts_base how, struct pipeline *p,
                  struct error *err)
{
    if (facts_gather(options, how, &p->facts, err) != 0 ||
        facts_plan(options, &p->facts, &p->plan, err) != 0)
        return -1;

    warn(&p->plan.warnings);
    return 0;
}

/* --- Dockerfile --- */

int pipeline_dockerfile(const struct pipeline_options *options, struct pipeline *p,
                        struct dockerfile *dockerfile, struct error *err)
{
    AUTO(strv) warnings = {0};

    if (pipeline_plan(options, FACTS_BASE_PEEK, p, err) != 0 ||
        dockerfile_render(&p->plan, &p->facts.template, DOCKERFILE_IMAGE, dockerfile, err) != 0)
        return -1;

    dockerfile_warnings(&p->plan, &warnings);
    warn(&warnings);
    return 0;
}

/* --- engine --- */

const char *pipeline_engine(const struct pipeline_options *options, struct pipeline *p,
                            const char **why)
{
    struct error err = {0};
    struct execution *execution = &p->execution;

    /* Which engine with containers works here is found out when the plan is built. */
    if ((!p->plan.needs_engine || options->engine) &&
        execution_choose(options->engine, &options->how, &p->plan, execution, &err) != 0)
        execution->why = xstrdup(err.text);
    *why = execution->why;
    return execution->engine ? execution->engine->name : "";
}

/* Called while the engine waits for compilers. */
static void on_waiting(void *data)
{
    struct pipeline *p = data;
    delivery_begin(&p->delivery, &p->facts.base, &p->facts.store);
}

static int run_engine(const struct pipeline_options *options, struct pipeline *p, struct error *err)
{
    AUTO(jobserver) jobserver = JOBSERVER_INIT;
    const struct base_request like = facts_base_request(options, &p->facts, NULL);

    jobserver_join(&jobserver, getenv("MAKEFLAGS"));
    struct engine_job job = {.plan = &p->plan,
                             .store = &p->facts.store,
                             .jobs = jobserver_jobs(&jobserver, options->jobs),
                             .jobserver = &jobserver,
                             .inputs = &p->inputs,
                             .unlisted = &p->unlisted,
                             .context = &p->facts.context,
                             .waiting = on_waiting,
                             .data = p,
                             .options = &options->how};
    p->execution.base = &p->facts.base;

    if (execution_choose(options->engine, &options->how, &p->plan, &p->execution, err) != 0 ||
        execution_prepare(&p->execution, &job, &p->facts.template, &like, err) != 0 ||
        execution_run(&p->execution, &job, &p->tree, err) != 0)
        return -1;

    if (!options->depfile)
        context_release(&p->facts.context);
    xtrim();
    return 0;
}

/* --- layers --- */

/* The root that the base and the layers made so far add up to. */
static struct rootfs *load_root(const struct pipeline *p, struct error *err)
{
    const struct base *base = &p->facts.base;
    size_t count = 0;
    autofree struct digest *layers =
        xcalloc(base->layer_count + countof(p->layers), sizeof *layers);

    for (size_t i = 0; i < base->layer_count; i++)
        layers[count++] = base->layers[i].digest;
    for (size_t i = 0; i < p->layer_count; i++)
        layers[count++] = p->layers[i].digest;
    return rootfs_load(&p->facts.store, layers, count, err);
}

/* A large layer goes into the output while it is made. */
static bool on_large(void *data, struct layer_sink *sink)
{
    struct pipeline *p = data;
    on_waiting(p);
    return delivery_layer(&p->delivery, p->facts.base.layer_count + p->layer_count, sink);
}

static int add_layer(struct pipeline *p, const struct tree *tree, int64_t epoch, struct error *err)
{
    struct layer_format format = layer_format(epoch, p->plan.compression);
    format.large = on_large;
    format.data = p;

    AUTOPTR(rootfs) below = load_root(p, err);
    if (!below ||
        layer_make(tree, below, &format, &p->facts.store, &p->layers[p->layer_count], err) != 0)
        return -1;
    p->layer_count++;
    return 0;
}

static int add_deps_layer(struct pipeline *p, struct error *err)
{
    const struct execution *execution = &p->execution;
    if (execution->deps_known) {
        p->layers[p->layer_count++] = execution->deps_layer;
        return 0;
    }

    log_step("deps", "%zu files into a layer", execution->deps.len);
    if (add_layer(p, &execution->deps, deps_epoch(p->plan.epoch), err) != 0)
        return -1;
    return deps_keep(&p->facts.store, &execution->deps_key, &p->layers[0], err);
}

/* The names that COPY would use for files whose place turns out to be a link to a folder. */
static void name_files(struct pipeline *p)
{
    const struct stage_copies *copies = &p->plan.stage_files;
    for (size_t i = 0; i < p->plan.files.len; i++)
        tree_name(&p->tree, p->plan.files.items[i].value, path_base(p->plan.files.items[i].name));
    for (size_t i = 0; i < copies->len; i++) {
        autofree char *place = path_clean(copies->items[i].dest);
        if (place)
            tree_name(&p->tree, place, path_base(copies->items[i].source));
    }
}

static int make_layers(const struct pipeline_options *options, struct pipeline *p,
                       struct error *err)
{
    autofree char *workdir = p->plan.workdir ? path_clean(p->plan.workdir) : NULL;
    if (workdir) /* every engine makes the folder that WORKDIR names */
        tree_add_dir(&p->tree, workdir);
    name_files(p);

    if ((p->execution.has_deps && add_deps_layer(p, err) != 0) ||
        add_layer(p, &p->tree, p->plan.epoch, err) != 0)
        return -1;

    if (!options->depfile)
        tree_release(&p->tree);
    xtrim();
    return 0;
}

/* --- image, gate, output --- */

int pipeline_build(const struct pipeline_options *options, struct pipeline *p, struct error *err)
{
    if (pipeline_plan(options, FACTS_BASE_LOAD, p, err) != 0 ||
        delivery_open(&p->delivery, p->plan.output_type, p->plan.output_file, err) != 0 ||
        run_engine(options, p, err) != 0)
        return -1;
    if (options->how.target)
        return 0;

    if (make_layers(options, p, err) != 0 ||
        image_make(&p->facts.base, p->layers, p->layer_count, &p->plan, &p->image, err) != 0 ||
        gate_build(&p->image, &p->facts.project, &p->facts.store, p->plan.output_file, err) != 0 ||
        process_check_interrupt(err) != 0)
        return -1;
    return delivery_write(&p->delivery, &p->image, &p->facts.store, err);
}

void pipeline_release(struct pipeline *p)
{
    delivery_release(&p->delivery);
    image_release(&p->image);
    tree_release(&p->tree);
    execution_release(&p->execution);
    plan_release(&p->plan);
    strv_release(&p->inputs);
    facts_release(&p->facts);
}
