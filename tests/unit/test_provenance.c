#include "provenance_fixture.h"

#include <sys/socket.h>
#include <sys/un.h>

static void read_fine(const char *dir, struct provenance *out)
{
    struct error err = {0};
    if (provenance_read(dir, NULL, out, &err) != 0)
        fail_msg("%s", err.text);
}

/* Every fact is what git says. */
static void same_as_git(const char *dir)
{
    AUTO(provenance) out = {0};
    read_fine(dir, &out);
    autofree char *commit_id = try_git(dir, "rev-parse -q --verify HEAD"),
                  *version = try_git(dir, "describe --tags");
    autofree char *status = try_git(dir, "status --porcelain -- ."),
                  *time = try_git(dir, "log -1 --format=%ct");
    assert_true(out.found);
    if (!commit_id)
        assert_null(out.commit);
    else
        assert_string_equal(out.commit, commit_id);
    if (!version)
        assert_null(out.version);
    else if (!out.version)
        fail_msg("no version, not %s", version);
    else
        assert_string_equal(out.version, version);
    assert_int_equal(out.commit_time, time ? strtoll(time, NULL, 10) : 0);
    assert_int_equal(out.dirty, status && status[0]);
    assert_true(out.watched.len > 3);
}

static void no_repository(void **state)
{
    struct fixture *fixture = *state;
    AUTO(provenance) out = {0};
    struct error err = {0};
    autofree char *home = path_join(fixture->folder, "home"), *watched = path_join(home, ".git");
    read_fine(home, &out);
    assert_false(out.found);
    assert_null(out.commit);
    assert_int_equal(out.watched.len, 1);
    assert_string_equal(out.watched.items[0], watched);
    provenance_release(&out);
    /* An empty .git is no repository either, and a file that leads nowhere is no reason to stop. */
    assert_int_equal(fs_mkdirs(watched, &err), 0);
    read_fine(home, &out);
    assert_false(out.found);
    assert_int_equal(fs_remove(watched, &err), 0);
    provenance_release(&out);
    autofree char *missing = path_join(fixture->folder, "missing");
    assert_int_equal(provenance_read(missing, NULL, &out, &err), -1);
    assert_int_equal(err.kind, ERROR_PROJECT);
}

static void plain_and_detached(void **state)
{
    autofree char *dir = make(*state, "r");
    same_as_git(dir);
    git(dir, "checkout -q HEAD~1");
    same_as_git(dir); /* on the tag */
    git(dir, "tag -a -m annotated v1.1");
    same_as_git(dir);
    git(dir, "tag -a -m nested v1.2 v1.1");
    same_as_git(dir);
    git(dir, "checkout -q main");
    git(dir, "pack-refs --all");
    git(dir, "repack -q -a -d");
    same_as_git(dir);
    git(dir, "config core.abbrev 12");
    same_as_git(dir);
    git(dir, "tag release/2026.1");
    same_as_git(dir);
}

static void before_the_first_commit(void **state)
{
    struct fixture *fixture = *state;
    AUTO(provenance) out = {0};
    if (!fixture->has_git)
        skip();
    git(fixture->folder, "init -q -b main r");
    autofree char *dir = path_join(fixture->folder, "r");
    same_as_git(dir);
    put(dir, "new", "x");
    read_fine(dir, &out);
    assert_true(out.found && out.dirty);
    assert_null(out.commit);
    assert_string_equal(out.dirty_paths.items[0], "new");
}

static void merges_choose_like_git(void **state)
{
    autofree char *dir = make(*state, "r");

    git(dir, "checkout -q -b side HEAD~2");
    put(dir, "other", "1");
    git(dir, "add other");
    for (int i = 10; i < 14; i++) {
        autofree char *date = xasprintf("%d +0000", 1700000000 + i * 7);
        setenv("GIT_COMMITTER_DATE", date, 1);
        autofree char *text = xasprintf("%d", i);
        put(dir, "other", text);
        git(dir, "commit -q -a -m side");
        if (i == 11)
            git(dir, "tag side-light");
        if (i == 12)
            git(dir, "tag -a -m x side-annotated");
    }

    same_as_git(dir);
    git(dir, "checkout -q main");
    git(dir, "merge -q --no-ff -m merge side");
    same_as_git(dir);
    for (int i = 20; i < 36; i++) {
        autofree char *tag = xasprintf("tag t%d", i);
        commit(dir, i);
        git(dir, tag);
    }

    commit(dir, 40);
    same_as_git(dir);
    git(dir, "tag --delete t35 t34 t33 t32 t31 t30 t29 t28 t27 t26 t25 t24 t23 t22 t21 t20");
    same_as_git(dir);
    git(dir, "tag --delete v1 side-light side-annotated");
    same_as_git(dir);
}

