#include "base/base.h"

#include "layer/rootfs.h"
#include "registry/manifest.h"
#include "support/gzip.h"
#include "support/log.h"
#include "support/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BASE_SOURCE(name) extern const struct base_source base_source_##name;
#include "base/list.h"
#undef BASE_SOURCE

static const struct base_source *const base_sources[] = {
#define BASE_SOURCE(name) &base_source_##name,
#include "base/list.h"
#undef BASE_SOURCE
    NULL,
};

/* Returns NULL only for the empty reference. */
static const struct base_source *source_of(const char *reference)
{
    for (size_t i = 0; base_sources[i] && reference[0]; i++) {
        const char *prefix = base_sources[i]->prefix;
        if (!prefix || strncmp(reference, prefix, strlen(prefix)) == 0)
            return base_sources[i];
    }
    return NULL;
}

bool base_is_file(const char *reference)
{
    const struct base_source *source = source_of(reference);
    return source && source->prefix;
}

static const struct base_source *find_source(const char *reference, struct error *err)
{
    const struct base_source *source = source_of(reference);
    if (source)
        return source;

    error_set(
        err, ERROR_PROJECT,
        "'%s' is not a base image; write an image reference, scratch, oci:DIR, oci-archive:FILE or "
        "docker-archive:FILE",
        reference);
    return NULL;
}

static struct js *read_json(const struct store *store, const struct digest *digest,
                            const char *where, struct error *err)
{
    AUTO(buf) text = {0};
    if (store_read(store, digest, MANIFEST_BYTES, &text, err) != 0)
        return NULL;
    return js_parse(buf_text(&text), text.len, where, err);
}

/* --- layers of the store, as gzip --- */

static int packed_sink(void *data, const void *bytes, size_t length, struct error *err)
{
    return store_writer_write(data, bytes, length, err);
}

static int feed(int fd, struct gzip_writer *writer, struct digest *digest, struct error *err)
{
    enum { PIECE = 256 * 1024 };
    autofree char *piece = xmalloc(PIECE);
    AUTO(digest_context) context = {0};
    if (digest_init(&context, err) != 0)
        return -1;

    for (;;) {
        ssize_t got = read(fd, piece, PIECE);
        if (process_check_interrupt(err) != 0)
            return -1;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_errno(err, ERROR_BUILD, "can't read the layer");
        if (got == 0)
            break;
        digest_update(&context, piece, (size_t)got);
        if (gzip_writer_write(writer, piece, (size_t)got, err) != 0)
            return -1;
    }

    digest_final(&context, digest);
    return gzip_writer_finish(writer, err);
}

/* Compresses a plain layer of the store: Lambda accepts only gzip. */
static int compress(const struct store *store, const struct digest *plain, int fd,
                    struct digest *packed, struct error *err)
{
    struct digest actual;
    AUTO(store_writer) blob = {0};
    log_step("compress", "the base's layer %.19s is not compressed, and Lambda accepts only gzip",
             plain->text);

    if (store_writer_open(&blob, store, NULL, err) != 0)
        return -1;
    AUTOPTR(gzip_writer) writer = gzip_writer_open(packed_sink, &blob, GZIP_DEFAULT, 0, err);
    if (!writer || feed(fd, writer, &actual, err) != 0)
        return -1;

    if (!digest_equal(plain, &actual)) {
        store_discard(store, plain);
        return error_set(
            err, ERROR_REGISTRY,
            "the layer '%s' was damaged on disk and has been removed from the cache; build again",
            plain->text);
    }

    return store_writer_commit(&blob, packed, err);
}

/* Finds or makes the gzip of a plain layer; the store remembers which it is. */
static int find_packed(const struct store *store, enum arch arch, const struct digest *plain,
                       int fd, struct digest *packed, struct error *err)
{
    autofree char *key = xasprintf("=gzip of %s", plain->text);
    int known = store_ref_get(store, key, arch, packed, err);
    if (known < 0)
        return -1;
    if (known == 1 && store_has(store, packed))
        return 0;

    if (compress(store, plain, fd, packed, err) != 0)
        return -1;
    return store_ref_set(store, key, arch, packed, err);
}

