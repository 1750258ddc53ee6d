#include "command/command.h"
#include "image/options.h"
#include "store/store.h"
#include "support/control.h"

#include <inttypes.h>
#include <string.h>

struct inspect_options {
    struct image_options image;
    bool json;
};

static void inspect_options_release(struct inspect_options *options)
{
    image_options_release(&options->image);
}

static const struct option_row rows[] = {
    {0, "json", OPTION_FLAG, offsetof(struct inspect_options, json), NULL,
     "Print one JSON object."},
    {0},
};
static const struct option_table tables[] = {
    {rows, 0}, {image_option_rows, offsetof(struct inspect_options, image)}, {0}};

static void line(struct buf *out, const char *name, const char *text)
{
    if (text)
        buf_addf(out, "%-12s%s\n", name, text);
}

static void safe_line(struct buf *out, const char *name, const char *text)
{
    autofree char *copy = text ? xstrdup(text) : NULL;
    if (copy)
        control_mask(copy, '?');
    line(out, name, copy);
}

static void json_line(struct buf *out, const char *name, const struct js *value)
{
    AUTO(buf) text = {0};
    if (!value)
        return;
    js_dump(value, &text);
    safe_line(out, name, buf_text(&text));
}

struct pairs {
    struct buf *out;
    const char *name; /* of the block; only its first line shows it */
};

static void pair_line(void *data, const char *key, const struct js *value)
{
    struct pairs *pairs = data;
    autofree char *text = xasprintf("%s=%s", key, js_text(value) ? js_text(value) : "");

    safe_line(pairs->out, pairs->name, text);
    pairs->name = "";
}

/* "42.1 MB", as docker and registries count. */
static void add_size(struct buf *out, uint64_t size)
{
    static const char *const units[] = {"kB", "MB", "GB"};
    double number = (double)size / 1000;
    size_t unit = 0;
    for (; number >= 999.95 && unit < 2; unit++)
        number /= 1000;
    if (size < 1000)
        buf_addf(out, "%" PRIu64 " B", size);
    else
        buf_addf(out, "%.1f %s", number, units[unit]);
}

static uint64_t image_size(const struct imagefile *image, bool unpacked)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < image->layer_count; i++)
        sum += unpacked ? image->layers[i].scan.content_size : image->layers[i].size;
    return sum;
}

static void layer_lines(const struct imagefile *image, struct buf *out)
{
    for (size_t i = 0; i < image->layer_count; i++) {
        const struct imagefile_layer *layer = &image->layers[i];
        AUTO(buf) text = {0};
        buf_addf(&text, "%zu  %s  ", i + 1, layer->digest.text);
        add_size(&text, layer->size);
        buf_adds(&text, ", ");
        add_size(&text, layer->scan.content_size);
        buf_adds(&text, " unpacked");
        line(out, i == 0 ? "layers" : "", buf_text(&text));
    }

    AUTO(buf) total = {0};
    add_size(&total, image_size(image, false));
    buf_adds(&total, ", ");
    add_size(&total, image_size(image, true));
    buf_adds(&total, " unpacked");
    line(out, "total", buf_text(&total));
}

static void print_text(const struct imagefile *image, struct buf *out)
{
    const struct js *config = js_get(image->config, "config"), *env = js_get(config, "Env");
    const char *variant = js_get_text(image->config, "variant");
    autofree char *platform = xasprintf("linux/%s%s%s", arch_oci(image->arch), variant ? "/" : "",
                                        variant ? variant : "");

    for (size_t i = 0; i < image->names.len; i++)
        safe_line(out, i == 0 ? "name" : "", image->names.items[i]);
    line(out, "format", image->format);
    line(out, "manifest", image->manifest.text[0] ? image->manifest.text : NULL);
    line(out, "config", image->config_digest.text);

    safe_line(out, "platform", platform);
    safe_line(out, "created", js_get_text(image->config, "created"));
    json_line(out, "entrypoint", js_get(config, "Entrypoint"));
    json_line(out, "cmd", js_get(config, "Cmd"));
    safe_line(out, "workdir", js_get_text(config, "WorkingDir"));

    for (size_t i = 0; i < js_count(env); i++)
        safe_line(out, i == 0 ? "env" : "", js_text(js_at(env, i)));
    if (js_is_object(js_get(config, "Labels")))
        js_each(js_get(config, "Labels"), pair_line, &(struct pairs){out, "labels"});

    layer_lines(image, out);
    line(out, "verified", "all sizes and digests, packed and unpacked");
}