static void dirty_paths(void **state)
{
    autofree char *dir = make(*state, "r");
    autofree char *sub = path_join(dir, "sub"), *literal = path_join(dir, "s*b");

    put(sub, "a.c", "1");
    put(literal, "b.c", "1");
    commit(dir, 4);
    same_as_git(dir);
    put(sub, "x.o", "ignored");
    same_as_git(dir);
    put(dir, "outside", "x");
    same_as_git(sub);
    same_as_git(dir);
    put(sub, "a.c", "2");
    put(sub, "new/deep/c.c", "3");

    AUTO(provenance) out = {0}, other = {0};
    read_fine(sub, &out);
    assert_int_equal(out.dirty_paths.len, 2);
    assert_string_equal(out.dirty_paths.items[0], "a.c");
    assert_string_equal(out.dirty_paths.items[1], "new/");

    /* A folder's name is not a pattern. */
    read_fine(literal, &other);
    assert_false(other.dirty);
    provenance_release(&other);

    autofree char *gone = path_join(sub, "a.c");
    assert_int_equal(unlink(gone), 0);
    git(dir, "add outside");
    same_as_git(dir);
    same_as_git(sub);

    /* The project folder itself may be untracked. */
    autofree char *fresh = path_join(dir, "fresh/project");
    put(fresh, "x.c", "");
    read_fine(fresh, &other);
    assert_true(other.dirty);
    assert_int_equal(other.dirty_paths.len, 1);
    assert_string_equal(other.dirty_paths.items[0], "x.c");
}

static void own_output_is_no_change(void **state)
{
    autofree char *dir = make(*state, "r");
    struct error err = {0};
    AUTO(provenance) out = {0};
    AUTO(strv) left_out = {0};
    put(dir, "hello.tar", "");
    put(dir, "dist/out/blobs", "");
    strv_add(&left_out, "hello.tar");
    strv_add(&left_out, "");
    assert_int_equal(provenance_read(dir, &left_out, &out, &err), 0);
    assert_int_equal(out.dirty_paths.len, 1);
    strv_add(&left_out, "dist/out");
    provenance_release(&out);
    assert_int_equal(provenance_read(dir, &left_out, &out, &err), 0);
    assert_false(out.dirty);
    put(dir, "dist/outer", "");
    provenance_release(&out);
    assert_int_equal(provenance_read(dir, &left_out, &out, &err), 0);
    assert_true(out.dirty);
    assert_string_equal(out.dirty_paths.items[0], "dist/outer");
}

static void many_dirty_paths_are_cut(void **state)
{
    autofree char *dir = make(*state, "r");
    for (int i = 0; i < 120; i++) {
        autofree char *name = xasprintf("n%03d", i);
        put(dir, name, "");
    }
    AUTO(provenance) out = {0};
    read_fine(dir, &out);
    assert_int_equal(out.dirty_paths.len, 100);
    assert_string_equal(out.dirty_paths.items[99], "n099");
}

