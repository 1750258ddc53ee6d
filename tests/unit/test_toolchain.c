#include "unit.h"

#include "engine/host/linker_output.h"
#include "engine/host/toolchain.h"
#include "engine/install.h"
#include "engine/work.h"
#include "support/fs.h"
#include "support/log.h"
#include "support/own.h"
#include "support/process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

struct box {
    char *folder;
    struct store store;
    struct error err;
};

static void box_init(struct box *box)
{
    *box = (struct box){.folder = unit_folder()};
    autofree char *root = path_join(box->folder, "store");
    assert_int_equal(store_open(&box->store, root, &box->err), 0);
}

static void box_release(struct box *box)
{
    store_release(&box->store);
    assert_int_equal(fs_remove(box->folder, &box->err), 0);
    free(box->folder);
}

static char *script(struct box *box, const char *name, const char *text)
{
    char *path = path_join(box->folder, name);
    assert_int_equal(fs_write(path, text, strlen(text), 0755, &box->err), 0);
    return path;
}

/* 1 and the toolchain, or 0 and the reason. */
static int prove(struct box *box, const char *words, enum arch arch, char **why)
{
    AUTO(toolchain) toolchain = {0};
    autofree char *ignored = NULL;
    int result =
        toolchain_prove(words, arch, &box->store, &toolchain, why ? why : &ignored, &box->err);

    if (result < 0)
        fail_msg("%s", box->err.text);

    if (result == 1) {
        assert_true(toolchain.tools.len >= 1 && toolchain.identity);
        assert_true(strcmp(toolchain.libc, "glibc") == 0 || strcmp(toolchain.libc, "musl") == 0);
        assert_string_equal(toolchain.name, words);
    }
    return result;
}

static void proven_once(void **state)
{
    struct box box;
    (void)state;
    autofree char *cc = process_find("cc");

    if (!cc)
        skip();
    box_init(&box);

    autofree char *log = path_join(box.folder, "log");
    autofree char *text = xasprintf("#!/bin/sh\necho x >>%s\nexec %s \"$@\"\n", log, cc);
    autofree char *path = script(&box, "wrapped", text);

    assert_int_equal(prove(&box, path, arch_native(), NULL), 1);
    assert_true(fs_exists(log));
    unlink(log);
    assert_int_equal(prove(&box, path, arch_native(), NULL), 1);
    assert_false(fs_exists(log)); /* remembered */

    autofree char *again = script(&box, "wrapped", text); /* exchanged: another inode */
    assert_int_equal(prove(&box, again, arch_native(), NULL), 1);
    assert_true(fs_exists(log));
    box_release(&box);
}

static void no_good(void **state)
{
    enum arch other = arch_native() == ARCH_ARM64 ? ARCH_X86_64 : ARCH_ARM64;
    struct box box;
    (void)state;

    box_init(&box);
    autofree char *fails =
        script(&box, "fails", "#!/bin/sh\necho 'cannot find -lc: error' >&2\nexit 1\n");
    autofree char *silent = script(&box, "silent", "#!/bin/sh\nexit 1\n");
    autofree char *lies = script(&box, "lies", "#!/bin/sh\nexit 0\n");
    autofree char *why = NULL, *why2 = NULL, *why3 = NULL, *why4 = NULL, *why5 = NULL;

    assert_int_equal(prove(&box, fails, arch_native(), &why), 0);
    assert_string_equal(why, "cannot find -lc: error");
    assert_int_equal(prove(&box, silent, arch_native(), &why2), 0);
    assert_string_equal(why2, "it fails without any output");
    assert_int_equal(prove(&box, lies, arch_native(), &why3), 0);
    assert_non_null(strstr(why3, "the program that it links"));
    assert_int_equal(prove(&box, "lbuild-no-such-compiler", arch_native(), &why4), 0);
    assert_string_equal(why4, "not found");

    autofree char *remote = script(&box, "remote", "#!/bin/sh\nexit 255\n"), *why7 = NULL;
    assert_int_equal(prove(&box, remote, arch_native(), &why7), 0);

    autofree char *bare = script(
        &box, "bare",
        "#!/bin/sh\necho 'clang: error: unable to execute command: Executable \"ld\" doesn'\\''t "
        "exist!' >&2\nexit 1\n");
    autofree char *why6 = NULL;
    assert_int_equal(prove(&box, bare, arch_native(), &why6), 0);
    assert_non_null(strstr(why6, "Executable"));

    autofree char *cc = process_find("cc");
    if (cc) {
        assert_int_equal(prove(&box, cc, other, &why5), 0);
        assert_non_null(strstr(why5, "is a program for"));
    }

    struct toolchain none;
    assert_int_equal(toolchain_prove("'open", ARCH_X86_64, &box.store, &none, &why5, &box.err), -1);
    assert_int_equal(box.err.kind, ERROR_PROJECT);
    box_release(&box);
}

