#include "layer_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

static void refused(const struct fixture *fixture, int kind, const char *said)
{
    struct error err = {0};
    struct layer layer;
    assert_int_equal(layer_make(&fixture->tree, fixture->rootfs, &fixture->format, &fixture->store,
                                &layer, &err),
                     -1);
    assert_int_equal(err.kind, kind);
    if (!strstr(err.text, said))
        fail_msg("'%s' says nothing of '%s'", err.text, said);
}

static void sorted_with_parents_and_normal_modes(void **state)
{
    AUTO(fixture) fixture;
    (void)state;

    set_up(&fixture, NULL, 0);
    add_source(&fixture, "var/task/b", "b", "BB");
    add_source(&fixture, "var/task-x", "a", "A");
    tree_add_link(&fixture.tree, "opt/link", "../var/task/b");
    tree_add_dir(&fixture.tree, "var/task");
    tree_add_dir(&fixture.tree, "");
    add_source(&fixture, "var/runtime/bootstrap", "p", "P");
    fixture.tree.entries[fixture.tree.len - 1].mode = 0755;
    struct layer layer = made(&fixture);
    autofree char *text = describe(&fixture, &layer);
    assert_string_equal(
        text,
        "d 755 0:0 77 opt/\nl 777 0:0 77 opt/link -> ../var/task/b\nd 755 0:0 77 var/\n"
        "d 755 0:0 77 var/runtime/\n"
        "f 755 0:0 77 var/runtime/bootstrap=P\nd 755 0:0 77 var/task/\nf 644 0:0 77 var/task-x=A\n"
        "f 644 0:0 77 var/task/b=BB\n");
}

static void content_in_memory(void **state)
{
    AUTO(fixture) fixture;
    (void)state;
    set_up(&fixture, NULL, 0);
    tree_add_text(&fixture.tree, "m", "memory", 0644);
    tree_add_text(&fixture.tree, "none", "", 0644);
    struct layer layer = made(&fixture);
    autofree char *text = describe(&fixture, &layer);
    assert_string_equal(text, "f 644 0:0 77 m=memory\nf 644 0:0 77 none\n");
}

static const struct tar_entry base[] = {
    {.path = "data", .type = TAR_DIR, .mode = 0755},
    {.path = "data/task", .type = TAR_DIR, .mode = 02750, .uid = 5, .gid = 6, .mtime = 9},
    {.path = "etc", .type = TAR_DIR, .mode = 0755},
    {.path = "etc/passwd", .type = TAR_FILE, .mode = 0644},
    {.path = "var", .type = TAR_DIR, .mode = 0711},
    {.path = "var/task", .type = TAR_SYMLINK, .link = "../data/task", .mode = 0777},
    {.path = "loop", .type = TAR_SYMLINK, .link = "loop", .mode = 0777},
    {.path = "var/old", .type = TAR_SYMLINK, .link = "/etc/passwd", .mode = 0777},
};

static void the_bases_links_and_attributes_count(void **state)
{
    AUTO(fixture) fixture;
    (void)state;

    set_up(&fixture, base, countof(base));
    add_source(&fixture, "var/task/new/a", "a", "A");
    add_source(&fixture, "var/old", "b", "B");
    tree_add_dir(&fixture.tree, "var/task");
    struct layer layer = made(&fixture);
    autofree char *text = describe(&fixture, &layer);
    assert_string_equal(
        text, "d 755 0:0 77 data/\nd 2750 5:6 77 data/task/\nd 755 0:0 77 data/task/new/\n"
              "f 644 0:0 77 data/task/new/a=A\nd 711 0:0 77 var/\nf 644 0:0 77 var/old=B\n");
}

static void conflicts_name_both(void **state)
{
    (void)state;

    {
        AUTO(fixture) fixture;
        set_up(&fixture, base, countof(base));
        const char *a = add_source(&fixture, "var/task/a", "a", "A");
        const char *b = add_source(&fixture, "data/task/a", "b", "B");
        refused(&fixture, ERROR_PROJECT, "both become '/data/task/a'");
        refused(&fixture, ERROR_PROJECT, a);
        refused(&fixture, ERROR_PROJECT, b);
    }

    {
        AUTO(fixture) fixture;
        set_up(&fixture, NULL, 0);
        add_source(&fixture, "x/y", "a", "A");
        add_source(&fixture, "x", "b", "B");
        refused(&fixture, ERROR_PROJECT, "where other files need a directory");
    }

    {
        AUTO(fixture) fixture;
        set_up(&fixture, NULL, 0);
        tree_add_link(&fixture.tree, "x", "y");
        tree_add_dir(&fixture.tree, "x");
        refused(&fixture, ERROR_PROJECT, "'x' and 'x' both become '/x'");
    }
}

