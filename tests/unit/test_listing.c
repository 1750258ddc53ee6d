#include "layers.h"

#include "layer/rootfs.h"
#include "support/fs.h"
#include "support/log.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

static char *folder;
static struct store store;

static int set_up(void **state)
{
    struct error err;
    (void)state;
    log_set_level(LOG_QUIET);
    folder = unit_folder();
    return store_open(&store, folder, &err);
}

static int tear_down(void **state)
{
    struct error err;
    (void)state;
    store_release(&store);
    int result = fs_remove(folder, &err);
    free(take(folder));
    return result;
}

#define LAYER(...)                                                                                 \
    make_layer((const struct item[]){__VA_ARGS__}, countof(((const struct item[]){__VA_ARGS__})))

static struct digest make_layer(const struct item *items, size_t count)
{
    struct digest diff_id;
    return put_layer(&store, items, count, &diff_id);
}

/* The merged tree as text: "PATH[/|>LINK|*] ..." */
static char *tree(const struct rootfs *rootfs)
{
    AUTO(buf) out = {0};

    for (size_t i = 0; i < rootfs_count(rootfs); i++) {
        const struct rootfs_entry *entry = rootfs_at(rootfs, i);
        buf_addf(&out, "%s%s%s%s", i ? " " : "", entry->path,
                 entry->type == TAR_DIR     ? "/"
                 : entry->type == TAR_OTHER ? "*"
                                            : "",
                 entry->link ? ">" : "");
        buf_adds(&out, entry->link ? entry->link : "");
        assert_ptr_equal(rootfs_find(rootfs, entry->path), entry);
    }
    return buf_detach(&out);
}

static void assert_tree(const struct digest *layers, size_t count, const char *expected)
{
    struct error err = {0};
    AUTOPTR(rootfs) rootfs = rootfs_load(&store, layers, count, &err);
    if (!rootfs)
        fail_msg("%s", err.text);
    autofree char *text = tree(rootfs);
    assert_string_equal(text, expected);
}

static void assert_refused(const struct digest *layers, size_t count, const char *why)
{
    struct error err = {0};
    AUTOPTR(rootfs) rootfs = rootfs_load(&store, layers, count, &err);
    assert_null(rootfs);
    assert_int_equal(err.kind, ERROR_REGISTRY);
    if (!strstr(err.text, why))
        fail_msg("'%s' does not say '%s'", err.text, why);
}

static bool is_listed(const struct digest *blob)
{
    struct listing about;
    AUTOPTR(listing_reader) reader = listing_reader_open(&store, blob, &about);
    return reader != NULL;
}

/* A blob that is cut after it was found whole isn't taken for a shorter one. */
static void a_list_is_cut_while_it_is_read(void **state)
{
    struct item items[2000];
    struct error err = {0};
    struct digest expected, any = {0};
    struct listing about;
    struct listing_entry entry;
    int got;
    (void)state;

    for (size_t i = 0; i < countof(items); i++)
        items[i] = (struct item){
            "./usr/some-file-with-a-long-name-so-that-no-buffer-holds-the-list", '0', "x"};

    struct digest blob = put_layer(&store, items, countof(items), &expected);
    assert_int_equal(listing_make(&store, &blob, &any, &err), 0);

    AUTOPTR(listing_reader) reader = listing_reader_open(&store, &blob, &about);
    assert_non_null(reader);

    autofree char *path = xasprintf("%s/lists/%s", store.root, digest_hex(&blob));
    assert_int_equal(truncate(path, 100000), 0);
    while ((got = listing_reader_next(reader, &entry, &err)) > 0)
        ;
    assert_int_equal(got, -1);
    assert_int_equal(err.kind, ERROR_BUILD);
    assert_non_null(strstr(err.text, "changed while it was read"));
}

