#include "registry/manifest.h"

#include "registry/reference.h"
#include "support/strv.h"

#include <stdlib.h>
#include <string.h>

#define REF_NAME "org.opencontainers.image.ref.name"
#define CONTAINERD_NAME "io.containerd.image.name"

static const uint64_t largest_blob = UINT64_C(16) << 30;

static const char *text_or(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

static bool one_of(const char *text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, list[i]) == 0)
            return true;
    return false;
}

static bool index_type(const char *type)
{
    return strcmp(type, MEDIA_OCI_INDEX) == 0 || strcmp(type, MEDIA_DOCKER_LIST) == 0;
}

static bool manifest_type(const char *type)
{
    return strcmp(type, MEDIA_OCI_MANIFEST) == 0 || strcmp(type, MEDIA_DOCKER_MANIFEST) == 0;
}

static bool config_type(const char *type)
{
    return strcmp(type, MEDIA_OCI_CONFIG) == 0 || strcmp(type, MEDIA_DOCKER_CONFIG) == 0;
}

int descriptor_read(const struct js *value, const char *where, struct descriptor *out,
                    struct error *err)
{
    const char *digest = js_get_text(value, "digest");
    *out = (struct descriptor){.media_type = text_or(js_get_text(value, "mediaType"), "")};

    if (!digest)
        return error_set(err, ERROR_REGISTRY, "%s: a descriptor has no digest", where);
    if (!digest_parse(&out->digest, digest))
        return error_set(err, ERROR_REGISTRY, "%s: '%.100s' is not a sha256 digest", where, digest);
    if (!js_get_size(value, "size", &out->size))
        return error_set(err, ERROR_REGISTRY, "%s: the descriptor of '%s' has no valid size", where,
                         out->digest.text);
    if (out->size > largest_blob)
        return error_set(err, ERROR_REGISTRY,
                         "%s: '%s' is larger than 16 GiB; Lambda allows images of 10 GB", where,
                         out->digest.text);
    return 0;
}

bool manifest_is_index(const struct js *document, const char *media_type)
{
    const char *type = text_or(js_get_text(document, "mediaType"), text_or(media_type, ""));
    if (index_type(type) || manifest_type(type))
        return index_type(type);
    return js_is_array(js_get(document, "manifests")) && !js_get(document, "layers");
}

/* Whether the entry is an image, not a build attestation (BuildKit marks those twice)
 * or another artifact. */
static bool is_image(const struct js *entry)
{
    const char *kind = js_get_text(js_get(entry, "annotations"), "vnd.docker.reference.type");
    const char *artifact = js_get_text(entry, "artifactType"),
               *type = text_or(js_get_text(entry, "mediaType"), "");

    if (kind && strcmp(kind, "attestation-manifest") == 0)
        return false;
    if (artifact && artifact[0] && !config_type(artifact))
        return false;
    return !type[0] || manifest_type(type) || index_type(type);
}

enum index_entry index_entry_kind(const struct js *entry)
{
    const char *kind = js_get_text(js_get(entry, "annotations"), "vnd.docker.reference.type");
    const char *os = js_get_text(js_get(entry, "platform"), "os");

    if ((kind && strcmp(kind, "attestation-manifest") == 0) || (os && strcmp(os, "unknown") == 0))
        return INDEX_ENTRY_ATTESTATION;
    if (!is_image(entry))
        return INDEX_ENTRY_OTHER;
    if (index_type(text_or(js_get_text(entry, "mediaType"), "")))
        return INDEX_ENTRY_INDEX;
    return INDEX_ENTRY_IMAGE;
}

enum match { MATCH_NO, MATCH_UNSAID, MATCH_YES };

static enum match match_platform(const struct js *entry, enum arch arch)
{
    static const char *const variants[][4] = {
        [ARCH_X86_64] = {"", "v1"}, [ARCH_ARM64] = {"", "v8", "8", "v8.0"}};
    const struct js *platform = js_get(entry, "platform");
    if (!platform)
        return MATCH_UNSAID;

