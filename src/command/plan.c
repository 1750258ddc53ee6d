#include "command/command.h"
#include "pipeline.h"
#include "support/own.h"

struct plan_options {
    struct pipeline_options pipeline;
    bool json;
};

static void plan_options_release(struct plan_options *options)
{
    pipeline_options_release(&options->pipeline);
}

static const struct option_row rows[] = {
    {0, "json", OPTION_FLAG, offsetof(struct plan_options, json), NULL, "Print one JSON object."},
    {0},
};
static const struct option_table tables[] = {
    {rows, 0},
    {pipeline_project_rows, offsetof(struct plan_options, pipeline)},
    {pipeline_plan_rows, offsetof(struct plan_options, pipeline)},
    {0},
};

static int run(const char *const *argv, struct buf *out, struct error *err)
{
    AUTO(plan_options) options = {0};
    AUTO(strv) operands = {0};
    AUTO(pipeline) p = {0};

    if (options_parse(tables, argv, &options, &operands, err) != 0 ||
        pipeline_settle(&options.pipeline, &operands, err) != 0 ||
        pipeline_plan(&options.pipeline, FACTS_BASE_PEEK, &p, err) != 0)
        return -1;

    const char *why, *engine = pipeline_engine(&options.pipeline, &p, &why);
    if (!options.json) {
        plan_print(&p.plan, engine, why, out);
        return 0;
    }
    AUTOPTR(js) object = plan_json(&p.plan, engine, why);
    js_dump_pretty(object, out);
    return 0;
}

static void help(struct buf *out)
{
    options_help(tables, out);
}

const struct command command_plan = {
    .name = "plan",
    .operands = "",
    .summary = "Print every decision of the build and where it came from.",
    .run = run,
    .help = help,
};
