#include "pipeline.h"

#include "gate/build.h"
#include "output/output.h"
#include "support/data.h"
#include "support/fs.h"
#include "support/log.h"
#include "support/own.h"
#include "support/process.h"
#include "template/lockfiles.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int pipeline_project(const struct pipeline_options *options, struct strv *complaints,
                     struct pipeline *p, struct error *err)
{
    AUTO(strv) set = {0};
    strv_add_all(&set, &options->set);
    if (options->platform || options->arm64 || options->x86_64)
        strv_addf(&set, "image.arch=%s",
                  options->platform ? options->platform
                  : options->arm64  ? "arm64"
                                    : "x86_64");
    const struct project_options from = {options->dir, options->file, options->profile, &set};
    return project_load(&from, &p->project, complaints, err);
}

static int read_project(const struct pipeline_options *options, struct pipeline *p,
                        struct error *err)
{
    AUTO(strv) complaints = {0};
    int result = pipeline_project(options, &complaints, p, err);
    for (size_t i = 0; complaints.len > 1 && i < complaints.len; i++)
        log_complaint(complaints.items[i]);
    return result;
}

/* A path's place inside of the project, "" when it lies elsewhere or is the project itself. Caller
 * frees. */
static char *inside(const struct pipeline *p, const char *path)
{
    autofree char *cwd = getcwd(NULL, 0), *absolute = path_join(cwd ? cwd : "/", path),
                  *clean = path_clean(absolute);
    const char *rest = "";
    if (clean)
        (void)path_below(clean, p->project.dir + 1, &rest);
    return xstrdup(rest);
}

/* The output must not become its own input; nor what is written beside it for make, in a folder
 * that then is all ours. */
static int find_own(const struct pipeline_options *options, struct pipeline *p, struct error *err)
{
    AUTO(pipeline_output) output = {0};
    if (pipeline_output_parse(options->output, &output, err) != 0)
        return -1;
    autofree char *path = plan_output_file(&p->project, output.type, output.dest, err);
    if (!path)
        return -1;
    strv_take(&p->left_out, inside(p, path));
    if (options->depfile) {
        autofree char *folder = path_dir(options->depfile), *below = inside(p, folder);
        strv_take(&p->left_out, below[0] ? take(below) : inside(p, options->depfile));
    }
    if (options->stamp)
        strv_take(&p->left_out, inside(p, options->stamp));
    return 0;
}

static int read_context(struct pipeline *p, struct error *err)
{
    AUTO(buf) text = {0};
    const char *name = project_get(&p->project, KEY_CONTEXT_IGNORE_FILE);
    autofree char *path = path_join(p->project.dir, name);
    if (fs_exists(path) && fs_read(path, IGNORE_FILE_MAX, &text, err) != 0)
        return -1;
    if (!fs_exists(path) && project_is_set(&p->project, KEY_CONTEXT_IGNORE_FILE))
        return error_set(err, ERROR_PROJECT, "there is no '%s'; [context] ignore-file names it",
                         path);
    AUTOPTR(ignore) ignore = ignore_parse(buf_text(&text), text.len, path, err);
    if (!ignore || context_scan(p->project.dir, ignore, &p->left_out, &p->context, err) != 0)
        return -1;
    p->context_files = p->context.len;
    return 0;
}

static int base_request(const struct pipeline_options *options, const struct pipeline *p,
                        const char *reference, struct base_request *request, struct error *err)
{
    static const char *const policies[] = {
        [PULL_MISSING] = "missing", [PULL_ALWAYS] = "always", [PULL_NEVER] = "never"};
    *request = (struct base_request){.reference = reference,
                                     .dir = p->project.dir,
                                     .mirrors = &options->mirrors,
                                     .ca_file = options->ca_file};
    size_t policy = 0;
    while (options->pull && policy < countof(policies) &&
           strcmp(options->pull, policies[policy]) != 0)
        policy++;
    if (policy == countof(policies))
        return error_set(err, ERROR_USAGE, "--pull takes always, missing or never, not '%s'",
                         options->pull);
    request->pull = options->offline ? PULL_NEVER : (enum pull_policy)policy;
    (void)arch_parse(project_get(&p->project, KEY_IMAGE_ARCH), &request->arch);
    return 0;
}

static int read_base(const struct pipeline_options *options, enum pipeline_base how,
                     struct pipeline *p, struct error *err)
{
    struct base_request request;
    autofree char *reference = plan_base_of(&p->project, &p->template, err);
    if (!reference || base_request(options, p, reference, &request, err) != 0)
        return -1;
    execution_watch(&request, &p->inputs);
    int found = how == PIPELINE_BASE_PEEK ? base_peek(&request, &p->store, &p->base, err)
                : base_load(&request, &p->store, &p->base, err) == 0 ? 1
                                                                     : -1;
    p->base_known = found == 1;
    return found < 0 ? -1 : 0;
}