static void many_layers(void **state)
{
    static const struct item items[] = {{"usr/", '5'}, {"usr/a", '0', "hello"}};
    struct error err = {0};
    struct digest expected, any = {0}, layers[300],
                            blob = put_layer(&store, items, countof(items), &expected);
    (void)state;

    assert_int_equal(listing_make(&store, &blob, &any, &err), 0);
    for (size_t i = 0; i < countof(layers); i++)
        layers[i] = blob;
    AUTOPTR(rootfs) rootfs = rootfs_load(&store, layers, countof(layers), &err);
    assert_non_null(rootfs);
    assert_int_equal(rootfs_find(rootfs, "usr/a")->layer, 300);
}

static void a_layer_is_listed(void **state)
{
    static const struct item items[] = {{"./", '5'},
                                        {"./usr/", '5', NULL, 0750},
                                        {"usr/a", '0', "hello", 04755},
                                        {"./usr/b", '2', "../x"},
                                        {"usr/c", '1', "./usr/a"},
                                        {"usr/d/../null", '3'}};
    struct error err = {0};
    struct digest diff_id, expected, blob = put_layer(&store, items, countof(items), &expected);
    struct listing listing;
    struct listing_entry entry;
    (void)state;

    memset(&diff_id, 0, sizeof diff_id);
    assert_false(is_listed(&blob));
    assert_int_equal(listing_make(&store, &blob, &diff_id, &err), 0);
    assert_string_equal(diff_id.text, expected.text);

    AUTOPTR(listing_reader) reader = listing_reader_open(&store, &blob, &listing);
    assert_non_null(reader);
    assert_int_equal(listing.count, 6);
    assert_string_equal(listing.diff_id.text, expected.text);
    assert_int_equal(listing_reader_next(reader, &entry, &err), 1);
    assert_string_equal(entry.path, "");
    assert_null(entry.link);
    for (int i = 0; i < 3; i++)
        assert_int_equal(listing_reader_next(reader, &entry, &err), 1);
    assert_string_equal(entry.path, "usr/b");
    assert_string_equal(entry.link, "../x");
    for (int i = 0; i < 2; i++)
        assert_int_equal(listing_reader_next(reader, &entry, &err), 1);
    assert_string_equal(entry.path, "usr/null");
    assert_int_equal(listing_reader_next(reader, &entry, &err), 0);

    AUTOPTR(rootfs) rootfs = rootfs_load(&store, &blob, 1, &err);
    autofree char *text = tree(rootfs);
    assert_string_equal(text, "/ usr/ usr/a usr/b>../x usr/c usr/null*");

    const struct rootfs_entry *file = rootfs_find(rootfs, "usr/c");
    assert_int_equal(file->type, TAR_FILE);
    assert_int_equal(file->size, 5);
    assert_int_equal(file->mode, 04755);
    assert_int_equal(file->mtime, 5);
    assert_int_equal(rootfs_find(rootfs, "usr")->mode, 0750);
    assert_null(rootfs_find(rootfs, "usr/"));
    assert_null(rootfs_find(rootfs, "us"));
    assert_null(rootfs_at(rootfs, 6));
}

static void other_forms_of_layers(void **state)
{
    static const struct item items[] = {{"a", '0', "1"}, {"b", '0', "2"}};
    struct error err = {0};
    struct digest any = {0}, blob;
    AUTO(buf) tar = {0};
    AUTO(buf) packed = {0};
    (void)state;

    item_add(&tar, &items[0]);
    item_add(&tar, &items[1]);
    tar_end(&tar);
    assert_int_equal(store_put(&store, tar.data, tar.len, &blob, &err), 0);
    assert_tree(&blob, 1, "a b"); /* plain */
    gzip_add(&packed, tar.data, 512);
    gzip_add(&packed, tar.data + 512, 100);
    gzip_add(&packed, tar.data + 612, tar.len - 612);
    assert_int_equal(store_put(&store, packed.data, packed.len, &blob, &err), 0);
    assert_int_equal(listing_make(&store, &blob, &any, &err), 0);
    assert_tree(&blob, 1, "a b"); /* several members */

    struct digest plain;
    assert_int_equal(digest_bytes(tar.data, tar.len, &plain, &err), 0);
    assert_string_equal(any.text, plain.text);

    AUTO(buf) nothing = {0};
    buf_clear(&packed);
    tar_end(&nothing);
    gzip_add(&packed, nothing.data, nothing.len);
    assert_int_equal(store_put(&store, packed.data, packed.len, &blob, &err), 0);
    assert_tree(&blob, 1, ""); /* empty */
    assert_tree(NULL, 0, "");
}

