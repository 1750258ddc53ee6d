#include "unit.h"

#include "dockerfile/dockerfile.h"
#include "engine/container/container.h"
#include "engine/work.h"
#include "support/fs.h"
#include "support/log.h"
#include "support/own.h"
#include "support/process.h"
#include "support/tar.h"

#include <fcntl.h>
#include <unistd.h>

/* A container engine's world: a folder, and a job in it. */
struct world {
    char folder[32];
    struct work work;
    struct plan plan;
    struct engine_options options;
    struct engine_job job;
    struct dockerfile dockerfile;
    struct container c;
    struct error err;
};

static void on_line(struct container *c, const char *line)
{
    if (strncmp(line, "step ", 5) == 0)
        container_step(c, "build", "2/3", line + 5, 2);
    else if (strncmp(line, "verdict ", 8) == 0)
        container_verdict(c, line + 8);
    else
        container_output(c, line);
}

static void world_open(struct world *w)
{
    *w = (struct world){.folder = "/tmp/lbuild-test.XXXXXX"};
    assert_non_null(mkdtemp(w->folder));
    log_set_level(LOG_QUIET);
    w->work.path = w->folder;
    buf_adds(&w->dockerfile.text, "FROM a AS build\n");
    dockerfile_mark(&w->dockerfile, "lbuild.ini:7:1");
    buf_adds(&w->dockerfile.text, "RUN make\n");

    w->job = (struct engine_job){
        .plan = &w->plan, .options = &w->options, .work = &w->work, .dockerfile = &w->dockerfile};
    container_open(&w->job, "sh", on_line, &w->c);
}

static void world_close(struct world *w)
{
    struct error err;
    container_release(&w->c);
    dockerfile_release(&w->dockerfile);
    assert_int_equal(fs_remove(w->folder, &err), 0);
}

static int run(struct world *w, const char *script, struct buf *said)
{
    AUTO(strv) argv = {0};
    strv_add(&argv, "/bin/sh");
    strv_add(&argv, "-c");
    strv_add(&argv, script);
    w->err = (struct error){0};
    return container_run(&w->c, &argv, -1, said, &w->err);
}

static void a_failed_step_says_where(void **state)
{
    struct world w;
    (void)state;

    world_open(&w);

    assert_int_equal(
        run(&w,
            "echo 'step RUN make'; echo one; printf 'no rule\\r\\n\\n'; echo 'verdict exit "
            "status 2' >&2; exit 1",
            NULL),
        -1);
    assert_int_equal(w.err.kind, ERROR_BUILD);
    assert_string_equal(
        w.err.text,
        "lbuild.ini:7:1: 'RUN make' failed in stage 'build' (step 2/3): no rule; exit status 2");
    world_close(&w);
}

static void an_engine_that_breaks(void **state)
{
    struct world w;
    (void)state;

    world_open(&w);
    assert_int_equal(run(&w, "echo 'verdict no storage'; exit 125", NULL), -1);
    assert_int_equal(w.err.kind, ERROR_ENGINE);
    assert_string_equal(w.err.text, "sh failed with status 125: no storage");

    assert_int_equal(run(&w, "echo 'step RUN make'; kill -KILL $$", NULL), -1);
    assert_int_equal(w.err.kind, ERROR_ENGINE);
    assert_non_null(strstr(w.err.text, "sh was killed by signal 9 in stage build"));

    w.job.deadline = process_clock() + 100;
    assert_int_equal(run(&w, "echo 'step RUN make'; sleep 600", NULL), -1);
    assert_int_equal(w.err.kind, ERROR_BUILD);
    assert_string_equal(
        w.err.text,
        "stage 'build', step 2/3: 'sh' did not end in time and was killed; allow more time with "
        "--timeout");
    world_close(&w);
}

