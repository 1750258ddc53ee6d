#include "unit.h"

#include "image/extract.h"
#include "support/fs.h"
#include "support/own.h"
#include "support/tar.h"

#include <sys/stat.h>

/* Images are made here as folders: blobs by digest, and a struct imagefile that names them, as
 * imagefile_load would. */
struct entry {
    const char *path, *content, *link; /* content NULL: a directory, or a link */
};

static int collect(void *data, const void *bytes, size_t length, struct error *err)
{
    (void)err;
    buf_add(data, bytes, length);
    return 0;
}

static void add_layer(const char *folder, const struct entry *entries, size_t count,
                      struct imagefile *image)
{
    AUTO(buf) bytes = {0};
    struct error err = {0};
    AUTOPTR(tar_writer) writer = tar_writer_open(collect, &bytes, &err);

    assert_non_null(writer);
    for (size_t i = 0; i < count && entries[i].path; i++) {
        struct tar_entry entry = {
            .path = entries[i].path, .link = entries[i].link, .mode = 0644, .type = TAR_DIR};
        if (entries[i].link)
            entry.type = TAR_SYMLINK;
        if (entries[i].content) {
            entry.type = TAR_FILE;
            entry.size = (int64_t)strlen(entries[i].content);
        }
        assert_int_equal(tar_writer_entry(writer, &entry, &err), 0);
        if (entries[i].content)
            assert_int_equal(
                tar_writer_data(writer, entries[i].content, strlen(entries[i].content), &err), 0);
    }

    assert_int_equal(tar_writer_finish(writer, &err), 0);
    image->layers = xrealloc(image->layers, image->layer_count + 1, sizeof *image->layers);

    struct imagefile_layer *layer = &image->layers[image->layer_count++];
    *layer = (struct imagefile_layer){.size = bytes.len};
    assert_int_equal(digest_bytes(bytes.data, bytes.len, &layer->digest, &err), 0);

    autofree char *blobs = path_join(folder, "blobs/sha256"),
                  *path = path_join(blobs, digest_hex(&layer->digest));
    assert_int_equal(fs_mkdirs(blobs, &err), 0);
    assert_int_equal(fs_write(path, bytes.data, bytes.len, 0644, &err), 0);
}

/* The result for "app/run"; NULL and *err if there is none. Caller frees. */
static char *extract(const struct entry layers[][3], size_t count, struct error *err)
{
    AUTO(buf) content = {0};
    autofree char *folder = unit_folder(), *to = path_join(folder, "program");
    struct imagefile image = {.format = "oci-layout"};
    struct error ignored = {0};

    for (size_t i = 0; i < count; i++)
        add_layer(folder, layers[i], 3, &image);
    int result = extract_file(folder, &image, "app/run", to, err);
    struct stat st;
    if (result == 0) {
        assert_int_equal(fs_read(to, 100, &content, &ignored), 0);
        assert_int_equal(stat(to, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0700);
    }

    free(image.layers);
    assert_int_equal(fs_remove(folder, &ignored), 0);
    return result == 0 ? buf_detach(&content) : NULL;
}

static void the_topmost_file_counts(void **state)
{
    static const struct entry cases[][3][3] = {
        {{{"app/run", "new", NULL}}, {{"other", "x", NULL}}, {{"else", "y", NULL}}},
        {{{"app/run", "old", NULL}}, {{"app/run", "new", NULL}}, {{"app", NULL, NULL}}},
        {{{"app/run", "old", NULL}}, {{"app/.wh.run", "", NULL}}, {{"./app/run", "new", NULL}}},
        {{{"app/run", "old", NULL}},
         {{"app/.wh..wh..opq", "", NULL}, {"app/run", "new", NULL}},
         {{"x", "", NULL}}},
        {{{"app/run", "old", NULL}},
         {{"app/run", "new", NULL}, {"app/.wh.run", "", NULL}},
         {{"x", "", NULL}}},
        {{{"app/run", "new", NULL}},
         {{"app/.wh.running", "", NULL}, {".wh.ap", "", NULL}},
         {{"app/run/.wh..wh..opq", "", NULL}}},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        struct error err = {0};
        autofree char *content = extract(cases[i], 3, &err);
        if (!content)
            fail_msg("case %zu: %s", i, err.text);
        assert_string_equal(content, "new");
    }
}

static void removed_and_strange_files(void **state)
{
    static const struct entry cases[][2][3] = {
        {{{"app/run", "old", NULL}}, {{"app/.wh.run", "", NULL}}},
        {{{"app/run", "old", NULL}}, {{".wh.app", "", NULL}}},
        {{{"app/run", "old", NULL}}, {{"app/.wh..wh..opq", "", NULL}}},
        {{{"app/run", "old", NULL}}, {{".wh..wh..opq", "", NULL}}},
        {{{"other", "old", NULL}}, {{"app", NULL, NULL}}},
        {{{"app/run", "old", NULL}}, {{"app/run", NULL, "/bin/sh"}}},
        {{{"app/run", "old", NULL}}, {{"app/run", NULL, NULL}}},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        struct error err = {0};
        autofree char *content = extract(cases[i], 2, &err);
        assert_null(content);
        assert_int_equal(err.kind, ERROR_LAMBDA);
        assert_non_null(strstr(err.text, "'/app/run'"));
    }
}

static void formats_and_damage(void **state)
{
    struct error err = {0};
    autofree char *folder = unit_folder(), *to = path_join(folder, "to");
    struct imagefile_layer layer = {
        .digest = {"sha256:0000000000000000000000000000000000000000000000000000000000000000"}};
    struct imagefile image = {.format = "docker", .layers = &layer, .layer_count = 1};
    (void)state;

    assert_int_equal(extract_file(folder, &image, "a", to, &err), -1);
    assert_int_equal(err.kind, ERROR_USAGE);
    image.format = "oci-layout";
    assert_int_equal(extract_file(folder, &image, "a", to, &err), -1);
    assert_false(fs_exists(to));
    assert_int_equal(fs_remove(folder, &err), 0);
}

/* D1: only the bytes of the layer that the manifest names are used. */
static void other_bytes_are_refused(void **state)
{
    static const struct entry real[] = {{"a", "new", NULL}}, other[] = {{"a", "bad", NULL}};
    struct error err = {0};
    struct imagefile image = {.format = "oci-layout"};
    autofree char *folder = unit_folder(), *to = path_join(folder, "to");
    (void)state;

    add_layer(folder, other, 1, &image);
    add_layer(folder, real, 1, &image);
    autofree char *bad =
        xasprintf("%s/blobs/sha256/%s", folder, digest_hex(&image.layers[0].digest));
    autofree char *good =
        xasprintf("%s/blobs/sha256/%s", folder, digest_hex(&image.layers[1].digest));
    assert_int_equal(extract_file(folder, &image, "a", to, &err), 0);
    assert_int_equal(rename(bad, good), 0);
    assert_int_equal(extract_file(folder, &image, "a", to, &err), -1);
    assert_int_equal(err.kind, ERROR_REGISTRY);
    assert_non_null(strstr(err.text, "changed while it was read, or is damaged"));

    free(image.layers);
    assert_int_equal(fs_remove(folder, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_topmost_file_counts),
        cmocka_unit_test(removed_and_strange_files),
        cmocka_unit_test(formats_and_damage),
        cmocka_unit_test(other_bytes_are_refused),
    };
    return cmocka_run_group_tests_name("extract", tests, NULL, NULL);
}