static void wrong_layers(void **state)
{
    static const struct item item = {"a", '0', "some content"};
    struct error err = {0};
    struct digest blob;
    AUTO(buf) tar = {0};
    AUTO(buf) packed = {0};
    AUTO(buf) twice = {0};
    (void)state;

    item_add(&tar, &item);
    tar_end(&tar);
    gzip_add(&packed, tar.data, tar.len);
    gzip_add(&twice, packed.data, packed.len);

    const struct {
        const char *bytes;
        size_t length;
        const char *why;
    } cases[] = {
        {packed.data, packed.len - 5, "is cut off"},
        {packed.data, packed.len / 2, "the layer"},
        {twice.data, twice.len, "compressed twice"},
        {"\x28\xb5\x2f\xfd----", 8, "zstd"},
        {"this is no tar archive, of course", 33, "not a readable tar"},
        {tar.data, 512 + 5, "the layer"},
    };

    for (size_t i = 0; i < countof(cases); i++) {
        assert_int_equal(store_put(&store, cases[i].bytes, cases[i].length, &blob, &err), 0);
        assert_refused(&blob, 1, cases[i].why);
        assert_true(store_has(&store, &blob)); /* it is what it says it is */
    }
}

static void a_damaged_blob_is_put_away(void **state)
{
    struct error err = {0};
    struct digest any = {0}, blob = LAYER({"a", '0', "content"}, {"b", '5'});
    autofree char *path = store_blob_path(&store, &blob);
    uint64_t size = 0;
    (void)state;

    for (int how = 0; how < 2; how++) {
        AUTO(buf) bytes = {0};
        blob = LAYER({"a", '0', "content"}, {"b", '5'});
        autoclose int fd = store_open_blob(&store, &blob, &size, &err);
        assert_int_equal(fs_read_fd(fd, path, 10000, &bytes, &err), 0);
        bytes.data[30] = (char)(bytes.data[30] ^ 1);
        assert_int_equal(fs_write(path, bytes.data, how ? bytes.len / 2 : bytes.len, 0644, &err),
                         0);
        assert_int_equal(listing_make(&store, &blob, &any, &err), -1);
        assert_int_equal(err.kind, ERROR_REGISTRY);
        assert_non_null(strstr(err.text, "build again"));
        assert_false(store_has(&store, &blob));
    }
}

static void diff_ids_are_checked(void **state)
{
    static const struct item item = {"a", '0', "x"};
    struct error err = {0};
    struct digest right, wrong, blob = put_layer(&store, &item, 1, &right);
    (void)state;

    assert_true(digest_parse(
        &wrong, "sha256:00000000000000000000000000000000000000000000000000000000000000aa"));
    assert_int_equal(listing_make(&store, &blob, &wrong, &err), -1);
    assert_int_equal(err.kind, ERROR_REGISTRY);
    assert_non_null(strstr(err.text, right.text));
    assert_int_equal(listing_make(&store, &blob, &right, &err), 0);
    assert_int_equal(listing_make(&store, &blob, &wrong, &err), -1); /* also from the list */
}

static void a_damaged_list_is_made_anew(void **state)
{
    struct error err = {0};
    struct digest diff_id,
        blob = put_layer(&store, (const struct item[]){{"dir/a", '0', "x"}}, 1, &diff_id);
    autofree char *path = store_path(&store, "lists", digest_hex(&blob), &err);
    AUTO(buf) whole = {0};
    (void)state;

    assert_int_equal(listing_make(&store, &blob, &diff_id, &err), 0);
    assert_int_equal(fs_read(path, 10000, &whole, &err), 0);
    for (size_t i = 0; i < whole.len; i++) {
        whole.data[i] = (char)(whole.data[i] ^ 4);
        assert_int_equal(fs_write(path, whole.data, whole.len, 0644, &err), 0);
        whole.data[i] = (char)(whole.data[i] ^ 4);
        assert_false(is_listed(&blob));
        assert_int_equal(fs_write(path, whole.data, i, 0644, &err), 0);
        assert_false(is_listed(&blob));
    }

    assert_int_equal(fs_write(path, "lbuild-list 1\n", 14, 0644, &err), 0);
    assert_tree(&blob, 1, "dir/ dir/a");
    assert_int_equal(fs_write(path, whole.data, whole.len - 1, 0644, &err), 0);
    assert_int_equal(listing_make(&store, &blob, &diff_id, &err), 0);
    assert_tree(&blob, 1, "dir/ dir/a");
}

