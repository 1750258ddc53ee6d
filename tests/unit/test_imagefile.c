#include "unit.h"

#include "image/imagefile.h"
#include "output/output.h"
#include "support/fs.h"
#include "support/gzip.h"
#include "support/tar.h"

#include <unistd.h>

static const struct imagefile_choice any;

struct fixture {
    char *folder, *layout, *archive;
    struct store store;
    struct image image;
    struct layer layer;
};

static void fixture_release(struct fixture *fixture)
{
    struct error err = {0};
    image_release(&fixture->image);
    store_release(&fixture->store);
    assert_int_equal(fs_remove(fixture->folder, &err), 0);
    free(fixture->folder);
    free(fixture->layout);
    free(fixture->archive);
}

static int collect(void *data, const void *bytes, size_t length, struct error *err)
{
    (void)err;
    buf_add(data, bytes, length);
    return 0;
}

static void make_layer(struct fixture *fixture)
{
    struct error err = {0};
    AUTO(buf) tar = {0}, packed = {0};
    AUTOPTR(tar_writer) writer = tar_writer_open(collect, &tar, &err);
    struct tar_entry entry = {.path = "bin", .type = TAR_DIR, .mode = 0755};

    assert_int_equal(tar_writer_entry(writer, &entry, &err), 0);
    assert_int_equal(tar_writer_finish(writer, &err), 0);
    AUTOPTR(gzip_writer) gzip = gzip_writer_open(collect, &packed, GZIP_DEFAULT, 0, &err);
    assert_int_equal(gzip_writer_write(gzip, tar.data, tar.len, &err), 0);
    assert_int_equal(gzip_writer_finish(gzip, &err), 0);
    assert_int_equal(
        store_put(&fixture->store, packed.data, packed.len, &fixture->layer.digest, &err), 0);
    assert_int_equal(digest_bytes(tar.data, tar.len, &fixture->layer.diff_id, &err), 0);
    fixture->layer.size = packed.len;
    fixture->layer.content_size = tar.len;
}

/* The same image as a folder and as an archive. */
static void set_up(struct fixture *fixture)
{
    static const struct base scratch = {.scratch = true};
    struct error err = {0};
    struct plan plan = {.arch = ARCH_ARM64};

    memset(fixture, 0, sizeof *fixture);

    fixture->folder = unit_folder();
    fixture->layout = path_join(fixture->folder, "layout");
    fixture->archive = path_join(fixture->folder, "image.tar");

    autofree char *root = path_join(fixture->folder, "store");
    assert_int_equal(store_open(&fixture->store, root, &err), 0);
    make_layer(fixture);

    const struct blob_source from = {.store = &fixture->store};
    strv_add(&plan.tags, "localhost/hello:v1");
    strv_add(&plan.tags, "other:v2");
    strv_add(&plan.entrypoint, "/bin/hello");
    assert_int_equal(image_make(&scratch, &fixture->layer, 1, &plan, &fixture->image, &err), 0);
    assert_int_equal(
        output_find("oci")->write(&fixture->image, &from, NULL, fixture->archive, &err), 0);
    assert_int_equal(
        output_find("oci-layout")->write(&fixture->image, &from, NULL, fixture->layout, &err), 0);
    strv_release(&plan.tags);
    strv_release(&plan.entrypoint);
}

