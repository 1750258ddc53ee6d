#include "all/all.h"
#include "command/command.h"
#include "depfile.h"
#include "fresh.h"
#include "image/image.h"
#include "pipeline.h"
#include "support/log.h"
#include "support/outfile.h"
#include "support/own.h"
#include "support/process.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What CI reads, under the names that buildx gave them (docker buildx build, "--metadata-file"). */
static struct js *metadata(const struct fresh_result *result)
{
    struct js *object = js_object(), *descriptor = js_object();

    js_set_string(descriptor, "mediaType", "application/vnd.oci.image.manifest.v1+json");
    js_set_string(descriptor, "digest", result->manifest.text);
    js_set_integer(descriptor, "size", (int64_t)result->manifest_size);

    js_set_string(object, "containerimage.config.digest", result->config.text);
    js_set(object, "containerimage.descriptor", descriptor);
    js_set_string(object, "containerimage.digest", result->manifest.text);
    js_set_string(object, "image.name", result->name);
    return object;
}

/* "NAME:TAG@DIGEST", a line for each tag: what ko and apko call image references. */
static void add_references(const struct fresh_result *result, struct buf *out)
{
    for (size_t i = 0; i < result->tags.len; i++)
        buf_addf(out, "%s@%s\n", result->tags.items[i], result->manifest.text);
}

static void log_image(const struct fresh_result *result, bool fresh)
{
    struct stat st;
    struct js *object = metadata(result), *tags = js_array();

    for (size_t i = 0; i < result->tags.len; i++)
        js_append(tags, js_string(result->tags.items[i]));

    js_set(object, "image.tags", tags);
    js_set_string(object, "file", result->output);
    if (stat(result->output, &st) == 0 && S_ISREG(st.st_mode))
        js_set_integer(object, "bytes", st.st_size);
    js_set(object, "fresh", js_boolean(fresh));
    log_result(object);
}

static int write_files(const struct pipeline_options *options, const struct fresh_result *result,
                       struct error *err)
{
    AUTO(buf) text = {0}, references = {0};
    AUTOPTR(js) object = metadata(result);

    js_dump_pretty(object, &text);
    add_references(result, &references);

    if (options->metadata_file &&
        outfile_write(options->metadata_file, text.data, text.len, err) != 0)
        return -1;
    if (options->image_refs &&
        outfile_write(options->image_refs, buf_text(&references), references.len, err) != 0)
        return -1;
    if (!options->iidfile)
        return 0;
    return outfile_write(options->iidfile, result->config.text, strlen(result->config.text), err);
}

/* Whether the image went where the result would be printed: to "-", or to /dev/stdout. */
static bool is_printed(const char *dest)
{
    struct stat output, printed;
    return strcmp(dest, "-") == 0 ||
           (stat(dest, &output) == 0 && fstat(STDOUT_FILENO, &printed) == 0 &&
            output.st_dev == printed.st_dev && output.st_ino == printed.st_ino);
}

static int report(const struct pipeline_options *options, const struct fresh_result *result,
                  struct buf *out, struct error *err)
{
    if (write_files(options, result, err) != 0)
        return -1;

    autofree char *reference = xasprintf("%s@%s", result->name, result->manifest.text);
    if (is_printed(result->output))
        log_line(reference);
    else
        buf_addf(out, "%s\n", reference);
    return 0;
}

static int show_plan(const struct pipeline_options *options, struct buf *out, struct error *err)
{
    AUTO(pipeline) p = {0};
    if (pipeline_plan(options, FACTS_BASE_PEEK, &p, err) != 0)
        return -1;

    const char *why, *engine = pipeline_engine(options, &p, &why);
    plan_print(&p.plan, engine, why, out);
    return 0;
}

static int list_projects(const struct pipeline_options *options, struct buf *out, struct error *err)
{
    AUTO(functions) functions = {0};
    if (all_find(options, &functions, err) != 0)
        return -1;

    for (size_t i = 0; i < functions.len; i++)
        buf_addf(out, "%s\n", functions.items[i].dir);
    return 0;
}

static int build_all(const char *const *argv, const struct pipeline_options *options,
                     struct buf *out, struct error *err)
{
    AUTO(functions) functions = {0};
    log_start("build");
    process_catch_signals();

    int result = all_build(argv, options, &functions, err);
    if (functions.len > 0)
        all_report(&functions, options->json, out);
    if (result != 0 || all_write_files(options, &functions, err) != 0)
        return -1;
    return all_verdict(&functions, err);
}

/* *result is what was made; empty with --target. `begun` and *looked: the times from which changes
 * count, for fresh.h and depfile.h. */
static int build(const struct pipeline_options *options, int64_t begun, int64_t *looked,
                 struct fresh_result *result, struct error *err)
{
    AUTO(pipeline) p = {0};
    process_catch_signals();

    if (pipeline_build(options, &p, err) != 0)
        return -1;
    if (options->how.target)
        return 0;

    if (depfile_write(options, &p, looked, err) != 0)
        return -1;
    fresh_record(options, &p, begun);
    *result = (struct fresh_result){.name = xstrdup(p.image.name),
                                    .output = xstrdup(p.plan.output_file),
                                    .manifest = p.image.manifest_digest,
                                    .config = p.image.config_digest,
                                    .manifest_size = p.image.manifest.len};
    strv_add_all(&result->tags, &p.image.tags);
    return 0;
}

static int build_one(const struct pipeline_options *options, int64_t begun, struct buf *out,
                     struct error *err)
{
    AUTO(fresh_result) result = {0};
    log_start("build");
    int64_t looked = depfile_begin(options);
    bool fresh = fresh_check(options, &result);

    if (fresh)
        log_step("fresh", "%s", result.name);
    else if (build(options, begun, &looked, &result, err) != 0)
        return -1;
    if (options->how.target)
        return 0;

    log_image(&result, fresh);
    if (report(options, &result, out, err) != 0)
        return -1;
    return depfile_stamp(options, looked, err);
}

static int run(const char *const *argv, struct buf *out, struct error *err)
{
    AUTO(pipeline_options) options = {0};
    AUTO(strv) operands = {0};
    int64_t begun = fresh_now();

    if (options_parse(all_tables, argv, &options, &operands, err) != 0 ||
        pipeline_settle(&options, &operands, err) != 0)
        return -1;

    if (options.all)
        return options.dry_run ? list_projects(&options, out, err)
                               : build_all(argv, &options, out, err);
    return options.dry_run ? show_plan(&options, out, err) : build_one(&options, begun, out, err);
}

static void help(struct buf *out)
{
    options_help(all_tables, out);
}

const struct command command_build = {
    .name = "build",
    .operands = "[--all [DIR...]]",
    .summary = "Build the image; lbuild without a command does the same.",
    .run = run,
    .help = help,
};
