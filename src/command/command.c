#include "command/command.h"

#include <string.h>

#define COMMAND(name) extern const struct command command_##name;
#include "command/list.h"
#undef COMMAND

const struct command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "command/list.h"
#undef COMMAND
    NULL,
};

const struct command *command_find(const char *name)
{
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

void command_help(const struct command *command, struct buf *out)
{
    buf_addf(out, "Usage: lbuild %s%s%s%s\n\n%s\n", command->name,
             command->help ? " [OPTION...]" : "", command->operands[0] ? " " : "",
             command->operands, command->summary);
    if (command->help) {
        buf_adds(out, "\nOptions:\n");
        command->help(out);
    }
}