/* Cases D3: what a compiler, or what it runs, says when the machine is short of something. */
static void passing_reasons(void **state)
{
    static const char *const scripts[] = {
        "echo '/usr/bin/ld: cannot find -lc: Too many open files' >&2; exit 1",
        "echo 'collect2: fatal error: ld terminated with signal 9 [Killed]' >&2; exit 1",
        "echo 'gcc: fatal error: Killed signal terminated program cc1' >&2; exit 1",
        "echo 'gcc: fatal error: vfork: Resource temporarily unavailable' >&2; exit 1",
        "echo 'clang: error: unable to execute command: Killed' >&2; exit 1",
        "echo 'cc1: out of memory allocating 65536 bytes' >&2; exit 1",
        "echo 'ld: final link failed: Input/output error' >&2; exit 1",
        "kill -KILL $$",
    };
    struct box box;
    (void)state;

    box_init(&box);
    for (size_t i = 0; i < countof(scripts); i++) {
        AUTO(toolchain) none = {0};
        autofree char *why = NULL, *text = xasprintf("#!/bin/sh\n%s\n", scripts[i]);
        autofree char *path = script(&box, "short", text);
        assert_int_equal(toolchain_prove(path, arch_native(), &box.store, &none, &why, &box.err),
                         -1);
        assert_int_equal(box.err.kind, ERROR_BUILD);
        assert_non_null(strstr(box.err.text, "short"));
    }
    box_release(&box);
}

