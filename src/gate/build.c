#include "gate/build.h"

#include "gate/options.h"
#include "registry/manifest.h"
#include "support/log.h"

#include <string.h>
#include <time.h>

/* The image as imagefile_load would read it back: its documents are at hand, and of its layers the
 * store has the lists. */
static int describe(const struct image *image, const struct store *store, const char *file,
                    struct imagefile *out, struct error *err)
{
    struct js *config = js_parse(buf_text(&image->config), image->config.len, "the config", err);
    out->document =
        config ? js_parse(buf_text(&image->manifest), image->manifest.len, "the manifest", err)
               : NULL;
    out->path = xstrdup(file);
    out->format = "oci";
    out->images = 1;
    out->manifest = image->manifest_digest;
    out->config_digest = image->config_digest;
    out->layers = xcalloc(image->layer_count, sizeof *out->layers);
    strv_add_all(&out->names, &image->tags);
    for (size_t i = 0; i < image->layer_count; i++) {
        const struct js *descriptor = js_at(js_get(out->document, "layers"), i);
        const char *type = js_get_text(descriptor, "mediaType");
        struct imagefile_layer *layer = &out->layers[out->layer_count++];
        struct listing known;
        struct digest any = {0};
        layer->media_type = xstrdup(type ? type : "");
        layer->digest = image->layers[i].digest;
        layer->size = image->layers[i].size;
        if (!listing_known(store, &layer->digest, &known) &&
            (listing_make(store, &layer->digest, &any, err) != 0 ||
             !listing_known(store, &layer->digest, &known))) {
            js_free(config);
            return -1;
        }
        layer->scan = (struct listing_scan){.digest = layer->digest,
                                            .diff_id = known.diff_id,
                                            .size = known.size,
                                            .content_size = known.content_size,
                                            .members = known.members,
                                            .listed = true,
                                            .gzip = known.members > 0};
    }
    imagefile_take_config(out, config);
    const char *type = js_get_text(out->document, "mediaType"),
               *config_type = js_get_text(js_get(out->document, "config"), "mediaType");
    out->manifest_type = xstrdup(type ? type : "");
    out->config_type = xstrdup(config_type ? config_type : "");
    return out->document ? 0 : -1;
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
