#include "engine/host/toolchain.h"

#include "engine/host/objects.h"
#include "engine/work.h"
#include "lambda/elf.h"
#include "support/fs.h"
#include "support/inifile.h"
#include "support/log.h"
#include "support/own.h"
#include "support/process.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROOF_MAX = 65536, PROGRAM_MAX = 64 * 1024 * 1024 };

/* Uses the C library, so that linking needs its static archive, and holds the library's name. */
static const char probe_source[] = "#include <stdio.h>\n"
                                   "#ifdef __GLIBC__\n"
                                   "#define TEXT_(x) #x\n"
                                   "#define TEXT(x) TEXT_(x)\n"
                                   "#define LIBC \"glibc 2.\" TEXT(__GLIBC_MINOR__)\n"
                                   "#else\n"
                                   "#define LIBC \"musl\"\n"
                                   "#endif\n"
                                   "static const char libc[] = \"lbuild-probe-libc=\" LIBC;\n"
                                   "int main(int argc, char **argv)\n"
                                   "{\n"
                                   "    return puts(argc > 1 ? argv[1] : libc) < 0;\n"
                                   "}\n";

void toolchain_release(struct toolchain *toolchain)
{
    strv_release(&toolchain->command);
    strv_release(&toolchain->tools);
    strv_release(&toolchain->watched);
    free(toolchain->name);
    free(toolchain->libc);
    free(toolchain->identity);
    *toolchain = (struct toolchain){0};
}

void toolchain_environment(int64_t epoch, const char *temporary, struct strv *out)
{
    static const char *const kept[] = {
        "PATH=", "HOME=", "LD_LIBRARY_PATH=", "XDG_CACHE_HOME=", "CCACHE_", "ZIG_", "NIX_"};

    for (char **variable = environ; *variable; variable++)
        for (size_t i = 0; i < countof(kept); i++)
            if (strncmp(*variable, kept[i], strlen(kept[i])) == 0)
                strv_add(out, *variable);

    strv_addf(out, "TMPDIR=%s", temporary);
    strv_addf(out, "SOURCE_DATE_EPOCH=%" PRId64, epoch);
    strv_add(out, "LC_ALL=C");
    /* Large pages for allocated memory, where glibc (2.35) and the kernel have them: they save a
     * third of the linker's time. */
    strv_add(out, "GLIBC_TUNABLES=glibc.malloc.hugetlb=1");
}

/* A running probe. */
struct probe {
    struct toolchain *toolchain;
    enum arch arch;
    const char *folder;
    struct strv environment;
    char *why; /* what was wrong, for the user */
};

static void probe_release(struct probe *probe)
{
    strv_release(&probe->environment);
    free(probe->why);
}

/* The most telling line of a compiler's output. Caller frees. */
static char *telling_line(const struct buf *output)
{
    const char *text = buf_text(output), *best = strstr(text, "error");
    if (!best)
        best = text;
    while (best > text && best[-1] != '\n')
        best--;

    int length = (int)strcspn(best, "\n");
    if (length == 0)
        return xstrdup("it fails without any output");
    return xasprintf("%.*s", length < 200 ? length : 200, best);
}

static void set_why(struct probe *probe, char *why)
{
    free(probe->why);
    probe->why = why;
}

/* Words of a compiler, or of what it runs, that is short of something just now. All run in the
 * locale C. */
static bool is_passing(const char *output)
{
    static const char *const words[] = {
        "Too many open files",
        "file descriptors",
        "shared object file: Error", /* a loader without descriptors has only the number */
        "Resource temporarily unavailable",
        "annot allocate memory",
        "emory exhausted",
        "ut of memory",
        "bad_alloc",
        "failed to map segment",
        "nput/output error",
        "Text file busy",
        "Stale file handle",
        "Disk quota exceeded",
        "File too large",
        "Read-only file system",
        "Interrupted system call",
        "terminated with signal",
        "signal terminated program",
        "due to signal",
        "Killed",
    };
    for (size_t i = 0; i < countof(words); i++)
        if (strstr(output, words[i]))
            return true;

    /* clang says this of a signal, of a failed spawn, and of a program that isn't installed. */
    static const char cant_execute[] = "unable to execute command: ";
    const char *at = strstr(output, cant_execute);
    return at && strncmp(at + strlen(cant_execute), "Executable ", 11) != 0;
}

