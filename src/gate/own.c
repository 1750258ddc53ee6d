#include "gate/rule.h"

#include "support/fs.h"

#include <string.h>

/* Which files are the function's own, by the names of the folders and by the config. AWS's guide
 * puts them in /function, others in /app or /usr/src/app. */

static bool is_one_of(const char *name, size_t length, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(list[i]) == length && strncmp(list[i], name, length) == 0)
            return true;
    return false;
}

/* Whether a folder belongs to the system, or holds more than one owner's files (hier(7)). */
static bool is_system(const char *folder)
{
    static const char *const top[] = {"bin",   "boot",   "dev",   "etc", "lib", "lib32",
                                      "lib64", "libx32", "media", "mnt", "nix", "proc",
                                      "root",  "run",    "sbin",  "sys", "tmp"};
    static const char *const usr[] = {"bin",   "etc",     "games",  "include", "lib",  "lib32",
                                      "lib64", "libexec", "libx32", "man",     "sbin", "share"};
    static const char *const var[] = {"backups", "cache", "db",   "lang",  "lib", "local",
                                      "lock",    "log",   "mail", "spool", "run", "tmp"};
    static const char *const shared[] = {"",          "home",          "opt",     "srv", "usr",
                                         "usr/local", "usr/local/src", "usr/src", "var"};
    const char *rest = NULL;

    if (is_one_of(folder, strlen(folder), shared, countof(shared)) ||
        is_one_of(folder, strcspn(folder, "/"), top, countof(top)))
        return true;
    if (path_below(folder, "usr/local", &rest) || path_below(folder, "usr", &rest))
        return is_one_of(rest, strcspn(rest, "/"), usr, countof(usr));
    return path_below(folder, "var", &rest) &&
           is_one_of(rest, strcspn(rest, "/"), var, countof(var));
}

static void add(struct gate *gate, const char *path)
{
    enum { MOST = 50 }; /* each is compared with each file */
    if (gate->own.len < MOST && !strv_contains(&gate->own, path))
        strv_add(&gate->own, path);
}

static void add_folder(struct gate *gate, const char *folder)
{
    if (!is_system(folder))
        add(gate, folder);
}

/* A file that the config names, and its folder; or a folder. */
static void add_named(struct gate *gate, const struct rootfs_entry *entry)
{
    if (entry && entry->type == TAR_DIR)
        add_folder(gate, entry->path);
    if (!entry || entry->type != TAR_FILE)
        return;

    autofree char *folder = path_dir(entry->path);
    add_folder(gate, strcmp(folder, ".") == 0 ? "" : folder);
    add(gate, entry->path);
}

void gate_find_own(struct gate *gate)
{
    const char *text = js_get_text(gate->config, "WorkingDir"),
               *workdir = text && text[0] == '/' ? text : "/";
    const struct strv *words = &gate->start.command.words;

    const struct rootfs_entry *at = gate_follow(gate, workdir);
    if (at && at->type == TAR_DIR)
        add_folder(gate, at->path);

    add_named(gate, gate->start.program.entry);
    add_named(gate, gate->start.in_shell.entry);
    for (size_t i = 1; i < words->len; i++) {
        autofree char *full = path_join(workdir, words->items[i]);
        if (words->items[i][0])
            add_named(gate, gate_follow(gate, full));
    }
}

bool gate_own(const struct gate *gate, const char *path)
{
    static const char *const always[] = {"var/task", "var/runtime", "opt", "var/lang/python"};
    for (size_t i = 0; i < countof(always); i++)
        if (path_below(path, always[i], NULL))
            return true;
    for (size_t i = 0; i < gate->own.len; i++)
        if (path_below(path, gate->own.items[i], NULL))
            return true;
    return false;
}
