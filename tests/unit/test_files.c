#include "unit.h"

#include "engine/files.h"
#include "support/fs.h"
#include "support/own.h"

/* What [files] takes from a context. Only main.c and data/run.sh are looked up on disk. */
struct bench {
    char *project;
    struct plan plan;
    struct context context;
    struct tree tree;
    struct error err;
};

static void put(const char *folder, const char *name)
{
    struct error err;
    autofree char *path = path_join(folder, name), *dir = path_dir(path);

    assert_int_equal(fs_mkdirs(dir, &err), 0);
    assert_int_equal(fs_write(path, "x", 1, 0644, &err), 0);
}

static void add_context(struct bench *b, const char *path, enum tar_type type, unsigned mode,
                        const char *link)
{
    grow(b->context.files, b->context.len, b->context.cap);
    b->context.files[b->context.len++] =
        (struct context_file){.path = path, .type = type, .mode = mode, .link = link};
}

static void add_pair(struct bench *b, const char *name, const char *value)
{
    grow(b->plan.files.items, b->plan.files.len, b->plan.files.cap);
    b->plan.files.items[b->plan.files.len++] =
        (struct plan_pair){xstrdup(name), xstrdup(value), {"lbuild.ini", 7, 1}};
}

static void drop_pair(struct bench *b)
{
    struct plan_pair *pair = &b->plan.files.items[--b->plan.files.len];
    free(pair->name);
    free(pair->value);
}

static int add(struct bench *b)
{
    const struct engine_job job = {.plan = &b->plan, .context = &b->context};
    return files_add(&job, &b->tree, &b->err);
}

static void expect_wrong(struct bench *b, const char *name, const char *said)
{
    add_pair(b, name, "opt/x");
    assert_int_equal(add(b), -1);
    assert_int_equal(b->err.kind, ERROR_PROJECT);
    assert_non_null(strstr(b->err.text, "lbuild.ini:7:1: [files] '"));
    if (!strstr(b->err.text, said))
        fail_msg("'%s' lacks '%s'", b->err.text, said);
    drop_pair(b);
}

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof *b);

    b->project = unit_folder();
    b->plan.project_dir = b->project;
    put(b->project, "main.c");
    put(b->project, "data/run.sh");

    /* Sorted by bytes, as context_scan lists them. */
    add_context(b, "bad", TAR_DIR, 0755, NULL);
    add_context(b, "bad/up", TAR_SYMLINK, 0777, "../../etc");
    add_context(b, "data", TAR_DIR, 0755, NULL);
    add_context(b, "data/abs", TAR_SYMLINK, 0777, "/tmp/cache");
    add_context(b, "data/empty", TAR_DIR, 0755, NULL);
    add_context(b, "data/here", TAR_SYMLINK, 0777, "run.sh");
    add_context(b, "data/run.sh", TAR_FILE, 0755, NULL);
    add_context(b, "data2", TAR_FILE, 0644, NULL);
    add_context(b, "etc", TAR_SYMLINK, 0777, "/etc");
    add_context(b, "loop", TAR_SYMLINK, 0777, "loop");
    add_context(b, "other", TAR_SYMLINK, 0777, "./data");
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;

    context_release(&b->context);
    tree_release(&b->tree);
    plan_release(&b->plan);
    assert_int_equal(fs_remove(b->project, &b->err), 0);
    free(b->project);
    free(b);
    return 0;
}

static void folders_and_links_are_followed(void **state)
{
    static const struct {
        const char *path, *link;
        unsigned mode;
    } expected[] = {
        {"opt/data", NULL, 0755},        {"opt/data/abs", "/tmp/cache", 0777},
        {"opt/data/empty", NULL, 0755},  {"opt/data/here", "run.sh", 0777},
        {"opt/data/run.sh", NULL, 0755}, {"opt/run", NULL, 0755},
    };
    struct bench *b = *state;

    add_pair(b, "data", "opt/data");
    add_pair(b, "other/run.sh", "opt/run");
    assert_int_equal(add(b), 0);

    assert_int_equal(b->tree.len, countof(expected));
    for (size_t i = 0; i < countof(expected); i++) {
        const struct tree_entry *entry = &b->tree.entries[i];
        assert_string_equal(entry->path, expected[i].path);
        assert_int_equal(entry->mode, expected[i].mode);
        if (expected[i].link)
            assert_string_equal(entry->text, expected[i].link);
    }

    autofree char *source = path_join(b->project, "data/run.sh");
    autofree char *of_entry = tree_source(&b->tree.entries[5]);
    assert_string_equal(of_entry, source);
}

static void what_cannot_be_taken_says_why(void **state)
{
    struct bench *b = *state;

    expect_wrong(b, "absent", "is not in the project");
    expect_wrong(b, "main.c", "is left out of the build context");
    expect_wrong(b, "etc/passwd", "is a link that leaves the project");
    expect_wrong(b, "loop", "is a link that leaves the project");
    expect_wrong(b, "bad", "has the link 'bad/up', which leaves the project");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(folders_and_links_are_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_taken_says_why, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
