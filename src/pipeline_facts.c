#include "pipeline_facts.h"

#include "engine/execute.h"
#include "support/data.h"
#include "support/ignore.h"
#include "support/log.h"
#include "support/outfile.h"
#include "support/own.h"
#include "template/lockfiles.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- the project --- */

int facts_project(const struct pipeline_options *options, struct strv *complaints,
                  struct facts *facts, struct error *err)
{
    AUTO(strv) set = {0};
    const char *arch = pipeline_arch(options);

    strv_add_all(&set, &options->set);
    if (arch)
        strv_addf(&set, "image.arch=%s", arch);
    const struct project_options from = {options->dir, options->file, options->profile, &set};
    return project_load(&from, &facts->project, complaints, err);
}

static int read_project(const struct pipeline_options *options, struct facts *facts,
                        struct error *err)
{
    AUTO(strv) complaints = {0};
    int result = facts_project(options, &complaints, facts, err);

    for (size_t i = 0; complaints.len > 1 && i < complaints.len; i++)
        log_complaint(complaints.items[i]);
    return result;
}

/* The path relative to the project's folder; "" when it lies elsewhere or is that
 * folder. Caller frees. */
static char *inside(const struct facts *facts, const char *path)
{
    autofree char *cwd = getcwd(NULL, 0), *absolute = path_join(cwd ? cwd : "/", path),
                  *clean = path_clean(absolute);
    const char *rest = "";

    if (clean)
        (void)path_below(clean, facts->project.dir + 1, &rest);
    return xstrdup(rest);
}

/* Where an output is when all links are followed; it need not exist. NULL when that can't be told.
 * Caller frees. */
static char *real_place(const char *output)
{
    char *real = realpath(output, NULL);
    if (real)
        return real;

    autofree char *file = outfile_regular(output), *parent = file ? path_dir(file) : NULL,
                  *folder = parent ? realpath(parent, NULL) : NULL;
    return folder ? path_join(folder, path_base(file)) : NULL;
}

/* Links in the project must not lead the output out of its folder, unless the user typed its name.
 */
static int check_links(const struct pipeline_options *options, const struct facts *facts,
                       const char *output, struct error *err)
{
    if (plan_output_is_typed(&facts->project, options->out.dest))
        return 0;

    struct stat st;
    const char *rest = NULL;
    autofree char *real = real_place(output), *dir = realpath(facts->project.dir, NULL);
    if (!real && stat(output, &st) == 0)
        real = xstrdup("/proc"); /* a descriptor that has no name */
    if (!real || !dir)
        return 0;

    bool below = path_below(real, dir, &rest);
    autofree char *slashed = below ? xasprintf("/%s/", rest) : NULL;
    if (below && !strstr(slashed, "/.git/"))
        return 0;
    return error_set(err, ERROR_PROJECT,
                     "'%s' leads to '%s' by a link, %s; remove the link, or name the output with "
                     "-o or --set",
                     output, real, below ? "which belongs to git" : "out of the project's folder");
}

/* The output must not become its own input. Nor must the files written for make: a depfile's folder
 * inside the project counts as lbuild's own. */
static int find_own(const struct pipeline_options *options, struct facts *facts, struct error *err)
{
    autofree char *output =
        plan_output_file(&facts->project, options->out.type, options->out.dest, err);
    if (!output || check_links(options, facts, output, err) != 0)
        return -1;

    autofree char *real = real_place(output);
    strv_take(&facts->left_out, inside(facts, output));
    strv_take(&facts->left_out, inside(facts, real ? real : output));
    if (options->depfile) {
        autofree char *folder = path_dir(options->depfile), *below = inside(facts, folder);
        strv_take(&facts->left_out, below[0] ? take(below) : inside(facts, options->depfile));
    }
    if (options->stamp)
        strv_take(&facts->left_out, inside(facts, options->stamp));
    return 0;
}

/* --- template and context --- */

static int read_template(struct facts *facts, struct error *err)
{
    const char *template = project_get(&facts->project, KEY_BUILD_TEMPLATE);
    autofree char *path = template ? path_join(facts->project.dir, template)
                                   : xstrdup(project_get(&facts->project, KEY_FUNCTION_LANGUAGE));
    return template_load(path, &facts->template, err);
}

static int read_context(struct facts *facts, struct error *err)
{
    AUTO(buf) text = {0};
    const char *name = project_get(&facts->project, KEY_CONTEXT_IGNORE_FILE);
    autofree char *path = path_join(facts->project.dir, name);

    if (fs_exists(path) && fs_read(path, IGNORE_FILE_MAX, &text, err) != 0)
        return -1;
    if (!fs_exists(path) && project_is_set(&facts->project, KEY_CONTEXT_IGNORE_FILE)) {
        autofree char *place = origin_text(&facts->project.values[KEY_CONTEXT_IGNORE_FILE].origin);
        return error_set(err, ERROR_PROJECT, "%s: there is no file '%s'", place, path);
    }

    AUTOPTR(ignore) ignore = ignore_parse(buf_text(&text), text.len, path, err);
    if (!ignore ||
        context_scan(facts->project.dir, ignore, &facts->left_out, &facts->context, err) != 0)
        return -1;
    facts->context_files = facts->context.len;
    return 0;
}

