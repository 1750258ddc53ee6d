#include "base/base.h"

#include "registry/manifest.h"
#include "registry/pull.h"
#include "support/own.h"

#include <stdlib.h>
#include <string.h>

/* Base images from a registry, by their reference. The last source in list.h: it accepts every
 * reference that no other source accepts. */

/* Whether the store has the manifest and all of its blobs, so that no network is needed. A damaged
 * manifest counts as absent. */
static bool complete(const struct store *store, const struct digest *digest, enum arch arch)
{
    struct error ignored;
    AUTO(manifest) manifest = {0};
    struct digest diff_ids[MANIFEST_LAYERS];
    AUTO(buf) text = {0};
    AUTO(buf) config_text = {0};
    if (!store_has(store, digest) ||
        store_read(store, digest, MANIFEST_BYTES, &text, &ignored) != 0)
        return false;

    AUTOPTR(js) document = js_parse(buf_text(&text), text.len, "manifest", &ignored);
    if (!document || manifest_read(document, "manifest", &manifest, &ignored) != 0)
        return false;

    if (!store_use(store, &manifest.config.digest, manifest.config.size) ||
        store_read(store, &manifest.config.digest, MANIFEST_BYTES, &config_text, &ignored) != 0)
        return false;
    for (size_t i = 0; i < manifest.layer_count; i++)
        if (!store_use(store, &manifest.layers[i].digest, manifest.layers[i].size))
            return false;

    AUTOPTR(js) config = js_parse(buf_text(&config_text), config_text.len, "config", &ignored);
    return config &&
           config_read(config, arch, manifest.layer_count, "config", diff_ids, &ignored) == 0;
}

static int identify(const struct base_request *request, char **key, char **name, struct error *err)
{
    AUTO(reference) reference = {0};
    if (reference_parse(request->reference, &reference, err) != 0)
        return -1;

    *name = reference_name(&reference);
    *key = xstrdup(*name);
    return 0;
}

static int resolve(const struct base_request *request, const struct store *store,
                   const struct reference *reference, const char *name, struct digest *manifest,
                   struct error *err)
{
    /* A digest needs no registry to be resolved, whichever source the image came from. */
    if (reference->digest.text[0] && complete(store, &reference->digest, request->arch)) {
        *manifest = reference->digest;
        return 0;
    }

    if (request->pull == PULL_NEVER)
        return error_set(err, ERROR_LOCKED,
                         "'%s' for %s is not in the cache, and --offline allows no download; "
                         "build once without it",
                         name, arch_lambda(request->arch));

    const struct client_settings settings = {.mirrors = request->mirrors,
                                             .ca_file = request->ca_file};
    return pull_image(reference, request->arch, store, &settings, manifest, err);
}

static int fetch(const struct base_request *request, const struct store *store,
                 struct digest *manifest, char **name, struct error *err)
{
    AUTO(reference) reference = {0};
    if (reference_parse(request->reference, &reference, err) != 0)
        return -1;

    autofree char *full = reference_name(&reference);
    if (resolve(request, store, &reference, full, manifest, err) != 0)
        return -1;
    *name = take(full);
    return 0;
}

const struct base_source base_source_registry = {
    .identify = identify,
    .fetch = fetch,
};
