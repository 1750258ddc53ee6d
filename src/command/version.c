#include "command/command.h"
#include "config.h"

static int run(const char *const *argv, struct buf *out, struct error *err)
{
    if (argv[1])
        return error_set(err, ERROR_USAGE, "unexpected argument '%s'; version takes none", argv[1]);
    buf_adds(out, "lbuild " PACKAGE_VERSION "\n");
    return 0;
}

const struct command command_version = {
    .name = "version",
    .operands = "",
    .summary = "Print the version.",
    .run = run,
};