/* Keeps a layer that is gzip, and replaces a plain one with its gzip. */
static int as_gzip(const struct store *store, enum arch arch, struct base_layer *layer,
                   struct error *err)
{
    unsigned char magic[2] = {0};
    struct digest packed;
    autoclose int fd = store_open_blob(store, &layer->digest, &layer->size, err);
    if (fd < 0)
        return -1;

    ssize_t got = pread(fd, magic, sizeof magic, 0);
    if (got < 0)
        return error_errno(err, ERROR_BUILD, "can't read the layer '%s'", layer->digest.text);
    /* gzip, or zstd, which listing_make refuses with the right message. */
    if (got == 2 &&
        ((magic[0] == 0x1f && magic[1] == 0x8b) || (magic[0] == 0x28 && magic[1] == 0xb5)))
        return 0;

    if (find_packed(store, arch, &layer->digest, fd, &packed, err) != 0)
        return -1;
    autoclose int opened = store_open_blob(store, &packed, &layer->size, err);
    if (opened < 0 || !store_use(store, &packed, layer->size))
        return -1;
    layer->digest = packed;
    return 0;
}

static int read_layers(const struct store *store, enum arch arch, const struct manifest *manifest,
                       const struct digest *diff_ids, struct base *base, struct error *err)
{
    base->layers = xcalloc(manifest->layer_count, sizeof *base->layers);

    for (size_t i = 0; i < manifest->layer_count; i++) {
        struct base_layer *layer = &base->layers[base->layer_count++];
        *layer = (struct base_layer){manifest->layers[i].digest, diff_ids[i], 0};
        if (as_gzip(store, arch, layer, err) != 0 ||
            listing_make(store, &layer->digest, &layer->diff_id, err) != 0)
            return -1;
    }
    return 0;
}

/* --- images of the store --- */

/* Marks the config and all layers as used, and returns whether the store has every one of them. */
static bool has_blobs(const struct store *store, const struct manifest *manifest)
{
    bool whole = store_use(store, &manifest->config.digest, manifest->config.size);
    for (size_t i = 0; i < manifest->layer_count; i++)
        whole = store_use(store, &manifest->layers[i].digest, manifest->layers[i].size) && whole;
    return whole;
}

/* Fills `base` from the store. Returns 1, 0 when a blob is missing or damaged, -1 when lbuild can't
 * use the image. */
static int read_base(const struct base_request *request, const struct store *store,
                     const struct digest *digest, const char *where, struct base *base,
                     struct error *err)
{
    AUTO(manifest) manifest = {0};
    if (!store_has(store, digest))
        return 0;

    AUTOPTR(js) document = read_json(store, digest, where, err);
    if (!document)
        return store_has(store, digest) ? -1 : 0; /* the store removes a damaged blob */
    if (manifest_read(document, where, &manifest, err) != 0)
        return -1;
    if (!has_blobs(store, &manifest))
        return 0;

    base->config = read_json(store, &manifest.config.digest, where, err);
    if (!base->config)
        return store_has(store, &manifest.config.digest) ? -1 : 0;

    autofree struct digest *diff_ids = xcalloc(manifest.layer_count, sizeof *diff_ids);
    if (config_read(base->config, request->arch, manifest.layer_count, where, diff_ids, err) != 0)
        return -1;
    if (read_layers(store, request->arch, &manifest, diff_ids, base, err) != 0)
        return error_wrap(err, "%s", where);
    base->manifest = *digest;
    return 1;
}

/* Whether the layers make one tree. Checked once, when an image is new to the store. */
static int check_tree(const struct base *base, const struct store *store, const char *where,
                      struct error *err)
{
    autofree struct digest *layers = xcalloc(base->layer_count, sizeof *layers);
    for (size_t i = 0; i < base->layer_count; i++)
        layers[i] = base->layers[i].digest;

    AUTOPTR(rootfs) rootfs = rootfs_load(store, layers, base->layer_count, err);
    return rootfs ? 0 : error_wrap(err, "%s", where);
}

