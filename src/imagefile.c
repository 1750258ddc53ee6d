#include "imagefile.h"

#include "manifest.h"
#include "parts.h"

#include <stdlib.h>
#include <string.h>

void imagefile_release(struct imagefile *image)
{
    for (size_t i = 0; i < image->layer_count; i++)
        free(image->layers[i].media_type);
    free(image->layers);
    strv_release(&image->names);
    js_free(image->config);
    js_free(image->annotations);
    memset(image, 0, sizeof *image);
}

/* What all steps of reading one image need. */
struct reading {
    struct parts *parts;
    const char *path;
    const struct imagefile_choice *choice;
    struct imagefile *image;
};

static struct js *read_json(const struct reading *reading, const char *name, struct error *err)
{
    autofree char *where = xasprintf("%s: %s", reading->path, name);
    const struct part *part = parts_get(reading->parts, name, err);
    if (!part)
        return NULL;
    if (part->text.len == 0) {
        error_set(err, ERROR_REGISTRY, "%s: not a JSON text of at most %d bytes", where, MANIFEST_BYTES);
        return NULL;
    }
    return js_parse(buf_text(&part->text), part->text.len, where, err);
}

/* The blob of a descriptor, verified. */
static const struct part *get_blob(const struct reading *reading, const struct descriptor *descriptor, struct error *err)
{
    autofree char *name = xasprintf("blobs/sha256/%s", digest_hex(&descriptor->digest));
    const struct part *part = parts_get(reading->parts, name, err);
    if (!part)
        return NULL;
    if (part->size == descriptor->size && digest_equal(&part->digest, &descriptor->digest))
        return part;
    error_set(err, ERROR_REGISTRY, "%s: the blob '%s' is damaged: it has %llu bytes and the digest '%s'", reading->path,
              descriptor->digest.text, (unsigned long long)part->size, part->digest.text);
    return NULL;
}

static struct js *read_blob(const struct reading *reading, const struct descriptor *descriptor, struct error *err)
{
    const struct part *part = get_blob(reading, descriptor, err);
    autofree char *where = xasprintf("%s: %s", reading->path, descriptor->digest.text);
    if (!part)
        return NULL;
    return js_parse(buf_text(&part->text), part->text.len, where, err);
}

static int add_layer(const struct reading *reading, const struct part *part, const struct digest *diff_id,
                     const char *media_type, struct error *err)
{
    struct imagefile *image = reading->image;
    struct imagefile_layer *layer = &image->layers[image->layer_count++];
    layer->media_type = xstrdup(media_type);
    if (part->trouble)
        return error_set(err, ERROR_REGISTRY, "%s: layer %zu, '%s': %s", reading->path, image->layer_count, part->path,
                         part->trouble);
    if (!digest_equal(&part->diff_id, diff_id))
        return error_set(err, ERROR_REGISTRY, "%s: layer %zu, '%s', unpacks to '%s', where the config says '%s'", reading->path,
                         image->layer_count, part->path, part->diff_id.text, diff_id->text);
    layer->digest = part->digest;
    layer->diff_id = part->diff_id;
    layer->size = part->size;
    layer->content_size = part->content_size;
    image->size += part->size;
    image->content_size += part->content_size;
    return 0;
}

/* Checks the config and makes room for `count` layers; their diff_ids go to *diff_ids, which the caller frees. */
static int take_config(const struct reading *reading, struct js *config, size_t count, struct digest **diff_ids,
                       struct error *err)
{
    struct imagefile *image = reading->image;
    const char *arch = js_get_text(config, "architecture");
    autofree char *where = xasprintf("%s: config", reading->path);
    image->config = config;
    image->layers = xcalloc(count, sizeof *image->layers);
    *diff_ids = xcalloc(count, sizeof **diff_ids);
    if (!arch || arch_parse(arch, &image->arch) != 0)
        return error_set(err, ERROR_REGISTRY, "%s: '%.40s' is not an architecture of Lambda", where, arch ? arch : "");
    return config_read(config, image->arch, count, where, *diff_ids, err);
}

