#ifndef LBUILD_TESTS_PROVENANCE_FIXTURE_H
#define LBUILD_TESTS_PROVENANCE_FIXTURE_H

#include "unit.h"

#include "provenance/provenance.h"
#include "support/fs.h"
#include "support/own.h"
#include "support/process.h"
#include "support/strv.h"

#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

/* Each test gets a folder of its own, and an environment in which nobody's settings show. The git
 * program makes the repositories and says what the right answers are; where it is missing, those
 * tests are skipped. */
struct fixture {
    char *folder;
    bool has_git;
};

static inline int set_up(void **state)
{
    struct fixture *fixture = xcalloc(1, sizeof *fixture);
    autofree char *folder = unit_folder(), *git = process_find("git");
    static const char *const unset[] = {"GIT_DIR",          "GIT_WORK_TREE",
                                        "GIT_INDEX_FILE",   "SUDO_UID",
                                        "XDG_CONFIG_HOME",  "GIT_TEST_ASSUME_DIFFERENT_OWNER",
                                        "GIT_CONFIG_COUNT", "GIT_CONFIG_GLOBAL"};
    fixture->folder = realpath(folder, NULL);
    fixture->has_git = git;
    for (size_t i = 0; i < countof(unset); i++)
        unsetenv(unset[i]);
    autofree char *home = path_join(fixture->folder, "home");
    struct error err = {0};
    assert_int_equal(fs_mkdirs(home, &err), 0);
    setenv("HOME", home, 1);
    setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
    setenv("GIT_CEILING_DIRECTORIES", fixture->folder, 1);
    setenv("GIT_AUTHOR_NAME", "A", 1);
    setenv("GIT_AUTHOR_EMAIL", "a@example.com", 1);
    setenv("GIT_COMMITTER_NAME", "A", 1);
    setenv("GIT_COMMITTER_EMAIL", "a@example.com", 1);
    *state = fixture;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(fs_remove(fixture->folder, &err), 0);
    free(fixture->folder);
    free(fixture);
    return 0;
}

/* Runs git with the words of `line`, returns its output without the final newline, or NULL when it
 * fails. Caller frees. */
static inline char *try_git(const char *dir, const char *line)
{
    AUTO(strv) argv = {0};
    AUTO(buf) out = {0}, errors = {0};
    struct process_result result = {0};
    struct error err = {0};
    strv_add(&argv, "git");
    for (const char *at = line; *at; at += strcspn(at, " "), at += *at == ' ')
        strv_take(&argv, xstrndup(at, strcspn(at, " ")));
    struct process process = {
        .argv = strv_argv(&argv), .dir = dir, .input = -1, .output = &out, .errors = &errors};
    assert_int_equal(process_run(&process, &result, &err), 0);
    if (result.status != 0)
        return NULL;
    return xstrndup(buf_text(&out), strcspn(buf_text(&out), "\n"));
}

static inline void git(const char *dir, const char *line)
{
    autofree char *out = try_git(dir, line);
    if (!out)
        fail_msg("git %s failed", line);
}

static inline void put(const char *dir, const char *name, const char *text)
{
    struct error err = {0};
    autofree char *path = path_join(dir, name), *folder = path_dir(path);
    assert_int_equal(fs_mkdirs(folder, &err), 0);
    assert_int_equal(fs_write(path, text, strlen(text), 0644, &err), 0);
}

/* Commit number `n` with a date of its own. */
static inline void commit(const char *dir, int n)
{
    autofree char *text = xasprintf("%d\n", n), *date = xasprintf("%d +0000", 1700000000 + n * 60);
    setenv("GIT_COMMITTER_DATE", date, 1);
    setenv("GIT_AUTHOR_DATE", date, 1);
    put(dir, "file", text);
    git(dir, "add -A .");
    git(dir, "commit -q -m x");
}

/* A repository with three commits, "v1" on the second. Caller frees. */
static inline char *make(struct fixture *fixture, const char *name)
{
    if (!fixture->has_git)
        skip();
    char *dir = path_join(fixture->folder, name);
    struct error err = {0};
    assert_int_equal(fs_mkdirs(dir, &err), 0);
    git(dir, "init -q -b main .");
    put(dir, ".gitignore", "*.o\nbuild/\n");
    for (int i = 1; i <= 3; i++) {
        commit(dir, i);
        if (i == 2)
            git(dir, "tag v1");
    }
    return dir;
}

#endif
