#include "gate/libraries.h"

#include "support/fs.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

/* Whether programs can start: their machine, interpreter, libraries and versions
 * (execve(2), ld.so(8), System V ABI). The program that Lambda starts must; the function's
 * other programs should. */

struct view {
    struct gate *gate;
    struct library_path path;
    struct strv started; /* paths of all files that the start needs */
};

static void view_release(struct view *view)
{
    library_path_release(&view->path);
    strv_release(&view->started);
}

static const char *machine(const struct elf_facts *elf, char *room, size_t size)
{
    static const struct {
        int number;
        const char *name;
    } machines[] = {{EM_X86_64, "x86_64"}, {EM_AARCH64, "arm64"}, {EM_386, "x86"}, {EM_ARM, "arm"}};

    snprintf(room, size, "machine %d", elf->machine);
    for (size_t i = 0; i < countof(machines); i++)
        if (machines[i].number == elf->machine)
            snprintf(room, size, "%s%s", machines[i].name, elf->is_64 ? "" : ", 32 bit");
    return room;
}

static void wrong_machine(struct view *view, enum rule_id id, const struct rootfs_entry *entry,
                          const struct elf_facts *elf)
{
    char room[40];
    gate_add(view->gate, id, entry->layer, entry->path, "it is for %s, the image for %s",
             machine(elf, room, sizeof room), arch_lambda(view->gate->image->arch));
}

static void check_level(struct view *view, const struct rootfs_entry *entry,
                        const struct elf_facts *elf)
{
    enum { SURE = 3 };
    if (elf->machine == EM_X86_64 && elf->isa > SURE)
        gate_add(view->gate, RULE_PROCESSOR, entry->layer, entry->path,
                 "it says that it needs x86-64-v%u", elf->isa);
}

/* Whether an interpreter exists. */
static bool there(const struct view *view, const char *interpreter)
{
    const struct rootfs_entry *entry = gate_follow(view->gate, interpreter);
    return entry && entry->type == TAR_FILE;
}

static bool gives(const struct elf_facts *library, const char *version)
{
    return library->partial || library->gives.len == 0 || strv_contains(&library->gives, version);
}

/* Checks each "LIBRARY VERSION" that a file wants against the library that was found. */
static void check_versions(struct view *view, enum rule_id id, const struct libraries *loaded,
                           const struct library *one)
{
    for (size_t i = 0; i < one->program.elf.versions.len; i++) {
        const char *text = one->program.elf.versions.items[i], *version = strchr(text, ' ');

        for (size_t j = 1; version && j < loaded->len; j++) {
            const struct library *library = &loaded->items[j];
            if (strncmp(library->name, text, (size_t)(version - text)) != 0 ||
                library->name[version - text] || !library->path)
                continue;
            if (!gives(&library->program.elf, version + 1))
                gate_add(view->gate, id, one->entry->layer, one->entry->path,
                         "it wants %s, which '%s' doesn't have", version + 1, library->path);
        }
    }
}

static bool fits(const struct view *view, const struct rootfs_entry *entry)
{
    AUTO(program) program = {0};
    if (entry && entry->type == TAR_FILE)
        program_read(entry->facts, &program);
    return program.kind == PROGRAM_ELF && library_fits(view->gate, &program.elf);
}

/* The file that the loader finds can't be loaded. */
static void unfit_library(struct view *view, bool started, const struct rootfs_entry *by,
                          const struct library *library)
{
    AUTO(program) program = {0};
    char room[40];
    const char *what = "no library";
    program_read(library->unfit->facts, &program);
    if (program.kind == PROGRAM_ELF)
        what = machine(&program.elf, room, sizeof room);

    gate_add(view->gate, started ? RULE_START_LIBRARY : RULE_OTHER_LIBRARY, by->layer, by->path,
             "it needs '%.200s', and finds '/%s', which is %s%s", library->name,
             library->unfit->path, program.kind == PROGRAM_ELF ? "for " : "", what);
}

static void missing_library(struct view *view, bool started, const struct libraries *loaded,
                            const struct library *library)
{
    const struct rootfs_entry *by = loaded->items[library->by].entry,
                              *other = library_elsewhere(view->gate, path_base(library->name));

    /* One that fits may be where only the loader's cache knows. */
    if (library->unfit && (library->stop || !fits(view, other)))
        unfit_library(view, started, by, library);
    else if (!other)
        gate_add(view->gate, started ? RULE_START_LIBRARY : RULE_OTHER_LIBRARY, by->layer, by->path,
                 "it needs '%.200s', which is nowhere in the image", library->name);
    else if (started)
        gate_add(view->gate, RULE_OTHER_LIBRARY, by->layer, by->path,
                 "it needs '%.200s', which is in '/%s', where the loader doesn't look",
                 library->name, other->path);
}

