#ifndef LBUILD_TESTS_OUTPUT_FIXTURE_H
#define LBUILD_TESTS_OUTPUT_FIXTURE_H

#include "unit.h"

#include "output/output.h"
#include "support/fs.h"

#include <dirent.h>

struct fixture {
    char *folder;
    struct store store;
    struct image image;
};

static inline void fixture_release(struct fixture *fixture)
{
    struct error err = {0};
    store_release(&fixture->store);
    image_release(&fixture->image);
    assert_int_equal(fs_remove(fixture->folder, &err), 0);
    free(fixture->folder);
}

/* An image of three layers: one small, one bigger than the copying buffers, and the
 * small one again. */
static inline void set_up(struct fixture *fixture)
{
    static const size_t sizes[] = {3000, 5 * 1024 * 1024 + 1};
    struct error err = {0};
    struct image *image = &fixture->image;

    memset(fixture, 0, sizeof *fixture);
    fixture->folder = unit_folder();

    autofree char *root = path_join(fixture->folder, "store");
    assert_int_equal(store_open(&fixture->store, root, &err), 0);
    image->layers = xcalloc(3, sizeof *image->layers);
    for (size_t i = 0; i < countof(sizes); i++) {
        autofree char *bytes = xmalloc(sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++)
            bytes[k] = (char)(k * 7 + k / 1000 + i);
        image->layers[i].size = sizes[i];
        assert_int_equal(
            store_put(&fixture->store, bytes, sizes[i], &image->layers[i].digest, &err), 0);
    }

    image->layers[2] = image->layers[0];
    image->layer_count = 3;
    image->arch = ARCH_ARM64;
    image->variant = xstrdup("v8");
    strv_add(&image->tags, "localhost:5000/hello:v1");
    strv_add(&image->tags, "hello:latest");
    buf_adds(&image->config, "{\"config\":1}");
    buf_adds(&image->manifest, "{\"manifest\":1}");
    assert_int_equal(
        digest_bytes(image->config.data, image->config.len, &image->config_digest, &err), 0);
    assert_int_equal(
        digest_bytes(image->manifest.data, image->manifest.len, &image->manifest_digest, &err), 0);
}

static inline int write_to(const struct fixture *fixture, const char *type, const char *path,
                           struct error *err)
{
    const struct output *output = output_find(type);
    assert_non_null(output);
    const struct blob_source from = {.store = &fixture->store};
    return output->write(&fixture->image, &from, NULL, path, err);
}

static inline void check_index(const struct fixture *fixture, const char *bytes, size_t length)
{
    autofree char *expected =
        xasprintf("{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\","
                  "\"manifests\":[{\"mediaType\":"
                  "\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"%s\","
                  "\"size\":14,\"annotations\":{"
                  "\"io.containerd.image.name\":\"localhost:5000/hello:v1\","
                  "\"org.opencontainers.image.ref.name\":\"v1\"},\"platform\":{"
                  "\"architecture\":\"arm64\",\"os\":\"linux\",\"variant\":\"v8\"}}]}",
                  fixture->image.manifest_digest.text);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(bytes, expected, length);
}

static inline size_t names_in(const char *folder)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(dir);
    return count;
}

#endif