static void check(const struct fixture *fixture, const char *path, const char *format, size_t names)
{
    struct error err = {0};
    AUTO(imagefile) image = {0};

    if (imagefile_load(path, &any, &fixture->store, &image, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(image.format, format);
    assert_int_equal(image.names.len, names);
    assert_string_equal(image.names.items[0], "localhost/hello:v1");
    assert_true(digest_equal(&image.config_digest, &fixture->image.config_digest));
    assert_int_equal(image.arch, ARCH_ARM64);
    assert_int_equal(image.layer_count, 1);
    assert_true(digest_equal(&image.layers[0].digest, &fixture->layer.digest));
    assert_true(digest_equal(&image.layers[0].diff_id, &fixture->layer.diff_id));
    assert_int_equal(imagefile_verified(&image, &err), 0);
    assert_int_equal(image.layers[0].size, fixture->layer.size);
    assert_int_equal(image.layers[0].scan.content_size, fixture->layer.content_size);
    assert_string_equal(js_text(js_at(js_get(js_get(image.config, "config"), "Entrypoint"), 0)),
                        "/bin/hello");
    assert_true(digest_equal(&image.manifest, &fixture->image.manifest_digest) ==
                (strcmp(format, "docker") != 0));
}

static void what_is_written_is_read(void **state)
{
    AUTO(fixture) fixture;
    (void)state;
    set_up(&fixture);
    check(&fixture, fixture.archive, "oci", 2);
    check(&fixture, fixture.layout, "oci-layout", 1);
}

/* Copies an archive, without the file `skip` and with `content` as the file `path`. */
static void rewrite(const char *from, const char *to, const char *skip, const char *path,
                    const char *content)
{
    struct error err = {0};
    struct tar_entry entry;
    AUTO(buf) tar = {0};
    AUTOPTR(tar_reader) reader = tar_reader_open_file(from, &err);
    AUTOPTR(tar_writer) writer = tar_writer_open(collect, &tar, &err);

    while (tar_reader_next(reader, &entry, &err) == 1) {
        bool replaced = path && strcmp(entry.path, path) == 0;
        AUTO(buf) bytes = {0};
        if (skip && strcmp(entry.path, skip) == 0)
            continue;
        int64_t got = tar_reader_read(reader, buf_reserve(&bytes, 100000), 100000, &err);
        assert_true(got >= 0);
        bytes.len = (size_t)got;
        if (replaced) {
            bytes.len = 0;
            buf_adds(&bytes, content);
        }
        entry.size = (int64_t)bytes.len;
        assert_int_equal(tar_writer_entry(writer, &entry, &err), 0);
        assert_int_equal(tar_writer_data(writer, bytes.data, bytes.len, &err), 0);
    }

    assert_int_equal(tar_writer_finish(writer, &err), 0);
    assert_int_equal(fs_write(to, tar.data, tar.len, 0644, &err), 0);
}

static void docker_archives_are_read(void **state)
{
    AUTO(fixture) fixture;
    (void)state;
    set_up(&fixture);
    autofree char *path = path_join(fixture.folder, "docker.tar");
    rewrite(fixture.archive, path, "index.json", NULL, NULL);
    check(&fixture, path, "docker", 2);
}

static void refused(const struct fixture *fixture, const char *path,
                    const struct imagefile_choice *choice, const char *said)
{
    struct error err = {0};
    AUTO(imagefile) image = {0};
    assert_true(imagefile_load(path, choice, &fixture->store, &image, &err) != 0 ||
                imagefile_verified(&image, &err) != 0);
    assert_int_equal(err.kind, ERROR_REGISTRY);
    if (!strstr(err.text, said))
        fail_msg("'%s' says nothing of '%s'", err.text, said);
}

/* Replaces each file of the image in turn, and leaves it out. */
static void damage_is_found(void **state)
{
    AUTO(fixture) fixture;
    (void)state;

    set_up(&fixture);
    autofree char *path = path_join(fixture.folder, "bad.tar");
    const struct digest *blobs[] = {&fixture.image.manifest_digest, &fixture.image.config_digest,
                                    &fixture.layer.digest};

    for (size_t i = 0; i < countof(blobs); i++) {
        autofree char *name = xasprintf("blobs/sha256/%s", digest_hex(blobs[i]));
        rewrite(fixture.archive, path, NULL, name, "{}");
        refused(&fixture, path, &any, "is damaged");
        rewrite(fixture.archive, path, name, NULL, NULL);
        refused(&fixture, path, &any, "' is missing");
    }

    rewrite(fixture.archive, path, NULL, "index.json", "{}");
    refused(&fixture, path, &any, "no list of manifests");
    rewrite(fixture.archive, path, NULL, "index.json", "not JSON");
    refused(&fixture, path, &any, "not a JSON text");
    rewrite(fixture.archive, path, NULL, "manifest.json",
            "[{\"Config\":\"oci-layout\",\"Layers\":[]}]");
    refused(&fixture, path, &any, "describe different images");
}

static void layers_must_unpack_to_what_the_config_says(void **state)
{
    AUTO(fixture) fixture;
    (void)state;

    set_up(&fixture);
    autofree char *docker = path_join(fixture.folder, "docker.tar"),
                  *bad = path_join(fixture.folder, "bad.tar");
    autofree char *layer = xasprintf("blobs/sha256/%s", digest_hex(&fixture.layer.digest));

    rewrite(fixture.archive, docker, "index.json", NULL, NULL);
    rewrite(docker, bad, NULL, layer, "another layer");
    refused(&fixture, bad, &any, "not a readable tar");

    rewrite(docker, bad, NULL, layer, ""); /* B5: an empty layer, but not the one that was meant */
    refused(&fixture, bad, &any, "', unpacks to 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4");
    rewrite(docker, bad, NULL, layer, "\x1f\x8b\x08 and no more");
    refused(&fixture, bad, &any, "gzip data");
    rewrite(docker, bad, NULL, "manifest.json", "[{\"Config\":7}]");
    refused(&fixture, bad, &any, "names no config");
    rewrite(docker, bad, NULL, "manifest.json", "[{},{}]");
    refused(&fixture, bad, &any, "several images");
    rewrite(docker, bad, NULL, "manifest.json", "[]");
    refused(&fixture, bad, &any, "no image");
    rewrite(docker, bad, NULL, "manifest.json",
            "[{\"Config\":\"../../etc/passwd\",\"Layers\":[null]}]");
    refused(&fixture, bad, &any, "' is missing");
}

static void choices(void **state)
{
    AUTO(fixture) fixture;
    struct error err = {0};
    (void)state;

    set_up(&fixture);
    AUTO(imagefile) image = {0};

    assert_int_equal(imagefile_load(fixture.archive,
                                    &(struct imagefile_choice){.tag = "v1", .arch = "arm64"},
                                    &fixture.store, &image, &err),
                     0);
    refused(&fixture, fixture.archive, &(struct imagefile_choice){.tag = "v9"},
            "no image is called 'v9'");
    imagefile_release(&image);
    assert_int_equal(imagefile_load(fixture.archive, &(struct imagefile_choice){.arch = "mips"},
                                    &fixture.store, &image, &err),
                     -1);
    assert_int_equal(err.kind, ERROR_USAGE);
}

static void other_things_are_refused(void **state)
{
    AUTO(fixture) fixture;
    struct error err = {0};
    (void)state;

    set_up(&fixture);
    autofree char *text = path_join(fixture.folder, "text"),
                  *absent = path_join(fixture.folder, "absent");

    assert_int_equal(fs_write(text, "hello", 5, 0644, &err), 0);
    refused(&fixture, text, &any, "not a readable tar archive");
    refused(&fixture, absent, &any, "No such file");
    refused(&fixture, fixture.folder, &any, "not an image");
    refused(&fixture, "/dev/null", &any, "/dev/null");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(docker_archives_are_read),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(layers_must_unpack_to_what_the_config_says),
        cmocka_unit_test(choices),
        cmocka_unit_test(other_things_are_refused),
    };

    return cmocka_run_group_tests_name("imagefile", tests, NULL, NULL);
}
