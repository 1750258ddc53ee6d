#include "command.h"
#include "pipeline.h"
#include "support/own.h"

static int run(const char *const *argv, struct buf *out, struct error *err)
{
    AUTO(pipeline_options) options = {0};
    AUTO(pipeline) p = {0};
    if (pipeline_parse(argv, PIPELINE_PLAN_ROWS, &options, err) != 0 ||
        pipeline_plan(&options, PIPELINE_BASE_PEEK, &p, err) != 0)
        return -1;
    buf_addf(out, "%s: no mistake found\n", p.project.file);
    return 0;
}

static void help(struct buf *out)
{
    size_t count = 0;
    const struct option_row *rows = pipeline_option_rows(&count);
    options_help(rows, PIPELINE_PLAN_ROWS, out);
}

const struct command command_check = {
    .name = "check",
    .operands = "",
    .summary = "Check the project file without building.",
    .run = run,
    .help = help,
};
