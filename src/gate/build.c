#include "gate/build.h"

#include "gate/options.h"
#include "registry/manifest.h"
#include "support/log.h"

#include <string.h>
#include <time.h>

static char *copy_or_empty(const char *text)
{
    return xstrdup(text ? text : "");
}

static int describe_layer(const struct image_blob *blob, const struct js *descriptor,
                          const struct store *store, struct imagefile_layer *out, struct error *err)
{
    struct listing known;
    struct digest any = {0};
    out->media_type = copy_or_empty(js_get_text(descriptor, "mediaType"));
    out->digest = blob->digest;
    out->size = blob->size;

    if (!listing_known(store, &blob->digest, &known) &&
        (listing_make(store, &blob->digest, &any, err) != 0 ||
         !listing_known(store, &blob->digest, &known)))
        return -1;
    out->scan = listing_scan_known(&known, &blob->digest);
    return 0;
}

/* Describes the image as imagefile_load would read it back: its documents are at hand, and the
 * store has the lists of its layers. */
static int describe(const struct image *image, const struct store *store, const char *file,
                    struct imagefile *out, struct error *err)
{
    AUTOPTR(js) config = js_parse(buf_text(&image->config), image->config.len, "the config", err);
    out->path = xstrdup(file);
    out->format = "oci";
    out->images = 1;
    out->manifest = image->manifest_digest;
    out->config_digest = image->config_digest;
    strv_add_all(&out->names, &image->tags);
    if (!config)
        return -1;

    out->document = js_parse(buf_text(&image->manifest), image->manifest.len, "the manifest", err);
    if (!out->document)
        return -1;
    out->manifest_type = copy_or_empty(js_get_text(out->document, "mediaType"));
    out->config_type = copy_or_empty(js_get_text(js_get(out->document, "config"), "mediaType"));

    const struct js *layers = js_get(out->document, "layers");
    out->layers = xcalloc(image->layer_count, sizeof *out->layers);
    for (size_t i = 0; i < image->layer_count; i++)
        if (describe_layer(&image->layers[i], js_at(layers, i), store,
                           &out->layers[out->layer_count++], err) != 0)
            return -1;

    imagefile_take_config(out, take(config));
    return 0;
}

static void tell(const struct gate_report *report)
{
    for (size_t i = 0; i < report->len; i++) {
        const struct gate_finding *finding = &report->items[i];
        enum gate_severity weight = gate_weight(report, finding);
        autofree char *line = gate_line(finding);

        if (finding->ignored)
            log_detail("%s, ignored", line);
        else if (weight == GATE_ERROR)
            log_complaint(line);
        else if (weight == GATE_WARNING)
            log_warn("%s", line);
        else
            log_detail("%s", line);
    }
}

int gate_build(const struct image *image, const struct project *project, const struct store *store,
               const char *file, struct error *err)
{
    enum { BASE_AGE = 365 };
    AUTO(imagefile) described = {0};
    AUTO(strv) ignore = {0};
    AUTO(gate_report) report = {0};
    struct gate_options options = {.ignore = &ignore, .now = time(NULL), .base_age = BASE_AGE};

    if (gate_take_project(project, &ignore, &options.budget, err) != 0 ||
        describe(image, store, file, &described, err) != 0 ||
        gate_check(&described, store, &options, &report, err) != 0)
        return -1;

    tell(&report);
    return gate_verdict(&report, err);
}
