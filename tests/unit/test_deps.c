#include "unit.h"

#include "engine/deps.h"
#include "plan/parts.h"
#include "support/fs.h"
#include "support/own.h"

#include <unistd.h>

static const char template_text[] =
    "[template]\nlanguage = x\nmakes = deps app\n[input:v]\ntype = version\ndefault = 1\n"
    "[manifest]\ntakes = list\n---\n"
    "FROM --platform={{platform}} {{builder}} AS deps\n{{install}}\n{{manifest}}\n"
    "RUN get {{input:v|plain}}\n"
    "FROM deps AS build\nCOPY . .\nRUN put {{handler|shell}}\n{{files}}\n"
    "FROM --platform={{platform}} {{base}}\n{{workdir}}\n{{copy}}\n{{env}}\n{{labels}}\n"
    "{{entrypoint}}\nCMD {{cmd|json}}\n";

/* A job with the members that deps_key reads. */
struct fixture {
    char *folder;
    struct template template;
    struct plan plan;
    struct dockerfile dockerfile;
    struct context context;
    struct engine_base image;
    struct engine_options options;
    struct base_layer base_layer;
    struct base base;
    struct engine_job job;
    struct error err;
};

static void write_file(struct fixture *f, const char *name, const char *text)
{
    autofree char *path = path_join(f->folder, name);
    assert_int_equal(fs_write(path, text, strlen(text), 0644, &f->err), 0);
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);

    f->folder = unit_folder();
    f->plan = (struct plan){.handler = xstrdup("h"),
                            .project_dir = f->folder,
                            .base_reference = xstrdup("scratch"),
                            .builder_reference = xstrdup("builder:1"),
                            .package_manager = xstrdup("dnf"),
                            .runtime_prefix = xstrdup(".lbuild/runtime/none"),
                            .program = xstrdup("var/runtime/bootstrap")};
    strv_add(&f->plan.cmd, "h");
    strv_add(&f->plan.manifest, "list");
    plan_pairs_add(&f->plan.inputs, "v", "1", NULL);
    write_file(f, "list", "a 1\n");
    write_file(f, "app", "one");

    f->image.reference = xstrdup("builder:1");
    f->base.layers = &f->base_layer;
    f->base.layer_count = 1;
    assert_int_equal(digest_bytes("i", 1, &f->image.base.manifest, &f->err), 0);
    assert_int_equal(digest_bytes("b", 1, &f->base_layer.digest, &f->err), 0);
    assert_int_equal(
        template_parse(template_text, sizeof template_text - 1, "t", &f->template, &f->err), 0);

    f->job = (struct engine_job){.plan = &f->plan,
                                 .context = &f->context,
                                 .dockerfile = &f->dockerfile,
                                 .bases = &f->image,
                                 .base_count = 1,
                                 .options = &f->options};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    int result = fs_remove(f->folder, &f->err);

    plan_release(&f->plan);
    template_release(&f->template);
    dockerfile_release(&f->dockerfile);
    context_release(&f->context);
    engine_options_release(&f->options);
    free(f->image.reference);
    free(f->folder);
    free(f);
    return result;
}

static struct digest key(struct fixture *f)
{
    struct digest made = {0};
    dockerfile_release(&f->dockerfile);
    if (dockerfile_render(&f->plan, &f->template, DOCKERFILE_FILES, &f->dockerfile, &f->err) != 0 ||
        deps_key(&f->job, &f->base, &made, &f->err) != 0)
        fail_msg("%s", f->err.text);
    return made;
}

static void replace(char **text, const char *with)
{
    free(*text);
    *text = xstrdup(with);
}

static void what_decides_is_in_the_key(void **state)
{
    struct fixture *f = *state;
    struct digest keys[8];

    keys[0] = key(f);
    write_file(f, "list", "a 2\n");
    keys[1] = key(f);
    replace(&f->plan.inputs.items[0].value, "2");
    keys[2] = key(f);
    assert_int_equal(digest_bytes("j", 1, &f->image.base.manifest, &f->err), 0);
    keys[3] = key(f);
    assert_int_equal(digest_bytes("c", 1, &f->base_layer.digest, &f->err), 0);
    keys[4] = key(f);
    f->plan.arch = ARCH_ARM64;
    keys[5] = key(f);
    strv_add(&f->options.build_args, "A=1");
    keys[6] = key(f);
    setenv("DEPS_TEST", "x", 1);
    strv_add(&f->options.build_args, "DEPS_TEST");
    keys[7] = key(f);

    for (size_t i = 0; i < countof(keys); i++)
        for (size_t j = 0; j < i; j++)
            assert_false(digest_equal(&keys[i], &keys[j]));

    setenv("DEPS_TEST", "y", 1);

    struct digest other = key(f);
    assert_false(digest_equal(&other, &keys[7]));
}