static void set_copy(struct js *object, const char *key, const struct js *value)
{
    if (value)
        js_set(object, key, js_copy(value));
}

static void set_text(struct js *object, const char *key, const char *text)
{
    if (text && text[0])
        js_set_string(object, key, text);
}

static struct js *layers_json(const struct imagefile *image)
{
    struct js *list = js_array();

    for (size_t i = 0; i < image->layer_count; i++) {
        const struct imagefile_layer *layer = &image->layers[i];
        struct js *entry = js_object();
        set_text(entry, "mediaType", layer->media_type);
        js_set_string(entry, "digest", layer->digest.text);
        js_set_integer(entry, "size", (int64_t)layer->size);
        js_set_string(entry, "diffId", layer->diff_id.text);
        js_set_integer(entry, "unpackedSize", (int64_t)layer->scan.content_size);
        js_append(list, entry);
    }
    return list;
}

/* What the image's config and annotations say, as members of the object. */
static void set_config(struct js *object, const struct imagefile *image)
{
    const struct js *config = js_get(image->config, "config");

    js_set_string(object, "os", "linux");
    js_set_string(object, "architecture", arch_oci(image->arch));
    set_text(object, "variant", js_get_text(image->config, "variant"));
    set_text(object, "created", js_get_text(image->config, "created"));
    set_copy(object, "entrypoint", js_get(config, "Entrypoint"));
    set_copy(object, "cmd", js_get(config, "Cmd"));
    set_text(object, "workdir", js_get_text(config, "WorkingDir"));
    set_copy(object, "env", js_get(config, "Env"));
    set_copy(object, "labels", js_get(config, "Labels"));
    set_copy(object, "annotations", js_get(image->document, "annotations"));
}

static void print_json(const struct imagefile *image, struct buf *out)
{
    AUTOPTR(js) object = js_object();
    struct js *names = js_array();

    for (size_t i = 0; i < image->names.len; i++)
        js_append(names, js_string(image->names.items[i]));
    js_set(object, "names", names);
    js_set_string(object, "format", image->format);
    set_text(object, "manifestDigest", image->manifest.text);
    js_set_string(object, "configDigest", image->config_digest.text);

    set_config(object, image);
    js_set(object, "layers", layers_json(image));
    js_set_integer(object, "size", (int64_t)image_size(image, false));
    js_set_integer(object, "unpackedSize", (int64_t)image_size(image, true));
    js_set(object, "verified", js_boolean(true));
    js_dump_pretty(object, out);
}

static int run(const char *const *argv, struct buf *out, struct error *err)
{
    AUTO(inspect_options) options = {0};
    AUTO(strv) operands = {0};
    AUTO(imagefile) image = {0};
    AUTO(store) store = {.lock = -1};

    if (options_parse(tables, argv, &options, &operands, err) != 0)
        return -1;
    if (operands.len != 1)
        return error_set(err, ERROR_USAGE, "inspect takes one image");

    const struct imagefile_choice choice = image_options_choice(&options.image);
    if (store_open(&store, NULL, err) != 0 ||
        imagefile_load(operands.items[0], &choice, &store, &image, err) != 0 ||
        imagefile_verified(&image, err) != 0)
        return -1;

    if (options.json)
        print_json(&image, out);
    else
        print_text(&image, out);
    return 0;
}

static void help(struct buf *out)
{
    options_help(tables, out);
}

const struct command command_inspect = {
    .name = "inspect",
    .operands = "IMAGE",
    .summary = "Show what an image holds, and verify every digest in it.",
    .run = run,
    .help = help,
};