/* docker's manifest.json in the same archive must mean the same image. */
static int compare_docker(const struct reading *reading, const struct manifest *manifest, struct error *err)
{
    if (parts_is_folder(reading->parts) || !parts_has(reading->parts, "manifest.json"))
        return 0;
    AUTOPTR(js) all = read_json(reading, "manifest.json", err);
    if (!all)
        return -1;
    if (js_count(all) != 1)
        return 0;
    const struct js *entry = js_at(all, 0), *layers = js_get(entry, "Layers"), *tags = js_get(entry, "RepoTags");
    const char *name = js_get_text(entry, "Config");
    const struct part *config = name ? parts_get(reading->parts, name, err) : NULL;
    bool same = config && digest_equal(&config->digest, &manifest->config.digest) && js_count(layers) == manifest->layer_count;
    for (size_t i = 0; same && i < manifest->layer_count; i++) {
        const char *path = js_text(js_at(layers, i));
        const struct part *layer = path ? parts_get(reading->parts, path, err) : NULL;
        same = layer && (digest_equal(&layer->digest, &manifest->layers[i].digest) ||
                         digest_equal(&layer->diff_id, &reading->image->layers[i].diff_id));
    }
    if (!same)
        return error_set(err, ERROR_REGISTRY, "%s: index.json and manifest.json describe different images", reading->path);
    for (size_t i = 0; i < js_count(tags); i++)
        if (js_text(js_at(tags, i)) && !strv_contains(&reading->image->names, js_text(js_at(tags, i))))
            strv_add(&reading->image->names, js_text(js_at(tags, i)));
    return 0;
}

static int read_manifest(const struct reading *reading, const struct js *document, struct error *err)
{
    AUTO(manifest) manifest = {0};
    autofree struct digest *diff_ids = NULL;
    if (manifest_read(document, reading->path, &manifest, err) != 0)
        return -1;
    struct js *config = read_blob(reading, &manifest.config, err);
    if (!config || take_config(reading, config, manifest.layer_count, &diff_ids, err) != 0)
        return -1;
    reading->image->config_digest = manifest.config.digest;
    for (size_t i = 0; i < manifest.layer_count; i++) {
        const struct part *part = get_blob(reading, &manifest.layers[i], err);
        if (!part || add_layer(reading, part, &diff_ids[i], manifest.layers[i].media_type, err) != 0)
            return -1;
    }
    if (js_get(document, "annotations"))
        reading->image->annotations = js_copy(js_get(document, "annotations"));
    return compare_docker(reading, &manifest, err);
}

/* The descriptor for the architecture asked for; without one for the machine's own, else for the other. */
typedef int (*chooser)(const struct js *index, enum arch arch, const char *tag, const char *where, struct descriptor *out,
                       struct error *err);

static int from_index(const struct js *index, enum arch arch, const char *tag, const char *where, struct descriptor *out,
                      struct error *err)
{
    (void)tag;
    return index_choose(index, arch, where, out, err);
}

static int choose(const struct reading *reading, chooser pick, const struct js *index, struct descriptor *out,
                  struct error *err)
{
    struct error ignored = {0};
    enum arch arch = arch_native();
    const char *tag = reading->choice->tag, *named = reading->choice->arch;
    if (named && arch_parse(named, &arch) != 0)
        return error_set(err, ERROR_USAGE, "'%s' is not an architecture of Lambda; x86_64 and arm64 are", named);
    if (pick(index, arch, tag, reading->path, out, err) == 0)
        return 0;
    enum arch other = arch == ARCH_ARM64 ? ARCH_X86_64 : ARCH_ARM64;
    return named || pick(index, other, tag, reading->path, out, &ignored) != 0 ? -1 : 0;
}

static void take_name(const struct reading *reading, const struct js *index, const struct digest *digest)
{
    const struct js *list = js_get(index, "manifests");
    for (size_t i = 0; i < js_count(list); i++) {
        const char *text = js_get_text(js_at(list, i), "digest");
        const struct js *annotations = js_get(js_at(list, i), "annotations");
        const char *name = js_get_text(annotations, "io.containerd.image.name");
        if (!name)
            name = js_get_text(annotations, "org.opencontainers.image.ref.name");
        if (text && name && strcmp(text, digest->text) == 0)
            strv_add(&reading->image->names, name);
    }
}

