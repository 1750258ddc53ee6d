#include "command/command.h"
#include "dockerfile/dockerfile.h"
#include "pipeline.h"
#include "support/outfile.h"
#include "support/own.h"

#include <string.h>

static const struct option_row rows[] = {
    {'o', "output", OPTION_TEXT, offsetof(struct pipeline_options, output), "FILE",
     "Write the Dockerfile there instead of to standard output."},
    {0},
};
static const struct option_table tables[] = {
    {rows, 0}, {pipeline_project_rows, 0}, {pipeline_plan_rows, 0}, {0}};

static int run(const char *const *argv, struct buf *out, struct error *err)
{
    AUTO(pipeline_options) options = {0};
    AUTO(strv) operands = {0};
    AUTO(pipeline) p = {0};
    AUTO(dockerfile) dockerfile = {0};

    if (options_parse(tables, argv, &options, &operands, err) != 0 ||
        pipeline_settle(&options, &operands, err) != 0 ||
        pipeline_dockerfile(&options, &p, &dockerfile, err) != 0)
        return -1;

    if (options.output && strcmp(options.output, "-") != 0)
        return outfile_write(options.output, buf_text(&dockerfile.text), dockerfile.text.len, err);
    buf_add(out, buf_text(&dockerfile.text), dockerfile.text.len);
    return 0;
}

static void help(struct buf *out)
{
    options_help(tables, out);
}

const struct command command_render = {
    .name = "render",
    .operands = "",
    .summary = "Print the multi-stage Dockerfile of the build.",
    .run = run,
    .help = help,
};
