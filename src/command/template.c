#include "template/template.h"
#include "command/command.h"
#include "support/own.h"
#include "support/strv.h"
#include "template/print.h"

#include <string.h>

static int run(const char *const *argv, struct buf *out, struct error *err)
{
    AUTO(template) t = {0};

    if (!argv[1] || strcmp(argv[1], "check") != 0)
        return error_set(
            err, ERROR_USAGE,
            "template takes 'check FILE'; 'lbuild help templates' lists the templates");
    if (!argv[2] || argv[2][0] == '-' || argv[3])
        return error_set(err, ERROR_USAGE, "template check takes one file");

    autofree char *path = strchr(argv[2], '/') ? xstrdup(argv[2]) : xasprintf("./%s", argv[2]);
    if (template_load(path, &t, err) != 0)
        return -1;
    template_print(&t, out);
    return 0;
}

const struct command command_template = {
    .name = "template",
    .operands = "check FILE",
    .summary = "Check a template of your own, and show what it offers.",
    .run = run,
};
