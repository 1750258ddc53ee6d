#include "command.h"
#include "project.h"

#include <string.h>

static void overview(struct buf *out)
{
    buf_adds(out, "Usage: lbuild [COMMAND] [OPTION...]\n\n"
                  "Builds one OCI image tarball that AWS Lambda accepts from a folder with an lbuild.ini.\n"
                  "Without a command it builds.\n\nCommands:\n");
    for (size_t i = 0; commands[i]; i++)
        buf_addf(out, "  %-12s%s\n", commands[i]->name, commands[i]->summary);
    buf_adds(out, "\n'lbuild help COMMAND' shows a command's options, 'lbuild help project-file' every key "
                  "of lbuild.ini.\n");
}

static int run(const char *const *argv, struct buf *out, struct error *err)
{
    if (!argv[1] || argv[1][0] == '-') {
        overview(out);
        return 0;
    }
    if (strcmp(argv[1], "project-file") == 0) {
        project_reference(out);
        return 0;
    }
    const struct command *command = command_find(argv[1]);
    if (!command)
        return error_set(err, ERROR_USAGE, "no help for '%s'; 'lbuild help' lists the commands", argv[1]);
    command_help(command, out);
    return 0;
}

const struct command command_help_verb = {
    .name = "help",
    .operands = "[COMMAND | project-file]",
    .summary = "Show the commands, a command's options, or the keys of lbuild.ini.",
    .run = run,
};
