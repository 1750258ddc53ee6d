#ifndef LBUILD_TESTS_GATES_H
#define LBUILD_TESTS_GATES_H

#include "images.h"

#include "gate/gate.h"

/* Images for the gate, and what it finds in them. */

/* An image of one layer. `process`: the part of the config that describes it. */
static inline struct imagefile *image_with(const struct item *items, size_t count,
                                           const char *process)
{
    struct digest diff_id;
    struct imagefile *image = xcalloc(1, sizeof *image);
    struct error err = {0};
    struct digest blob = put_layer(&store, items, count, &diff_id);
    autofree char *text = xasprintf(
        "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"diff_ids\":[]},\"config\":%s}",
        process);

    assert_int_equal(listing_make(&store, &blob, &diff_id, &err), 0);
    image->format = "oci";
    image->path = xstrdup("image.tar");
    image->manifest_type = xstrdup("");
    image->config_type = xstrdup("");
    image->layers = xcalloc(1, sizeof *image->layers);
    image->layer_count = 1;
    image->layers[0] = (struct imagefile_layer){.digest = blob, .media_type = xstrdup("")};
    image->layers[0].scan = (struct listing_scan){
        .digest = blob, .diff_id = diff_id, .listed = true, .gzip = true, .members = 1};
    imagefile_take_config(image, js_parse(text, strlen(text), "config", &err));
    image->layers[0].diff_id = diff_id;
    image->diff_id_count = 1;
    image->images = 1;
    return image;
}

static inline struct imagefile *an_image(const struct item *items, size_t count)
{
    return image_with(items, count, "{\"Entrypoint\":[\"/bin/app\"],\"Env\":[\"PATH=/bin\"]}");
}

static inline void image_freep(struct imagefile **image)
{
    imagefile_release(*image);
    free(*image);
}
#define AUTO_IMAGE __attribute__((cleanup(image_freep))) struct imagefile *

/* The ids of the findings, with blanks between. Caller frees. */
static inline char *ids(const struct imagefile *image, const struct gate_options *options)
{
    struct error err = {0};
    AUTO(buf) out = {0};
    AUTO(gate_report) report = {0};
    if (gate_check(image, &store, options, &report, &err) != 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < report.len; i++)
        buf_addf(&out, "%s%s", i ? " " : "", report.items[i].rule->id);
    return buf_detach(&out);
}

static inline void assert_ids(const struct imagefile *image, const struct gate_options *options,
                              const char *expected)
{
    autofree char *found = ids(image, options);
    assert_string_equal(found, expected);
}

#endif