static void output_is_cleaned_and_capped(void **state)
{
    struct world w;
    (void)state;

    world_open(&w);
    assert_int_equal(
        run(&w,
            "printf '\\033[31mred\\033[0m\\nold\\rnew\\n'; head -c 5000 /dev/zero | tr '\\0' x; "
            "echo; printf last",
            NULL),
        0);

    assert_int_equal(w.c.tail.len, 4);
    assert_string_equal(w.c.tail.items[0], "red");
    assert_string_equal(w.c.tail.items[1], "new");
    assert_int_equal(strlen(w.c.tail.items[2]), 2000);
    assert_string_equal(w.c.tail.items[3], "last");

    assert_int_equal(run(&w, "i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo $i; done", NULL), 0);
    assert_int_equal(w.c.tail.len, 20);
    assert_string_equal(w.c.tail.items[0], "81");
    assert_string_equal(w.c.tail.items[19], "100");

    AUTO(buf) said = {0};
    assert_int_equal(run(&w, "echo $TMPDIR; echo aside >&2", &said), 0);
    assert_non_null(strstr(buf_text(&said), w.folder));
    assert_string_equal(w.c.tail.items[19], "aside");
    world_close(&w);
}

/* Reading the exported files. */

static int to_file(void *data, const void *bytes, size_t length, struct error *err)
{
    return fs_write_fd(*(int *)data, "tar", bytes, length, err);
}

static int read_back(struct world *w, const struct tar_entry *entries, size_t count,
                     struct tree *tree)
{
    autofree char *path = path_join(w->folder, "export.tar"),
                  *files = path_join(w->folder, "files");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    struct tar_writer *writer = tar_writer_open(to_file, &fd, &w->err);

    for (size_t i = 0; i < count; i++) {
        assert_int_equal(tar_writer_entry(writer, &entries[i], &w->err), 0);
        if (entries[i].size > 0)
            assert_int_equal(tar_writer_data(writer, "content", (size_t)entries[i].size, &w->err),
                             0);
    }

    assert_int_equal(tar_writer_finish(writer, &w->err), 0);
    tar_writer_free(writer);
    close(fd);

    assert_int_equal(fs_remove(files, &w->err), 0);
    w->err = (struct error){0};
    return container_read(&w->c, path, tree, &w->err);
}

static void modes_and_links(void **state)
{
    static const struct tar_entry entries[] = {
        {.path = "opt", .type = TAR_DIR, .mode = 0700, .uid = 7},
        {.path = "opt/a", .type = TAR_FILE, .mode = 04711, .uid = 7, .gid = 9, .size = 7},
        {.path = "opt/b", .type = TAR_FILE, .mode = 0600, .size = 3},
        {.path = "opt/c", .type = TAR_HARDLINK, .link = "opt/a"},
        {.path = "opt/d", .type = TAR_SYMLINK, .link = "../../etc/x", .mode = 0777},
    };
    struct world w;
    AUTO(tree) tree = {0};
    AUTO(buf) text = {0};
    (void)state;

    world_open(&w);
    assert_int_equal(read_back(&w, entries, countof(entries), &tree), 0);

    assert_int_equal(tree.len, 5);
    assert_int_equal(tree.entries[0].mode, 0755);
    assert_int_equal(tree.entries[1].mode, 0755);
    assert_int_equal(tree.entries[2].mode, 0644);
    assert_int_equal(tree.entries[3].type, TAR_FILE);
    assert_int_equal(tree.entries[3].mode, 0755);

    autofree char *source = tree_source(&tree.entries[3]);
    assert_int_equal(fs_read(source, 100, &text, &w.err), 0);
    assert_string_equal(buf_text(&text), "content");
    assert_string_equal(tree.entries[4].text, "../../etc/x");
    world_close(&w);
}

static void hostile_exports(void **state)
{
    static const struct {
        struct tar_entry entry;
        const char *why;
    } cases[] = {
        {{.path = "a/../../x", .type = TAR_FILE}, "leaves the root directory"},
        {{.path = "a/.wh.b", .type = TAR_FILE}, "means deletion"},
        {{.path = ".wh.d/b", .type = TAR_FILE}, "means deletion"},
        {{.path = "l", .type = TAR_HARDLINK, .link = "none"}, "hard link to a missing file"},
        {{.path = "l", .type = TAR_HARDLINK, .link = "../none"}, "hard link to a missing file"},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        struct world w;
        AUTO(tree) tree = {0};
        world_open(&w);
        assert_int_equal(read_back(&w, &cases[i].entry, 1, &tree), -1);
        assert_int_equal(w.err.kind, ERROR_BUILD);
        assert_non_null(strstr(w.err.text, cases[i].why));
        world_close(&w);
    }
}