/* B5: no bytes, and gzip of no bytes. */
static void layers_without_content(void **state)
{
    struct error err = {0};
    AUTO(buf) packed = {0};
    struct digest layers[3] = {LAYER({"a", '0', "x"})}, diff_id = {0};
    (void)state;

    gzip_add(&packed, "", 0);
    assert_int_equal(store_put(&store, "", 0, &layers[1], &err), 0);
    assert_int_equal(store_put(&store, packed.data, packed.len, &layers[2], &err), 0);
    assert_tree(layers, 3, "a");
    assert_int_equal(listing_make(&store, &layers[1], &diff_id, &err), 0);
    assert_int_equal(strncmp(diff_id.text, "sha256:e3b0c44298fc1c149afbf4c8", 31), 0);
}

static void names_that_climb_out(void **state)
{
    (void)state;
    const struct {
        struct digest layer;
        const char *why;
    } cases[] = {
        {LAYER({"../etc/passwd", '0', "x"}), "leads out of the image"},
        {LAYER({"a/../../b", '0', "x"}), "leads out of the image"},
        {LAYER({"/..", '5'}), "leads out of the image"},
        {LAYER({"a", '1', "../../etc/passwd"}), "leads out of the image"},
        {LAYER({"a/.wh.", '0'}), "names nothing"},
        {LAYER({"/", '2', "/etc"}), "not a directory"},
        {LAYER({"loop", '2', "loop"}, {"loop/f", '0', "x"}), "cycle of links"},
        {LAYER({"file", '0', "x"}, {"file/f", '0', "x"}), "not a directory"},
        {LAYER({"h", '1', "nothing"}), "not there"},
        {LAYER({"d", '5'}, {"h", '1', "d"}), "a directory"},
    };

    for (size_t i = 0; i < countof(cases); i++)
        assert_refused(&cases[i].layer, 1, cases[i].why);
}

/* B2, B3: as docker, podman and umoci have it, who unpack in a chroot. */
static void nothing_is_outside_of_the_root(void **state)
{
    (void)state;
    const struct {
        struct digest below, above;
        const char *tree;
    } cases[] = {
        {LAYER({"run/", '5'}, {"var/run", '2', "/run"}), LAYER({"var/run/app.txt", '0', "x"}),
         "run/ run/app.txt var/ var/run>/run"},
        {LAYER({"/usr/", '5'}, {"/usr/bin/", '5'}, {"/usr/bin/x", '0', "x"}),
         LAYER({"/usr/bin/.wh.x", '0'}, {"/", '5'}, {"/y", '0', "x"}), "/ usr/ usr/bin/ y"},
        {LAYER({"esc", '2', "../.."}), LAYER({"esc/passwd", '0', "x"}), "esc>../.. passwd"},
        {LAYER({"in/", '5'}, {"in/esc", '2', "../../etc"}), LAYER({"in/esc/passwd", '0', "x"}),
         "etc/ etc/passwd in/ in/esc>../../etc"},
        {LAYER({"one", '2', "/two"}, {"two", '2', "../x"}), LAYER({"one/f", '0', "x"}),
         "one>/two two>../x x/ x/f"},
        {LAYER({"esc", '2', "/etc"}, {"etc/passwd", '0', "x"}), LAYER({"h", '1', "esc/passwd"}),
         "esc>/etc etc/ etc/passwd h"},
        {LAYER({"esc", '2', "/etc"}, {"etc/passwd", '0', "x"}), LAYER({"esc/.wh.passwd", '0'}),
         "esc>/etc etc/"},
        {LAYER({"esc", '2', "/etc"}), LAYER({"ok", '2', "/etc/shadow"}), "esc>/etc ok>/etc/shadow"},
    };

    for (size_t i = 0; i < countof(cases); i++) {
        const struct digest layers[2] = {cases[i].below, cases[i].above};
        assert_tree(layers, 2, cases[i].tree);
    }
}