/* Not a wrapper's own status: ssh and perl end with 255. */
static bool is_signal(int status)
{
    return status > 128 && status <= 128 + SIGRTMAX;
}

/* 0 and the reason; -1 when the compiler isn't to blame: the next one, with another C library,
 * would only hide that. */
static int probe_refused(struct probe *probe, const struct buf *output, int status,
                         struct error *err)
{
    const char *name = probe->toolchain->name;
    if (strstr(buf_text(output), "No space left on device"))
        return error_set(
            err, ERROR_BUILD,
            "no space left in '%s'; make room, or set XDG_CACHE_HOME to a folder that has some",
            probe->folder);
    if (is_signal(status))
        return error_set(
            err, ERROR_BUILD,
            "%s was killed by signal %d when it was tried; is there enough memory? otherwise "
            "choose another one with 'compiler' in [build]",
            name, status - 128);

    set_why(probe, telling_line(output));
    if (!is_passing(buf_text(output)))
        return 0;
    return error_set(err, ERROR_BUILD,
                     "%s could not be tried (%s); build again when the machine has room, or choose "
                     "another one with 'compiler' in [build]",
                     name, probe->why);
}

/* 1: the program was linked. 0: the compiler can't. */
static int probe_link(struct probe *probe, const struct strv *flags, struct error *err)
{
    AUTO(strv) argv = {0};
    AUTO(buf) output = {0};
    struct process_result result;
    strv_add_all(&argv, &probe->toolchain->command);
    strv_add(&argv, "-static");
    strv_add_all(&argv, flags);
    strv_add(&argv, "-o");
    strv_add(&argv, "probe");
    strv_add(&argv, "probe.c");

    struct process process = {.argv = strv_argv(&argv),
                              .dir = probe->folder,
                              .input = -1,
                              .errors = &output,
                              .env = strv_argv(&probe->environment)};

    if (process_run(&process, &result, err) != 0) {
        if (err->kind != ERROR_ENGINE)
            return -1;
        set_why(probe, xstrdup(err->text));
        return 0;
    }
    return result.status == 0 ? 1 : probe_refused(probe, &output, result.status, err);
}

/* The program must be what was asked for; it tells which C library is in it. 1: it is. 0 and the
 * reason: it isn't. -1: it can't be read. */
static int probe_judge(struct probe *probe, struct error *err)
{
    struct error wrong = {0};
    AUTO(buf) program = {0};
    autofree char *path = path_join(probe->folder, "probe");
    static const char glibc[] = "lbuild-probe-libc=glibc 2.";
    if (!fs_exists(path)) {
        set_why(probe, xstrdup("the program that it links is missing"));
        return 0;
    }

    if (elf_prove_static(path, "probe", probe->arch, &wrong) != 0) {
        const char *rest = strstr(wrong.text, "probe' ");
        if (wrong.kind != ERROR_LAMBDA)
            return error_set(err, wrong.kind, "%s", wrong.text);
        rest = rest ? rest + strlen("probe' ") : wrong.text;
        set_why(probe, xasprintf("the program that it links %s", rest));
        return 0;
    }
    if (fs_read(path, PROGRAM_MAX, &program, err) != 0)
        return -1;

    const char *found = NULL;
    if (program.len > 0)
        found = memmem(program.data, program.len, glibc, sizeof glibc - 1);
    probe->toolchain->libc = xstrdup(found ? "glibc" : "musl");
    probe->toolchain->glibc_minor = found ? (int)strtol(found + sizeof glibc - 1, NULL, 10) : 0;
    return 1;
}

/* Adds the program that the compiler prints for the option, if it has one: clang has no cc1. */
static int probe_tool(struct probe *probe, const char *option, struct error *err)
{
    AUTO(strv) argv = {0};
    AUTO(buf) output = {0}, errors = {0};
    struct process_result result;
    strv_add_all(&argv, &probe->toolchain->command);
    strv_add(&argv, option);
    struct process process = {.argv = strv_argv(&argv),
                              .dir = probe->folder,
                              .input = -1,
                              .output = &output,
                              .errors = &errors,
                              .env = strv_argv(&probe->environment)};
    if (process_run(&process, &result, err) != 0)
        return -1;
    /* Without the tool the proof would hold when the tool is replaced. */
    if (result.status != 0 && (is_signal(result.status) || is_passing(buf_text(&errors))))
        return probe_refused(probe, &errors, result.status, err);

    autofree char *word = xstrndup(buf_text(&output), strcspn(buf_text(&output), "\n"));
    autofree char *path = result.status == 0 && word[0] ? process_find(word) : NULL;
    if (path && path[0] == '/')
        strv_take(&probe->toolchain->tools, take(path));
    return 0;
}

