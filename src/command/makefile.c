#include "command/command.h"
#include "support/data.h"
#include "support/fs.h"
#include "support/own.h"

#include <stdlib.h>

static int run(const char *const *argv, struct buf *out, struct error *err)
{
    if (argv[1])
        return error_set(err, ERROR_USAGE, "unexpected argument '%s'; makefile takes none",
                         argv[1]);

    autofree char *path = data_path("lbuild.mk"), *real = realpath(path, NULL);
    if (!real)
        return data_failed(path, err);
    buf_addf(out, "%s\n", real);
    return 0;
}

const struct command command_makefile = {
    .name = "makefile",
    .operands = "",
    .summary = "Print the path of lbuild.mk, for a Makefile to include.",
    .run = run,
};
