#include "unit.h"

#include "layer/layer.h"
#include "support/fs.h"
#include "support/gzip.h"
#include "support/strv.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char *folder;
    struct store store;
    struct rootfs *rootfs;
    struct tree tree;
    struct strv sources;
    struct layer_format format;
};

static void fixture_release(struct fixture *fixture)
{
    struct error err = {0};
    tree_release(&fixture->tree);
    strv_release(&fixture->sources);
    rootfs_free(fixture->rootfs);
    store_release(&fixture->store);
    assert_int_equal(fs_remove(fixture->folder, &err), 0);
    free(fixture->folder);
}

static int collect(void *data, const void *bytes, size_t length, struct error *err)
{
    (void)err;
    buf_add(data, bytes, length);
    return 0;
}

/* A base layer of these entries, in the store and listed. */
static struct digest base_layer(const struct store *store, const struct tar_entry *entries,
                                size_t count)
{
    struct error err = {0};
    struct digest digest, diff_id = {""};
    AUTO(buf) tar = {0};
    AUTOPTR(tar_writer) writer = tar_writer_open(collect, &tar, &err);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(tar_writer_entry(writer, &entries[i], &err), 0);
    assert_int_equal(tar_writer_finish(writer, &err), 0);
    assert_int_equal(store_put(store, tar.data, tar.len, &digest, &err), 0);
    assert_int_equal(listing_make(store, &digest, &diff_id, &err), 0);
    return digest;
}

static void set_up(struct fixture *fixture, const struct tar_entry *entries, size_t count)
{
    struct error err = {0};
    struct digest layer;
    memset(fixture, 0, sizeof *fixture);
    fixture->folder = unit_folder();
    fixture->format = (struct layer_format){.epoch = 77};
    autofree char *root = path_join(fixture->folder, "store");
    assert_int_equal(store_open(&fixture->store, root, &err), 0);
    if (count > 0)
        layer = base_layer(&fixture->store, entries, count);
    fixture->rootfs = rootfs_load(&fixture->store, &layer, count > 0, &err);
    assert_non_null(fixture->rootfs);
}

/* Adds a file whose content lies in the fixture's folder; the source's path is the fixture's. */
static const char *add_source(struct fixture *fixture, const char *path, const char *name,
                              const char *content)
{
    struct error err = {0};
    char *source = path_join(fixture->folder, name);
    assert_int_equal(fs_write(source, content, strlen(content), 0600, &err), 0);
    tree_add_file(&fixture->tree, path, source, 0644);
    strv_take(&fixture->sources, source);
    return source;
}

/* Unpacks the blob: its one member must be the tar of this diff_id. */
static void read_blob(const struct fixture *fixture, const struct layer *layer, struct buf *tar)
{
    struct error err = {0};
    struct digest digest;
    AUTO(buf) blob = {0};
    assert_int_equal(store_read(&fixture->store, &layer->digest, 100000000, &blob, &err), 0);
    assert_int_equal(blob.len, layer->size);
    AUTOPTR(gunzip) gunzip = gunzip_open(collect, tar, false, &err);
    assert_int_equal(gunzip_feed(gunzip, blob.data, blob.len, &err), 0);
    assert_int_equal(gunzip_finish(gunzip, &err), 0);
    assert_int_equal(tar->len, layer->content_size);
    assert_int_equal(digest_bytes(tar->data, tar->len, &digest, &err), 0);
    assert_string_equal(digest.text, layer->diff_id.text);
}

static int64_t from_buf(void *data, void *bytes, size_t capacity, struct error *err)
{
    struct buf *rest = data;
    size_t part = rest->len < capacity ? rest->len : capacity;
    (void)err;
    memcpy(bytes, rest->data, part);
    rest->data += part;
    rest->len -= part;
    return (int64_t)part;
}

/* The layer's entries as text: "TYPE MODE UID:GID MTIME PATH[ -> LINK][=CONTENT]". */
static char *describe(const struct fixture *fixture, const struct layer *layer)
{
    struct error err = {0};
    struct tar_entry entry;
    AUTO(buf) tar = {0}, text = {0};
    read_blob(fixture, layer, &tar);
    struct buf rest = tar;
    AUTOPTR(tar_reader) reader = tar_reader_open(from_buf, &rest, "layer", &err);
    for (int status = 0; (status = tar_reader_next(reader, &entry, &err)) != 0;) {
        char content[100];
        assert_int_equal(status, 1);
        buf_addf(&text, "%c %o %d:%d %d %s", "fdlh?"[entry.type], entry.mode, (int)entry.uid,
                 (int)entry.gid, (int)entry.mtime, entry.path);
        if (entry.link)
            buf_addf(&text, " -> %s", entry.link);
        int64_t got = tar_reader_read(reader, content, sizeof content, &err);
        assert_true(got >= 0);
        if (got > 0)
            buf_addf(&text, "=%.*s", (int)got, content);
        buf_addc(&text, '\n');
    }
    return buf_detach(&text);
}

static struct layer made(const struct fixture *fixture)
{
    struct error err = {0};
    struct layer layer;
    if (layer_make(&fixture->tree, fixture->rootfs, &fixture->format, &fixture->store, &layer,
                   &err) != 0)
        fail_msg("%s", err.text);
    return layer;
}

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
        "d 755 0:0 77 opt/\nl 777 0:0 77 opt/link -> ../var/task/b\nd 755 0:0 77 var/\nd 755 0:0 77 var/runtime/\n"
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

/* A file that gives more than its size says: as one does that grows. */
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

/* Another build marks the cache's file as used while this one reads it: that is no change. */
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

/* Only a large one that must be made goes elsewhere too, and what happens there is nothing to it.
 */
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

/* The second time nothing is compressed; a blob that is gone is made again, with the same bytes. */
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

/* While a tree's files bear the same times, none is read: a note that lies is believed. */
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

    /* Another time: it is read, and what it was is found by its content. */
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

/* Whatever else the tar says makes another tree. */
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
        cmocka_unit_test(sources_must_be_files),
        cmocka_unit_test(a_growing_file_is_noticed),
        cmocka_unit_test(a_stored_file_may_be_touched),
        cmocka_unit_test(the_blob_is_remembered),
        cmocka_unit_test(an_unchanged_tree_is_not_read),
        cmocka_unit_test(the_shape_counts),
        cmocka_unit_test(others_may_want_a_large_layer),
        cmocka_unit_test(levels_do_not_mix),
        cmocka_unit_test(damaged_notes_do_not_count),
        cmocka_unit_test(bytes_depend_on_the_input_alone),
        cmocka_unit_test(an_empty_tree),
    };
    return cmocka_run_group_tests_name("layer", tests, NULL, NULL);
}