static void what_does_not_decide_is_not(void **state)
{
    struct fixture *f = *state;
    struct digest before = key(f), after;

    write_file(f, "app", "two");
    replace(&f->plan.handler, "other");
    plan_pairs_add(&f->plan.env, "A", "1", NULL);
    f->plan.epoch = 1700000000;
    after = key(f);
    assert_false(digest_equal(&before, &after)); /* from no time to one */
    f->plan.epoch = 1800000000;
    before = key(f);
    assert_true(digest_equal(&before, &after));

    assert_int_equal(deps_epoch(1800000000), 315532800);
    assert_int_equal(deps_epoch(0), 0);
}

static void any_other_copy_counts_with_the_whole_context(void **state)
{
    struct fixture *f = *state;
    autofree char *old = f->template.body.text;

    f->template.body.text = xasprintf("%s", old);
    char *run = strstr(f->template.body.text, "RUN get ");
    memcpy(run, "COPY . .", 8); /* of the same length: the placeholders stay where they are */

    AUTOPTR(ignore) ignore = ignore_parse("", 0, "i", &f->err);
    AUTO(strv) none = {0};
    assert_int_equal(context_scan(f->folder, ignore, &none, &f->context, &f->err), 0);
    struct digest before = key(f), same = key(f);
    assert_true(digest_equal(&before, &same));

    write_file(f, "app", "two");
    struct digest after = key(f);
    assert_false(digest_equal(&before, &after));
}

static void notes_are_found_while_the_blob_is_there(void **state)
{
    struct fixture *f = *state;
    AUTO(store) store = {0};
    struct layer layer = {.size = 3, .content_size = 512}, found = {0};
    struct digest wanted = key(f);
    autofree char *cache = path_join(f->folder, "cache");

    assert_int_equal(store_open(&store, cache, &f->err), 0);
    assert_int_equal(deps_find(&store, &wanted, &found), 0);

    assert_int_equal(store_put(&store, "abc", 3, &layer.digest, &f->err), 0);
    assert_int_equal(digest_bytes("d", 1, &layer.diff_id, &f->err), 0);
    assert_int_equal(deps_keep(&store, &wanted, &layer, &f->err), 0);
    assert_int_equal(deps_find(&store, &wanted, &found), 1);
    assert_memory_equal(&found, &layer, sizeof layer);

    autofree char *blob = store_blob_path(&store, &layer.digest);
    assert_int_equal(unlink(blob), 0);
    assert_int_equal(deps_find(&store, &wanted, &found), 0);
}

static void trees_are_split(void **state)
{
    AUTO(tree) tree = {0}, deps = {0};
    (void)state;

    tree_add_dir(&tree, "deps");
    tree_add_file(&tree, "deps/var/x", "/x", 0644);
    tree_add_link(&tree, "deps/y", "x");
    tree_add_dir(&tree, "app");
    tree_add_file(&tree, "app/deps/z", "/z", 0755);
    tree_add_dir(&tree, "var/task");
    tree_add_file(&tree, "depsy", "/d", 0644);

    deps_split(&tree, &deps);
    assert_int_equal(deps.len, 2);
    assert_string_equal(deps.entries[0].path, "var/x");
    assert_string_equal(deps.entries[1].path, "y");
    assert_string_equal(deps.entries[1].text, "x");

    assert_int_equal(tree.len, 1);
    assert_string_equal(tree.entries[0].path, "deps/z");
    assert_int_equal(tree.entries[0].mode, 0755);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_decides_is_in_the_key, setup, teardown),
        cmocka_unit_test_setup_teardown(what_does_not_decide_is_not, setup, teardown),
        cmocka_unit_test_setup_teardown(any_other_copy_counts_with_the_whole_context, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(notes_are_found_while_the_blob_is_there, setup, teardown),
        cmocka_unit_test(trees_are_split),
    };

    return cmocka_run_group_tests_name("deps", tests, NULL, NULL);
}
