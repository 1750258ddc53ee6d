#include "handler.h"

#include "support/buf.h"
#include "support/fs.h"
#include "support/log.h"
#include "support/own.h"

#include <string.h>

enum { PROGRAM_MAX = 256 * 1024 * 1024 };

/* Whether the text is in there, up to its NUL. */
static bool holds(const struct buf *program, const char *text)
{
    return memmem(program->data, program->len, text, strlen(text) + 1) != NULL;
}

void handler_look(const struct plan *plan, const struct tree *tree)
{
    const struct tree_entry *found = NULL;
    AUTO(buf) program = {0};
    struct error ignored = {0};
    for (size_t i = 0; plan->compiles_c && i < tree->len; i++)
        if (strcmp(tree->entries[i].path, plan->program) == 0)
            found = &tree->entries[i];
    if (!found || !found->source || fs_read(found->source, PROGRAM_MAX, &program, &ignored) != 0)
        return;
    if (holds(&program, "Runtime.NoSuchHandler") && !holds(&program, plan->handler))
        log_warn("no handler of the program is named '%s'; name it so in LAMBDA_HANDLERS, or set 'handler' in [function]", plan->handler);
}