static void not_an_archive(void **state)
{
    struct world w;
    AUTO(tree) tree = {0};
    (void)state;

    world_open(&w);
    autofree char *path = path_join(w.folder, "export.tar");
    assert_int_equal(container_read(&w.c, path, &tree, &w.err), -1);
    assert_int_equal(w.err.kind, ERROR_BUILD);

    assert_int_equal(fs_write(path, "no tar, but a text of some length", 33, 0644, &w.err), 0);
    assert_int_equal(container_read(&w.c, path, &tree, &w.err), -1);
    assert_int_equal(w.err.kind, ERROR_BUILD);
    world_close(&w);
}

static void versions(void **state)
{
    (void)state;
    assert_true(container_at_least("1.28.2", 1, 24));
    assert_true(container_at_least("1.24", 1, 24));
    assert_true(container_at_least("4.3.1", 1, 24));
    assert_false(container_at_least("1.23.1", 1, 24));
    assert_false(container_at_least("3.4.4", 4, 0));
    assert_false(container_at_least("x", 0, 0));
}

static void options_are_read(void **state)
{
    static const struct {
        const char *text;
        int seconds;
    } times[] = {{"1", 1},  {"90s", 90}, {"15m", 900},       {"2h", 7200},
                 {"0", -1}, {"-1", -1},  {"5d", -1},         {"1mm", -1},
                 {"", -1},  {"m", -1},   {"99999999999", -1}};
    struct error err = {0};
    (void)state;

    for (size_t i = 0; i < countof(times); i++) {
        struct engine_options options = {.timeout_text = times[i].text};
        int result = engine_options_check(&options, &err);
        assert_int_equal(result, times[i].seconds < 0 ? -1 : 0);
        assert_int_equal(options.timeout, times[i].seconds < 0 ? 0 : times[i].seconds);
    }

    struct engine_options options = {.network = "bridge"};
    assert_int_equal(engine_options_check(&options, &err), -1);
    assert_int_equal(err.kind, ERROR_USAGE);
}

static void what_an_engine_lacks(void **state)
{
    struct error err = {0};
    struct engine_options none = {0}, network = {.network = "none"}, builder = {.builder = "b"},
                          key = {.tls_key = "k"};
    (void)state;

    assert_int_equal(engine_refuse(engine_find("host"), &none, &err), 0);
    assert_int_equal(engine_refuse(engine_find("buildah"), &network, &err), 0);
    assert_int_equal(engine_refuse(engine_find("host"), &network, &err), -1);
    assert_int_equal(err.kind, ERROR_USAGE);
    assert_non_null(strstr(err.text, "--network: the host engine runs the compilers"));
    assert_non_null(strstr(err.text, "buildah"));

    assert_int_equal(engine_refuse(engine_find("podman"), &builder, &err), -1);
    assert_non_null(strstr(
        err.text, "--builder: buildah and podman work only on this machine; use --engine buildx"));

    assert_int_equal(engine_refuse(engine_find("docker"), &key, &err), -1);
    assert_non_null(strstr(err.text, "--tlskey: docker takes its certificates"));
    assert_non_null(strstr(err.text, "use --engine buildctl"));
    assert_int_equal(engine_refuse(engine_find("buildctl"), &key, &err), 0);
    assert_null(engine_find("nothing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_step_says_where),
        cmocka_unit_test(an_engine_that_breaks),
        cmocka_unit_test(output_is_cleaned_and_capped),
        cmocka_unit_test(modes_and_links),
        cmocka_unit_test(hostile_exports),
        cmocka_unit_test(not_an_archive),
        cmocka_unit_test(versions),
        cmocka_unit_test(options_are_read),
        cmocka_unit_test(what_an_engine_lacks),
    };

    return cmocka_run_group_tests_name("container", tests, NULL, NULL);
}