    const char *os = text_or(js_get_text(platform, "os"), ""),
               *cpu = text_or(js_get_text(platform, "architecture"), "");
    const char *variant = text_or(js_get_text(platform, "variant"), "");

    if (strcmp(os, "linux") != 0 || strcmp(cpu, arch_oci(arch)) != 0)
        return MATCH_NO;
    return one_of(variant, variants[arch], arch == ARCH_ARM64 ? 4 : 2) ? MATCH_YES : MATCH_NO;
}

/* The platforms in the index, e.g. "linux/amd64, linux/arm64/v9", for the message. Caller frees. */
static char *platforms(const struct js *index)
{
    enum { SHOWN = 20 };
    AUTO(buf) out = {0};
    size_t shown = 0;

    for (size_t i = 0; i < js_count(js_get(index, "manifests")) && shown < SHOWN; i++) {
        const struct js *entry = js_at(js_get(index, "manifests"), i),
                        *platform = js_get(entry, "platform");
        const char *os = js_get_text(platform, "os"), *variant = js_get_text(platform, "variant");
        if (!os || strcmp(os, "unknown") == 0 || !is_image(entry))
            continue;
        buf_addf(&out, "%s%.40s/%.40s%s%.40s", shown++ ? ", " : "", os,
                 text_or(js_get_text(platform, "architecture"), "?"),
                 variant && variant[0] ? "/" : "", text_or(variant, ""));
    }

    if (shown == 0)
        buf_adds(&out, "none");
    return buf_detach(&out);
}

int index_choose(const struct js *index, enum arch arch, const char *where, struct descriptor *out,
                 struct error *err)
{
    const struct js *list = js_get(index, "manifests"), *chosen = NULL;
    bool nested = false;
    if (!js_is_array(list))
        return error_set(err, ERROR_REGISTRY, "%s: the index has no list of manifests", where);

    for (size_t i = 0; i < js_count(list); i++) {
        const struct js *entry = js_at(list, i);
        if (!is_image(entry))
            continue;
        if (index_type(text_or(js_get_text(entry, "mediaType"), ""))) {
            nested = true;
            continue;
        }
        enum match match = match_platform(entry, arch);
        if (match == MATCH_YES)
            return descriptor_read(entry, where, out, err);
        if (match == MATCH_UNSAID && !chosen)
            chosen = entry;
    }

    if (chosen)
        return descriptor_read(chosen, where, out, err);
    autofree char *there = platforms(index);
    return error_set(err, ERROR_REGISTRY, "%s: no image for linux/%s in it; it has: %s%s", where,
                     arch_oci(arch), there,
                     nested ? ", and an index inside of the index, which is not supported" : "");
}

/* A layout's name for an entry, or "". */
static const char *entry_name(const struct js *entry)
{
    const struct js *notes = js_get(entry, "annotations");
    return text_or(js_get_text(notes, REF_NAME), text_or(js_get_text(notes, CONTAINERD_NAME), ""));
}

/* The name that tells an entry from all others: with several repositories in a layout of docker's,
 * two entries may have the same tag. */
static const char *unique_name(const struct js *entry)
{
    const char *full = js_get_text(js_get(entry, "annotations"), CONTAINERD_NAME);
    return text_or(full, entry_name(entry));
}

/* Entries with one digest are names of one image; entries with one name are its platforms. */
static bool other_image(const struct js *one, const struct js *other)
{
    return strcmp(unique_name(one), unique_name(other)) != 0 &&
           strcmp(text_or(js_get_text(one, "digest"), ""),
                  text_or(js_get_text(other, "digest"), "")) != 0;
}

bool layout_has_name(const struct js *entry, const char *tag)
{
    const char *full = js_get_text(js_get(entry, "annotations"), CONTAINERD_NAME);
    return strcmp(entry_name(entry), tag) == 0 || (full && reference_same(full, tag));
}

