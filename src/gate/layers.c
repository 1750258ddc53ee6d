#include "gate/rule.h"

#include "support/fs.h"

#include <string.h>

/* The entries of the layers, and the tree that they add up to (OCI image-spec layer.md). */

void gate_faults(struct gate *gate)
{
    static const enum rule_id rules[] = {
        [ROOTFS_ESCAPES] = RULE_ESCAPES,     [ROOTFS_BELOW_FILE] = RULE_BELOW_FILE,
        [ROOTFS_NO_TARGET] = RULE_NO_TARGET, [ROOTFS_WHITEOUT] = RULE_WHITEOUT,
        [ROOTFS_ABSOLUTE] = RULE_ABSOLUTE,   [ROOTFS_ROOT] = RULE_BELOW_FILE,
        [ROOTFS_NO_PARENT] = RULE_NO_PARENT, [ROOTFS_DUPLICATE] = RULE_DUPLICATE,
    };

    for (size_t i = 0; i < gate->fault_count; i++) {
        const struct gate_fault *fault = &gate->faults[i];
        gate_add(gate, rules[fault->kind], fault->layer, fault->path, "%s", fault->text);
    }
}

void gate_odd(struct gate *gate)
{
    for (size_t i = 0; i < gate->image->layer_count; i++) {
        const struct listing_scan *scan = &gate->image->layers[i].scan;
        if (scan->odd_header[0])
            gate_add(gate, RULE_ODD_HEADER, i + 1, NULL, "%s", scan->odd_header);
        if (scan->odd_type[0])
            gate_add(gate, RULE_ODD_TYPE, i + 1, NULL, "%s", scan->odd_type);
    }
}

/* In the base too, but not in /dev: Lambda puts its own devices there. */
void gate_special(struct gate *gate)
{
    for (size_t i = 0; i < rootfs_count(gate->tree); i++) {
        const struct rootfs_entry *entry = rootfs_at(gate->tree, i);
        if (entry->type == TAR_OTHER && !path_below(entry->path, "dev", NULL))
            gate_add(gate, RULE_SPECIAL_FILE, entry->layer, entry->path,
                     "it is a device, a socket or a FIFO");
    }
}

/* Only in the function's own folders: a distribution has its reasons for such modes. */
void gate_modes(struct gate *gate)
{
    for (size_t i = 0; i < rootfs_count(gate->tree); i++) {
        const struct rootfs_entry *entry = rootfs_at(gate->tree, i);
        bool started = entry == gate->start.program.entry;
        if (entry->type == TAR_SYMLINK || (!gate_own(gate, entry->path) && !started))
            continue;

        if (entry->type == TAR_FILE && (entry->mode & 06000))
            gate_add(gate, RULE_SETUID, entry->layer, entry->path, "its mode is %04o", entry->mode);
        if ((entry->mode & 0002) && !(entry->mode & 01000))
            gate_add(gate, RULE_WRITABLE, entry->layer, entry->path, "its mode is %04o",
                     entry->mode);
    }
}

/* Whether the kernel starts it though it can't be read (execve(2)). It reads scripts through their
 * interpreter, and the loader opens libraries. */
static bool executes(const struct rootfs_entry *entry)
{
    AUTO(program) program = {0};
    if (entry->type != TAR_FILE || !(gate_rights(entry) & 1))
        return false;
    program_read(entry->facts, &program);
    return program.kind == PROGRAM_ELF && program.elf.executable && !program.elf.soname;
}

static void check_rights(struct gate *gate, const struct rootfs_entry *entry)
{
    bool dir = entry->type == TAR_DIR;
    unsigned needed = dir ? 5 : 4;
    if (entry->type != TAR_SYMLINK && (gate_rights(entry) & needed) != needed && !executes(entry))
        gate_add(gate, RULE_UNREADABLE_FILE, entry->layer, entry->path,
                 "its mode is %04o, its owner %lld:%lld: Lambda's user 993:990 can't %s it",
                 entry->mode, (long long)entry->uid, (long long)entry->gid,
                 dir ? "list and enter" : "read");
}

/* Whether a folder is WORKDIR, or has a started program in it: LB059 and LB055 are about these. */
static bool has_own_rule(const struct gate *gate, const struct rootfs_entry *workdir,
                         const struct rootfs_entry *entry)
{
    const struct rootfs_entry *const started[] = {gate->start.program.entry,
                                                  gate->start.in_shell.entry};
    if (entry->type != TAR_DIR || !strv_contains(&gate->own, entry->path))
        return false;

    for (size_t i = 0; i < countof(started); i++)
        if (started[i] && path_below(started[i]->path, entry->path, NULL))
            return true;
    return entry == workdir;
}

/* Whether it is one of a user's settings or caches, which are closed to others by habit. A function
 * that has its WORKDIR in the home folder needn't read them. */
static bool is_setting(const char *path)
{
    const char *rest = NULL;
    const char *below = path_below(path, "home", &rest) ? strchr(rest, '/') : NULL;
    return below && below[1] == '.';
}

/* Everything in the function's own folders, and the folders above them. */
void gate_rights_of_files(struct gate *gate)
{
    static const char *const above[] = {"var"};
    const char *place = js_get_text(gate->config, "WorkingDir");
    const struct rootfs_entry *root = rootfs_find(gate->tree, ""),
                              *workdir = place ? gate_follow(gate, place) : NULL;

    if (root && !(gate_rights(root) & 1))
        gate_add(gate, RULE_UNREADABLE_FILE, root->layer, "",
                 "the root's mode is %04o: Lambda's user 993:990 can't enter it", root->mode);

    for (size_t i = 0; i < countof(above); i++) {
        const struct rootfs_entry *entry = rootfs_find(gate->tree, above[i]);
        if (entry && entry->type == TAR_DIR && !(gate_rights(entry) & 1))
            gate_add(gate, RULE_UNREADABLE_FILE, entry->layer, entry->path,
                     "its mode is %04o: Lambda's user 993:990 can't enter it", entry->mode);
    }

    for (size_t i = 0; i < rootfs_count(gate->tree); i++) {
        const struct rootfs_entry *entry = rootfs_at(gate->tree, i);
        if (gate_own(gate, entry->path) && !has_own_rule(gate, workdir, entry) &&
            !is_setting(entry->path))
            check_rights(gate, entry);
    }
}
