#include "engine/handler.h"

#include "support/log.h"
#include "support/own.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 64 * 1024 };

/* Looks for both texts, each with its NUL, in a file of any size: the end of each piece is kept in
 * front of the next, so that a text across both is found. */
static bool look_for(const char *path, const char *const texts[2], bool found[2])
{
    size_t first = strlen(texts[0]), second = strlen(texts[1]);
    size_t longest = first > second ? first : second, held = 0;
    autofree char *room = xmalloc(longest + PIECE);
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);

    for (ssize_t got = 1; fd >= 0 && (got = read(fd, room + held, PIECE)) != 0;) {
        if (got < 0)
            return false;
        held += (size_t)got;
        for (int i = 0; i < 2; i++)
            found[i] = found[i] || memmem(room, held, texts[i], strlen(texts[i]) + 1);
        size_t kept = held < longest ? held : longest;
        memmove(room, room + held - kept, kept);
        held = kept;
    }
    return fd >= 0;
}

void handler_look(const struct plan *plan, const struct tree *tree)
{
    const struct tree_entry *program = NULL;
    bool found[2] = {false, false};
    for (size_t i = 0; plan->compiles_c && i < tree->len; i++)
        if (strcmp(tree->entries[i].path, plan->program) == 0)
            program = &tree->entries[i];

    const char *const texts[2] = {"Runtime.NoSuchHandler", plan->handler};
    autofree char *source = program ? tree_source(program) : NULL;
    if (source && look_for(source, texts, found) && found[0] && !found[1])
        log_warn("the program has no handler named '%s'; use that name in LAMBDA_HANDLERS, or "
                 "correct 'handler' in [function]",
                 plan->handler);
}
