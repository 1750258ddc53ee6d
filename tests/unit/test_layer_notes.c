#include "layer_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* What layer_make remembers of the layers that it has made. */

/* The second time nothing is compressed; a missing blob is made again, with the same bytes. */
static void the_blob_is_remembered(void **state)
{
    AUTO(fixture) fixture;
    struct stat first, second;
    (void)state;

    set_up(&fixture, NULL, 0);
    add_source(&fixture, "a", "a", "content");
    struct layer layer = made(&fixture);
    autofree char *blob = store_blob_path(&fixture.store, &layer.digest);
    assert_int_equal(stat(blob, &first), 0);

    struct layer again = made(&fixture);
    assert_memory_equal(&layer, &again, sizeof layer);
    assert_int_equal(stat(blob, &second), 0);
    assert_int_equal(first.st_ino, second.st_ino);

    assert_int_equal(unlink(blob), 0);
    again = made(&fixture);
    assert_memory_equal(&layer, &again, sizeof layer);
    assert_int_equal(stat(blob, &second), 0);
}

static char *tree_note(const struct fixture *fixture)
{
    autofree char *folder = path_join(fixture->store.root, "objects");
    DIR *dir = opendir(folder);
    char *found = NULL;

    assert_non_null(dir);

    for (struct dirent *entry; (entry = readdir(dir));) {
        if (strncmp(entry->d_name, "tree-", 5) != 0)
            continue;
        assert_null(found);
        found = path_join(folder, entry->d_name);
    }

    closedir(dir);
    assert_non_null(found);
    return found;
}

/* Replaces one character of the note's value with another hexadecimal digit. */
static void forge(const char *note, const char *key)
{
    struct error err = {0};
    AUTO(buf) text = {0};
    assert_int_equal(fs_read(note, 4096, &text, &err), 0);
    char *value = strstr(text.data, key);
    assert_non_null(value);
    value = strstr(value, "sha256:") + 10;
    *value = *value == '1' ? '2' : '1';
    assert_int_equal(fs_write(note, text.data, text.len, 0644, &err), 0);
}

/* As long as a tree's files have the same times, none is read: even a false note is believed. */
static void an_unchanged_tree_is_not_read(void **state)
{
    struct error err = {0};
    AUTO(fixture) fixture;
    struct stat first, second;
    (void)state;

    set_up(&fixture, NULL, 0);
    const char *source = add_source(&fixture, "a", "a", "content");
    usleep(30000); /* the file becomes older than the clock's step */

    struct layer layer = made(&fixture);
    autofree char *note = tree_note(&fixture),
                  *blob = store_blob_path(&fixture.store, &layer.digest);
    forge(note, "diff-id");

    struct layer again = made(&fixture);
    assert_string_equal(again.digest.text, layer.digest.text);
    assert_string_not_equal(again.diff_id.text, layer.diff_id.text);

    /* Another time: the file is read, and recognized by its content. */
    assert_int_equal(stat(blob, &first), 0);
    assert_int_equal(utimensat(AT_FDCWD, source, NULL, 0), 0);
    again = made(&fixture);
    assert_memory_equal(&again, &layer, sizeof layer);
    assert_int_equal(stat(blob, &second), 0);
    assert_int_equal(first.st_ino, second.st_ino);

    /* Other content of that size, with the old time. */
    assert_int_equal(stat(source, &first), 0);
    assert_int_equal(fs_write(source, "CONTENT", 7, 0600, &err), 0);
    assert_int_equal(
        utimensat(AT_FDCWD, source, (struct timespec[]){first.st_atim, first.st_mtim}, 0), 0);
    again = made(&fixture);
    assert_string_not_equal(again.diff_id.text, layer.diff_id.text);

    autofree char *text = describe(&fixture, &again);
    assert_string_equal(text, "f 644 0:0 77 a=CONTENT\n");
}

/* Every other fact in the tar makes a different tree. */
static void the_shape_counts(void **state)
{
    AUTO(fixture) fixture;
    struct layer layers[6];
    (void)state;

    set_up(&fixture, NULL, 0);
    add_source(&fixture, "a", "a", "content");

    autofree char *source = tree_source(fixture.tree.entries);

    usleep(30000);
    layers[0] = made(&fixture);
    fixture.tree.entries[0].mode = 0755;
    layers[1] = made(&fixture);
    fixture.format.epoch++;
    layers[2] = made(&fixture);
    tree_release(&fixture.tree);
    tree_add_file(&fixture.tree, "b", source, 0755);
    layers[3] = made(&fixture);
    tree_add_link(&fixture.tree, "c", "b");
    layers[4] = made(&fixture);
    fixture.tree.entries[1].text = "d";
    layers[5] = made(&fixture);

    for (size_t i = 0; i < countof(layers); i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(layers[i].diff_id.text, layers[k].diff_id.text);
}

/* Each level has blobs of its own. */
static void levels_do_not_mix(void **state)
{
    static const enum gzip_level levels[] = {GZIP_DEFAULT, GZIP_FAST, GZIP_BEST};
    struct error err = {0};
    AUTO(buf) text = {0};
    AUTO(fixture) fixture;
    struct layer first[countof(levels)];
    (void)state;

    set_up(&fixture, NULL, 0);
    for (uint32_t i = 0, x = 1; i < 100000; i++, x = x * 1664525 + 1013904223)
        buf_addf(&text, "%x ", x >> 20);

    autofree char *source = path_join(fixture.folder, "text");
    assert_int_equal(fs_write(source, text.data, text.len, 0600, &err), 0);
    tree_add_file(&fixture.tree, "text", source, 0644);

    for (size_t i = 0; i < 2 * countof(levels); i++) {
        fixture.format.level = levels[i % countof(levels)];
        struct layer layer = made(&fixture);
        if (i < countof(levels))
            first[i] = layer;
        assert_memory_equal(&layer, &first[i % countof(levels)], sizeof layer);
        assert_string_equal(layer.diff_id.text, first[0].diff_id.text);
    }

    assert_true(first[1].size > first[0].size && first[2].size < first[0].size);
}

/* A damaged note is no reason to fail. */
static void damaged_notes_do_not_count(void **state)
{
    static const char *const texts[] = {"", "{", "{\"digest\":\"sha256:x\",\"size\":1}", "[]"};
    struct error err = {0};
    AUTO(fixture) fixture;
    (void)state;

    set_up(&fixture, NULL, 0);
    add_source(&fixture, "a", "a", "content");

    struct layer layer = made(&fixture);
    autofree char *name =
        xasprintf("layer-%s-%s", gzip_writer_version(GZIP_DEFAULT), digest_hex(&layer.diff_id));
    autofree char *by_content = store_path(&fixture.store, "objects", name, &err),
                  *by_shape = tree_note(&fixture);
    assert_true(fs_exists(by_content));

    for (size_t i = 0; i < 2 * countof(texts); i++) {
        const char *note = i % 2 ? by_shape : by_content, *text = texts[i / 2];
        assert_int_equal(fs_write(note, text, strlen(text), 0644, &err), 0);
        struct layer again = made(&fixture);
        assert_memory_equal(&layer, &again, sizeof layer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_blob_is_remembered),
        cmocka_unit_test(an_unchanged_tree_is_not_read),
        cmocka_unit_test(the_shape_counts),
        cmocka_unit_test(levels_do_not_mix),
        cmocka_unit_test(damaged_notes_do_not_count),
    };
    return cmocka_run_group_tests_name("layer_notes", tests, NULL, NULL);
}
