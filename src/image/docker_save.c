#include "image/reading.h"

#include "base/docker_names.h"

#include <string.h>

/* docker's manifest.json (docker's image spec v1.2, "Combined Image JSON"): alone in archives of
 * older dockers, beside an index.json in newer archives and those of other tools. */

static void take_tags(const struct reading *reading, const struct js *entry)
{
    const struct js *tags = js_get(entry, "RepoTags");
    for (size_t i = 0; i < js_count(tags); i++)
        if (js_text(js_at(tags, i)) &&
            !strv_contains(&reading->image->names, js_text(js_at(tags, i))))
            strv_add(&reading->image->names, js_text(js_at(tags, i)));
}

static int read_layers(const struct reading *reading, const struct js *layers, struct error *err)
{
    struct imagefile *image = reading->image;
    image->layers = xcalloc(js_count(layers), sizeof *image->layers);

    for (size_t i = 0; i < js_count(layers); i++) {
        struct error why = {0};
        const char *path = js_text(js_at(layers, i));
        if (!path)
            return error_set(err, ERROR_REGISTRY, "%s: layer %zu of manifest.json isn't text",
                             reading->path, i + 1);

        const struct part *part = parts_get(reading->parts, path, &why);
        struct imagefile_layer *layer = reading_add_layer(reading, part, &why);
        layer->media_type = xstrdup("");
        if (part) {
            layer->digest = part->digest;
            layer->size = part->size;
        }
    }
    return 0;
}

/* The config's name contains its digest, in the old form and in the new one. */
static void check_config_name(const struct reading *reading, const char *name,
                              const struct part *part)
{
    struct digest named;
    const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
    autofree char *text = xasprintf("sha256:%.*s", (int)strcspn(base, "."), base);
    if (digest_parse(&named, text) && !digest_equal(&named, &part->digest))
        reading_damage(reading, "config, '%.200s', is damaged: it has the digest '%s'", name,
                       part->digest.text);
}

int reading_docker(const struct reading *reading, struct error *err)
{
    struct imagefile *image = reading->image;
    AUTOPTR(js) all = reading_json(reading, "manifest.json", err);
    if (!all)
        return -1;
    const struct js *entry = docker_names_choose(all, reading->tag, err);
    if (!entry)
        return error_wrap(err, "%s", reading->path);

    const struct js *layers = js_get(entry, "Layers");
    const char *name = js_get_text(entry, "Config");
    if (!name)
        return error_set(err, ERROR_REGISTRY, "%s: manifest.json names no config", reading->path);
    if (js_count(layers) > IMAGEFILE_LAYERS)
        return error_set(err, ERROR_REGISTRY, "%s: more than %d layers", reading->path,
                         IMAGEFILE_LAYERS);

    struct error why = {0};
    const struct part *part = parts_get(reading->parts, name, &why);
    AUTOPTR(js) config = reading_parse(reading, part, name, &why);
    if (!config && !reading->choice->without_config)
        return error_set(err, why.kind, "%s", why.text);

    image->format = "docker";
    image->images = 1;
    image->manifest_type = xstrdup("");
    image->config_type = xstrdup("");
    if (part) {
        image->config_digest = part->digest;
        check_config_name(reading, name, part);
    }
    take_tags(reading, entry);

    if (read_layers(reading, layers, err) != 0)
        return -1;
    return reading_take_config(reading, take(config), &why, err);
}

/* Whether a layer of manifest.json is the one that was read: its blob, or another blob with the
 * same content. */
static bool same_layer(const struct reading *reading, const struct js *path,
                       const struct imagefile_layer *read)
{
    struct error ignored = {0};
    const char *name = js_text(path);
    const struct part *layer = name ? parts_get(reading->parts, name, &ignored) : NULL;
    if (!layer)
        return read->missing != NULL;
    return digest_equal(&layer->digest, &read->scan.digest) ||
           (layer->scan.listed && digest_equal(&layer->scan.diff_id, &read->scan.diff_id));
}

int reading_compare_docker(const struct reading *reading, struct error *err)
{
    struct imagefile *image = reading->image;
    if (!parts_has(reading->parts, "manifest.json"))
        return 0;
    AUTOPTR(js) all = reading_json(reading, "manifest.json", err);
    if (!all)
        return -1;
    if (js_count(all) != 1)
        return 0;

    struct error ignored = {0};
    const struct js *entry = js_at(all, 0), *layers = js_get(entry, "Layers");
    const char *name = js_get_text(entry, "Config");
    const struct part *config = name ? parts_get(reading->parts, name, &ignored) : NULL;
    bool same = config && digest_equal(&config->digest, &image->config_digest) &&
                js_count(layers) == image->layer_count;
    for (size_t i = 0; same && i < image->layer_count; i++)
        same = same_layer(reading, js_at(layers, i), &image->layers[i]);

    /* With a damaged config, the archive doesn't contradict itself. */
    image->two_faces = !same && image->damage.len == 0;
    if (same)
        take_tags(reading, entry);
    return 0;
}
