#include "support/makerule.h"

#include "support/fs.h"
#include "support/own.h"

#include <string.h>

int makerule_read(const char *text, const char *dir, struct strv *out)
{
    AUTO(buf) word = {0};
    const char *at = strstr(text, ":");

    /* The target is "o", or a path of ours without a colon; a blank follows the rule's colon. */
    while (at && at[1] != ' ' && at[1] != '\t' && at[1] != '\n' && at[1] != '\\')
        at = strstr(at + 1, ":");
    if (!at)
        return -1;

    for (at++;; at++) {
        bool joined = at[0] == '\\' && (at[1] == '\n' || (at[1] == '\r' && at[2] == '\n'));
        if (joined || strchr(" \t\r\n", *at)) { /* strchr() finds the final '\0' too */
            if (word.len > 0)
                strv_take(out, path_join(dir, buf_text(&word)));
            buf_clear(&word);
            if (*at == '\n' || *at == '\0')
                return 0;
            at += joined ? (at[1] == '\r' ? 2 : 1) : 0;
        } else if (at[0] == '\\' && (at[1] == ' ' || at[1] == '#' || at[1] == '\\')) {
            buf_addc(&word, *++at);
        } else if (at[0] == '$' && at[1] == '$') {
            buf_addc(&word, *++at);
        } else {
            buf_addc(&word, *at);
        }
    }
}

/* Writes one name: a backslash before each character that means something to make, and the
 * backslashes in front of such a character doubled. "$" is doubled. Nothing quotes "=", so it comes
 * out of a variable. In a rule's target "%" would make a pattern of the name. */
static void add_name(const char *path, bool target, struct buf *out)
{
    size_t slashes = 0;
    for (const char *at = path; *at; at++) {
        bool special =
            strchr(" #:*?[", *at) || (target && *at == '%') || (*at == '~' && at == path);
        for (; special && slashes > 0; slashes--)
            buf_addc(out, '\\');
        slashes = *at == '\\' ? slashes + 1 : 0;

        if (special)
            buf_addc(out, '\\');
        if (*at == '=')
            buf_adds(out, "$(lbuild-equals)");
        else if (*at == '$')
            buf_adds(out, "$$");
        else
            buf_addc(out, *at);
    }
}

/* Whether make's language can hold a name. Line breaks, tabs and the characters that end a list of
 * prerequisites can't be quoted, or not in every place, or not in every make. At the end of a name,
 * " ", "\" and "&" would join it with what follows, and ")" would make it an archive's member. */
static bool has_name(const char *path)
{
    size_t length = strlen(path);
    return length > 0 && !strpbrk(path, "\n\r\t;|") && !strchr(" \\&)", path[length - 1]);
}

static void add_always(const char *target, struct buf *out)
{
    buf_adds(out, "\n# For a file whose name can't be written here.\n");
    add_name(target, true, out);
    buf_adds(out, ": lbuild-always\nlbuild-always:\n.PHONY: lbuild-always\n");
}

void makerule_write(const char *target, const struct strv *paths, struct buf *out)
{
    bool always = false;

    buf_adds(out, "# Made by lbuild: what the last build read.\nlbuild-equals := =\n");
    add_name(target, true, out);
    buf_addc(out, ':');
    for (size_t i = 0; i < paths->len; i++) {
        always = always || !has_name(paths->items[i]);
        if (!has_name(paths->items[i]))
            continue;
        buf_adds(out, " \\\n ");
        add_name(paths->items[i], false, out);
    }
    buf_addc(out, '\n');

    for (size_t i = 0; i < paths->len; i++) {
        if (!has_name(paths->items[i]))
            continue;
        buf_addc(out, '\n');
        add_name(paths->items[i], true, out);
        buf_addc(out, ':');
    }
    buf_addc(out, '\n');

    if (always)
        add_always(target, out);
}