static void links_inside_the_image_are_followed(void **state)
{
    (void)state;
    struct digest layers[2] = {
        LAYER({"usr/", '5'}, {"usr/lib/", '5'}, {"lib", '2', "usr/lib"},
              {"var/run", '2', "../run"}),
        LAYER({"lib/x", '0', "x"}, {"var/run/deep/y", '0', "y"}, {"z", '1', "lib/x"})};
    assert_tree(
        layers, 2,
        "lib>usr/lib run/ run/deep/ run/deep/y usr/ usr/lib/ usr/lib/x var/ var/run>../run z");
}

static void whiteouts(void **state)
{
    struct digest base =
        LAYER({"a/", '5', NULL, 0700}, {"a/1", '0', "x"}, {"a/2", '0', "x"}, {"a/d/", '5'},
              {"a/d/3", '0', "x"}, {"b", '0', "x"}, {"a-b", '0', "x"});
    (void)state;

    assert_tree(&base, 1, "a/ a-b a/1 a/2 a/d/ a/d/3 b");
    const struct {
        struct digest layer;
        const char *tree;
    } cases[] = {
        {LAYER({"a/.wh.1", '0'}, {".wh.b", '0'}), "a/ a-b a/2 a/d/ a/d/3"},
        {LAYER({"a/.wh.d", '0'}, {"a/.wh.none", '0'}, {"no/.wh.x", '0'}), "a/ a-b a/1 a/2 b"},
        {LAYER({"a/.wh.d", '0'}, {"a/d/", '5'}, {"a/d/new", '0', "x"}),
         "a/ a-b a/1 a/2 a/d/ a/d/new b"},
        {LAYER({"a/d/", '5'}, {"a/d/new", '0', "x"}, {"a/.wh.d", '0'}),
         "a/ a-b a/1 a/2 a/d/ a/d/new b"},
        {LAYER({"a/new", '0', "x"}, {"a/.wh..wh..opq", '0'}), "a/ a-b a/new b"},
        {LAYER({"a/.wh..wh..opq", '0'}, {"a/new", '0', "x"}), "a/ a-b a/new b"},
        {LAYER({"a/d/4", '0', "x"}, {"a/.wh..wh..opq", '0'}), "a/ a-b a/d/ a/d/4 b"},
        {LAYER({".wh..wh..opq", '0'}, {"only", '0', "x"}), "only"},
        {LAYER({"a/1", '0', "x"}, {"a/.wh.1", '0'}),
         "a/ a-b a/1 a/2 a/d/ a/d/3 b"}, /* never the layer's own */
        {LAYER({".wh..wh.plnk", '5'}, {".wh..wh.aufs", '0'}), "a/ a-b a/1 a/2 a/d/ a/d/3 b"},
        {LAYER({"a", '0', "now a file"}), "a a-b b"},
        {LAYER({"b/", '5'}, {"b/in", '0', "x"}), "a/ a-b a/1 a/2 a/d/ a/d/3 b/ b/in"},
        {LAYER({"a", '2', "b"}), "a>b a-b b"},
        {LAYER({"b", '0', "one"}, {"b", '2', "two"}), "a/ a-b a/1 a/2 a/d/ a/d/3 b>two"},
    };

    for (size_t i = 0; i < countof(cases); i++) {
        struct digest layers[2] = {base, cases[i].layer};
        assert_tree(layers, 2, cases[i].tree);
    }

    struct error err = {0};
    struct digest layers[2] = {base, LAYER({"a/", '5', NULL, 0711})};
    AUTOPTR(rootfs) rootfs = rootfs_load(&store, layers, 2, &err);
    assert_int_equal(rootfs_find(rootfs, "a")->mode, 0711); /* only the directory itself changed */
    assert_int_equal(rootfs_count(rootfs), 7);
}