static void check_libraries(struct view *view, bool started, const struct rootfs_entry *entry)
{
    AUTO(libraries) loaded = {0};
    libraries_load(view->gate, &view->path, entry, &loaded);

    for (size_t i = 0; i < loaded.len; i++) {
        const struct library *library = &loaded.items[i];
        if (!library->path) {
            missing_library(view, started, &loaded, library);
            continue;
        }

        if (started)
            strv_add(&view->started, library->entry->path);
        if (started || i == 0) {
            check_level(view, library->entry, &library->program.elf);
            check_versions(view, started ? RULE_START_VERSION : RULE_OTHER_VERSION, &loaded,
                           library);
        }
    }
}

static void check_started_elf(struct view *view, const struct rootfs_entry *entry,
                              const struct elf_facts *elf)
{
    strv_add(&view->started, entry->path);
    if (!library_fits(view->gate, elf)) {
        wrong_machine(view, RULE_START_MACHINE, entry, elf);
        return;
    }

    if (!elf->executable && !elf->interpreter) {
        gate_add(view->gate, RULE_NO_PROGRAM, entry->layer, entry->path,
                 "it is a library or an object file");
        return;
    }

    if (elf->interpreter && !there(view, elf->interpreter))
        gate_add(view->gate, RULE_START_INTERPRETER, entry->layer, entry->path,
                 "it wants the interpreter '%.200s', which is not in the image", elf->interpreter);
    else
        check_libraries(view, true, entry);
}

/* The program that "#!/usr/bin/env NAME" finds, or NULL. `later`: Lambda doesn't start the script
 * itself. Then lbuild's runtime clients have put /var/lang/bin on PATH, where Amazon's bases have
 * it anyway. */
static const struct rootfs_entry *on_path(const struct view *view, bool later, const char *name)
{
    autofree char *lang = later ? gate_lookup_in(view->gate, "/var/lang/bin", name) : NULL;
    autofree char *full = lang ? take(lang) : gate_lookup(view->gate, name);
    const struct rootfs_entry *entry = full ? gate_follow(view->gate, full) : NULL;
    return entry && entry->type == TAR_FILE ? entry : NULL;
}

/* The program that a script starts: its interpreter, or the one that env finds. *name: the name
 * that was looked for; caller frees. */
static const struct rootfs_entry *interpreter_of(const struct view *view, bool later,
                                                 const struct program *script, char **name)
{
    *name = xstrdup(script->interpreter ? script->interpreter : "");
    const struct rootfs_entry *entry =
        (*name)[0] == '/' && there(view, *name) ? gate_follow(view->gate, *name) : NULL;
    const char *word = script->arguments ? script->arguments : "";

    if (!entry || strcmp(path_base(*name), "env") != 0)
        return entry;

    if (strncmp(word, "-S ", 3) == 0)
        word += 3 + strspn(word + 3, " ");
    size_t length = strcspn(word, " \t");
    if (length == 0 || word[0] == '-' || memchr(word, '=', length))
        return entry;

    free(*name);
    *name = xstrndup(word, length);
    return on_path(view, later, *name);
}

/* The program to look at next: the one that a started script starts. NULL: there is
 * none, or a breach. */
static const struct rootfs_entry *check_started_script(struct view *view,
                                                       const struct rootfs_entry *entry,
                                                       const struct program *script)
{
    autofree char *name = NULL;
    strv_add(&view->started, entry->path);
    if (script->carriage_return) {
        gate_add(view->gate, RULE_START_CR, entry->layer, entry->path,
                 "its first line, '#!%.100s', ends in a carriage return", script->interpreter);
        return NULL;
    }

    const struct rootfs_entry *next = interpreter_of(view, false, script, &name);
    if (!next)
        gate_add(view->gate, RULE_START_INTERPRETER, entry->layer, entry->path,
                 "it is a script for '%.200s', which is not in the image", name);
    return next;
}

