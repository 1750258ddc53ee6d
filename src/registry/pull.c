#include "registry/pull.h"

#include "registry/manifest.h"
#include "support/json.h"
#include "support/log.h"

#include <stdlib.h>
#include <string.h>

struct pull {
    struct pull_from from;
    const struct store *store;
    enum arch arch;
};

/* --- documents --- */

/* Whether it is a type that servers send when they don't know better. */
static bool vague(const char *type)
{
    static const char *const types[] = {"", "application/json", "application/octet-stream",
                                        "binary/octet-stream", "text/plain"};

    for (size_t i = 0; i < countof(types); i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return false;
}

/* Header and body must say the same, and the body must not be a manifest and an index at once.
 * Otherwise two programs could read different images from one digest (the reason for the OCI
 * image-spec's rules on mediaType). */
static int check_type(const char *name, const struct js *document, const char *header,
                      struct error *err)
{
    const char *own = js_get_text(document, "mediaType");
    if (own && header && !vague(header) && strcmp(own, header) != 0)
        return error_set(err, ERROR_REGISTRY,
                         "%s: the registry sent it as '%.100s', but it says it is '%.100s'; "
                         "ask the registry's owner",
                         name, header, own);

    if (js_get(document, "manifests") && (js_get(document, "layers") || js_get(document, "config")))
        return error_set(err, ERROR_REGISTRY,
                         "%s: its manifest is an index too, which is not allowed", name);
    return 0;
}

/* The digest must be the expected one or, if none is expected, the one that the registry names. */
static int check_digest(const char *name, const struct http_reply *reply,
                        const struct digest *expected, struct digest *actual, struct error *err)
{
    struct digest named;
    if (digest_bytes(buf_text(&reply->body), reply->body.len, actual, err) != 0)
        return -1;

    if (expected) {
        if (!digest_equal(expected, actual))
            return error_set(
                err, ERROR_REGISTRY,
                "%s: '%s' was asked for, but '%s' came: it was changed or damaged on its way", name,
                expected->text, actual->text);
    } else if (digest_parse(&named, reply->content_digest) && !digest_equal(&named, actual)) {
        return error_set(
            err, ERROR_REGISTRY,
            "%s: the registry said '%s', but '%s' came: it was changed or damaged on its way", name,
            named.text, actual->text);
    }
    return 0;
}

struct js *pull_document(const struct pull_from *from, const char *tag_or_digest,
                         const struct digest *expected, struct http_reply *reply,
                         struct digest *digest, struct error *err)
{
    if (client_manifest(from->client, tag_or_digest, reply, err) != 0 ||
        check_digest(from->name, reply, expected, digest, err) != 0)
        return NULL;

    AUTOPTR(js) document = js_parse(buf_text(&reply->body), reply->body.len, from->name, err);
    if (!document || check_type(from->name, document, reply->content_type, err) != 0) {
        client_censor(from->client, from->name, err);
        return NULL;
    }
    return take(document);
}

/* --- blobs --- */

struct target {
    struct store_writer writer;
    struct log_meter meter;
};

static int restart_target(void *data, struct error *err)
{
    struct target *target = data;
    if (store_writer_restart(&target->writer, err) != 0)
        return -1;
    log_meter_set(&target->meter, 0);
    return 0;
}

static int write_target(void *data, const void *bytes, size_t length, struct error *err)
{
    struct target *target = data;
    if (store_writer_write(&target->writer, bytes, length, err) != 0)
        return -1;
    log_meter_set(&target->meter, target->writer.offset);
    return 0;
}

static void target_release(struct target *target)
{
    store_writer_release(&target->writer);
}

/* Downloads a blob into the store. *resumed: an earlier run has begun the download. */
static int download(const struct pull *pull, const struct descriptor *blob, const char *what,
                    bool *resumed, struct error *err)
{
    AUTO(target) target = {0};
    struct store_writer *writer = &target.writer;
    struct digest digest;

    if (store_writer_open(writer, pull->store, &blob->digest, err) != 0)
        return -1;
    if (writer->done)
        return 0;
    if (writer->offset > blob->size && store_writer_restart(writer, err) != 0)
        return -1;

    *resumed = writer->offset > 0;
    if (*resumed)
        log_step("resume", "%s at byte %llu", blob->digest.text,
                 (unsigned long long)writer->offset);
    snprintf(target.meter.what, sizeof target.meter.what, "%s", what);
    log_meter_start(&target.meter, "fetch", "bytes", writer->offset, blob->size);

    struct client_sink sink = {.size = blob->size,
                               .offset = writer->offset,
                               .restart = restart_target,
                               .write = write_target,
                               .data = &target};
    if (sink.offset < sink.size && client_blob(pull->from.client, &blob->digest, &sink, err) != 0)
        return -1;

    log_meter_end(&target.meter);
    if (store_writer_commit(writer, &digest, err) != 0)
        return error_wrap(err, "%s", pull->from.name);
    return 0;
}

int pull_blob(const struct pull_from *from, const struct store *store,
              const struct descriptor *blob, const char *what, struct error *err)
{
    const struct pull pull = {.from = *from, .store = store};
    bool resumed = false;

    if (store_use(store, &blob->digest, blob->size))
        return 0;
    if (download(&pull, blob, what, &resumed, err) == 0)
        return 0;

    /* The part of an earlier run may have been damaged on disk. The registry is only to blame when
     * a download from the start is wrong as well. */
    if (resumed && err->kind == ERROR_REGISTRY)
        return download(&pull, blob, what, &resumed, err);
    return -1;
}

/* --- the image --- */

static int pull_config(const struct pull *pull, const struct manifest *manifest, struct error *err)
{
    AUTO(buf) text = {0};
    struct digest diff_ids[MANIFEST_LAYERS];
    if (pull_blob(&pull->from, pull->store, &manifest->config, "config", err) != 0 ||
        store_read(pull->store, &manifest->config.digest, MANIFEST_BYTES, &text, err) != 0)
        return -1;

    AUTOPTR(js) config = js_parse(buf_text(&text), text.len, pull->from.name, err);
    if (config &&
        config_read(config, pull->arch, manifest->layer_count, pull->from.name, diff_ids, err) == 0)
        return 0;
    return client_censor(pull->from.client, pull->from.name, err);
}

/* Pulls the config first: it tells whether the layers are of any use. */
static int pull_contents(const struct pull *pull, const struct js *document, struct error *err)
{
    AUTO(manifest) manifest = {0};
    if (manifest_read(document, pull->from.name, &manifest, err) != 0)
        return client_censor(pull->from.client, pull->from.name, err);
    if (pull_config(pull, &manifest, err) != 0)
        return -1;

    for (size_t i = 0; i < manifest.layer_count; i++) {
        const struct descriptor *layer = &manifest.layers[i];
        autofree char *what = xasprintf("layer %zu of %zu", i + 1, manifest.layer_count);
        if (!store_has(pull->store, &layer->digest))
            log_step("fetch", "%s, %.1f MB", what, (double)layer->size / 1e6);
        if (pull_blob(&pull->from, pull->store, layer, what, err) != 0)
            return -1;
    }
    return 0;
}

/* Fetches the platform's manifest that an index names. Its bytes are in reply->body. */
static struct js *fetch_platform(const struct pull *pull, const struct js *index,
                                 struct http_reply *reply, struct digest *digest, struct error *err)
{
    struct descriptor chosen;
    if (index_choose(index, pull->arch, pull->from.name, &chosen, err) != 0) {
        client_censor(pull->from.client, pull->from.name, err);
        return NULL;
    }
    if (chosen.size > MANIFEST_BYTES) {
        error_set(err, ERROR_REGISTRY, "%s: the manifest of this platform is larger than %d bytes",
                  pull->from.name, MANIFEST_BYTES);
        return NULL;
    }

    AUTOPTR(js)
    document = pull_document(&pull->from, chosen.digest.text, &chosen.digest, reply, digest, err);
    if (!document)
        return NULL;
    if (reply->body.len != chosen.size) {
        error_set(err, ERROR_REGISTRY,
                  "%s: the manifest of this platform has %zu bytes, not %llu as the index says",
                  pull->from.name, reply->body.len, (unsigned long long)chosen.size);
        return NULL;
    }

    return take(document);
}

static int pull_documents(const struct pull *pull, const struct reference *reference,
                          struct http_reply *reply, struct digest *digest, struct error *err)
{
    bool pinned = reference->digest.text[0] != '\0';

    AUTOPTR(js)
    document = pull_document(&pull->from, pinned ? reference->digest.text : reference->tag,
                             pinned ? &reference->digest : NULL, reply, digest, err);
    if (!document)
        return -1;

    if (manifest_is_index(document, reply->content_type)) {
        struct js *platform = fetch_platform(pull, document, reply, digest, err);
        if (!platform)
            return -1;
        js_free(document);
        document = platform;
    }

    if (pull_contents(pull, document, err) != 0)
        return -1;

    /* Last, so that the store has a manifest only when it has the manifest's blobs. */
    return store_put(pull->store, buf_text(&reply->body), reply->body.len, digest, err);
}

int pull_image(const struct reference *reference, enum arch arch, const struct store *store,
               const struct client_settings *settings, struct digest *manifest, struct error *err)
{
    AUTO(http_reply) reply = {0};
    autofree char *name = reference_name(reference);
    AUTOPTR(client) client = client_open(reference, settings, err);
    if (!client)
        return -1;

    struct pull pull = {{client, name}, store, arch};
    log_detail("pulling %s for %s", name, arch_lambda(arch));
    return pull_documents(&pull, reference, &reply, manifest, err);
}
