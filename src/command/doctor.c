#include "command/command.h"
#include "engine/engine.h"
#include "engine/host/toolchain.h"
#include "engine/install.h"
#include "support/json.h"
#include "support/options.h"
#include "support/own.h"
#include "support/process.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

struct doctor_options {
    bool json;
};

static const struct option_row rows[] = {
    {0, "json", OPTION_FLAG, offsetof(struct doctor_options, json), NULL, "Print one JSON object."},
    {0},
};
static const struct option_table tables[] = {{rows, 0}, {0}};

/* Programs that other parts of lbuild and its tests use where they are installed. */
static const struct tool {
    const char *name, *use;
    struct install_names packages;
} tools[] = {
    {"bwrap",
     "sandbox for running a function",
     {"bubblewrap", "bubblewrap", "bubblewrap", "bubblewrap", "bubblewrap"}},
#if defined(__aarch64__)
    {"qemu-x86_64-static",
     "runs x86_64 programs here; no build needs it",
     {"qemu-user-static", "qemu-user-static", "qemu-x86_64", NULL, "qemu-linux-user"}},
#else
    {"qemu-aarch64-static",
     "runs arm64 programs here; no build needs it",
     {"qemu-user-static", "qemu-user-static", "qemu-aarch64", NULL, "qemu-linux-user"}},
#endif
};

static const enum arch arches[] = {ARCH_X86_64, ARCH_ARM64};
static const char *const libcs[] = {"glibc", "musl"};

/* Whether the compiler is listed already under another name ("cc" for "gcc"). */
static bool known(const struct js *compilers, const struct toolchain *toolchain, const char *path)
{
    for (size_t i = 0; i < js_count(compilers); i++) {
        const struct js *other = js_at(compilers, i);
        const char *words = js_get_text(other, "command");
        if (strcmp(js_get_text(other, "path"), path) == 0 && strchr(words, ' ') == NULL &&
            toolchain->command.len == 1)
            return true;
    }
    return false;
}

/* Proves one candidate; 1 when it works for this architecture and library. */
static int examine(const struct store *store, enum arch arch, const char *libc, const char *words,
                   struct js *compilers, struct error *err)
{
    AUTO(toolchain) toolchain = {0};
    autofree char *why = NULL;
    int proven = toolchain_prove(words, arch, store, &toolchain, &why, err);

    if (proven < 0 && err->kind != ERROR_BUILD)
        return -1;
    if (proven < 0) { /* nobody knows whether it works: said here, and the others are examined */
        why = xstrdup(err->text);
        *err = (struct error){0};
        proven = 0;
    }
    if (!proven && strcmp(why, "not found") == 0)
        return 0;

    autofree char *path = proven ? realpath(toolchain.tools.items[0], NULL) : NULL;
    if (proven &&
        (strcmp(toolchain.libc, libc) != 0 || known(compilers, &toolchain, path ? path : "")))
        return 0;

    struct js *compiler = js_object();
    js_set_string(compiler, "arch", arch_lambda(arch));
    js_set_string(compiler, "libc", libc);
    js_set_string(compiler, "command", words);
    js_set_string(compiler, "path", path ? path : "");
    js_set(compiler, "works", js_boolean(proven == 1));
    if (!proven)
        js_set_string(compiler, "reason", why);
    js_append(compilers, compiler);
    return proven;
}

/* Adds a command that installs something missing; joins commands of one package manager. */
static void add_missing(struct strv *missing, const char *command)
{
    static const char *const verbs[] = {"apt-get install ", "dnf install ", "apk add ",
                                        "pacman -S ", "zypper install "};

    for (size_t i = 0; i < countof(verbs); i++) {
        size_t length = strlen(verbs[i]);
        if (strncmp(command, verbs[i], length) != 0)
            continue;
        for (size_t j = 0; j < missing->len; j++) {
            if (strncmp(missing->items[j], verbs[i], length) != 0)
                continue;
            char *joined = xasprintf("%s %s", missing->items[j], command + length);
            free(missing->items[j]);
            missing->items[j] = joined;
            return;
        }
    }

    if (!strv_contains(missing, command))
        strv_add(missing, command);
}

/* Examines all candidates for one architecture and library. */
static int examine_target(const struct store *store, enum arch arch, const char *libc,
                          struct js *compilers, struct strv *missing, struct error *err)
{
    AUTO(strv) candidates = {0};
    int found = 0;

    toolchain_candidates(arch, libc, &candidates);
    for (size_t i = 0; i < candidates.len; i++) {
        int works = examine(store, arch, libc, candidates.items[i], compilers, err);
        if (works < 0)
            return -1;
        found += works;
    }

    autofree char *command = install_compiler(arch, libc, NULL);
    if (!found)
        add_missing(missing, command);
    return 0;
}

static int examine_compilers(const struct store *store, struct js *compilers, struct strv *missing,
                             struct error *err)
{
    for (size_t a = 0; a < countof(arches); a++)
        for (size_t l = 0; l < countof(libcs); l++)
            if (examine_target(store, arches[a], libcs[l], compilers, missing, err) != 0)
                return -1;
    return 0;
}

static struct js *examine_engines(void)
{
    struct js *list = js_array();
    for (size_t i = 0; engines[i]; i++) {
        struct error err = {0};
        struct plan plan = {.arch = arch_native(), .libc = (char *)"auto"};
        struct engine_options options = {0};
        struct js *engine = js_object();
        bool works = engines[i]->available(&plan, &options, &err) == 0;

        js_set_string(engine, "name", engines[i]->name);
        js_set_string(engine, "help", engines[i]->help);
        autofree char *version = engines[i]->version ? engines[i]->version(&options) : NULL;
        if (version)
            js_set_string(engine, "version", version);
        js_set(engine, "works", js_boolean(works));
        if (!works)
            js_set_string(engine, "reason", err.text);
        js_append(list, engine);
    }
    return list;
}