static bool load_scratch(const struct base_request *request, struct base *base)
{
    *base = (struct base){.reference = xstrdup(request->reference)};
    base->scratch = strcmp(request->reference, "scratch") == 0;
    return base->scratch;
}

/* Does what base_peek does, for an image of `source`. *key and base->name are set unless
 * there is an error. */
static int recall(const struct base_source *source, const struct base_request *request,
                  const struct store *store, char **key, struct base *base, struct error *err)
{
    struct digest digest;
    autofree char *where = xasprintf("base image '%s'", request->reference);
    if (source->identify(request, key, &base->name, err) != 0)
        return -1;

    base->answer = store_ref_path(store, *key, request->arch);
    int found = store_ref_get(store, *key, request->arch, &digest, err);
    return found == 1 ? read_base(request, store, &digest, where, base, err) : found;
}

static void forget(struct base *base)
{
    js_free(base->config);
    free(base->layers);
    base->config = NULL;
    base->layers = NULL;
    base->layer_count = 0;
}

static int pull(const struct base_source *source, const struct base_request *request,
                const struct store *store, const char *key, struct base *base, struct error *err)
{
    struct digest digest = {0};
    autofree char *where = xasprintf("base image '%s'", request->reference), *name = NULL;

    log_step("base", "%s for %s", request->reference, arch_lambda(request->arch));
    if (source->fetch(request, store, &digest, &name, err) != 0)
        return -1;
    if (name) {
        free(base->name);
        base->name = take(name);
    }

    int found = read_base(request, store, &digest, where, base, err);
    if (found == 0)
        return error_set(
            err, ERROR_REGISTRY,
            "%s: the image is incomplete: a blob is missing, or doesn't have the size that the "
            "manifest says",
            where);
    if (found < 0 || check_tree(base, store, where, err) != 0)
        return -1;
    return store_ref_set(store, key, request->arch, &digest, err);
}

static int load(const struct base_request *request, const struct store *store, struct base *base,
                struct error *err)
{
    autofree char *key = NULL;
    const struct base_source *source = find_source(request->reference, err);
    if (!source)
        return -1;

    if (request->pull == PULL_ALWAYS) {
        if (source->identify(request, &key, &base->name, err) != 0)
            return -1;
    } else {
        int found = recall(source, request, store, &key, base, err);
        if (found != 0)
            return found == 1 ? 0 : -1;
        forget(base);
    }

    return pull(source, request, store, key, base, err);
}

int base_load(const struct base_request *request, const struct store *store, struct base *base,
              struct error *err)
{
    if (load_scratch(request, base) || load(request, store, base, err) == 0)
        return 0;
    base_release(base);
    return -1;
}

int base_peek(const struct base_request *request, const struct store *store, struct base *base,
              struct error *err)
{
    autofree char *key = NULL;
    if (load_scratch(request, base))
        return 1;

    const struct base_source *source = find_source(request->reference, err);
    int found = source ? recall(source, request, store, &key, base, err) : -1;
    if (found != 1)
        base_release(base);
    return found;
}

void base_release(struct base *base)
{
    forget(base);
    free(base->reference);
    free(base->name);
    free(base->answer);
    *base = (struct base){0};
}

struct js *base_history(const struct base *base, const char *created)
{
    const struct js *old = js_get(base->config, "history");
    struct js *history = js_array();
    size_t layers = 0;

    for (size_t i = 0; i < js_count(old); i++) {
        if (!js_is_object(js_at(old, i)))
            continue;
        struct js *entry = js_copy(js_at(old, i));
        if (!js_is_true(js_get(entry, "empty_layer"))) {
            if (layers < base->layer_count)
                layers++;
            else
                js_set(entry, "empty_layer", js_boolean(true));
        }
        js_append(history, entry);
    }

    for (; layers < base->layer_count; layers++) {
        struct js *entry = js_object();
        js_set_string(entry, "created", created);
        js_set_string(entry, "created_by", "(not recorded in the base image)");
        js_append(history, entry);
    }

    return history;
}
