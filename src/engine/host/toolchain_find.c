#include "engine/host/toolchain.h"

#include "engine/install.h"
#include "support/fs.h"
#include "support/inifile.h"
#include "support/own.h"
#include "support/process.h"

#include <string.h>

/* Which compiler a plan gets. toolchain.c proves one. */

static void add_glibc(enum arch arch, struct strv *out)
{
    const char *cpu = arch_compiler(arch);
    if (arch == arch_native()) {
        strv_add(out, "gcc");
        strv_add(out, "cc");
        strv_add(out, "clang");
    }
    strv_addf(out, "%s-linux-gnu-gcc", cpu);
    strv_addf(out, "%s-none-linux-gnu-gcc", cpu);
    strv_addf(out, "%s-unknown-linux-gnu-gcc", cpu);
    if (arch != arch_native())
        strv_addf(out, "clang --target=%s-linux-gnu", cpu);
}

static void add_musl(enum arch arch, struct strv *out)
{
    const char *cpu = arch_compiler(arch);
    if (arch == arch_native())
        strv_add(out, "musl-gcc");
    strv_addf(out, "%s-linux-musl-gcc", cpu);
    strv_addf(out, "%s-unknown-linux-musl-gcc", cpu);
    strv_addf(out, "%s-alpine-linux-musl-gcc", cpu);
    if (arch == arch_native())
        strv_add(out, "musl-clang");
    strv_addf(out, "zig cc -target %s-linux-musl", cpu);
}

void toolchain_candidates(enum arch arch, const char *libc, struct strv *out)
{
    bool glibc = strcmp(libc, "musl") != 0, musl = strcmp(libc, "glibc") != 0;
    if (glibc)
        add_glibc(arch, out);
    if (musl)
        add_musl(arch, out);
    if (!glibc && arch == arch_native()) { /* a distribution on musl calls its compiler just gcc */
        strv_add(out, "gcc");
        strv_add(out, "clang");
    }
}

/* A relative path to a compiler ("tools/cc") starts at the project, not where lbuild was started.
 * Caller frees. */
static char *in_project(const char *dir, const char *words)
{
    AUTO(buf) text = {0};
    size_t word = strcspn(words += strspn(words, " \t\n"), " \t\n");
    if (words[0] == '/' || words[0] == '"' || words[0] == '\'' || !memchr(words, '/', word))
        return xstrdup(words);

    for (buf_addc(&text, '\''); *dir; dir++)
        buf_adds(&text, *dir == '\'' ? "'\\''" : (const char[]){*dir, '\0'});
    buf_addf(&text, "'/%s", words);
    return buf_detach(&text);
}

/* The candidates of a plan, each as its words in one text. */
static void candidates_of(const struct plan *plan, struct strv *out)
{
    if (plan->compiler && plan->compiler[0])
        strv_take(out, in_project(plan->project_dir, plan->compiler));
    else
        toolchain_candidates(plan->arch, plan->libc, out);
}

static bool is_here(const char *words)
{
    AUTO(strv) command = {0};
    if (ini_words(words, &command) != 0 || command.len == 0)
        return true; /* another message's matter */
    autofree char *path = process_find(command.items[0]);
    return path != NULL;
}

static int none_found(const struct plan *plan, const char *tried, struct error *err)
{
    autofree char *own =
        plan->compiler && plan->compiler[0] ? in_project(plan->project_dir, plan->compiler) : NULL;
    if (own && !is_here(own))
        return error_set(err, ERROR_ENGINE,
                         "[build] compiler '%s' is not installed; install it, or leave the setting "
                         "out for a compiler that lbuild finds",
                         plan->compiler);
    if (plan->compiler && plan->compiler[0])
        return error_set(err, ERROR_ENGINE,
                         "[build] compiler '%s' can't link static %s programs for %s%s",
                         plan->compiler, strcmp(plan->libc, "auto") == 0 ? "C" : plan->libc,
                         arch_lambda(plan->arch), tried);

    autofree char *command = install_compiler(plan->arch, plan->libc, NULL);
    return error_set(err, ERROR_ENGINE,
                     "no C compiler here links static programs for %s%s%s%s; install one: %s",
                     arch_lambda(plan->arch), strcmp(plan->libc, "auto") == 0 ? "" : " with ",
                     strcmp(plan->libc, "auto") == 0 ? "" : plan->libc, tried, command);
}

