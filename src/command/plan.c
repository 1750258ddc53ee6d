#include "command/command.h"
#include "pipeline.h"
#include "support/own.h"

#include <string.h>

/* --json is this verb's own; the rest of the words are the project's options. */
static bool take_json(const char *const *argv, struct strv *rest)
{
    bool json = false;
    for (size_t i = 0; argv[i]; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else
            strv_add(rest, argv[i]);
    }
    return json;
}

static int run(const char *const *argv, struct buf *out, struct error *err)
{
    AUTO(pipeline_options) options = {0};
    AUTO(pipeline) p = {0};
    AUTO(strv) rest = {0};
    bool json = take_json(argv, &rest);
    if (pipeline_parse(strv_argv(&rest), PIPELINE_PLAN_ROWS, &options, err) != 0 ||
        pipeline_plan(&options, FACTS_BASE_PEEK, &p, err) != 0)
        return -1;

    const char *why, *engine = pipeline_engine(&options, &p, &why);
    if (!json) {
        plan_print(&p.plan, engine, why, out);
        return 0;
    }
    AUTOPTR(js) object = plan_json(&p.plan, engine, why);
    js_dump_pretty(object, out);
    return 0;
}

static void help(struct buf *out)
{
    size_t count = 0;
    const struct option_row *rows = pipeline_option_rows(&count);
    options_help(rows, PIPELINE_PLAN_ROWS, out);
    buf_adds(out, "      --json                    Print the plan as one JSON object.\n");
}

const struct command command_plan = {
    .name = "plan",
    .operands = "",
    .summary = "Print every decision of the build and where it came from.",
    .run = run,
    .help = help,
};
