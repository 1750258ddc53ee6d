#include "image/diff.h"
#include "command/command.h"
#include "image/options.h"
#include "support/control.h"
#include "support/own.h"

#include <string.h>

struct diff_options {
    struct image_options image;
    bool json;
};

static void diff_options_release(struct diff_options *options)
{
    image_options_release(&options->image);
}

static const struct option_row rows[] = {
    {0, "json", OPTION_FLAG, offsetof(struct diff_options, json), NULL, "Print one JSON object."},
    {0},
};
static const struct option_table tables[] = {
    {rows, 0}, {image_option_rows, offsetof(struct diff_options, image)}, {0}};

enum verdict { VERDICT_EQUAL, VERDICT_BYTES, VERDICT_DIFFERENT };

/* Compares the bytes: those of the manifests or, where an image has none, those of the configs and
 * the layers. */
static bool same_bytes(const struct imagefile *a, const struct imagefile *b)
{
    if (a->manifest.text[0] && b->manifest.text[0])
        return digest_equal(&a->manifest, &b->manifest);

    bool same =
        digest_equal(&a->config_digest, &b->config_digest) && a->layer_count == b->layer_count;
    for (size_t i = 0; same && i < a->layer_count; i++)
        same = digest_equal(&a->layers[i].digest, &b->layers[i].digest);
    return same;
}

static void add_value(struct buf *out, const struct js *value)
{
    AUTO(buf) text = {0};
    if (!value)
        buf_adds(&text, "-");
    else if (js_text(value))
        buf_adds(&text, js_text(value));
    else
        js_dump(value, &text);
    control_add(out, buf_text(&text), SIZE_MAX);
}

static void print_change(const struct js *change, struct buf *out)
{
    const char *name = js_get_text(change, "name"), *path = js_get_text(change, "path");
    const struct js *what = js_get(change, "what");

    buf_addf(out, "%-8s ", path ? js_get_text(change, "change") : "setting");
    buf_adds(out, path ? "/" : "");
    control_add(out, path ? path : name, SIZE_MAX);
    if (!path) {
        buf_adds(out, ": ");
        add_value(out, js_get(change, "a"));
        buf_adds(out, " -> ");
        add_value(out, js_get(change, "b"));
    }

    for (size_t i = 0; i < js_count(what); i++) {
        const struct js *one = js_at(what, i);
        buf_addf(out, "%s%s ", i ? ", " : ": ", js_get_text(one, "name"));
        add_value(out, js_get(one, "a"));
        buf_adds(out, " -> ");
        add_value(out, js_get(one, "b"));
    }
    buf_addc(out, '\n');
}

static void print_text(enum verdict verdict, const struct js *changes, struct buf *out)
{
    for (size_t i = 0; i < js_count(changes); i++)
        print_change(js_at(changes, i), out);
    if (verdict == VERDICT_EQUAL)
        buf_adds(out, "equal\n");
    if (verdict == VERDICT_BYTES)
        buf_adds(out, "the same files and settings, in different bytes\n");
}

static void print_json(const struct imagetree *a, const struct imagetree *b, enum verdict verdict,
                       struct js *changes, struct buf *out)
{
    AUTOPTR(js) object = js_object();
    js_set_string(object, "a", a->image.path);
    js_set_string(object, "b", b->image.path);
    js_set(object, "equal", js_boolean(verdict == VERDICT_EQUAL));
    js_set(object, "sameFilesAndSettings", js_boolean(verdict != VERDICT_DIFFERENT));
    js_set(object, "changes", changes);
    js_dump_pretty(object, out);
}

static int compare(const struct imagetree *a, const struct imagetree *b, bool json, struct buf *out,
                   struct error *err)
{
    AUTOPTR(js) changes = js_array();
    enum verdict verdict = VERDICT_DIFFERENT;

    diff_settings(&a->image, &b->image, changes);
    diff_files(a, b, changes);
    size_t count = js_count(changes);
    if (count == 0)
        verdict = same_bytes(&a->image, &b->image) ? VERDICT_EQUAL : VERDICT_BYTES;

    if (json)
        print_json(a, b, verdict, take(changes), out);
    else
        print_text(verdict, changes, out);

    if (verdict == VERDICT_DIFFERENT)
        return error_set(err, ERROR_LOCKED, "'%s' and '%s' differ in %zu place%s", a->image.path,
                         b->image.path, count, count == 1 ? "" : "s");
    return 0;
}

static int run(const char *const *argv, struct buf *out, struct error *err)
{
    AUTO(diff_options) options = {0};
    AUTO(strv) operands = {0};
    AUTO(store) store = {.lock = -1};
    AUTO(imagetree) a = {0}, b = {0};

    if (options_parse(tables, argv, &options, &operands, err) != 0)
        return -1;
    if (operands.len != 2)
        return error_set(err, ERROR_USAGE, "diff takes two images: lbuild diff A B");

    const struct imagefile_choice choice = image_options_choice(&options.image);
    if (store_open(&store, NULL, err) != 0 ||
        imagetree_load(operands.items[0], &choice, &store, &a, err) != 0 ||
        imagetree_load(operands.items[1], &choice, &store, &b, err) != 0)
        return -1;
    return compare(&a, &b, options.json, out, err);
}

static void help(struct buf *out)
{
    options_help(tables, out);
}

const struct command command_diff = {
    .name = "diff",
    .operands = "A B",
    .summary = "Show how two images differ: settings, labels, files, programs.",
    .run = run,
    .help = help,
};
