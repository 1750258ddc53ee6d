#include "unit.h"

#include "fresh.h"
#include "support/data.h"
#include "support/fs.h"
#include "support/own.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct fixture {
    char *folder, *dir, *header, *output;
    struct pipeline_options options;
    struct pipeline p;
    struct fresh_result result;
    struct error err;
};

static void put(const char *dir, const char *name, const char *text)
{
    struct error err = {0};
    autofree char *path = path_join(dir, name);
    assert_int_equal(fs_write(path, text, strlen(text), 0644, &err), 0);
}

/* Long enough for the kernel's coarse clock to move on. */
static void settle(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 40000000}, NULL);
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    f->folder = unit_folder();
    f->dir = path_join(f->folder, "project");
    f->header = path_join(f->folder, "x.h");
    autofree char *sub = path_join(f->dir, "src"), *cache = path_join(f->folder, "cache");
    assert_int_equal(fs_mkdirs(sub, &f->err), 0);
    assert_int_equal(setenv("XDG_CACHE_HOME", cache, 1), 0);

    put(f->dir, "lbuild.ini", "[project]\n");
    put(sub, "a.c", "int a;\n");
    put(f->folder, "x.h", "int x;\n");

    f->output = path_join(f->dir, "hello.tar");
    f->p.facts.project.dir = xstrdup(f->dir);
    f->p.facts.project.file = path_join(f->dir, "lbuild.ini");
    f->p.facts.template.path = path_join(f->dir, "lbuild.ini");
    f->p.plan.output_file = xstrdup(f->output);
    f->p.image.name = xstrdup("hello");
    strv_add(&f->p.image.tags, "hello:a");
    strv_add(&f->p.image.tags, "hello:b");
    buf_adds(&f->p.image.manifest, "{}");
    assert_int_equal(digest_bytes("m", 1, &f->p.image.manifest_digest, &f->err), 0);
    assert_int_equal(digest_bytes("c", 1, &f->p.image.config_digest, &f->err), 0);
    strv_add(&f->p.inputs, f->header);

    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    int result = fs_remove(f->folder, &f->err);
    free(f->p.facts.project.dir);
    free(f->p.facts.project.file);
    free(f->p.facts.template.path);
    free(f->p.plan.output_file);
    free(f->p.image.name);
    strv_release(&f->p.image.tags);
    buf_release(&f->p.image.manifest);
    strv_release(&f->p.inputs);
    fresh_result_release(&f->result);
    pipeline_options_release(&f->options);
    free(f->folder);
    free(f->dir);
    free(f->header);
    free(f->output);
    free(f);
    return result;
}

static int check(struct fixture *f)
{
    fresh_result_release(&f->result);
    return fresh_check(&f->options, &f->result);
}

static void build(struct fixture *f)
{
    settle();
    int64_t started = fresh_now();
    put(f->dir, "hello.tar", "tar");
    fresh_record(&f->options, &f->p, started);
    assert_int_equal(check(f), 1);
}

static void says_the_same_again(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(check(f), 0);
    build(f);

    assert_string_equal(f->result.name, "hello");
    assert_string_equal(f->result.manifest.text, f->p.image.manifest_digest.text);
    assert_string_equal(f->result.config.text, f->p.image.config_digest.text);
    assert_int_equal(f->result.manifest_size, 2);
    assert_int_equal(f->result.tags.len, 2);
    assert_string_equal(f->result.tags.items[1], "hello:b");
    assert_string_equal(f->result.output, f->output);
    assert_int_equal(check(f), 1);
}

static void sees_every_change(void **state)
{
    struct fixture *f = *state;
    autofree char *source = path_join(f->dir, "src/a.c"),
                  *fresh_file = path_join(f->dir, "src/b.c");
    struct stat st;

    build(f);
    put(f->dir, "src/a.c", "int b;\n"); /* same size */
    assert_int_equal(check(f), 0);

    build(f);
    assert_int_equal(stat(source, &st), 0);
    put(f->dir, "src/a.c", "int c;\n");
    assert_int_equal(utimensat(AT_FDCWD, source, (struct timespec[]){st.st_atim, st.st_mtim}, 0),
                     0); /* and same mtime */
    assert_int_equal(check(f), 0);

    build(f);
    put(f->dir, "src/b.c", "");
    assert_int_equal(check(f), 0);

    build(f);
    assert_int_equal(unlink(fresh_file), 0);
    assert_int_equal(check(f), 0);

    build(f);
    put(f->folder, "x.h", "int y;\n");
    assert_int_equal(check(f), 0);

    build(f);
    assert_int_equal(chmod(source, 0755), 0);
    assert_int_equal(check(f), 0);

    build(f);
    put(f->dir, "hello.tar", "rat");
    assert_int_equal(check(f), 0);

    build(f);
    assert_int_equal(unlink(f->output), 0);
    assert_int_equal(check(f), 0);
}

static void what_was_absent_counts(void **state)
{
    struct fixture *f = *state;
    autofree char *absent = path_join(f->folder, "gone.h");
    strv_add(&f->p.inputs, absent);
    build(f);
    put(f->folder, "gone.h", "");
    assert_int_equal(check(f), 0);
}

static void options_and_environment_count(void **state)
{
    struct fixture *f = *state;
    build(f);
    strv_add(&f->options.set, "image.base=al2");
    assert_int_equal(check(f), 0);
    strv_release(&f->options.set);
    assert_int_equal(check(f), 1);

    f->options.arm64 = true;
    assert_int_equal(check(f), 0);
    f->options.arm64 = false;

    assert_int_equal(setenv("SOURCE_DATE_EPOCH", "7", 1), 0);
    assert_int_equal(check(f), 0);
    assert_int_equal(unsetenv("SOURCE_DATE_EPOCH"), 0);
    assert_int_equal(check(f), 1);

    f->options.pull = "always";
    assert_int_equal(check(f), 0);
    f->options.pull = NULL;
}

static void a_change_during_the_build_leaves_no_record(void **state)
{
    struct fixture *f = *state;
    settle();
    int64_t started = fresh_now();
    put(f->dir, "src/a.c", "int z;\n");
    put(f->dir, "hello.tar", "tar");
    fresh_record(&f->options, &f->p, started);
    assert_int_equal(check(f), 0);
}

static void a_damaged_record_counts_as_none(void **state)
{
    struct fixture *f = *state;
    autofree char *folder = path_join(f->folder, "cache/lbuild/builds");
    AUTO(strv) names = {0};
    AUTO(buf) text = {0};

    build(f);
    assert_int_equal(data_files(folder, "", &names, &f->err), 0);
    assert_int_equal(names.len, 1);
    autofree char *path = path_join(folder, names.items[0]);
    assert_int_equal(fs_read(path, 1 << 20, &text, &f->err), 0);

    for (size_t cut = 1; cut < text.len; cut += 7) {
        assert_int_equal(fs_write(path, text.data, text.len - cut, 0644, &f->err), 0);
        assert_int_equal(check(f), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(says_the_same_again),
        TEST(sees_every_change),
        TEST(what_was_absent_counts),
        TEST(options_and_environment_count),
        TEST(a_change_during_the_build_leaves_no_record),
        TEST(a_damaged_record_counts_as_none),
    };
    return cmocka_run_group_tests_name("fresh", tests, NULL, NULL);
}
