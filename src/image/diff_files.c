#include "image/diff.h"

#include "lambda/program.h"
#include "support/own.h"

#include <inttypes.h>
#include <string.h>

/* The merged trees, path by path: both are sorted. */

static const char *const types[] = {[TAR_FILE] = "file",
                                    [TAR_DIR] = "folder",
                                    [TAR_SYMLINK] = "link",
                                    [TAR_HARDLINK] = "hard link",
                                    [TAR_OTHER] = "special"};

static void add_text(struct js *what, const char *name, const char *a, const char *b)
{
    if ((a && b && strcmp(a, b) == 0) || (!a && !b))
        return;

    struct js *object = js_object();
    js_set_string(object, "name", name);
    if (a)
        js_set_string(object, "a", a);
    if (b)
        js_set_string(object, "b", b);
    js_append(what, object);
}

static void add_number(struct js *what, const char *name, int64_t a, int64_t b, bool octal)
{
    autofree char *left = octal ? xasprintf("%04" PRIo64, (uint64_t)a) : xasprintf("%" PRId64, a);
    autofree char *right = octal ? xasprintf("%04" PRIo64, (uint64_t)b) : xasprintf("%" PRId64, b);
    add_text(what, name, left, right);
}

static char *joined(const struct strv *list)
{
    AUTO(buf) out = {0};
    for (size_t i = 0; i < list->len; i++)
        buf_addf(&out, "%s%s", i ? ", " : "", list->items[i]);
    return list->len ? buf_detach(&out) : NULL;
}

static void compare_lists(struct js *what, const char *name, const struct strv *a,
                          const struct strv *b)
{
    autofree char *left = joined(a), *right = joined(b);
    add_text(what, name, left, right);
}

static void compare_programs(struct js *what, const char *a, const char *b)
{
    AUTO(program) left = {0}, right = {0};

    program_read(a, &left);
    program_read(b, &right);

    if (left.kind == PROGRAM_ELF || right.kind == PROGRAM_ELF) {
        add_number(what, "machine", left.elf.machine, right.elf.machine, false);
        add_text(what, "interpreter", left.elf.interpreter, right.elf.interpreter);
        add_text(what, "soname", left.elf.soname, right.elf.soname);
        add_text(what, "rpath", left.elf.rpath, right.elf.rpath);
        add_text(what, "runpath", left.elf.runpath, right.elf.runpath);
        compare_lists(what, "needed", &left.elf.needed, &right.elf.needed);
        compare_lists(what, "versions", &left.elf.versions, &right.elf.versions);
        compare_lists(what, "sections", &left.elf.sections, &right.elf.sections);
    }
    add_text(what, "#!", left.interpreter, right.interpreter);
}

static struct js *compare_entries(const struct rootfs_entry *a, const struct rootfs_entry *b)
{
    struct js *what = js_array();

    add_text(what, "type", types[a->type], types[b->type]);
    add_number(what, "mode", a->mode, b->mode, true);
    add_number(what, "uid", a->uid, b->uid, false);
    add_number(what, "gid", a->gid, b->gid, false);
    add_number(what, "time", a->mtime, b->mtime, false);
    add_text(what, "target", a->link, b->link);
    add_number(what, "size", a->size, b->size, false);

    if (a->type == TAR_FILE && b->type == TAR_FILE && a->print != b->print) {
        if (a->size == b->size)
            add_text(what, "content", "one", "another");
        if (a->facts || b->facts)
            compare_programs(what, a->facts, b->facts);
    }
    return what;
}

static void add_change(struct js *out, const char *path, const char *change, struct js *what)
{
    struct js *object = js_object();
    js_set_string(object, "kind", "file");
    js_set_string(object, "path", path);
    js_set_string(object, "change", change);
    if (what)
        js_set(object, "what", what);
    js_append(out, object);
}

static void compare_pair(const struct rootfs_entry *a, const struct rootfs_entry *b, struct js *out)
{
    struct js *what = compare_entries(a, b);
    if (js_count(what) > 0)
        add_change(out, a->path, "changed", what);
    else
        js_free(what);
}

void diff_files(const struct imagetree *a, const struct imagetree *b, struct js *out)
{
    for (size_t i = 0, j = 0; i < rootfs_count(a->root) || j < rootfs_count(b->root);) {
        const struct rootfs_entry *left = rootfs_at(a->root, i), *right = rootfs_at(b->root, j);
        int order = !left ? 1 : !right ? -1 : strcmp(left->path, right->path);
        if (order < 0)
            add_change(out, left->path, "removed", NULL);
        else if (order > 0)
            add_change(out, right->path, "added", NULL);
        else
            compare_pair(left, right, out);
        i += order <= 0;
        j += order >= 0;
    }
}