static void the_index_stays_as_it_is(void **state)
{
    autofree char *dir = make(*state, "r"), *index = path_join(dir, ".git/index"),
                  *file = path_join(dir, "file");
    struct stat before, after;
    const struct timeval times[2] = {{1, 0}, {1, 0}};
    assert_int_equal(utimes(file, times), 0); /* git would now refresh the index */
    assert_int_equal(stat(index, &before), 0);
    AUTO(provenance) out = {0};
    read_fine(dir, &out);
    assert_false(out.dirty);
    assert_int_equal(stat(index, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

static void linked_work_trees(void **state)
{
    struct fixture *fixture = *state;
    autofree char *dir = make(fixture, "r"), *linked = path_join(fixture->folder, "linked");
    git(dir, "worktree add -q -b other ../linked HEAD~1");
    same_as_git(linked);
    put(linked, "new", "x");
    same_as_git(linked);
    same_as_git(dir);
    AUTO(provenance) out = {0};
    read_fine(linked, &out);
    autofree char *packed = path_join(dir, ".git/packed-refs"),
                  *own = path_join(dir, ".git/worktrees/linked/HEAD");
    assert_true(strv_contains(&out.watched, packed));
    assert_true(strv_contains(&out.watched, own));
    /* Its repository went away: that is "no repository". */
    struct error err = {0};
    assert_int_equal(fs_remove(dir, &err), 0);
    provenance_release(&out);
    read_fine(linked, &out);
    assert_false(out.found);
}

static void submodules(void **state)
{
    autofree char *inner = make(*state, "inner"), *outer = make(*state, "outer"),
                  *module = path_join(outer, "module");
    git(inner, "tag inner-tag");
    git(outer, "-c protocol.file.allow=always submodule --quiet add ../inner module");
    commit(outer, 9);
    same_as_git(outer);
    same_as_git(module);
    AUTO(provenance) out = {0};
    read_fine(module, &out);
    assert_string_equal(out.version, "inner-tag");
    put(module, "file", "changed");
    same_as_git(module);
    same_as_git(outer);
}

static void shallow_clones(void **state)
{
    autofree char *dir = make(*state, "r");
    for (int i = 4; i < 13; i++)
        commit(dir, i);
    git(dir, "tag -a -m x v2 HEAD~5");
    for (int depth = 1; depth < 13; depth++) {
        autofree char *line =
            xasprintf("clone -q --depth %d file://%s ../clone%d", depth, dir, depth);
        autofree char *clone = xasprintf("%s/../clone%d", dir, depth);
        git(dir, line);
        same_as_git(clone);
    }
    /* The tag's commit is there, but not the commits between. */
    autofree char *cut = path_join(dir, "../clone1");
    git(cut, "fetch -q --depth 1 origin tag v2");
    same_as_git(cut);
}

static void partial_and_sparse(void **state)
{
    autofree char *dir = make(*state, "r"), *clone = path_join(dir, "../partial"),
                  *sub = path_join(dir, "sub");
    put(sub, "a.c", "1");
    put(dir, "other/b.c", "1");
    commit(dir, 5);
    git(dir, "config uploadpack.allowFilter true");
    autofree char *line =
        xasprintf("clone -q --filter=blob:none --sparse file://%s ../partial", dir);
    git(dir, line);
    git(clone, "sparse-checkout set --no-cone sub");
    same_as_git(clone);
    put(clone, "sub/a.c", "2");
    same_as_git(clone);
}

static void environment(void **state)
{
    struct fixture *fixture = *state;
    autofree char *dir = make(fixture, "r"), *bare = path_join(fixture->folder, "bare.git");
    autofree char *tree = path_join(fixture->folder, "tree"),
                  *line = xasprintf("clone -q --bare %s %s", dir, bare);

    git(dir, line);
    put(tree, "file", "3\n");
    put(tree, ".gitignore", "*.o\nbuild/\n");

    AUTO(provenance) out = {0};
    setenv("GIT_DIR", bare, 1);
    setenv("GIT_WORK_TREE", tree, 1);
    read_fine(tree, &out);
    assert_true(out.found);
    assert_string_equal(out.version + strlen("v1-1-g") + 7, "");
    provenance_release(&out);
    unsetenv("GIT_WORK_TREE");

    /* A bare repository without a work tree says nothing about a folder. */
    read_fine(tree, &out);
    assert_false(out.found);
    provenance_release(&out);

    /* A hook's GIT_DIR counts where its work tree is, and nowhere else. */
    autofree char *dot_git = path_join(dir, ".git");
    setenv("GIT_DIR", dot_git, 1);
    assert_int_equal(chdir(dir), 0);
    read_fine(dir, &out);
    assert_true(out.found);
    assert_false(out.dirty);
    provenance_release(&out);
    read_fine(tree, &out);
    assert_false(out.found);
    provenance_release(&out);
    unsetenv("GIT_DIR");

    /* Ceilings end the search. */
    autofree char *sub = path_join(dir, "sub/deep");
    put(sub, "x", "");
    setenv("GIT_CEILING_DIRECTORIES", dir, 1);
    provenance_release(&out);
    read_fine(sub, &out);
    assert_false(out.found);
}

static void other_owner(void **state)
{
    struct fixture *fixture = *state;
    autofree char *dir = make(fixture, "r"), *settings = path_join(fixture->folder, "settings");
    struct error err = {0};
    AUTO(provenance) out = {0};

    setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1", 1);
    assert_int_equal(provenance_read(dir, NULL, &out, &err), -1);
    assert_int_equal(err.kind, ERROR_PROJECT);
    assert_non_null(strstr(err.text, "git config --global --add safe.directory"));
    assert_non_null(strstr(err.text, dir));
    provenance_release(&out);

    autofree char *remedy = xasprintf("config --global --add safe.directory %s", dir);
    git(fixture->folder, remedy);
    same_as_git(dir);

    autofree char *text = xasprintf("[safe]\n\tdirectory = %s\n\tdirectory =\n", dir);
    put(fixture->folder, "home/.gitconfig", text);
    assert_int_equal(provenance_read(dir, NULL, &out, &err), -1);
    provenance_release(&out);
    git(fixture->folder, "config --global --add safe.directory *");
    same_as_git(dir);
    setenv("GIT_CONFIG_GLOBAL", settings, 1);
    assert_int_equal(provenance_read(dir, NULL, &out, &err), -1);
    provenance_release(&out);
    setenv("GIT_CONFIG_COUNT", "1", 1);
    setenv("GIT_CONFIG_KEY_0", "safe.directory", 1);
    setenv("GIT_CONFIG_VALUE_0", dir, 1);
    read_fine(dir, &out);
    assert_true(out.found);

    /* The repository's own settings don't count. */
    unsetenv("GIT_CONFIG_COUNT");
    unsetenv("GIT_TEST_ASSUME_DIFFERENT_OWNER");
    git(dir, "config safe.directory *");
    setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1", 1);
    provenance_release(&out);
    assert_int_equal(provenance_read(dir, NULL, &out, &err), -1);
}

static void really_other_owner(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};
    AUTO(provenance) out = {0};
    if (geteuid() != 0)
        skip();
    autofree char *dir = make(fixture, "r");
    assert_int_equal(chown(dir, 12345, 12345), 0);
    assert_int_equal(provenance_read(dir, NULL, &out, &err), -1);
    provenance_release(&out);
    /* Under sudo the caller's files are trusted, and root's own. */
    setenv("SUDO_UID", "12345", 1);
    read_fine(dir, &out);
    assert_true(out.found);
}

static void origin_without_secrets(void **state)
{
    static const char *const cases[][2] = {
        {"https://user:pa:ss@example.com/a.git", "https://example.com/a.git"},
        {"https://token@example.com:8443/a/b@c.git?access=secret#x",
         "https://example.com:8443/a/b@c.git"},
        {"https://a@b@example.com/x", "https://example.com/x"},
        {"ssh://git@example.com:22/a.git", "ssh://example.com:22/a.git"},
        {"git@example.com:a/b.git", "example.com:a/b.git"},
        {"https://example.com", "https://example.com"},
        {"file:///srv/a.git", NULL},
        {"/srv/a.git", NULL},
        {"../a:b.git", NULL},
    };
    autofree char *dir = make(*state, "r");
    AUTO(provenance) out = {0};

    read_fine(dir, &out);
    assert_null(out.source);
    git(dir, "remote add origin x");
    for (size_t i = 0; i < countof(cases); i++) {
        autofree char *line = xasprintf("config remote.origin.url %s", cases[i][0]);
        git(dir, line);
        provenance_release(&out);
        read_fine(dir, &out);
        if (cases[i][1])
            assert_string_equal(out.source, cases[i][1]);
        else
            assert_null(out.source);
    }
}

/* B1: provenance is optional. Nothing is said about a repository that can't be read. */
static void unreadable_repositories(void **state)
{
    static const char *const extensions[] = {"relativeworktrees", "objectformat", "refstorage"};
    static const char *const values[] = {"true", "sha256", "reftable"};
    autofree char *dir = make(*state, "r");
    struct error err = {0};

    for (size_t i = 0; i < countof(values); i++) {
        AUTO(provenance) out = {0};
        AUTO(provenance) again = {0};
        autofree char *set = xasprintf("config extensions.%s %s", extensions[i], values[i]);
        autofree char *config = xasprintf("%s/.git/config", dir);
        AUTO(buf) before = {0};
        assert_int_equal(fs_read(config, 10000, &before, &err), 0);
        git(dir, "config core.repositoryformatversion 1");
        git(dir, set);
        assert_int_equal(provenance_read(dir, NULL, &out, &err), 0);
        assert_false(out.found);
        assert_null(out.commit);
        assert_true(strv_contains(&out.watched, config));
        put(dir, ".git/config", buf_text(&before));
        assert_int_equal(provenance_read(dir, NULL, &again, &err), 0);
        assert_true(again.found);
    }

    AUTO(provenance) out = {0};
    put(dir, ".git/index", "this is no index");
    assert_int_equal(provenance_read(dir, NULL, &out, &err), 0);
    assert_false(out.found);
    assert_null(out.commit);
}

/* D22: libgit2 would wait for somebody to write into it. */
static void fifos_are_refused(void **state)
{
    static const char *const files[] = {
        ".gitignore",       ".git/config",        ".git/info/exclude", ".git/index",
        ".git/packed-refs", "sub/.gitattributes", ".git/refs/tags/v9", "sub/deep/.gitignore"};
    autofree char *dir = make(*state, "r"), *deep = path_join(dir, "sub/deep/deeper");
    struct error err = {0};

    assert_int_equal(fs_mkdirs(deep, &err), 0);
    for (size_t i = 0; i < countof(files); i++) {
        AUTO(provenance) out = {0};
        autofree char *path = path_join(dir, files[i]), *kept = xasprintf("%s.kept", path);
        bool there = rename(path, kept) == 0;
        assert_int_equal(mkfifo(path, 0600), 0);
        bool below = strncmp(files[i], "sub/", 4) == 0;
        assert_int_equal(provenance_read(below ? deep : dir, NULL, &out, &err), -1);
        assert_int_equal(err.kind, ERROR_PROJECT);
        assert_non_null(strstr(err.text, path));
        assert_int_equal(unlink(path), 0);
        assert_true(!there || rename(kept, path) == 0);
    }
}

/* Nobody waits for these: git's own monitor keeps a socket in .git, and sandboxes put /dev/null in
 * the place of files. */
static void sockets_and_devices_are_fine(void **state)
{
    autofree char *dir = make(*state, "r"), *git_folder = path_join(dir, ".git");
    AUTO(provenance) out = {0};
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "fsmonitor--daemon.ipc"};
    autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(chdir(git_folder), 0); /* the path of a socket is short */
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(chdir(dir), 0);
    assert_int_equal(symlink("/dev/null", ".gitattributes"), 0);
    read_fine(dir, &out);
    assert_true(out.found);
    assert_non_null(out.commit);
}

#if defined(__SANITIZE_ADDRESS__)
/* libgit2 1.5 forgets a match of its own when a repository has extensions. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libgit2\nleak:libpcre2\n";
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_repository, set_up, tear_down),
        cmocka_unit_test_setup_teardown(plain_and_detached, set_up, tear_down),
        cmocka_unit_test_setup_teardown(before_the_first_commit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(merges_choose_like_git, set_up, tear_down),
        cmocka_unit_test_setup_teardown(dirty_paths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(own_output_is_no_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_dirty_paths_are_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_index_stays_as_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(linked_work_trees, set_up, tear_down),
        cmocka_unit_test_setup_teardown(submodules, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shallow_clones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(partial_and_sparse, set_up, tear_down),
        cmocka_unit_test_setup_teardown(environment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_owner, set_up, tear_down),
        cmocka_unit_test_setup_teardown(really_other_owner, set_up, tear_down),
        cmocka_unit_test_setup_teardown(origin_without_secrets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unreadable_repositories, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fifos_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sockets_and_devices_are_fine, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("provenance", tests, NULL, NULL);
}