static void resolve(void **state)
{
    struct error err = {0};
    struct digest layer =
        LAYER({"usr/lib/", '5'}, {"lib", '2', "usr/lib"}, {"abs", '2', "/usr"},
              {"up", '2', "../../../usr"}, {"file", '0', "x"}, {"loop", '2', "pool"},
              {"pool", '2', "loop"}, {"usr/back", '2', "../lib"});
    AUTOPTR(rootfs) rootfs = rootfs_load(&store, &layer, 1, &err);
    static const struct {
        const char *path, *real;
    } cases[] = {
        {"lib/x", "usr/lib/x"},
        {"/lib/x/", "usr/lib/x"},
        {"lib", "lib"},
        {"abs/lib/y", "usr/lib/y"},
        {"up/lib/y", "usr/lib/y"},
        {"usr/back/z", "usr/lib/z"},
        {"none/lib/../x", "none/x"},
        {"", ""},
        {"/", ""},
        {"..", ""},
        {"lib/../a", "usr/a"},
        {"./usr//lib/./q", "usr/lib/q"},
        {"file", "file"},
        {"loop", "loop"},
        {"loop/x", NULL},
        {"file/x", NULL},
        {"file/..", NULL},
    };
    (void)state;

    assert_non_null(rootfs);
    for (size_t i = 0; i < countof(cases); i++) {
        autofree char *real = rootfs_resolve(rootfs, cases[i].path, &err);
        if (cases[i].real) {
            assert_non_null(real);
            assert_string_equal(real, cases[i].real);
        } else {
            assert_null(real);
            assert_int_equal(err.kind, ERROR_PROJECT);
        }
    }
}

/* As many entries as in a trimmed distribution: a time above the rough bound would mean that
 * loading is not linear. */
static void loading_is_quick(void **state)
{
    enum { DIRS = 440, FILES = 10 };
    struct error err = {0};
    struct digest blob, any = {0};
    AUTO(buf) tar = {0};
    struct timespec start, end;
    (void)state;

    for (int i = 0; i < DIRS; i++) {
        autofree char *dir = xasprintf("usr/share/some/where/dir%d/", i);
        item_add(&tar, &(struct item){.path = dir, .type = '5'});
        for (int j = 0; j < FILES; j++) {
            autofree char *file = xasprintf("%sfile%d", dir, j);
            item_add(&tar, &(struct item){.path = file, .type = '0', .text = "x"});
        }
    }

    tar_end(&tar);
    assert_int_equal(store_put(&store, tar.data, tar.len, &blob, &err), 0);
    assert_int_equal(listing_make(&store, &blob, &any, &err), 0);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);

    struct listing listing;
    AUTOPTR(listing_reader) reader = listing_reader_open(&store, &blob, &listing);
    assert_non_null(reader);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);

    long loaded = (end.tv_sec - start.tv_sec) * 1000000000L + end.tv_nsec - start.tv_nsec;
    AUTOPTR(rootfs) rootfs = rootfs_load(&store, &blob, 1, &err);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);

    long merged = (start.tv_sec - end.tv_sec) * 1000000000L + start.tv_nsec - end.tv_nsec;
    assert_int_equal(rootfs_count(rootfs), DIRS * (FILES + 1) + 4);
    print_message("# list of %zu entries: %ld us, tree: %ld us\n", listing.count, loaded / 1000,
                  merged / 1000);
    assert_true(merged < 500000000L);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_layer_is_listed),
        TEST(a_list_is_cut_while_it_is_read),
        TEST(many_layers),
        TEST(other_forms_of_layers),
        TEST(wrong_layers),
        TEST(a_damaged_blob_is_put_away),
        TEST(diff_ids_are_checked),
        TEST(a_damaged_list_is_made_anew),
        TEST(layers_without_content),
        TEST(names_that_climb_out),
        TEST(nothing_is_outside_of_the_root),
        TEST(links_inside_the_image_are_followed),
        TEST(whiteouts),
        TEST(resolve),
        TEST(loading_is_quick),
    };

    return cmocka_run_group_tests_name("listing", tests, NULL, NULL);
}
