#include "output/delivery.h"

#include "support/log.h"
#include "support/own.h"

int delivery_open(struct delivery *delivery, const char *type, const char *path, struct error *err)
{
    delivery->output = output_find(type);
    delivery->path = path;
    return delivery->output ? 0 : error_set(err, ERROR_USAGE, "unknown output type '%s'", type);
}

void delivery_begin(struct delivery *delivery, const struct base *base, const struct store *store)
{
    const struct output *output = delivery->output;
    if (delivery->verified)
        return;

    struct verify_sink sink = {0};
    autofree struct digest *layers = xcalloc(base->layer_count, sizeof *layers);
    for (size_t i = 0; i < base->layer_count; i++)
        layers[i] = base->layers[i].digest;

    delivery->begun = output->begin ? output->begin(store, delivery->path, &sink) : NULL;
    delivery->verified =
        verify_start(store, layers, base->layer_count, delivery->begun ? &sink : NULL);
}

bool delivery_layer(struct delivery *delivery, size_t index, struct layer_sink *sink)
{
    return delivery->begun && verify_finish(delivery->verified) &&
           delivery->output->layer(delivery->begun, index, sink);
}

static void abandon(struct delivery *delivery)
{
    if (delivery->begun)
        delivery->output->abandon(take(delivery->begun));
}

int delivery_write(struct delivery *delivery, const struct image *image, const struct store *store,
                   struct error *err)
{
    log_step("write", "%s", delivery->path);
    if (delivery->begun && !verify_finish(delivery->verified))
        abandon(delivery);

    const struct blob_source from = {store, delivery->verified};
    return delivery->output->write(image, &from, delivery->begun, delivery->path, err);
}

void delivery_release(struct delivery *delivery)
{
    verify_free(delivery->verified);
    abandon(delivery);
}
