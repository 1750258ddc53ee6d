#include "gate/libraries.h"

#include "support/fs.h"

#include <elf.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LIBRARIES = 1000 };

void libraries_release(struct libraries *libraries)
{
    for (size_t i = 0; i < libraries->len; i++) {
        free(libraries->items[i].name);
        free(libraries->items[i].path);
        program_release(&libraries->items[i].program);
    }
    free(libraries->items);
    *libraries = (struct libraries){0};
}

void library_path_release(struct library_path *path)
{
    strv_release(&path->always);
    strv_release(&path->environment);
}

bool library_fits(const struct gate *gate, const struct elf_facts *elf)
{
    return elf->is_64 && elf->little_endian &&
           elf->machine == (gate->image->arch == ARCH_ARM64 ? EM_AARCH64 : EM_X86_64);
}

/* Adds each absolute path among the words of a text, which any of `separators` separate. */
static void add_folders(struct strv *out, const char *text, const char *separators)
{
    for (const char *at = text; *at; at += strcspn(at, separators), at += strspn(at, separators)) {
        autofree char *word = xstrndup(at, strcspn(at, separators));
        if (word[0] == '/')
            strv_add(out, word);
    }
}

/* The lines of ld.so.conf and of the files in ld.so.conf.d. On existing systems "include" names no
 * other files. */
static void add_configuration(const struct rootfs_entry *entry, struct strv *out)
{
    static const char *const patterns[] = {"etc/ld.so.conf", "etc/ld.so.conf.d/*.conf",
                                           "etc/ld-musl-*.path"};
    AUTO(program) program = {0};
    bool is_one = false;

    for (size_t i = 0; i < countof(patterns); i++)
        is_one = is_one || fnmatch(patterns[i], entry->path, FNM_PATHNAME) == 0;
    if (!is_one)
        return;

    program_read(entry->facts, &program);
    if (program.text)
        add_folders(out, program.text, "\n:, \t");
}

void library_path_make(const struct gate *gate, struct library_path *out)
{
    static const char *const usual[] = {"/lib64", "/usr/lib64", "/lib", "/usr/lib",
                                        "/usr/local/lib"};
    const char *environment = gate_env(gate, "LD_LIBRARY_PATH");
    *out = (struct library_path){0};
    if (environment)
        add_folders(&out->environment, environment, ":;");

    for (size_t i = 0; i < rootfs_count(gate->tree); i++) {
        const struct rootfs_entry *entry = rootfs_at(gate->tree, i);
        if (strcmp(entry->path, "etd") > 0)
            break;
        if (path_below(entry->path, "etc", NULL))
            add_configuration(entry, &out->always);
    }

    strv_addf(&out->always, "/lib/%s-linux-gnu", arch_compiler(gate->image->arch));
    strv_addf(&out->always, "/usr/lib/%s-linux-gnu", arch_compiler(gate->image->arch));
    for (size_t i = 0; i < countof(usual); i++)
        strv_add(&out->always, usual[i]);
}

/* Expands a folder of an rpath: $ORIGIN is the object's own folder, $LIB and $PLATFORM depend on
 * the machine. Caller frees. */
static char *expand(const struct gate *gate, const char *folder, const char *object)
{
    AUTO(buf) out = {0};
    autofree char *origin = path_dir(object);
    const char *const words[][2] = {
        {"ORIGIN", origin}, {"LIB", "lib64"}, {"PLATFORM", arch_compiler(gate->image->arch)}};

    for (const char *at = folder; *at;) {
        size_t taken = 0;
        for (size_t i = 0; at[0] == '$' && i < countof(words) && taken == 0; i++) {
            size_t length = strlen(words[i][0]);
            bool braces = at[1] == '{';
            if (strncmp(at + 1 + braces, words[i][0], length) != 0 ||
                (braces && at[2 + length] != '}'))
                continue;
            buf_adds(&out, words[i][1]);
            taken = 1 + length + 2 * (size_t)braces;
        }

        if (taken == 0)
            buf_addc(&out, *at);
        at += taken ? taken : 1;
    }

    return buf_detach(&out);
}

/* Takes the library from a folder if it is there and for this machine. glibc's loader ignores
 * libraries for other machines and goes on, but fails for a file that is no library (dl-load.c,
 * open_verify); musl's takes the first file that it finds. */