/* The names of a layout's images, for messages; "" without any. Caller frees. */
static char *layout_names(const struct js *list, bool unique)
{
    enum { SHOWN = 20 };
    AUTO(strv) names = {0};
    AUTO(buf) text = {0};
    for (size_t i = 0; i < js_count(list); i++) {
        const struct js *entry = js_at(list, i);
        const char *name = unique ? unique_name(entry) : entry_name(entry);
        if (is_image(entry) && name[0])
            strv_add(&names, name);
    }
    strv_sort(&names);
    strv_unique(&names);

    for (size_t i = 0; i < names.len && i < SHOWN; i++)
        buf_addf(&text, "%s%.200s", i ? ", " : "", names.items[i]);
    if (names.len > SHOWN)
        buf_adds(&text, ", ...");
    return buf_detach(&text);
}

static int no_such_tag(const struct js *list, const char *tag, const char *where, struct error *err)
{
    autofree char *names = layout_names(list, false);
    return error_set(err, ERROR_REGISTRY, "%s: no image is called '%s'; there is: %s", where, tag,
                     names[0] ? names : "one without a name, which needs no tag");
}

/* `same`: their tags are the same, so that only their full names tell them apart. */
static int several_images(const struct js *list, const char *tag, bool same, const char *where,
                          struct error *err)
{
    autofree char *names = layout_names(list, same);
    if (tag)
        return error_set(err, ERROR_REGISTRY,
                         "%s: several images are called '%s'; write one of: %s", where, tag, names);
    return error_set(err, ERROR_REGISTRY,
                     "%s: there are several images; add ':TAG' with one of: %s", where, names);
}

int layout_choose(const struct js *index, enum arch arch, const char *tag, const char *where,
                  struct descriptor *out, struct error *err)
{
    const struct js *list = js_get(index, "manifests"), *only = NULL;
    size_t count = 0;
    if (!js_is_array(list))
        return error_set(err, ERROR_REGISTRY, "%s: the index has no list of manifests", where);

    AUTOPTR(js) named = js_array();
    for (size_t i = 0; i < js_count(list); i++) {
        const struct js *entry = js_at(list, i);
        if (!is_image(entry) || (tag && !layout_has_name(entry, tag)))
            continue;
        if (only && other_image(only, entry))
            return several_images(list, tag, strcmp(entry_name(only), entry_name(entry)) == 0,
                                  where, err);
        only = entry;
        count++;
        js_append(named, js_copy(entry));
    }

    if (count == 0 && tag)
        return no_such_tag(list, tag, where, err);
    if (count == 1)
        return descriptor_read(only, where, out, err);

    AUTOPTR(js) narrowed = js_object();
    js_set(narrowed, "manifests", take(named));
    struct descriptor chosen;
    if (index_choose(narrowed, arch, where, &chosen, err) != 0)
        return -1;

    /* *out must borrow its media type from `index`, not from the narrowed copy. */
    for (size_t i = 0; i < js_count(list); i++)
        if (strcmp(text_or(js_get_text(js_at(list, i), "digest"), ""), chosen.digest.text) == 0)
            return descriptor_read(js_at(list, i), where, out, err);
    return error_set(err, ERROR_INTERNAL, "%s: the chosen image is not in the index", where);
}

static int check_layer(const struct js *layer, const char *type, const char *where,
                       struct error *err)
{
    if (strstr(type, "foreign") || strstr(type, "nondistributable") ||
        js_count(js_get(layer, "urls")) > 0)
        return error_set(err, ERROR_REGISTRY,
                         "%s: it has a foreign layer, stored outside the registry (type '%.100s'); "
                         "use an image without foreign layers",
                         where, type);

    if (strstr(type, "zstd"))
        return error_set(
            err, ERROR_REGISTRY,
            "%s: a layer is compressed with zstd, which Lambda doesn't accept; "
            "convert the image to gzip, e.g. with 'skopeo copy --dest-compress-format gzip'",
            where);
    if (strstr(type, "encrypted"))
        return error_set(err, ERROR_REGISTRY, "%s: a layer is encrypted; decrypt the image first",
                         where);
    return 0;
}