/* Adds the paths at which the candidate's program would be found. */
static void watch_program(const char *words, struct strv *out)
{
    AUTO(strv) command = {0};
    if (ini_words(words, &command) == 0 && command.len > 0)
        process_places(command.items[0], out);
}

/* The folders of "libraries: =A:B", as gcc and clang print them; none when it isn't there. */
static void read_folders(const char *text, struct strv *out)
{
    static const char head[] = "libraries: =";
    const char *at = strstr(text, head);
    for (at = at ? at + strlen(head) : ""; *at && *at != '\n'; at += *at == ':') {
        size_t length = strcspn(at, ":\n");
        if (at[0] == '/')
            strv_take(out, xstrndup(at, length));
        at += length;
    }
}

/* Adds the places of the C library's static archive, which is what mostly is missing. */
static int watch_archive(const char *words, const struct store *store, struct strv *out,
                         struct error *err)
{
    AUTO(strv) command = {0}, environment = {0}, folders = {0};
    AUTO(buf) output = {0}, errors = {0};
    struct process_result result;
    if (ini_words(words, &command) != 0 || command.len == 0 ||
        (command.len > 1 && strcmp(command.items[1], "cc") == 0)) /* zig has it inside */
        return 0;
    strv_add(&command, "-print-search-dirs");
    toolchain_environment(0, store->root, &environment);

    struct process process = {.argv = strv_argv(&command),
                              .env = strv_argv(&environment),
                              .input = -1,
                              .output = &output,
                              .errors = &errors};
    if (process_run(&process, &result, err) != 0)
        return err->kind == ERROR_ENGINE ? 0 : -1;

    read_folders(buf_text(&output), &folders);
    for (size_t i = 0; i < folders.len; i++)
        strv_take(out, path_join(folders.items[i], "libc.a"));
    return 0;
}

/* One candidate. 1: it is chosen. 0 and the reason: it can't; what would change that is in
 * *watched. -1: nobody knows. */
static int try_candidate(const struct plan *plan, const char *words, const struct store *store,
                         struct toolchain *out, char **why, struct error *err)
{
    int proven = toolchain_prove(words, plan->arch, store, out, why, err);
    if (proven <= 0)
        return proven;
    if (strcmp(plan->libc, "auto") == 0 || strcmp(plan->libc, out->libc) == 0)
        return 1;

    *why = xasprintf("it links with %s", out->libc);
    toolchain_release(out);
    return 0;
}

int toolchain_find(const struct plan *plan, const struct store *store, struct toolchain *out,
                   struct error *err)
{
    AUTO(strv) candidates = {0}, watched = {0};
    AUTO(buf) tried = {0};
    candidates_of(plan, &candidates);

    for (size_t i = 0; i < candidates.len; i++) {
        autofree char *why = NULL;
        const char *words = candidates.items[i];
        int chosen = try_candidate(plan, words, store, out, &why, err);
        if (chosen < 0)
            return -1;
        if (chosen) {
            strv_add_all(&out->watched, &watched);
            return 0;
        }

        bool found = why && strcmp(why, "not found") != 0;
        watch_program(words, &watched);
        if (found && watch_archive(words, store, &watched, err) != 0)
            return -1;
        if (found || candidates.len == 1)
            buf_addf(&tried, "%s%s: %s", tried.len > 0 ? "; " : " (", words, why);
    }

    if (tried.len > 0)
        buf_addc(&tried, ')');
    return none_found(plan, buf_text(&tried), err);
}

int toolchain_maybe(const struct plan *plan, struct error *err)
{
    AUTO(strv) candidates = {0};
    candidates_of(plan, &candidates);

    for (size_t i = 0; i < candidates.len; i++) {
        AUTO(strv) words = {0};
        if (ini_words(candidates.items[i], &words) != 0 || words.len == 0)
            continue;
        autofree char *path = process_find(words.items[0]);
        if (path)
            return 0;
    }
    return none_found(plan, "", err);
}