/* The programs that the compiler runs. zig has them inside. */
static int probe_tools(struct probe *probe, struct error *err)
{
    static const char *const names[] = {"-print-prog-name=cc1", "-print-prog-name=as",
                                        "-print-prog-name=ld"};
    if (probe->toolchain->command.len > 1 && strcmp(probe->toolchain->command.items[1], "cc") == 0)
        return 0;

    for (size_t i = 0; i < countof(names); i++)
        if (probe_tool(probe, names[i], err) != 0)
            return -1;
    return 0;
}

/* Whether a compiler cache runs the compiler: it passes over the assembler when it has a result. */
static bool is_cached(const char *compiler)
{
    autofree char *real = realpath(compiler, NULL);
    return strstr(path_base(compiler), "ccache") || (real && strstr(path_base(real), "ccache"));
}

/* Links the probe with as many of the flags as the compiler takes, and tells which these are. */
static int probe_flags(struct probe *probe, struct error *err)
{
    static const char *const attempts[][6] = {
        {"-Wl,--dependency-file=probe.d", "-ffile-prefix-map=/x=/y", "-Xassembler", "--MD",
         "-Xassembler", "probe.as"},
        {"-Wl,--dependency-file=probe.d", "-ffile-prefix-map=/x=/y"},
        {"-ffile-prefix-map=/x=/y"},
        {NULL},
    };
    struct toolchain *toolchain = probe->toolchain;
    autofree char *depfile = path_join(probe->folder, "probe.d"),
                  *embedded = path_join(probe->folder, "probe.as");
    int linked = 0;
    for (size_t i = is_cached(toolchain->tools.items[0]) ? 1 : 0;
         linked == 0 && i < countof(attempts); i++) {
        AUTO(strv) flags = {0};
        for (size_t k = 0; k < countof(attempts[i]) && attempts[i][k]; k++)
            strv_add(&flags, attempts[i][k]);
        linked = probe_link(probe, &flags, err);
        toolchain->prefix_map = i < 3;
        toolchain->link_depfile = i < 2 && fs_exists(depfile);
        toolchain->as_depfile = i < 1 && fs_exists(embedded);
    }
    return linked;
}

static int probe_run(struct probe *probe, struct error *err)
{
    autofree char *source = path_join(probe->folder, "probe.c");
    if (fs_write(source, probe_source, sizeof probe_source - 1, 0644, err) != 0)
        return -1;

    int linked = probe_flags(probe, err);
    if (linked > 0)
        linked = probe_judge(probe, err);
    if (linked <= 0)
        return linked;
    return probe_tools(probe, err) != 0 ? -1 : 1;
}