static int read_template(struct pipeline *p, struct error *err)
{
    const char *template = project_get(&p->project, KEY_BUILD_TEMPLATE);
    autofree char *path = template ? path_join(p->project.dir, template)
                                   : xstrdup(project_get(&p->project, KEY_FUNCTION_LANGUAGE));
    return template_load(path, &p->template, err);
}

int pipeline_base(const struct pipeline_options *options, struct pipeline *p, struct error *err)
{
    if (read_template(p, err) != 0 || store_open(&p->store, NULL, err) != 0)
        return -1;
    return read_base(options, PIPELINE_BASE_LOAD, p, err);
}

static int make_plan(const struct pipeline_options *options, struct pipeline *p, struct error *err)
{
    AUTO(strv) runtime_files = {0}, locks = {0};
    autofree char **names = xcalloc(p->context.len, sizeof *names);
    struct strv files = {.items = names}; /* the names are the context's */
    autofree char *runtimes = data_path("runtimes");
    autofree char *runtime_dir =
        p->template.runtime ? path_join(runtimes, p->template.runtime) : xstrdup("");
    autofree char *open_version = NULL;
    AUTO(pipeline_output) output = {0};
    for (size_t i = 0; i < p->context.len; i++)
        if (p->context.files[i].type == TAR_FILE)
            names[files.len++] = (char *)(uintptr_t)p->context.files[i].path;
    if (p->template.runtime && data_files(runtime_dir, ".c", &runtime_files, err) != 0)
        return -1;
    if (pipeline_output_parse(options->output, &output, err) != 0 ||
        lockfiles_find(&p->template, p->project.dir, &files, &locks, &open_version, err) != 0)
        return -1;
    const struct plan_facts facts = {
        .project = &p->project,
        .provenance = &p->provenance,
        .template = &p->template,
        .base = p->base_known ? &p->base : NULL,
        .project_files = &files,
        .runtime_files = &runtime_files,
        .strict_locks = &locks,
        .open_version = open_version,
        .locked = options->locked,
        .runtime_dir = runtime_dir,
        .tags = &options->tags,
        .source_date_epoch = options->epoch ? options->epoch : getenv("SOURCE_DATE_EPOCH"),
        .output_type = output.type,
        .output_file = output.dest,
        .compression = output.compression,
    };
    if (plan_make(&facts, &p->plan, err) != 0)
        return -1;
    for (size_t i = 0; i < p->plan.warnings.len; i++)
        log_warn("%s", p->plan.warnings.items[i]);
    return 0;
}

int pipeline_plan(const struct pipeline_options *options, enum pipeline_base how,
                  struct pipeline *p, struct error *err)
{
    if (read_project(options, p, err) != 0 || find_own(options, p, err) != 0)
        return -1;
    if (provenance_read(p->project.dir, &p->left_out, &p->provenance, err) != 0)
        return -1;
    if (read_template(p, err) != 0 || store_open(&p->store, NULL, err) != 0)
        return -1;
    if (read_context(p, err) != 0 || read_base(options, how, p, err) != 0)
        return -1;
    return make_plan(options, p, err);
}

/* With room for one more. Caller frees. */
static struct digest *base_digests(const struct base *base)
{
    struct digest *digests = xcalloc(base->layer_count + 1, sizeof *digests);
    for (size_t i = 0; i < base->layer_count; i++)
        digests[i] = base->layers[i].digest;
    return digests;
}

/* What the layer to be made goes on: the base and the layers made so far. */
static struct rootfs *merged(const struct pipeline *p, struct error *err)
{
    autofree struct digest *layers = base_digests(&p->base);
    if (p->layer_count > 0)
        layers[p->base.layer_count] = p->layers[0].digest;
    return rootfs_load(&p->store, layers, p->base.layer_count + p->layer_count, err);
}

/* While the compilers work, there is time to hash the base, and to write it into the output. */
static void use_the_time(void *data)
{
    struct pipeline *p = data;
    if (p->verified)
        return;
    autofree struct digest *layers = base_digests(&p->base);
    struct verify_sink sink = {0};
    p->begun = p->output->begin ? p->output->begin(&p->store, p->plan.output_file, &sink) : NULL;
    p->verified = verify_start(&p->store, layers, p->base.layer_count, p->begun ? &sink : NULL);
}

/* A large layer goes into the output while it is made, behind the base, which must be there then.
 */
static bool on_large_layer(void *data, struct layer_sink *sink)
{
    struct pipeline *p = data;
    use_the_time(p);
    return p->begun && verify_finish(p->verified) &&
           p->output->layer(p->begun, p->base.layer_count + p->layer_count, sink);
}

