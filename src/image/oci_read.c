#include "image/reading.h"

#include <stdlib.h>
#include <string.h>

/* Reads an image from OCI's documents (OCI image-spec manifest.md, image-index.md,
 * image-layout.md), in a layout or from a registry. */

/* A document or config by its descriptor. One with another size or digest is noted as damage, but
 * read nevertheless. */
static struct js *read_blob(const struct reading *reading, const struct descriptor *descriptor,
                            const char *what, bool document, struct error *err)
{
    const struct part *part = parts_blob(reading->parts, descriptor, document, err);
    if (part &&
        (part->size != descriptor->size || !digest_equal(&part->digest, &descriptor->digest)))
        reading_damage(reading,
                       "%s, the blob '%s', is damaged: it has %llu bytes and the digest '%s'", what,
                       descriptor->digest.text, (unsigned long long)part->size, part->digest.text);
    return reading_parse(reading, part, descriptor->digest.text, err);
}

static int add_named_layer(const struct reading *reading, const struct js *value, struct error *err)
{
    struct error why = {0};
    struct descriptor descriptor;
    const char *type = js_get_text(value, "mediaType");
    const struct part *part = NULL;
    bool named = descriptor_read(value, "the manifest", &descriptor, &why) == 0;

    if (named)
        part = parts_blob(reading->parts, &descriptor, false, &why);
    if (!part && named && why.kind != ERROR_REGISTRY)
        return error_set(err, why.kind, "%s", why.text);

    struct imagefile_layer *layer = reading_add_layer(reading, part, &why);
    layer->media_type = xstrdup(type ? type : "");
    if (named) {
        layer->digest = descriptor.digest;
        layer->size = descriptor.size;
    }
    return 0;
}

static const char *text_of(const struct js *object, const char *key)
{
    const char *text = js_get_text(object, key);
    return text ? text : "";
}

/* Takes ownership of the document. `type`: the media type in its descriptor, or
 * from the registry. */
static int read_manifest(const struct reading *reading, struct js *document, const char *type,
                         struct error *err)
{
    struct imagefile *image = reading->image;
    struct descriptor config;
    const struct js *layers = js_get(document, "layers");

    image->document = document;
    image->manifest_type =
        xstrdup(js_get_text(document, "mediaType") ? text_of(document, "mediaType") : type);
    image->config_type = xstrdup(text_of(js_get(document, "config"), "mediaType"));

    bool listed = js_is_array(layers) || js_has_null(document, "layers");
    if (!listed || !js_is_object(js_get(document, "config")))
        return error_set(err, ERROR_REGISTRY,
                         "%s: the manifest has no config or no layers; this is not an image",
                         reading->path);
    if (js_count(layers) > IMAGEFILE_LAYERS)
        return error_set(err, ERROR_REGISTRY, "%s: more than %d layers", reading->path,
                         IMAGEFILE_LAYERS);

    if (descriptor_read(js_get(document, "config"), reading->path, &config, err) != 0)
        return -1;
    if (config.size > MANIFEST_BYTES)
        return error_set(err, ERROR_REGISTRY, "%s: the config is larger than %d bytes",
                         reading->path, MANIFEST_BYTES);

    image->config_digest = config.digest;
    image->layers = xcalloc(js_count(layers), sizeof *image->layers);
    for (size_t i = 0; i < js_count(layers); i++)
        if (add_named_layer(reading, js_at(layers, i), err) != 0)
            return -1;

    struct error why = {0};
    struct js *read = read_blob(reading, &config, "config", false, &why);
    return reading_take_config(reading, read, &why, err);
}

typedef int (*chooser)(const struct js *index, enum arch arch, const char *tag, const char *where,
                       struct descriptor *out, struct error *err);

static int from_index(const struct js *index, enum arch arch, const char *tag, const char *where,
                      struct descriptor *out, struct error *err)
{
    (void)tag;
    return index_choose(index, arch, where, out, err);
}

/* Finds the descriptor for the requested architecture; if none is requested, for this machine's,
 * else for the other one. */
