#ifndef LBUILD_TESTS_IMAGES_H
#define LBUILD_TESTS_IMAGES_H

#include "layers.h"

#include "base/base.h"
#include "registry/manifest.h"
#include "support/fs.h"
#include "support/log.h"
#include "support/strv.h"

#include <dirent.h>
#include <unistd.h>

/* Images of one small layer, as layouts and in archives, and a store for each test. */

static char *folder, *layout;
static struct store store;

static inline int set_up(void **state)
{
    struct error err;
    (void)state;
    log_set_level(LOG_QUIET);
    folder = unit_folder();
    layout = path_join(folder, "layout");
    autofree char *cache = path_join(folder, "cache");
    return store_open(&store, cache, &err);
}

static inline int tear_down(void **state)
{
    struct error err;
    (void)state;
    store_release(&store);
    int result = fs_remove(folder, &err);
    free(take(folder));
    free(take(layout));
    return result;
}

/* Making images. */

static inline void write_file(const char *name, const void *bytes, size_t length)
{
    struct error err = {0};
    autofree char *path = path_join(layout, name), *dir = path_dir(path);
    if (fs_mkdirs(dir, &err) != 0 || fs_write(path, bytes, length, 0644, &err) != 0)
        fail_msg("%s", err.text);
}

static inline struct digest blob(const void *bytes, size_t length)
{
    struct error err = {0};
    struct digest digest;
    assert_int_equal(digest_bytes(bytes, length, &digest, &err), 0);
    autofree char *name = xasprintf("blobs/sha256/%s", digest_hex(&digest));
    write_file(name, bytes, length);
    return digest;
}

struct image {
    const char *arch, *os, *history; /* NULL: amd64, linux, no history */
    bool docker, plain;
    const char *layer_type; /* NULL: the type that fits */
    struct digest wrong_diff_id;
};

static const struct item content[] = {
    {"usr/", '5'}, {"usr/file", '0', "content of a file"}, {"bin", '2', "usr"}};

static inline void layer_bytes(const struct image *image, struct buf *out, struct digest *diff_id)
{
    struct error err = {0};
    AUTO(buf) tar = {0};

    for (size_t i = 0; i < countof(content); i++)
        item_add(&tar, &content[i]);
    tar_end(&tar);
    assert_int_equal(digest_bytes(tar.data, tar.len, diff_id, &err), 0);
    if (image->plain)
        buf_add(out, tar.data, tar.len);
    else
        gzip_add(out, tar.data, tar.len);
}

static inline void config_text(const struct image *image, const struct digest *diff_id,
                               struct buf *out)
{
    buf_addf(
        out,
        "{\"architecture\":\"%s\",\"os\":\"%s\",%s%s%s\"x-own\":[1],\"config\":{\"Env\":[\"A=b\"],"
        "\"Cmd\":null},",
        image->arch ? image->arch : "amd64", image->os ? image->os : "linux",
        image->history ? "\"history\":" : "", image->history ? image->history : "",
        image->history ? "," : "");
    buf_addf(out, "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}",
             image->wrong_diff_id.text[0] ? image->wrong_diff_id.text : diff_id->text);
}

/* Writes the blobs of a one-layer image into the layout. Also returns the manifest's size. */
static inline struct digest make_image(const struct image *image, size_t *size)
{
    AUTO(buf) layer = {0};
    AUTO(buf) config = {0};
    AUTO(buf) text = {0};
    struct digest diff_id;

    layer_bytes(image, &layer, &diff_id);
    config_text(image, &diff_id, &config);

    struct digest layer_digest = blob(layer.data, layer.len),
                  config_digest = blob(config.data, config.len);
    const char *type = MEDIA_OCI_LAYER_GZIP;
    if (image->layer_type)
        type = image->layer_type;
    else if (image->plain)
        type = "application/vnd.oci.image.layer.v1.tar";
    else if (image->docker)
        type = "application/vnd.docker.image.rootfs.diff.tar.gzip";
    buf_addf(&text,
             "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{\"mediaType\":\"%s\","
             "\"digest\":\"%s\",\"size\":%zu},",
             image->docker ? MEDIA_DOCKER_MANIFEST : MEDIA_OCI_MANIFEST,
             image->docker ? MEDIA_DOCKER_CONFIG : MEDIA_OCI_CONFIG, config_digest.text,
             config.len);
    buf_addf(&text, "\"layers\":[{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}]}", type,
             layer_digest.text, layer.len);
    *size = text.len;
    return blob(text.data, text.len);
}