static void abandon(struct pipeline *p)
{
    if (p->begun)
        p->output->abandon(take(p->begun));
}

static int write_output(struct pipeline *p, struct error *err)
{
    log_step("write", "%s", p->plan.output_file);
    if (p->begun && !verify_finish(p->verified))
        abandon(p);
    const struct blob_source from = {&p->store, p->verified};
    return p->output->write(&p->image, &from, p->begun, p->plan.output_file, err);
}

/* Under make's jobserver its tokens are the limit; -j N can only lower it. */
static int most_jobs(const struct pipeline_options *options, const struct jobserver *jobserver)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (options->jobs || jobserver->kind == JOBSERVER_SERIAL)
        return options->jobs ? options->jobs : 1;
    return jobserver_joined(jobserver) ? INT_MAX : cores > 0 ? (int)cores : 1;
}

void pipeline_decide_engine(const struct pipeline_options *options, struct pipeline *p)
{
    struct error err = {0};
    if (p->plan.needs_engine &&
        !options
             ->engine) /* the plan says so itself; which one works here is found when it is built */
        return;
    if (execution_choose(options->engine, &options->how, &p->plan, &p->execution, &err) != 0)
        plan_decide(&p->plan, "engine", NULL, err.text);
}

static int make_layers(struct pipeline *p, const struct engine_job *job, struct error *err)
{
    autofree char *workdir = p->plan.workdir ? path_clean(p->plan.workdir) : NULL;
    AUTOPTR(rootfs) base = merged(p, err);
    if (workdir) /* as every engine does for WORKDIR */
        tree_add_dir(&p->tree, workdir);
    if (!base || (p->execution.has_deps && execution_deps(&p->execution, job, base, err) != 0))
        return -1;
    if (p->execution.has_deps)
        p->layers[p->layer_count++] = p->execution.deps_layer;
    AUTOPTR(rootfs) with_deps = p->layer_count > 0 ? merged(p, err) : NULL;
    if (p->layer_count > 0 && !with_deps)
        return -1;
    struct layer_format format = layer_format(p->plan.epoch, p->plan.compression);
    format.large = on_large_layer;
    format.data = p;
    if (layer_make(&p->tree, with_deps ? with_deps : base, &format, &p->store,
                   &p->layers[p->layer_count], err) != 0)
        return -1;
    p->layer_count++;
    return 0;
}

static int execute(const struct pipeline_options *options, struct pipeline *p, struct error *err)
{
    AUTO(jobserver) jobserver = JOBSERVER_INIT;
    struct base_request like;
    jobserver_join(&jobserver, getenv("MAKEFLAGS"));
    struct engine_job job = {.plan = &p->plan,
                             .store = &p->store,
                             .jobs = most_jobs(options, &jobserver),
                             .jobserver = &jobserver,
                             .inputs = &p->inputs,
                             .context = &p->context,
                             .waiting = use_the_time,
                             .large = on_large_layer,
                             .data = p,
                             .options = &options->how};
    p->execution.base = &p->base;
    if (execution_choose(options->engine, &options->how, &p->plan, &p->execution, err) != 0 ||
        base_request(options, p, NULL, &like, err) != 0 ||
        execution_run(&p->execution, &job, &p->template, &like, &p->tree, err) != 0)
        return -1;
    if (!options->depfile)
        context_release(&p->context);
    xtrim();
    return options->how.target ? 0 : make_layers(p, &job, err);
}

int pipeline_build(const struct pipeline_options *options, struct pipeline *p, struct error *err)
{
    if (pipeline_plan(options, PIPELINE_BASE_LOAD, p, err) != 0)
        return -1;
    p->output = output_find(p->plan.output_type);
    if (!p->output)
        return error_set(err, ERROR_USAGE, "unknown output type '%s'", p->plan.output_type);
    if (execute(options, p, err) != 0)
        return -1;
    if (options->how.target) /* of the stages, no image was asked for */
        return 0;
    if (!options->depfile)
        tree_release(&p->tree);
    xtrim();
    if (image_make(&p->base, p->layers, p->layer_count, &p->plan, &p->image, err) != 0)
        return -1;
    if (gate_build(&p->image, &p->project, &p->store, p->plan.output_file, err) != 0 ||
        process_check_interrupt(err) != 0)
        return -1;
    return write_output(p, err);
}

void pipeline_release(struct pipeline *p)
{
    verify_free(p->verified);
    abandon(p);
    image_release(&p->image);
    tree_release(&p->tree);
    execution_release(&p->execution);
    plan_release(&p->plan);
    base_release(&p->base);
    context_release(&p->context);
    store_release(&p->store);
    template_release(&p->template);
    provenance_release(&p->provenance);
    project_release(&p->project);
    strv_release(&p->left_out);
    strv_release(&p->inputs);
}
