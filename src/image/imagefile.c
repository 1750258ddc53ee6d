#include "image/imagefile.h"

#include <stdlib.h>
#include <string.h>

void imagefile_release(struct imagefile *image)
{
    for (size_t i = 0; i < image->layer_count; i++) {
        free(image->layers[i].media_type);
        free(image->layers[i].missing);
        listing_scan_release(&image->layers[i].scan);
    }

    free(image->layers);
    free(image->path);
    free(image->manifest_type);
    free(image->config_type);
    free(image->platform);

    strv_release(&image->names);
    strv_release(&image->damage);
    strv_release(&image->misfits);
    free(image->config_trouble);
    js_free(image->document);
    js_free(image->config);
    memset(image, 0, sizeof *image);
}

void imagefile_take_config(struct imagefile *image, struct js *config)
{
    const char *arch = js_get_text(config, "architecture");
    const struct js *diff_ids = js_get(js_get(config, "rootfs"), "diff_ids");

    image->config = config;
    image->arch = ARCH_X86_64;
    image->arch_known = arch && (strcmp(arch, "amd64") == 0 || strcmp(arch, "arm64") == 0) &&
                        arch_parse(arch, &image->arch) == 0;

    image->diff_id_count = js_count(diff_ids);
    for (size_t i = 0; i < image->layer_count; i++) {
        const char *text = js_text(js_at(diff_ids, i));
        if (text)
            digest_parse(&image->layers[i].diff_id, text);
    }
}

static int verify_layer(const struct imagefile *image, size_t index, struct error *err)
{
    const struct imagefile_layer *layer = &image->layers[index];
    const struct listing_scan *scan = &layer->scan;

    if (layer->missing)
        return error_set(err, ERROR_REGISTRY, "%s", layer->missing);
    if (scan->size != layer->size || !digest_equal(&scan->digest, &layer->digest))
        return error_set(err, ERROR_REGISTRY,
                         "%s: the blob '%s' is damaged: it has %llu bytes and the digest '%s'",
                         image->path, layer->digest.text, (unsigned long long)scan->size,
                         scan->digest.text);

    if (!scan->listed)
        return error_set(err, ERROR_REGISTRY, "%s: layer %zu, '%s': %s", image->path, index + 1,
                         scan->digest.text, scan->trouble);
    if (!digest_equal(&scan->diff_id, &layer->diff_id))
        return error_set(
            err, ERROR_REGISTRY, "%s: layer %zu, '%s', unpacks to '%s', but the config says '%s'",
            image->path, index + 1, scan->digest.text, scan->diff_id.text, layer->diff_id.text);
    return 0;
}

int imagefile_verified(const struct imagefile *image, struct error *err)
{
    if (image->damage.len > 0)
        return error_set(err, ERROR_REGISTRY, "%s: the %s", image->path, image->damage.items[0]);
    for (size_t i = 0; i < image->layer_count; i++)
        if (verify_layer(image, i, err) != 0)
            return -1;

    if (image->diff_id_count != image->layer_count)
        return error_set(err, ERROR_REGISTRY, "%s: the config names %zu layers, the manifest %zu",
                         image->path, image->diff_id_count, image->layer_count);
    if (image->two_faces)
        return error_set(err, ERROR_REGISTRY,
                         "%s: index.json and manifest.json describe different images", image->path);
    return 0;
}