static int read_layers(const struct js *list, const char *where, struct manifest *out,
                       struct error *err)
{
    size_t count = js_count(list);
    if (!js_is_array(list))
        return error_set(err, ERROR_REGISTRY, "%s: the manifest has no list of layers", where);
    if (count > MANIFEST_LAYERS)
        return error_set(err, ERROR_REGISTRY,
                         "%s: it has %zu layers, but at most %d can be stacked", where, count,
                         MANIFEST_LAYERS);

    out->layers = xcalloc(count, sizeof *out->layers);
    for (size_t i = 0; i < count; i++) {
        struct descriptor *layer = &out->layers[out->layer_count++];
        if (descriptor_read(js_at(list, i), where, layer, err) != 0 ||
            check_layer(js_at(list, i), layer->media_type, where, err) != 0)
            return -1;
    }
    return 0;
}

static int read_manifest(const struct js *document, const char *where, struct manifest *out,
                         struct error *err)
{
    uint64_t version = 0;
    if (!js_is_object(document))
        return error_set(err, ERROR_REGISTRY, "%s: the manifest is not a JSON object", where);
    if (js_get_size(document, "schemaVersion", &version) && version == 1)
        return error_set(err, ERROR_REGISTRY,
                         "%s: this is a manifest of Docker's schema 1; "
                         "push the image again with a current tool",
                         where);
    if (manifest_is_index(document, NULL))
        return error_set(err, ERROR_REGISTRY, "%s: this is an index, but must be a manifest",
                         where);

    if (!js_is_object(js_get(document, "config")))
        return error_set(err, ERROR_REGISTRY, "%s: the manifest has no config", where);
    if (descriptor_read(js_get(document, "config"), where, &out->config, err) != 0)
        return -1;

    if (out->config.media_type[0] && !config_type(out->config.media_type))
        return error_set(err, ERROR_REGISTRY,
                         "%s: not a container image, but something of type '%.100s'", where,
                         out->config.media_type);
    if (out->config.size > MANIFEST_BYTES)
        return error_set(err, ERROR_REGISTRY, "%s: the config is larger than %d bytes", where,
                         MANIFEST_BYTES);
    if (js_has_null(document, "layers")) /* as tools in Go write an empty list */
        return 0;
    return read_layers(js_get(document, "layers"), where, out, err);
}

int manifest_read(const struct js *document, const char *where, struct manifest *out,
                  struct error *err)
{
    *out = (struct manifest){0};
    if (read_manifest(document, where, out, err) == 0)
        return 0;
    manifest_release(out);
    return -1;
}

void manifest_release(struct manifest *manifest)
{
    free(manifest->layers);
    *manifest = (struct manifest){0};
}

int config_read(const struct js *config, enum arch arch, size_t count, const char *where,
                struct digest *diff_ids, struct error *err)
{
    const char *os = text_or(js_get_text(config, "os"), ""),
               *cpu = text_or(js_get_text(config, "architecture"), "");
    const struct js *list = js_get(js_get(config, "rootfs"), "diff_ids");

    if (!js_is_object(config))
        return error_set(err, ERROR_REGISTRY, "%s: the config is not a JSON object", where);
    if (strcmp(os, "linux") != 0 || strcmp(cpu, arch_oci(arch)) != 0)
        return error_set(err, ERROR_REGISTRY,
                         "%s: the image is for %.40s/%.40s, not for linux/%s; "
                         "set [image] arch or choose another base",
                         where, os[0] ? os : "?", cpu[0] ? cpu : "?", arch_oci(arch));

    if (js_count(list) != count)
        return error_set(err, ERROR_REGISTRY, "%s: the config names %zu layers, the manifest %zu",
                         where, js_count(list), count);
    for (size_t i = 0; i < count; i++)
        if (!digest_parse(&diff_ids[i], js_text(js_at(list, i))))
            return error_set(err, ERROR_REGISTRY,
                             "%s: diff_id %zu of the config is not a sha256 digest", where, i + 1);
    return 0;
}

size_t config_history_layers(const struct js *config)
{
    const struct js *history = js_get(config, "history");
    size_t layers = 0;
    for (size_t i = 0; i < js_count(history); i++)
        layers += !js_is_true(js_get(js_at(history, i), "empty_layer"));
    return layers;
}