static bool try_folder(const struct gate *gate, const char *folder, struct library *library)
{
    autofree char *path = path_join(folder, library->name);
    const struct rootfs_entry *entry = library->stop ? NULL : gate_follow(gate, path);
    AUTO(program) program = {0};
    if (!entry || entry->type != TAR_FILE)
        return false;

    program_read(entry->facts, &program);
    if (program.kind != PROGRAM_ELF || !library_fits(gate, &program.elf)) {
        bool elf = program.kind == PROGRAM_ELF || program.kind == PROGRAM_DAMAGED;
        if (gate_rights(entry) & 4) {
            library->unfit = library->unfit ? library->unfit : entry;
            library->stop = library->musl || !elf;
        }
        return false;
    }

    library->path = take(path);
    library->entry = entry;
    library->program = program;
    program = (struct program){0};
    return true;
}

static bool try_list(const struct gate *gate, const char *list, const char *object,
                     struct library *library)
{
    for (const char *at = list; at && *at; at += strcspn(at, ":"), at += *at == ':') {
        autofree char *word = xstrndup(at, strcspn(at, ":")), *folder = expand(gate, word, object);
        if (folder[0] && try_folder(gate, folder, library))
            return true;
    }
    return false;
}

static bool try_folders(const struct gate *gate, const struct strv *folders,
                        struct library *library)
{
    for (size_t i = 0; i < folders->len; i++)
        if (try_folder(gate, folders->items[i], library))
            return true;
    return false;
}

/* The order of ld.so(8): the rpaths of the object and of those that loaded it, unless it has a
 * runpath; the environment; its runpath; the other folders. */
static void find(const struct gate *gate, const struct library_path *path,
                 const struct libraries *loaded, size_t by, struct library *library)
{
    const struct library *object = &loaded->items[by];

    if (strchr(library->name, '/')) {
        autofree char *folder = path_dir(library->name);
        autofree char *base = xstrdup(path_base(library->name)), *full = take(library->name);
        library->name = take(base);
        if (!try_folder(gate, folder, library)) {
            free(library->name);
            library->name = take(full);
        }
        return;
    }

    if (!object->program.elf.runpath) {
        for (size_t at = by;; at = loaded->items[at].by) {
            const struct library *above = &loaded->items[at];
            if (!above->program.elf.runpath &&
                try_list(gate, above->program.elf.rpath, above->path, library))
                return;
            if (at == 0)
                break;
        }
    }

    if (try_folders(gate, &path->environment, library) ||
        try_list(gate, object->program.elf.runpath, object->path, library))
        return;
    (void)try_folders(gate, &path->always, library);
}

static bool is_loaded(const struct libraries *libraries, const char *name)
{
    for (size_t i = 1; i < libraries->len; i++) {
        const char *soname = libraries->items[i].program.elf.soname;
        if (strcmp(libraries->items[i].name, name) == 0 || (soname && strcmp(soname, name) == 0))
            return true;
    }
    return false;
}

static bool is_musl(const struct libraries *libraries)
{
    const char *interpreter = libraries->items[0].program.elf.interpreter;
    return interpreter && strstr(interpreter, "/ld-musl-");
}

/* The loader counts as loaded, and musl's loader is its libc too. */
static bool is_loader(const struct libraries *libraries, const char *name)
{
    const char *interpreter = libraries->items[0].program.elf.interpreter;
    if (is_musl(libraries))
        return strncmp(name, "libc.", 5) == 0;
    return interpreter && strcmp(path_base(interpreter), name) == 0;
}

void libraries_load(const struct gate *gate, const struct library_path *path,
                    const struct rootfs_entry *entry, struct libraries *out)
{
    *out = (struct libraries){0};
    grow(out->items, out->len, out->cap);
    out->items[out->len++] = (struct library){
        .name = xstrdup(entry->path), .path = xasprintf("/%s", entry->path), .entry = entry};
    program_read(entry->facts, &out->items[0].program);

    for (size_t by = 0; by < out->len; by++) {
        for (size_t i = 0; i < out->items[by].program.elf.needed.len && out->len < MOST_LIBRARIES;
             i++) {
            const char *name = out->items[by].program.elf.needed.items[i];
            if (!name[0] || is_loaded(out, name) || is_loader(out, name))
                continue;
            struct library library = {.name = xstrdup(name), .by = by, .musl = is_musl(out)};
            find(gate, path, out, by, &library);
            grow(out->items, out->len, out->cap);
            out->items[out->len++] = library;
        }
    }
}

const struct rootfs_entry *library_elsewhere(const struct gate *gate, const char *name)
{
    const struct rootfs_entry *first = NULL;
    for (size_t i = 0; i < rootfs_count(gate->tree); i++) {
        const struct rootfs_entry *entry = rootfs_at(gate->tree, i);
        AUTO(program) program = {0};
        if (entry->type == TAR_DIR || strcmp(path_base(entry->path), name) != 0)
            continue;

        program_read(entry->facts, &program);
        if (entry->type == TAR_FILE && library_fits(gate, &program.elf))
            return entry;
        first = first ? first : entry;
    }
    return first;
}