static void the_base_is_not_hidden(void **state)
{
    static const struct {
        const char *path, *said;
    } wrong[] = {
        {"etc", "the base image has a directory there; name the file inside it, '/etc/a'"},
        {"etc/passwd/x", "etc/passwd"},
        {"loop/x", "loop"},
    };
    (void)state;

    for (size_t i = 0; i < countof(wrong); i++) {
        AUTO(fixture) fixture;
        set_up(&fixture, base, countof(base));
        add_source(&fixture, wrong[i].path, "a", "A");
        refused(&fixture, ERROR_PROJECT, wrong[i].said);
    }
}

/* A2: as COPY does, also for a link that leads through the root or another link. */
static void a_file_at_a_link_to_a_folder_goes_inside(void **state)
{
    static const struct tar_entry merged[] = {
        {.path = "usr/bin", .type = TAR_DIR, .mode = 0755},
        {.path = "usr/lib/x", .type = TAR_FILE, .mode = 0644},
        {.path = "bin", .type = TAR_SYMLINK, .link = "usr/bin"},
        {.path = "sbin", .type = TAR_SYMLINK, .link = "/bin"},
        {.path = "file", .type = TAR_SYMLINK, .link = "usr/lib/x"},
        {.path = "top", .type = TAR_SYMLINK, .link = "."},
    };
    (void)state;

    AUTO(fixture) fixture;
    set_up(&fixture, merged, countof(merged));
    static const char *const places[] = {"bin", "sbin", "file", "top"};
    static const char *const names[] = {"tool", "other", "x", "init"};
    for (size_t i = 0; i < countof(places); i++) {
        autofree char *source = xasprintf("source%zu", i);
        add_source(&fixture, places[i], source, names[i]);
        tree_name(&fixture.tree, places[i], names[i]);
    }

    struct layer layer = made(&fixture);
    autofree char *text = describe(&fixture, &layer);
    assert_string_equal(text, "f 644 0:0 77 file=x\nf 644 0:0 77 init=init\nd 755 0:0 77 usr/\n"
                              "d 755 0:0 77 usr/bin/\nf 644 0:0 77 usr/bin/other=other\n"
                              "f 644 0:0 77 usr/bin/tool=tool\n");
}

/* A2: nothing replaces the link when the file has no name to go inside with. */
static void a_nameless_file_does_not_replace_a_link(void **state)
{
    static const struct tar_entry merged[] = {
        {.path = "usr/bin", .type = TAR_DIR, .mode = 0755},
        {.path = "bin", .type = TAR_SYMLINK, .link = "usr/bin"},
    };
    AUTO(fixture) fixture;
    (void)state;

    set_up(&fixture, merged, countof(merged));
    add_source(&fixture, "bin", "a", "A");
    refused(&fixture, ERROR_PROJECT, "a link to the directory '/usr/bin' there; name the file");
}

/* A4 */
static void names_of_whiteouts_are_refused(void **state)
{
    static const char *const wrong[] = {".wh.a", "var/task/.wh.keep.txt", "x/.wh.d/file",
                                        "var/.wh..wh..opq"};
    (void)state;

    for (size_t i = 0; i < countof(wrong); i++) {
        AUTO(fixture) fixture;
        set_up(&fixture, base, countof(base));
        add_source(&fixture, wrong[i], "a", "");
        refused(&fixture, ERROR_PROJECT, "means deletion in a layer; rename it");
    }
}

static void sources_must_be_files(void **state)
{
    AUTO(fixture) fixture;
    (void)state;

    set_up(&fixture, NULL, 0);
    tree_add_file(&fixture.tree, "x", fixture.folder, 0644);
    refused(&fixture, ERROR_PROJECT, "isn't a regular file");
    tree_release(&fixture.tree);
    autofree char *pipe = path_join(fixture.folder, "pipe"),
                  *absent = path_join(fixture.folder, "absent");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    tree_add_file(&fixture.tree, "x", pipe, 0644);
    refused(&fixture, ERROR_PROJECT, "isn't a regular file");
    tree_release(&fixture.tree);
    tree_add_file(&fixture.tree, "x", absent, 0644);
    refused(&fixture, ERROR_BUILD, "No such file");
}

/* A file that has more bytes than its size says, like one that grows. */
static void a_growing_file_is_noticed(void **state)
{
    AUTO(fixture) fixture;
    (void)state;
    if (access("/proc/self/status", R_OK) != 0)
        skip();
    set_up(&fixture, NULL, 0);
    tree_add_file(&fixture.tree, "x", "/proc/self/status", 0644);
    refused(&fixture, ERROR_BUILD, "'/proc/self/status' changed while it was read; build again");
}

static void *touch(void *data)
{
    const int *fd = data;
    for (int i = 0; i < 200; i++, usleep(1000))
        (void)futimens(*fd, NULL);
    return NULL;
}

/* Another build marks the cache's file as used while this one reads it: that doesn't
 * count as a change. */