static int choose(const struct reading *reading, chooser pick, const struct js *index,
                  struct descriptor *out, struct error *err)
{
    struct error ignored = {0};
    enum arch arch = arch_native();
    const char *named = reading->choice->arch;

    if (named && arch_parse(named, &arch) != 0)
        return error_set(err, ERROR_USAGE,
                         "'%s' is not an architecture of Lambda; use x86_64 or arm64", named);

    if (pick(index, arch, reading->tag, reading->path, out, err) == 0)
        return 0;

    enum arch other = arch == ARCH_ARM64 ? ARCH_X86_64 : ARCH_ARM64;
    return named || pick(index, other, reading->tag, reading->path, out, &ignored) != 0 ? -1 : 0;
}

/* Notes what else the index holds under the same name, and what it says about the chosen entry. */
static void look_around(const struct reading *reading, const struct js *index,
                        const struct digest *chosen, bool layout)
{
    struct imagefile *image = reading->image;
    const struct js *list = js_get(index, "manifests");
    size_t images = 0;

    for (size_t i = 0; i < js_count(list); i++) {
        const struct js *entry = js_at(list, i), *platform = js_get(entry, "platform");
        enum index_entry kind = index_entry_kind(entry);
        image->attestations += kind == INDEX_ENTRY_ATTESTATION;
        bool same_name = !layout || !reading->tag || layout_has_name(entry, reading->tag);
        images += (kind == INDEX_ENTRY_IMAGE || kind == INDEX_ENTRY_INDEX) && same_name;

        if (strcmp(text_of(entry, "digest"), chosen->text) != 0)
            continue;
        if (platform && !image->platform)
            image->platform = xasprintf("%.40s/%.40s", text_of(platform, "os"),
                                        text_of(platform, "architecture"));

        const char *name = js_get_text(js_get(entry, "annotations"), "io.containerd.image.name");
        if (!name)
            name = js_get_text(js_get(entry, "annotations"), "org.opencontainers.image.ref.name");
        if (layout && name && !strv_contains(&image->names, name))
            strv_add(&image->names, name);
    }

    image->images = images > image->images ? images : image->images;
}

/* Registries refuse a manifest whose own media type isn't the one under which it is pushed. */
static void compare_types(const struct reading *reading, const struct js *document,
                          const char *type)
{
    const char *own = js_get_text(document, "mediaType");
    if (!own || !type[0] || strcmp(own, type) == 0)
        return;
    autofree char *text = xasprintf(
        "the descriptor of a manifest says that it is '%.100s', the manifest that it is '%.100s'",
        type, own);
    strv_add(&reading->image->misfits, text);
}

int reading_document(const struct reading *reading, struct js *document, const char *type,
                     const struct digest *digest, struct error *err)
{
    struct descriptor inner;
    compare_types(reading, document, type);
    if (!manifest_is_index(document, type)) {
        reading->image->manifest = *digest;
        return read_manifest(reading, document, type, err);
    }

    AUTOPTR(js) index = document;
    reading->image->index = true;
    if (choose(reading, from_index, index, &inner, err) != 0)
        return -1;

    look_around(reading, index, &inner.digest, false);
    reading->image->manifest = inner.digest;
    struct js *manifest = read_blob(reading, &inner, "manifest", true, err);
    if (!manifest)
        return -1;
    compare_types(reading, manifest, inner.media_type);
    return read_manifest(reading, manifest, inner.media_type, err);
}

int reading_layout(const struct reading *reading, struct error *err)
{
    struct descriptor descriptor;
    AUTOPTR(js) index = reading_json(reading, "index.json", err);
    if (!index || choose(reading, layout_choose, index, &descriptor, err) != 0)
        return -1;

    reading->image->format = parts_is_folder(reading->parts) ? "oci-layout" : "oci";
    look_around(reading, index, &descriptor.digest, true);

    struct js *document = read_blob(reading, &descriptor, "manifest", true, err);
    return document
               ? reading_document(reading, document, descriptor.media_type, &descriptor.digest, err)
               : -1;
}