static struct js *examine_tools(struct strv *missing)
{
    struct js *list = js_array();
    for (size_t i = 0; i < countof(tools); i++) {
        struct js *tool = js_object();
        autofree char *path = process_find(tools[i].name),
                      *command = install_packages(&tools[i].packages, NULL);

        js_set_string(tool, "name", tools[i].name);
        js_set_string(tool, "use", tools[i].use);
        if (path)
            js_set_string(tool, "path", path);
        else if (command)
            add_missing(missing, command);
        js_append(list, tool);
    }
    return list;
}

static struct js *examine_store(const struct store *store)
{
    struct statvfs fs;
    struct js *object = js_object();
    js_set_string(object, "root", store->root);
    if (statvfs(store->root, &fs) == 0)
        js_set_integer(object, "free", (int64_t)((uint64_t)fs.f_bavail * fs.f_frsize));
    return object;
}

/* NULL with *err when the examination was interrupted or the store failed. */
static struct js *examine_all(const struct store *store, struct error *err)
{
    AUTO(strv) missing = {0};
    AUTOPTR(js) report = js_object();
    struct js *compilers = js_array();

    js_set(report, "compilers", compilers);
    if (examine_compilers(store, compilers, &missing, err) != 0)
        return NULL;

    js_set(report, "engines", examine_engines());
    js_set(report, "tools", examine_tools(&missing));
    js_set(report, "store", examine_store(store));

    struct js *lines = js_array();
    for (size_t i = 0; i < missing.len; i++)
        js_append(lines, js_string(missing.items[i]));
    js_set(report, "missing", lines);
    return take(report);
}

static void print_compilers(const struct js *report, struct buf *out)
{
    const struct js *list = js_get(report, "compilers");

    buf_adds(out, "Compilers that link static programs\n");
    for (size_t i = 0; i < js_count(list); i++) {
        const struct js *one = js_at(list, i);
        bool works = js_is_true(js_get(one, "works"));
        buf_addf(out, "  %-7s %-6s %s%s%s\n", js_get_text(one, "arch"), js_get_text(one, "libc"),
                 js_get_text(one, "command"),
                 works ? "" : ": no: ", works ? "" : js_get_text(one, "reason"));
    }

    if (js_count(list) == 0)
        buf_adds(out, "  none\n");
}

static void print_engines(const struct js *report, struct buf *out)
{
    const struct js *list = js_get(report, "engines");

    buf_adds(out, "Engines\n");
    for (size_t i = 0; i < js_count(list); i++) {
        const struct js *one = js_at(list, i);
        bool works = js_is_true(js_get(one, "works"));
        const char *version = works ? js_get_text(one, "version") : NULL;
        buf_addf(out, "  %-14s %s%s%s%s\n", js_get_text(one, "name"),
                 js_get_text(one, works ? "help" : "reason"), version ? " (" : "",
                 version ? version : "", version ? ")" : "");
    }
}

static void print_tools(const struct js *report, struct buf *out)
{
    const struct js *list = js_get(report, "tools");

    buf_adds(out, "Tools\n");
    for (size_t i = 0; i < js_count(list); i++) {
        const struct js *one = js_at(list, i);
        const char *path = js_get_text(one, "path");
        buf_addf(out, "  %s: %s (%s)\n", js_get_text(one, "name"), path ? path : "not found",
                 js_get_text(one, "use"));
    }
}

static void print(const struct js *report, struct buf *out)
{
    const struct js *store = js_get(report, "store"), *missing = js_get(report, "missing");
    uint64_t bytes = 0;

    print_compilers(report, out);
    print_engines(report, out);
    print_tools(report, out);

    buf_addf(out, "Store\n  %s", js_get_text(store, "root"));
    if (js_get_size(store, "free", &bytes))
        buf_addf(out, " (%" PRIu64 " MiB free)", bytes >> 20);

    buf_adds(out,
             js_count(missing) > 0 ? "\nTo install what is missing\n" : "\nNothing is missing.\n");
    for (size_t i = 0; i < js_count(missing); i++)
        buf_addf(out, "  %s\n", js_text(js_at(missing, i)));
}

/* Whether functions can be built for at least one architecture. */
static int verdict(const struct js *report, struct error *err)
{
    const struct js *list = js_get(report, "compilers");
    for (size_t i = 0; i < js_count(list); i++)
        if (js_is_true(js_get(js_at(list, i), "works")))
            return 0;
    autofree char *command = install_compiler(arch_native(), "auto", NULL);
    return error_set(err, ERROR_ENGINE, "no C compiler here links static programs; install one: %s",
                     command);
}

static int run(const char *const *argv, struct buf *out, struct error *err)
{
    struct doctor_options options = {0};
    AUTO(strv) operands = {0};
    AUTO(store) store = {0};

    if (options_parse(tables, argv, &options, &operands, err) != 0)
        return -1;
    if (operands.len > 0)
        return error_set(err, ERROR_USAGE, "unexpected argument '%s'; doctor takes none",
                         operands.items[0]);

    process_catch_signals();
    if (store_open(&store, NULL, err) != 0)
        return -1;
    AUTOPTR(js) report = examine_all(&store, err);
    if (!report)
        return -1;

    if (options.json)
        js_dump_pretty(report, out);
    else
        print(report, out);
    return verdict(report, err);
}

static void help(struct buf *out)
{
    options_help(tables, out);
}

const struct command command_doctor = {
    .name = "doctor",
    .operands = "",
    .summary =
        "Show the compilers, engines and tools found here, and how to install what is missing.",
    .run = run,
    .help = help,
};