static void a_stored_file_may_be_touched(void **state)
{
    enum { SIZE = 16 * 1024 * 1024 };
    AUTO(fixture) fixture;
    AUTO(buf) text = {0};
    struct error err = {0};

    pthread_t other;
    (void)state;
    set_up(&fixture, NULL, 0);
    for (uint32_t i = 0, x = 1; i < SIZE / sizeof x; i++, x = x * 1664525 + 1013904223)
        buf_add(&text, (const char *)&x, sizeof x); /* takes long to compress */

    autofree char *path = path_join(fixture.folder, "object");
    assert_int_equal(fs_write(path, text.data, text.len, 0600, &err), 0);

    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pthread_create(&other, NULL, touch, &fd), 0);
    tree_add_stored(&fixture.tree, "x", path, 0644);
    made(&fixture);
    pthread_join(other, NULL);
    close(fd);
}

struct taken {
    struct buf bytes;
    struct digest digest;
    size_t most; /* bytes before it fails */
    int asked, ended;
};

static int take_bytes(void *data, const void *bytes, size_t length, struct error *err)
{
    struct taken *taken = data;
    buf_add(&taken->bytes, bytes, length);
    return taken->bytes.len <= taken->most ? 0 : error_set(err, ERROR_BUILD, "full");
}

static int take_end(void *data, const struct digest *digest, uint64_t size, struct error *err)
{
    struct taken *taken = data;
    (void)err;
    assert_int_equal(size, taken->bytes.len);
    taken->digest = *digest;
    taken->ended++;
    return 0;
}

static bool take_large(void *data, struct layer_sink *sink)
{
    struct taken *taken = data;
    taken->asked++;
    *sink = (struct layer_sink){.bytes = take_bytes, .done = take_end, .data = data};
    return true;
}

/* Only a large layer that must be made goes to the sink too, and a failing sink
 * doesn't fail the layer. */
static void others_may_want_a_large_layer(void **state)
{
    enum { SIZE = 16 * 1024 * 1024 };
    AUTO(fixture) fixture;
    struct error err = {0};
    (void)state;

    set_up(&fixture, NULL, 0);
    autofree char *zeros = xcalloc(SIZE, 1);
    for (int round = 0; round < 4; round++) {
        size_t size = round == 0 ? SIZE - 1 : SIZE;
        struct taken taken = {.most = round == 3 ? 0 : SIZE};
        autofree char *source = path_join(fixture.folder, "large");
        assert_int_equal(fs_keep(source, zeros, size, &err), 0);
        tree_release(&fixture.tree);
        tree_add_file(&fixture.tree, "large", source, 0644);
        fixture.format.large = take_large;
        fixture.format.data = &taken;
        fixture.format.epoch = round == 3 ? 78 : 77;
        struct layer layer = made(&fixture);
        assert_int_equal(taken.asked, round == 1 || round == 3);
        assert_int_equal(taken.ended, round == 1);
        if (round == 1)
            assert_string_equal(taken.digest.text, layer.digest.text);
        struct digest digest;
        assert_int_equal(digest_bytes(taken.bytes.data, taken.bytes.len, &digest, &err), 0);
        if (round == 1)
            assert_string_equal(digest.text, layer.digest.text);
        buf_release(&taken.bytes);
    }
}

static void bytes_depend_on_the_input_alone(void **state)
{
    struct layer layers[2];
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        AUTO(fixture) fixture;
        mode_t mask = umask(i ? 077 : 0);
        set_up(&fixture, NULL, 0);
        const char *a = add_source(&fixture, i ? "a" : "b", i ? "one" : "two", i ? "A" : "B");
        add_source(&fixture, i ? "b" : "a", i ? "three" : "four", i ? "B" : "A");
        assert_int_equal(chmod(a, i ? 0777 : 0400), 0);
        layers[i] = made(&fixture);
        umask(mask);
    }
    assert_memory_equal(&layers[0], &layers[1], sizeof layers[0]);
}

static void an_empty_tree(void **state)
{
    AUTO(fixture) fixture;
    (void)state;
    set_up(&fixture, NULL, 0);
    struct layer layer = made(&fixture);
    assert_int_equal(layer.content_size, 1024);
    autofree char *text = describe(&fixture, &layer);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorted_with_parents_and_normal_modes),
        cmocka_unit_test(content_in_memory),
        cmocka_unit_test(the_bases_links_and_attributes_count),
        cmocka_unit_test(conflicts_name_both),
        cmocka_unit_test(the_base_is_not_hidden),
        cmocka_unit_test(a_file_at_a_link_to_a_folder_goes_inside),
        cmocka_unit_test(a_nameless_file_does_not_replace_a_link),
        cmocka_unit_test(names_of_whiteouts_are_refused),
        cmocka_unit_test(sources_must_be_files),
        cmocka_unit_test(a_growing_file_is_noticed),
        cmocka_unit_test(a_stored_file_may_be_touched),
        cmocka_unit_test(others_may_want_a_large_layer),
        cmocka_unit_test(bytes_depend_on_the_input_alone),
        cmocka_unit_test(an_empty_tree),
    };

    return cmocka_run_group_tests_name("layer", tests, NULL, NULL);
}
