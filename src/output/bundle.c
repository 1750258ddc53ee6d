#include "output/bundle.h"

#include "registry/manifest.h"

#include <stdlib.h>
#include <string.h>

static const char layout_marker[] = "{\"imageLayoutVersion\":\"1.0.0\"}";

void bundle_release(struct bundle *bundle)
{
    for (size_t i = 0; i < bundle->len; i++)
        free(bundle->files[i].path);
    free(take(bundle->files));
    buf_release(&bundle->index);
    buf_release(&bundle->docker_manifest);
    bundle->len = bundle->cap = 0;
}

/* The part after the last colon, unless that colon is a port's. */
static const char *tag_of(const char *reference)
{
    const char *slash = strrchr(reference, '/'), *colon = strchr(slash ? slash : reference, ':');
    return colon ? colon + 1 : "latest";
}

/* Exactly one descriptor: Lambda accepts no index, and tools that are given no tag use the only
 * image. ref.name is the tag alone, which umoci and skopeo look for; containerd and podman name the
 * image by io.containerd.image.name. */
static void make_index(const struct image *image, struct buf *out)
{
    AUTOPTR(js) index = js_object();
    struct js *entry = js_object(), *platform = js_object(), *annotations = js_object(),
              *list = js_array();

    js_set_string(entry, "mediaType", MEDIA_OCI_MANIFEST);
    js_set_string(entry, "digest", image->manifest_digest.text);
    js_set_integer(entry, "size", (int64_t)image->manifest.len);
    js_set_string(annotations, "io.containerd.image.name", image->tags.items[0]);
    js_set_string(annotations, "org.opencontainers.image.ref.name", tag_of(image->tags.items[0]));
    js_set(entry, "annotations", annotations);

    js_set_string(platform, "architecture", arch_oci(image->arch));
    js_set_string(platform, "os", "linux");
    if (image->variant)
        js_set_string(platform, "variant", image->variant);
    js_set(entry, "platform", platform);

    js_append(list, entry);
    js_set_integer(index, "schemaVersion", 2);
    js_set_string(index, "mediaType", MEDIA_OCI_INDEX);
    js_set(index, "manifests", list);
    js_dump(index, out);
}

char *bundle_blob_path(const struct digest *digest)
{
    return xasprintf("blobs/sha256/%s", digest_hex(digest));
}

static void make_docker_manifest(const struct image *image, struct buf *out)
{
    AUTOPTR(js) all = js_array();
    struct js *entry = js_object(), *tags = js_array(), *layers = js_array();
    autofree char *config = bundle_blob_path(&image->config_digest);

    js_set_string(entry, "Config", config);
    for (size_t i = 0; i < image->tags.len; i++)
        js_append(tags, js_string(image->tags.items[i]));
    js_set(entry, "RepoTags", tags);

    for (size_t i = 0; i < image->layer_count; i++) {
        autofree char *path = bundle_blob_path(&image->layers[i].digest);
        js_append(layers, js_string(path));
    }

    js_set(entry, "Layers", layers);
    js_append(all, entry);
    js_dump(all, out);
}

/* Takes ownership of the path. */
static void add(struct bundle *bundle, char *path, const char *bytes, uint64_t size,
                const struct digest *digest)
{
    autofree char *owned = path;
    for (size_t i = 0; i < bundle->len; i++)
        if (strcmp(bundle->files[i].path, path) == 0)
            return;
    grow(bundle->files, bundle->len, bundle->cap);
    bundle->files[bundle->len++] =
        (struct bundle_file){.path = take(owned), .bytes = bytes, .digest = *digest, .size = size};
}

void bundle_make(const struct image *image, struct bundle *bundle)
{
    static const struct digest none;
    memset(bundle, 0, sizeof *bundle);
    make_index(image, &bundle->index);
    make_docker_manifest(image, &bundle->docker_manifest);

    for (size_t i = 0; i < image->layer_count; i++)
        add(bundle, bundle_blob_path(&image->layers[i].digest), NULL, image->layers[i].size,
            &image->layers[i].digest);

    add(bundle, bundle_blob_path(&image->config_digest), image->config.data, image->config.len,
        &image->config_digest);
    add(bundle, bundle_blob_path(&image->manifest_digest), image->manifest.data,
        image->manifest.len, &image->manifest_digest);

    add(bundle, xstrdup("index.json"), bundle->index.data, bundle->index.len, &none);
    add(bundle, xstrdup("manifest.json"), bundle->docker_manifest.data, bundle->docker_manifest.len,
        &none);
    add(bundle, xstrdup("oci-layout"), layout_marker, sizeof layout_marker - 1, &none);
}