/* Cases D3: whatever number of descriptors is left, the compiler isn't found unfit. */
static void few_descriptors(void **state)
{
    struct rlimit before, few;
    struct box box;
    (void)state;
    autofree char *cc = process_find("cc");

    if (!cc)
        skip();
    box_init(&box);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int bad = 0;
    for (rlim_t i = 3; i < 20; i++) {
        AUTO(toolchain) toolchain = {0};
        autofree char *why = NULL, *words = xasprintf("%s -DTURN=%d", cc, (int)i);
        few = (struct rlimit){i, before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        int result = toolchain_prove(words, arch_native(), &box.store, &toolchain, &why, &box.err);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        bad += result == 0 || (result < 0 && box.err.kind != ERROR_BUILD);
    }
    assert_int_equal(bad, 0);
    box_release(&box);
}

/* With these two in PATH, finds a compiler. */
static int find_of_two(struct box *box, const char *gcc, const char *musl, struct toolchain *out)
{
    autofree char *path = xstrdup(getenv("PATH"));
    autofree char *one = script(box, "gcc", gcc), *two = script(box, "musl-gcc", musl);
    struct plan plan = {.arch = arch_native(), .libc = (char *)"auto"};

    setenv("PATH", box->folder, 1);
    int result = toolchain_find(&plan, &box->store, out, &box->err);
    setenv("PATH", path, 1);
    return result;
}

/* Cases D3: the next candidate's turn comes only when the first can't; and what would change that
 * is watched. */
static void the_next_candidate(void **state)
{
    AUTO(toolchain) found = {0}, none = {0};
    struct box box;
    (void)state;
    autofree char *cc = process_find("cc");

    if (!cc)
        skip();
    box_init(&box);
    autofree char *good = xasprintf("#!/bin/sh\nPATH='%s'; exec %s \"$@\"\n", getenv("PATH"), cc);
    autofree char *gcc = path_join(box.folder, "gcc"), *clang = path_join(box.folder, "cc");

    assert_int_equal(find_of_two(&box,
                                 "#!/bin/sh\ncase $* in *-print-search*) echo 'libraries: "
                                 "=/nowhere/a:/nowhere/b/'; exit;; esac\n"
                                 "echo 'ld: cannot find -lc: No such file' >&2; exit 1\n",
                                 good, &found),
                     0);
    assert_string_equal(found.name, "musl-gcc");
    assert_true(strv_contains(&found.watched, gcc) && strv_contains(&found.watched, clang) &&
                strv_contains(&found.watched, "/nowhere/a/libc.a") &&
                strv_contains(&found.watched, "/nowhere/b/libc.a"));

    assert_int_equal(find_of_two(&box,
                                 "#!/bin/sh\necho 'fork: Cannot allocate memory' >&2; exit 1\n",
                                 good, &none),
                     -1);
    assert_int_equal(box.err.kind, ERROR_BUILD);
    box_release(&box);
}

/* Every installed compiler that works must make programs of the kind that it is a candidate for. */
static void what_is_here(void **state)
{
    static const char *const libcs[] = {"glibc", "musl"};
    struct box box;
    (void)state;

    box_init(&box);

    for (size_t i = 0; i < 4; i++) {
        struct plan plan = {.arch = i % 2 ? ARCH_ARM64 : ARCH_X86_64, .libc = (char *)libcs[i / 2]};
        AUTO(toolchain) toolchain = {0};
        if (process_find("zig")) /* takes a minute at its first start */
            break;
        int result = toolchain_find(&plan, &box.store, &toolchain, &box.err);
        if (result == 0) {
            assert_string_equal(toolchain.libc, plan.libc);
        } else {
            assert_int_equal(box.err.kind, ERROR_ENGINE);
            assert_non_null(strstr(box.err.text, "; install one: "));
        }
    }

    box_release(&box);
}

static void candidates(void **state)
{
    enum arch other = arch_native() == ARCH_ARM64 ? ARCH_X86_64 : ARCH_ARM64;
    AUTO(strv) native = {0}, musl = {0}, cross = {0};
    (void)state;

    toolchain_candidates(arch_native(), "auto", &native);
    assert_string_equal(native.items[0], "gcc");
    assert_true(strv_contains(&native, "musl-gcc"));

    toolchain_candidates(arch_native(), "musl", &musl);
    assert_string_equal(musl.items[0], "musl-gcc");
    assert_true(strv_contains(&musl, "gcc"));

    toolchain_candidates(other, "glibc", &cross);
    assert_false(strv_contains(&cross, "gcc"));
    assert_false(strv_contains(&cross, "musl-gcc"));
}

static void environment(void **state)
{
    AUTO(strv) list = {0};
    (void)state;

    setenv("CPATH", "/x", 1);
    setenv("GCC_EXEC_PREFIX", "/x", 1);
    setenv("LC_ALL", "xx", 1);
    setenv("CCACHE_DIR", "/y", 1);

    toolchain_environment(7, "/t", &list);
    unsetenv("CPATH");
    unsetenv("GCC_EXEC_PREFIX");
    unsetenv("LC_ALL");
    unsetenv("CCACHE_DIR");

    assert_true(strv_contains(&list, "SOURCE_DATE_EPOCH=7") && strv_contains(&list, "TMPDIR=/t") &&
                strv_contains(&list, "LC_ALL=C") && strv_contains(&list, "CCACHE_DIR=/y") &&
                strv_contains(&list, "GLIBC_TUNABLES=glibc.malloc.hugetlb=1"));
    assert_false(strv_contains(&list, "CPATH=/x") || strv_contains(&list, "GCC_EXEC_PREFIX=/x") ||
                 strv_contains(&list, "LC_ALL=xx"));
}

static void install(struct box *box, const char *os_release, enum arch arch, const char *libc,
                    const char *expected)
{
    autofree char *path = path_join(box->folder, "os-release");
    assert_int_equal(fs_write(path, os_release, strlen(os_release), 0644, &box->err), 0);
    autofree char *command = install_compiler(arch, libc, path);
    assert_string_equal(command, expected);
}

static void installing(void **state)
{
    enum arch native = arch_native(), other = native == ARCH_ARM64 ? ARCH_X86_64 : ARCH_ARM64;
    static const char zig[] =
        "put zig (https://ziglang.org/download) into PATH, and set [build] libc = musl";
    struct box box;
    (void)state;

    box_init(&box);

    install(&box, "NAME=x\nID=debian\n", native, "auto", "apt-get install gcc libc6-dev");
    install(&box, "NAME=x\nID=debian\n", native, "musl", "apt-get install musl-tools");
    install(&box, "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", other, "auto",
            other == ARCH_ARM64 ? "apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
                                : "apt-get install gcc-x86-64-linux-gnu libc6-dev-amd64-cross");
    install(&box, "ID=\"amzn\"\nID_LIKE=\"fedora\"", native, "glibc",
            "dnf install gcc glibc-static");
    install(&box, "ID=fedora\n", other, "auto", "dnf install zig");
    install(&box, "ID=alpine\n", native, "auto", "apk add gcc musl-dev");
    install(&box, "ID=alpine\n", native, "glibc", zig);
    install(&box, "ID=opensuse-leap\nID_LIKE='suse opensuse'\n", native, "auto",
            "zypper install gcc glibc-devel-static");
    install(&box, "ID=haiku\n", native, "auto", zig);
    install(&box, "", native, "auto", zig);

    autofree char *absent = install_compiler(native, "auto", "/nonexistent");
    assert_string_equal(absent, zig);
    box_release(&box);
}

static void linker_warnings(void **state)
{
    AUTO(strv) functions = {0};
    AUTO(buf) rest = {0};
    (void)state;

    linker_output_sift(
        "clang: warning: argument unused during compilation: '-no-pie' "
        "[-Wunused-command-line-argument]\n"
        "/usr/bin/ld: a.o: in function `f':\n"
        "a.c:(.text.f+0x1e): warning: Using 'getpwnam' in statically linked applications "
        "requires at runtime the "
        "shared libraries from the glibc version used for linking\n"
        "a.c:(.text.f+0x2e): warning: Using 'getaddrinfo' in statically linked applications "
        "requires at runtime x\n"
        "a.c:(.text.f+0x2e): warning: Using 'getpwnam' in statically linked applications "
        "requires at runtime x\n"
        "/usr/bin/ld: b.o: in function `g':\n"
        "b.c:(.text.g+0x9): undefined reference to `h'\n"
        "/usr/bin/ld: c.o: in function `i':\n"
        "/usr/bin/ld: a.o: reference to iconv_open\n"
        "/usr/bin/ld: /lib/libc.a(iconv_open.o): definition of iconv_open\n"
        "collect2: error: ld returned 1 exit status",
        &functions, &rest);

    assert_int_equal(functions.len, 3);
    assert_string_equal(functions.items[0], "getaddrinfo");
    assert_string_equal(functions.items[1], "getpwnam");
    assert_string_equal(functions.items[2], "iconv_open");
    assert_string_equal(
        buf_text(&rest),
        "/usr/bin/ld: b.o: in function `g':\nb.c:(.text.g+0x9): undefined reference to `h'\n"
        "/usr/bin/ld: c.o: in function `i':\ncollect2: error: ld returned 1 exit status\n");
}

/* A folder of temporary files is removed with its build; that of a killed build is removed by a
 * later one. */
static void work_folders(void **state)
{
    struct box box;
    (void)state;

    box_init(&box);

    struct work mine = WORK_INIT;
    assert_int_equal(work_open(&box.store, &mine, &box.err), 0);

    autofree char *path = xstrdup(mine.path), *parent = path_dir(mine.path);
    autofree char *orphan = path_join(parent, "orphan"), *young = path_join(parent, "young"),
                  *file = path_join(orphan, "x.o");
    assert_int_equal(fs_mkdirs(orphan, &box.err), 0);
    assert_int_equal(fs_mkdirs(young, &box.err), 0);
    assert_int_equal(fs_write(file, "", 0, 0600, &box.err), 0);

    const struct timespec old[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};
    assert_int_equal(utimensat(AT_FDCWD, orphan, old, 0), 0);
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    {
        AUTO(work) other = WORK_INIT;
        assert_int_equal(work_open(&box.store, &other, &box.err), 0);
        assert_true(fs_exists(other.path));
    }

    assert_false(fs_exists(orphan));
    assert_true(fs_exists(young));
    assert_true(fs_exists(path)); /* old too, but locked */
    work_release(&mine);
    assert_false(fs_exists(path));
    box_release(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proven_once),        cmocka_unit_test(no_good),
        cmocka_unit_test(passing_reasons),    cmocka_unit_test(few_descriptors),
        cmocka_unit_test(the_next_candidate), cmocka_unit_test(what_is_here),
        cmocka_unit_test(candidates),         cmocka_unit_test(environment),
        cmocka_unit_test(installing),         cmocka_unit_test(linker_warnings),
        cmocka_unit_test(work_folders),
    };
    log_set_level(LOG_QUIET);
    return cmocka_run_group_tests_name("toolchain", tests, NULL, NULL);
}