/* --- the base --- */

struct base_request facts_base_request(const struct pipeline_options *options,
                                       const struct facts *facts, const char *reference)
{
    struct base_request request = {.reference = reference,
                                   .dir = facts->project.dir,
                                   .pull = options->policy,
                                   .mirrors = &options->mirrors,
                                   .ca_file = options->ca_file};
    (void)arch_parse(project_get(&facts->project, KEY_IMAGE_ARCH), &request.arch);
    return request;
}

static int read_base(const struct pipeline_options *options, enum facts_base how,
                     struct facts *facts, struct error *err)
{
    autofree char *reference = plan_base_of(&facts->project, &facts->template, err);
    if (!reference)
        return -1;

    struct base_request request = facts_base_request(options, facts, reference);
    execution_watch(&request, &facts->inputs);
    if (how == FACTS_BASE_LOAD) {
        facts->base_known = base_load(&request, &facts->store, &facts->base, err) == 0;
        return facts->base_known ? 0 : -1;
    }
    int found = base_peek(&request, &facts->store, &facts->base, err);
    facts->base_known = found == 1;
    return found < 0 ? -1 : 0;
}

int facts_load_base(const struct pipeline_options *options, struct facts *facts, struct error *err)
{
    if (read_template(facts, err) != 0 || store_open(&facts->store, NULL, err) != 0)
        return -1;
    return read_base(options, FACTS_BASE_LOAD, facts, err);
}

/* --- all of them --- */

int facts_gather(const struct pipeline_options *options, enum facts_base how, struct facts *facts,
                 struct error *err)
{
    if (read_project(options, facts, err) != 0 || find_own(options, facts, err) != 0)
        return -1;
    if (provenance_read(facts->project.dir, &facts->left_out, &facts->provenance, err) != 0)
        return -1;

    if (read_template(facts, err) != 0 || store_open(&facts->store, NULL, err) != 0)
        return -1;
    if (read_context(facts, err) != 0)
        return -1;
    return read_base(options, how, facts, err);
}

void facts_release(struct facts *facts)
{
    base_release(&facts->base);
    context_release(&facts->context);
    store_release(&facts->store);
    template_release(&facts->template);
    provenance_release(&facts->provenance);
    project_release(&facts->project);
    strv_release(&facts->left_out);
    strv_release(&facts->inputs);
}

/* --- the plan --- */

/* The paths of the context's regular files, borrowed from it. Caller frees the array. */
static char **project_files(const struct context *context, size_t *count)
{
    char **names = xcalloc(context->len, sizeof *names);

    for (size_t i = 0; i < context->len; i++)
        if (context->files[i].type == TAR_FILE)
            names[(*count)++] = (char *)(uintptr_t)context->files[i].path;
    return names;
}

/* The folder of the template's runtime, "" when it has none, and the sources in it. */
static int find_runtime(const struct template *t, char **dir, struct strv *sources,
                        struct error *err)
{
    autofree char *runtimes = data_path("runtimes");

    *dir = t->runtime ? path_join(runtimes, t->runtime) : xstrdup("");
    return t->runtime ? data_files(*dir, ".c", sources, err) : 0;
}

int facts_plan(const struct pipeline_options *options, const struct facts *facts, struct plan *plan,
               struct error *err)
{
    AUTO(strv) runtime_files = {0}, locks = {0};
    size_t count = 0;
    autofree char **names = project_files(&facts->context, &count);
    const struct strv files = {.items = names, .len = count};
    autofree char *runtime_dir = NULL, *open_version = NULL;

    if (find_runtime(&facts->template, &runtime_dir, &runtime_files, err) != 0 ||
        lockfiles_find(&facts->template, facts->project.dir, &files, &locks, &open_version, err) !=
            0)
        return -1;

    const struct plan_facts from = {
        .project = &facts->project,
        .provenance = &facts->provenance,
        .template = &facts->template,
        .base = facts->base_known ? &facts->base : NULL,
        .project_files = &files,
        .runtime_files = &runtime_files,
        .strict_locks = &locks,
        .open_version = open_version,
        .locked = options->locked,
        .runtime_dir = runtime_dir,
        .tags = &options->tags,
        .source_date_epoch = options->epoch ? options->epoch : getenv("SOURCE_DATE_EPOCH"),
        .output_type = options->out.type,
        .output_file = options->out.dest,
        .compression = options->out.compression,
    };
    return plan_make(&from, plan, err);
}
