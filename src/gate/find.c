#include "gate/rule.h"

#include "support/fs.h"

#include <stdlib.h>
#include <string.h>

/* Which files the commands of the config lead to (execvp(3), sh(1)). */

static void program_forget(struct gate_program *program)
{
    free(program->name);
    free(program->full);
}

void gate_start_release(struct gate_start *start)
{
    start_release(&start->command);
    program_forget(&start->program);
    program_forget(&start->in_shell);
    for (size_t i = 0; i < start->extension_count; i++)
        program_forget(&start->extensions[i]);
    free(start->extensions);
}

static const char *workdir(const struct gate *gate)
{
    const char *folder = js_get_text(gate->config, "WorkingDir");
    return folder && folder[0] == '/' ? folder : "/";
}

/* The file at `full`, unless that is no regular file. */
static const struct rootfs_entry *regular(const struct gate *gate, const char *full)
{
    const struct rootfs_entry *entry = gate_follow(gate, full);
    return entry && entry->type == TAR_FILE ? entry : NULL;
}

/* The first one that Lambda's user may execute, else the first one. */
char *gate_lookup_in(const struct gate *gate, const char *path, const char *name)
{
    autofree char *first = NULL;
    for (const char *at = path; *at; at += strcspn(at, ":"), at += *at == ':') {
        autofree char *folder = xstrndup(at, strcspn(at, ":"));
        autofree char *absolute = path_join(workdir(gate), folder),
                      *full = path_join(absolute, name);
        const struct rootfs_entry *entry = regular(gate, full);

        if (entry && (gate_rights(entry) & 1))
            return take(full);
        if (entry && !first)
            first = take(full);
    }
    return take(first);
}

char *gate_lookup(const struct gate *gate, const char *name)
{
    static const char usual[] = "/usr/local/bin:/bin:/usr/bin";
    const char *path = gate_env(gate, "PATH");

    if (!strchr(name, '/'))
        return gate_lookup_in(gate, path ? path : usual, name);
    if (name[0] == '/')
        return xstrdup(name);

    /* Without WORKDIR, Lambda's own folder is tried as well. */
    autofree char *full = path_join(workdir(gate), name), *task = path_join("/var/task", name);
    if (regular(gate, full))
        return take(full);
    return !js_get_text(gate->config, "WorkingDir") && regular(gate, task) ? take(task) : NULL;
}

static void find_program(const struct gate *gate, const char *by, const char *name,
                         struct gate_program *out)
{
    struct error ignored;
    *out = (struct gate_program){
        .by = by, .name = xstrdup(name), .full = name[0] ? gate_lookup(gate, name) : NULL};
    if (!out->full)
        return;

    autofree char *named = rootfs_resolve(gate->tree, out->full, &ignored);
    const struct rootfs_entry *direct = named ? rootfs_find(gate->tree, named) : NULL;
    out->link = direct && direct->type == TAR_SYMLINK;
    out->entry = gate_follow(gate, out->full);
}

static bool is_shell(const char *program)
{
    static const char *const shells[] = {"sh", "bash", "dash", "ash"};
    for (size_t i = 0; i < countof(shells); i++)
        if (strcmp(path_base(program), shells[i]) == 0)
            return true;
    return false;
}

/* The program that a shell's command line starts first, or NULL where that isn't sure: the word may
 * be the shell's own, or the line may do something else before. After "exec", or with a slash in a
 * line of one command, it is a program for sure; any other word must at least be found. Caller
 * frees. */
static char *shell_program(const struct gate *gate, const char *line)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789_./+-";
    const char *at = line + strspn(line, " \t");
    bool sure = strncmp(at, "exec ", 5) == 0 && at[5] != '-';
    if (sure)
        at += 5 + strspn(at + 5, " \t");

    size_t length = strspn(at, plain);
    if (length == 0 || !strchr(" \t", at[length])) /* or the line's end */
        return NULL;

    char *word = xstrndup(at, length);
    sure = sure || (strchr(word, '/') && !strpbrk(line, ";&|<>()\n"));
    autofree char *full = sure ? NULL : gate_lookup(gate, word);
    if (sure || (full && regular(gate, full)))
        return word;
    free(word);
    return NULL;
}

/* Lambda starts each file in this folder, but enters none of its folders (Lambda guide, "Using
 * extensions with container images"). */
static void find_extensions(struct gate *gate)
{
    struct gate_start *start = &gate->start;
    const struct rootfs_entry *folder = gate_follow(gate, "/opt/extensions");

    for (size_t i = 0; folder && i < rootfs_count(gate->tree); i++) {
        const struct rootfs_entry *entry = rootfs_at(gate->tree, i);
        const char *name = NULL;
        if (entry->type == TAR_DIR || !path_below(entry->path, folder->path, &name) || !name[0] ||
            strchr(name, '/'))
            continue;

        autofree char *full = xasprintf("/opt/extensions/%s", name);
        grow(start->extensions, start->extension_count, start->extension_cap);
        find_program(gate, "Lambda", full, &start->extensions[start->extension_count++]);
    }
}

void gate_find_start(struct gate *gate)
{
    struct gate_start *start = &gate->start;
    const char *by = js_count(js_get(gate->config, "Entrypoint")) > 0 ? "ENTRYPOINT" : "CMD";
    find_extensions(gate);
    start_find(gate->config, &start->command);
    const struct strv *words = &start->command.words;
    if (!start->command.program)
        return;

    find_program(gate, start->command.stock ? "the entry script" : by, start->command.program,
                 &start->program);
    if (words->len < 3 || strcmp(words->items[1], "-c") != 0 || !is_shell(words->items[0]))
        return;

    autofree char *name = shell_program(gate, words->items[2]);
    if (name)
        find_program(gate, by, name, &start->in_shell);
}