static void no_program(struct view *view, const struct rootfs_entry *entry,
                       const struct program *program)
{
    const char *text = "it is neither an ELF program nor a script with '#!'";
    if (program->kind == PROGRAM_DAMAGED)
        text = program->trouble;
    else if (entry->size == 0)
        text = "it is empty";
    gate_add(view->gate, RULE_NO_PROGRAM, entry->layer, entry->path, "%s", text);
}

/* `by_shell`: a shell starts it, which reads any text as a script of its own. */
static void check_started(struct view *view, const struct rootfs_entry *entry, bool by_shell)
{
    enum { DEEP = 5 }; /* the kernel's limit: execve(2) */
    for (int depth = 0; entry && entry->type == TAR_FILE && depth < DEEP; depth++) {
        AUTO(program) program = {0};
        program_read(entry->facts, &program);
        if (program.kind == PROGRAM_SCRIPT) {
            entry = check_started_script(view, entry, &program);
            continue;
        }

        if (program.kind == PROGRAM_ELF)
            check_started_elf(view, entry, &program.elf);
        else if (!by_shell || program.kind == PROGRAM_DAMAGED)
            no_program(view, entry, &program);
        return;
    }
}

/* Checks a program or library that the start doesn't need. */
static void check_other(struct view *view, const struct rootfs_entry *entry, bool own)
{
    AUTO(program) program = {0};
    autofree char *name = NULL;
    bool executable = entry->mode & 0111;
    program_read(entry->facts, &program);
    const struct elf_facts *elf = &program.elf;

    if (program.kind == PROGRAM_ELF && (elf->type == ET_EXEC || elf->type == ET_DYN)) {
        if (!library_fits(view->gate, elf)) {
            wrong_machine(view, RULE_OTHER_MACHINE, entry, elf);
        } else if (own && elf->interpreter && executable && !there(view, elf->interpreter)) {
            gate_add(view->gate, RULE_OTHER_INTERPRETER, entry->layer, entry->path,
                     "it wants the interpreter '%.200s', which is not in the image",
                     elf->interpreter);
        } else if (own && !elf->partial) {
            check_libraries(view, false, entry);
        }
    } else if (own && program.kind == PROGRAM_SCRIPT && executable && program.carriage_return) {
        gate_add(view->gate, RULE_OTHER_INTERPRETER, entry->layer, entry->path,
                 "its first line ends in a carriage return");
    } else if (own && program.kind == PROGRAM_SCRIPT && executable &&
               !interpreter_of(view, true, &program, &name)) {
        gate_add(view->gate, RULE_OTHER_INTERPRETER, entry->layer, entry->path,
                 "it is a script for '%.200s', which is not in the image", name);
    }
}

/* The folders of PATH in this image. */
static void path_folders(const struct view *view, struct strv *out)
{
    const char *path = gate_env(view->gate, "PATH");
    for (const char *at = path ? path : ""; *at; at += strcspn(at, ":"), at += *at == ':') {
        autofree char *folder = xstrndup(at, strcspn(at, ":"));
        const struct rootfs_entry *entry =
            folder[0] == '/' ? gate_follow(view->gate, folder) : NULL;
        if (entry && entry->type == TAR_DIR)
            strv_add(out, entry->path);
    }
}

static bool lies_in(const struct strv *folders, const char *path)
{
    autofree char *dir = path_dir(path);
    return strv_contains(folders, dir);
}

void gate_programs(struct gate *gate)
{
    AUTO(view) view = {.gate = gate};
    AUTO(strv) folders = {0};
    const struct gate_start *start = &gate->start;
    if (!gate->image->arch_known || !gate->whole)
        return;

    library_path_make(gate, &view.path);
    path_folders(&view, &folders);

    if (start->command.stock)
        check_started(&view, gate_follow(gate, start->command.words.items[0]), false);
    check_started(&view, start->program.entry, false);
    check_started(&view, start->in_shell.entry, true);
    for (size_t i = 0; i < start->extension_count; i++)
        check_started(&view, start->extensions[i].entry, false);

    for (size_t i = 0; i < rootfs_count(gate->tree); i++) {
        const struct rootfs_entry *entry = rootfs_at(gate->tree, i);
        bool own = gate_own(gate, entry->path);
        if (entry->facts && entry->type == TAR_FILE && (own || lies_in(&folders, entry->path)) &&
            !strv_contains(&view.started, entry->path))
            check_other(&view, entry, own);
    }
}