/* The proof as a text, which is the toolchain's identity too. False: a tool is gone. */
static bool describe(const struct toolchain *toolchain, struct buf *out)
{
    buf_addf(out,
             "lbuild toolchain 2\nlibc %s\nglibc-minor %d\nprefix-map %d\n"
             "link-depfile %d\nas-depfile %d\n",
             toolchain->libc, toolchain->glibc_minor, toolchain->prefix_map,
             toolchain->link_depfile, toolchain->as_depfile);

    for (size_t i = 0; i < toolchain->tools.len; i++) {
        struct stat st;
        if (stat(toolchain->tools.items[i], &st) != 0)
            return false;
        buf_addf(out, "tool %" PRId64 " %" PRId64 ".%09ld %" PRIu64 " %s\n", (int64_t)st.st_size,
                 (int64_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (uint64_t)st.st_ino,
                 toolchain->tools.items[i]);
    }
    buf_adds(out, "end\n");
    return true;
}

static bool recall_line(struct toolchain *toolchain, const char *line)
{
    if (strncmp(line, "libc ", 5) == 0 && !toolchain->libc)
        toolchain->libc = xstrdup(line + 5);
    else if (strncmp(line, "prefix-map ", 11) == 0)
        toolchain->prefix_map = line[11] == '1';
    else if (strncmp(line, "link-depfile ", 13) == 0)
        toolchain->link_depfile = line[13] == '1';
    else if (strncmp(line, "as-depfile ", 11) == 0)
        toolchain->as_depfile = line[11] == '1';
    else if (strncmp(line, "glibc-minor ", 12) == 0)
        toolchain->glibc_minor = (int)strtol(line + 12, NULL, 10);
    else if (strncmp(line, "tool ", 5) == 0 && strchr(line, '/'))
        strv_add(&toolchain->tools, strchr(line, '/'));
    else
        return strcmp(line, "end") == 0 || strcmp(line, "lbuild toolchain 2") == 0;
    return true;
}

/* A proof holds as long as describing the same tools again gives the same text. */
static bool recall(struct toolchain *toolchain, const char *record, const char *compiler)
{
    struct error ignored;
    AUTO(buf) text = {0}, again = {0};
    if (fs_read(record, PROOF_MAX, &text, &ignored) != 0)
        return false;

    for (const char *line = buf_text(&text); *line;) {
        size_t length = strcspn(line, "\n");
        autofree char *copy = xstrndup(line, length);
        if (!recall_line(toolchain, copy))
            return false;
        line += length + (line[length] == '\n');
    }

    if (!toolchain->libc || toolchain->tools.len == 0 ||
        strcmp(toolchain->tools.items[0], compiler) != 0 || !describe(toolchain, &again) ||
        strcmp(buf_text(&again), buf_text(&text)) != 0)
        return false;
    toolchain->identity = buf_detach(&again);
    return true;
}

static char *join_words(const struct strv *words)
{
    AUTO(buf) text = {0};
    for (size_t i = 0; i < words->len; i++)
        buf_addf(&text, "%s%s", i > 0 ? " " : "", words->items[i]);
    return buf_detach(&text);
}

static char *record_name(const struct strv *command, enum arch arch, struct error *err)
{
    AUTO(buf) text = {0};
    struct digest digest;
    buf_adds(&text, arch_compiler(arch));
    for (size_t i = 0; i < command->len; i++)
        buf_add(&text, command->items[i], strlen(command->items[i]) + 1);
    if (digest_bytes(text.data, text.len, &digest, err) != 0)
        return NULL;
    return xasprintf("toolchain-%s", digest_hex(&digest));
}

static void start_over(struct toolchain *toolchain, const struct strv *command,
                       const char *compiler)
{
    toolchain_release(toolchain);
    strv_add_all(&toolchain->command, command);
    toolchain->name = join_words(command);
    strv_add(&toolchain->tools, compiler);
}

/* Proves the compiler that `out` names by a probe, and keeps the proof. */
static int prove_anew(const struct store *store, enum arch arch, const char *name,
                      struct toolchain *out, char **why, struct error *err)
{
    AUTO(buf) text = {0};
    AUTO(work) work = WORK_INIT;
    AUTO(probe) probe = {.toolchain = out, .arch = arch};
    log_step("probe", "%s for %s", out->name, arch_lambda(arch)); /* zig's first run takes long */
    if (work_open(store, &work, err) != 0)
        return -1;
    probe.folder = work.path;
    toolchain_environment(0, work.path, &probe.environment);

    int result = probe_run(&probe, err);
    if (result == 0)
        *why = take(probe.why);
    if (result <= 0 || !describe(out, &text))
        return result;
    out->identity = xstrdup(buf_text(&text));
    return objects_write(store, name, &text, err) != 0 ? -1 : 1;
}

static int prove(const struct strv *command, enum arch arch, const struct store *store,
                 struct toolchain *out, char **why, struct error *err)
{
    *why = NULL;
    autofree char *compiler = process_find(command->items[0]),
                  *name = record_name(command, arch, err);
    autofree char *record = name ? store_path(store, "objects", name, err) : NULL;
    if (!record)
        return -1;
    if (!compiler) {
        *why = xstrdup("not found");
        return 0;
    }

    *out = (struct toolchain){0};
    strv_add_all(&out->command, command);
    out->name = join_words(command);
    if (recall(out, record, compiler))
        return 1;
    start_over(out, command, compiler);
    return prove_anew(store, arch, name, out, why, err);
}

int toolchain_prove(const char *words, enum arch arch, const struct store *store,
                    struct toolchain *out, char **why, struct error *err)
{
    AUTO(strv) command = {0};
    if (ini_words(words, &command) != 0 || command.len == 0)
        return error_set(err, ERROR_PROJECT,
                         "'%s' can't be read as a compiler's command; close its quotes", words);

    int result = prove(&command, arch, store, out, why, err);
    if (result <= 0)
        toolchain_release(out);
    return result;
}
