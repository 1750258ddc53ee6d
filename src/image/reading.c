#include "image/reading.h"

#include <stdarg.h>
#include <stdio.h>

void reading_damage(const struct reading *reading, const char *format, ...)
{
    va_list list;
    struct error text = {0};
    va_start(list, format);
    vsnprintf(text.text, sizeof text.text, format, list);
    va_end(list);
    strv_add(&reading->image->damage, text.text);
}

struct js *reading_parse(const struct reading *reading, const struct part *part, const char *name,
                         struct error *err)
{
    autofree char *where = xasprintf("%s: %s", reading->path, name);
    if (!part)
        return NULL;

    if (part->text.len == 0) {
        error_set(err, ERROR_REGISTRY, "%s: not a JSON text of at most %d bytes", where,
                  MANIFEST_BYTES);
        return NULL;
    }
    return js_parse(buf_text(&part->text), part->text.len, where, err);
}

struct js *reading_json(const struct reading *reading, const char *name, struct error *err)
{
    return reading_parse(reading, parts_get(reading->parts, name, err), name, err);
}

struct imagefile_layer *reading_add_layer(const struct reading *reading, const struct part *part,
                                          const struct error *why)
{
    struct imagefile_layer *layer = &reading->image->layers[reading->image->layer_count++];
    layer->missing = part ? NULL : xstrdup(why->text);
    if (!part)
        return layer;

    layer->scan = part->scan;
    layer->scan.digest = part->digest;
    layer->scan.size = part->size;
    if (part->scan.trouble)
        layer->scan.trouble = xstrdup(part->scan.trouble);
    else if (!part->scan.listed)
        layer->scan.trouble = xstrdup("it is text, not a layer");
    return layer;
}

int reading_take_config(const struct reading *reading, struct js *config, const struct error *why,
                        struct error *err)
{
    struct error trouble = *why;
    if (config && js_is_object(config)) {
        imagefile_take_config(reading->image, config);
        return 0;
    }

    if (config)
        error_set(&trouble, ERROR_REGISTRY, "%s: the config is not a JSON object", reading->path);
    js_free(config);
    if (!reading->choice->without_config || trouble.kind != ERROR_REGISTRY)
        return error_set(err, trouble.kind, "%s", trouble.text);

    reading->image->config_trouble = xstrdup(trouble.text);
    return 0;
}
