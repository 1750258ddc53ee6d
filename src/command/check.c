#include "command/command.h"
#include "gate/options.h"
#include "pipeline.h"
#include "support/fs.h"
#include "support/own.h"

#include <string.h>
#include <time.h>

/* The verb checks two things: without an operand the project file, with one a finished image. */

struct check_options {
    struct pipeline_options pipeline;
    struct strv ignore;
    const char *budget;
    int base_age;
    bool werror, json, sarif;
};

static void check_options_release(struct check_options *options)
{
    pipeline_options_release(&options->pipeline);
    strv_release(&options->ignore);
}

enum { BASE_AGE = 365 };

#define ROW(name, type, field, argument, help)                                                     \
    {                                                                                              \
        0, name, type, offsetof(struct check_options, field), argument, help                       \
    }
static const struct option_row rows[] = {
    ROW("json", OPTION_FLAG, json, NULL, "Print one JSON object."),
    ROW("sarif", OPTION_FLAG, sarif, NULL, "Print SARIF 2.1.0, for code scanning."),
    ROW("ignore", OPTION_LIST, ignore, "ID",
        "Rule to ignore, e.g. LB061. For several, use commas or repeat the option."),
    ROW("werror", OPTION_FLAG, werror, NULL, "Count warnings as errors."),
    ROW("budget", OPTION_TEXT, budget, "SIZE",
        "Maximum unpacked size of the image, e.g. 200MB or 1.5GiB."),
    ROW("base-age", OPTION_COUNT, base_age, "DAYS",
        "Days after which a base counts as old. Default: 365."),
    {0},
};
static const struct option_table tables[] = {
    {rows, 0},
    {pipeline_project_rows, offsetof(struct check_options, pipeline)},
    {pipeline_plan_rows, offsetof(struct check_options, pipeline)},
    {0},
};

static int check_project(const struct check_options *options, struct buf *out, struct error *err)
{
    AUTO(pipeline) p = {0};
    AUTO(strv) ignore = {0};
    uint64_t budget = 0;

    if (options->json || options->sarif || options->werror || options->budget ||
        options->base_age || options->ignore.len > 0)
        return error_set(
            err, ERROR_USAGE,
            "--json, --sarif, --ignore, --werror, --budget and --base-age are about an image; "
            "name one");

    if (pipeline_plan(&options->pipeline, FACTS_BASE_PEEK, &p, err) != 0 ||
        gate_take_project(&p.facts.project, &ignore, &budget, err) != 0)
        return -1;

    buf_addf(out, "%s: no mistake found\n", p.facts.project.file);
    return 0;
}

/* The project in the current folder, where there is one, says which rules to ignore. */
static int read_project(const struct check_options *options, struct strv *ignore, uint64_t *budget,
                        struct error *err)
{
    const struct pipeline_options *pipeline = &options->pipeline;
    AUTO(facts) facts = {0};
    autofree char *file = path_join(pipeline->dir ? pipeline->dir : ".",
                                    pipeline->file ? pipeline->file : "lbuild.ini");

    if (!pipeline->dir && !pipeline->file && !fs_exists(file))
        return 0;
    if (facts_project(pipeline, NULL, &facts, err) != 0)
        return -1;
    return gate_take_project(&facts.project, ignore, budget, err);
}

static int check_image(const struct check_options *options, const char *path, struct buf *out,
                       struct error *err)
{
    const struct pipeline_options *pipeline = &options->pipeline;
    AUTO(store) store = {.lock = -1};
    AUTO(strv) ignore = {0};
    AUTO(imagefile) image = {0};
    AUTO(gate_report) report = {0};
    struct gate_options asked = {.ignore = &ignore,
                                 .werror = options->werror,
                                 .now = time(NULL),
                                 .base_age = options->base_age ? options->base_age : BASE_AGE};

    if (gate_take_ids(&options->ignore, "--ignore", &ignore, err) != 0 ||
        (options->budget &&
         gate_parse_size(options->budget, "--budget", &asked.budget, err) != 0) ||
        read_project(options, &ignore, &asked.budget, err) != 0)
        return -1;

    const struct imagefile_choice choice = {
        .tag = pipeline->tags.len > 0 ? pipeline->tags.items[0] : NULL,
        .arch = pipeline_arch(pipeline),
        .mirrors = &pipeline->mirrors,
        .ca_file = pipeline->ca_file,
        .offline = pipeline->offline,
        .without_config = true,
    };
    if (store_open(&store, NULL, err) != 0 ||
        imagefile_load(path, &choice, &store, &image, err) != 0 ||
        gate_check(&image, &store, &asked, &report, err) != 0)
        return -1;

    if (options->json)
        gate_print_json(&report, out);
    else if (options->sarif)
        gate_print_sarif(&report, out);
    else
        gate_print_text(&report, out);
    return gate_verdict(&report, err);
}

static int run(const char *const *argv, struct buf *out, struct error *err)
{
    AUTO(check_options) options = {0};
    AUTO(strv) operands = {0};

    if (options_parse(tables, argv, &options, &operands, err) != 0 ||
        pipeline_settle(&options.pipeline, NULL, err) != 0)
        return -1;
    if (operands.len > 1)
        return error_set(err, ERROR_USAGE, "check takes one image, and '%s' is a second one",
                         operands.items[1]);
    if (options.json && options.sarif)
        return error_set(err, ERROR_USAGE, "--json and --sarif exclude each other; choose one");
    return operands.len == 1 ? check_image(&options, operands.items[0], out, err)
                             : check_project(&options, out, err);
}

static void help(struct buf *out)
{
    options_help(tables, out);
}

const struct command command_check = {
    .name = "check",
    .operands = "[IMAGE]",
    .summary = "Check the project file or, with IMAGE, a finished image for what Lambda refuses.",
    .run = run,
    .help = help,
};