static int read_layout(const struct reading *reading, struct error *err)
{
    struct descriptor descriptor, inner;
    AUTOPTR(js) index = read_json(reading, "index.json", err);
    if (!index || choose(reading, layout_choose, index, &descriptor, err) != 0)
        return -1;
    reading->image->format = parts_is_folder(reading->parts) ? "oci-layout" : "oci";
    take_name(reading, index, &descriptor.digest);
    AUTOPTR(js) document = read_blob(reading, &descriptor, err);
    if (!document)
        return -1;
    if (!manifest_is_index(document, descriptor.media_type)) {
        reading->image->manifest = descriptor.digest;
        return read_manifest(reading, document, err);
    }
    if (choose(reading, from_index, document, &inner, err) != 0)
        return -1;
    reading->image->manifest = inner.digest;
    AUTOPTR(js) manifest = read_blob(reading, &inner, err);
    return manifest ? read_manifest(reading, manifest, err) : -1;
}

static bool has_tag(const struct js *entry, const char *tag)
{
    const struct js *tags = js_get(entry, "RepoTags");
    for (size_t i = 0; i < js_count(tags); i++) {
        const char *text = js_text(js_at(tags, i)), *colon = text ? strrchr(text, ':') : NULL;
        if (text && (strcmp(text, tag) == 0 || (colon && strcmp(colon + 1, tag) == 0)))
            return true;
    }
    return false;
}

static const struct js *choose_docker(const struct reading *reading, const struct js *all, struct error *err)
{
    const char *tag = reading->choice->tag;
    const struct js *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < js_count(all); i++) {
        if (tag && !has_tag(js_at(all, i), tag))
            continue;
        found = js_at(all, i);
        count++;
    }
    if (count == 1)
        return found;
    error_set(err, ERROR_REGISTRY, count ? "%s: there are several images; choose one with --tag"
                                         : "%s: no image of this tag in it", reading->path);
    return NULL;
}

static int read_docker(const struct reading *reading, struct error *err)
{
    AUTOPTR(js) all = read_json(reading, "manifest.json", err);
    const struct js *entry = all ? choose_docker(reading, all, err) : NULL;
    if (!entry)
        return -1;
    const struct js *layers = js_get(entry, "Layers"), *tags = js_get(entry, "RepoTags");
    const char *name = js_get_text(entry, "Config");
    const struct part *part = name ? parts_get(reading->parts, name, err) : NULL;
    if (!name)
        return error_set(err, ERROR_REGISTRY, "%s: manifest.json names no config", reading->path);
    if (js_count(layers) > MANIFEST_LAYERS)
        return error_set(err, ERROR_REGISTRY, "%s: more than %d layers", reading->path, MANIFEST_LAYERS);
    struct js *config = part ? read_json(reading, name, err) : NULL;
    autofree struct digest *diff_ids = NULL;
    if (!config || take_config(reading, config, js_count(layers), &diff_ids, err) != 0)
        return -1;
    reading->image->format = "docker";
    reading->image->config_digest = part->digest;
    for (size_t i = 0; i < js_count(tags); i++)
        if (js_text(js_at(tags, i)))
            strv_add(&reading->image->names, js_text(js_at(tags, i)));
    for (size_t i = 0; i < js_count(layers); i++) {
        const char *path = js_text(js_at(layers, i));
        const struct part *layer = path ? parts_get(reading->parts, path, err) : NULL;
        if (!path)
            return error_set(err, ERROR_REGISTRY, "%s: layer %zu of manifest.json isn't text", reading->path, i + 1);
        if (!layer || add_layer(reading, layer, &diff_ids[i], "", err) != 0)
            return -1;
    }
    return 0;
}

int imagefile_load(const char *path, const struct imagefile_choice *choice, struct imagefile *image, struct error *err)
{
    memset(image, 0, sizeof *image);
    AUTOPTR(parts) parts = parts_load(path, err);
    if (!parts)
        return -1;
    const struct reading reading = {parts, path, choice, image};
    int result = -1;
    if (parts_has(parts, "index.json"))
        result = read_layout(&reading, err);
    else if (parts_has(parts, "manifest.json"))
        result = read_docker(&reading, err);
    else
        error_set(err, ERROR_REGISTRY, "%s: not an image: it has neither index.json (OCI) nor manifest.json (docker save)", path);
    if (result != 0)
        imagefile_release(image);
    return result;
}