static inline void add_entry(struct buf *list, const struct digest *digest, size_t size,
                             const char *more)
{
    buf_addf(list, "%s{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu%s%s}",
             list->len ? "," : "", MEDIA_OCI_MANIFEST, digest->text, size, more[0] ? "," : "",
             more);
}

static inline void write_index(const struct buf *list)
{
    autofree char *text = xasprintf("{\"schemaVersion\":2,\"manifests\":[%s]}", buf_text(list));
    write_file("index.json", text, strlen(text));
    write_file("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}", 30);
}

static inline struct digest make_layout(const struct image *image)
{
    size_t size = 0;
    AUTO(buf) list = {0};
    struct digest digest = make_image(image, &size);
    add_entry(&list, &digest, size, "");
    write_index(&list);
    return digest;
}

/* Packs files of the layout, named in `names`, into an archive beside it. */
static inline void pack(const char *archive, const struct strv *names, bool compress)
{
    struct error err = {0};
    AUTO(buf) tar = {0};
    AUTO(buf) packed = {0};

    for (size_t i = 0; i < names->len; i++) {
        AUTO(buf) bytes = {0};
        autofree char *path = path_join(layout, names->items[i]);
        assert_int_equal(fs_read(path, 1000000, &bytes, &err), 0);
        item_add(&tar, &(struct item){.path = names->items[i],
                                      .type = '0',
                                      .text = buf_text(&bytes),
                                      .size = bytes.len});
    }

    tar_end(&tar);
    if (compress)
        gzip_add(&packed, tar.data, tar.len);

    autofree char *path = path_join(folder, archive);
    const struct buf *out = compress ? &packed : &tar;
    assert_int_equal(fs_write(path, out->data, out->len, 0644, &err), 0);
}

/* Every file of the layout, blobs first: whoever writes an archive chooses the order. */
static inline void layout_files(struct strv *names)
{
    autofree char *path = path_join(layout, "blobs/sha256");
    DIR *dir = opendir(path);

    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            strv_addf(names, "blobs/sha256/%s", entry->d_name);
    closedir(dir);
    strv_add(names, "index.json");
    strv_add(names, "oci-layout");
}

/* Loading them. */

static inline struct base_request request_for(const char *reference)
{
    return (struct base_request){
        .reference = reference, .dir = folder, .arch = ARCH_X86_64, .pull = PULL_NEVER};
}

static inline void assert_loads(const char *reference, const struct digest *manifest)
{
    struct error err = {0};
    AUTO(base) base = {0};
    const struct base_request request = request_for(reference);

    if (base_load(&request, &store, &base, &err) != 0)
        fail_msg("%s: %s", reference, err.text);
    if (manifest)
        assert_string_equal(base.manifest.text, manifest->text);
    assert_int_equal(base.layer_count, 1);
    assert_null(base.name);
    assert_string_equal(base.reference, reference);
    assert_non_null(js_get(base.config, "x-own"));

    uint64_t size = 0;
    autoclose int fd = store_open_blob(&store, &base.layers[0].digest, &size, &err);
    unsigned char magic[2];
    assert_int_equal(read(fd, magic, 2), 2);
    assert_int_equal(magic[0], 0x1f);
    assert_int_equal(size, base.layers[0].size);

    AUTO(base) again = {0};
    assert_int_equal(base_peek(&request, &store, &again, &err), 1);
    assert_string_equal(again.manifest.text, base.manifest.text);
    assert_string_equal(again.layers[0].digest.text, base.layers[0].digest.text);
    assert_string_equal(again.layers[0].diff_id.text, base.layers[0].diff_id.text);
    assert_int_equal(again.layers[0].size, base.layers[0].size);
}

static inline void assert_refused(const char *reference, const char *why)
{
    struct error err = {0};
    AUTO(base) base = {0};
    const struct base_request request = request_for(reference);

    if (base_load(&request, &store, &base, &err) == 0)
        fail_msg("'%s' was taken", reference);
    assert_int_equal(err.kind, ERROR_REGISTRY);
    if (!strstr(err.text, why))
        fail_msg("'%s' does not say '%s'", err.text, why);
    assert_null(base.reference);
}

#endif
