#include "base/docker_names.h"
#include "base/file.h"
#include "layer/listing.h"
#include "support/fs.h"
#include "support/gzip.h"
#include "support/log.h"
#include "support/process.h"
#include "support/strv.h"
#include "support/tar.h"

#include <stdlib.h>
#include <string.h>

/* "docker-archive:FILE[:NAME]": the output of `docker save`, in the old form (HEX/layer.tar,
 * HEX.json) and in the new one (an OCI layout with a manifest.json). Most of its layers are plain
 * tar: they go into the store as gzip, under an OCI manifest made here. The archive is read up to
 * three times, because manifest.json, which names the other files, may come last. */

static int identify(const struct base_request *request, char **key, char **name, struct error *err)
{
    (void)name;
    return file_reference_key(request, "", key, err);
}

/* One image of the archive. */
struct import {
    const struct store *store;
    const struct base_request *request;
    const char *path;
    struct buf manifest, config;
    struct strv seen;
    struct strv links; /* "NAME" and "TARGET" in turns: the second copy of a layer is a link */
    char *config_name;
    struct strv layer_names; /* as clean paths, links followed */
    struct digest config_digest, *diff_ids, *layers;
};

static void import_release(struct import *import)
{
    buf_release(&import->manifest);
    buf_release(&import->config);
    strv_release(&import->seen);
    strv_release(&import->links);
    strv_release(&import->layer_names);
    free(import->config_name);
    free(import->diff_ids);
    free(import->layers);
}

typedef int (*visit)(struct import *import, struct tar_reader *reader,
                     const struct tar_entry *entry, const char *path, struct error *err);

static int read_archive(struct import *import, visit each, struct error *err)
{
    struct tar_entry entry;
    int more = 0;
    AUTOPTR(tar_reader) reader = tar_reader_open_file(import->path, err);
    if (!reader)
        return -1;

    while ((more = tar_reader_next(reader, &entry, err)) == 1) {
        autofree char *path = path_clean(entry.path);
        if (!path)
            return error_set(err, ERROR_REGISTRY, "the name '%.200s' leads out of the archive",
                             entry.path);
        if (process_check_interrupt(err) != 0 || each(import, reader, &entry, path, err) != 0)
            return -1;
    }
    return more;
}

static int read_small(struct tar_reader *reader, const struct tar_entry *entry, struct buf *out,
                      struct error *err)
{
    int64_t length = 0;
    buf_clear(out);
    if (entry->size > MANIFEST_BYTES)
        return error_set(err, ERROR_REGISTRY, "'%s' in it is larger than %d bytes", entry->path,
                         MANIFEST_BYTES);

    while ((length = tar_reader_read(reader, buf_reserve(out, 65536), 65536, err)) > 0)
        out->len += (size_t)length;
    return length < 0 ? -1 : 0;
}

static int see_manifest(struct import *import, struct tar_reader *reader,
                        const struct tar_entry *entry, const char *path, struct error *err)
{
    if (entry->type == TAR_DIR || entry->type == TAR_OTHER)
        return 0;
    if (file_name_once(&import->seen, path, err) != 0)
        return -1;
    if (entry->type == TAR_FILE && strcmp(path, "manifest.json") == 0)
        return read_small(reader, entry, &import->manifest, err);

    if (entry->type != TAR_FILE) {
        autofree char *dir = path_dir(path), *joined = path_join(dir, entry->link);
        char *target = path_clean(entry->type == TAR_SYMLINK ? joined : entry->link);
        if (target) {
            strv_add(&import->links, path);
            strv_take(&import->links, target);
        }
    }
    return 0;
}

static int see_config(struct import *import, struct tar_reader *reader,
                      const struct tar_entry *entry, const char *path, struct error *err)
{
    if (entry->type != TAR_FILE || strcmp(path, import->config_name) != 0)
        return 0;
    return read_small(reader, entry, &import->config, err);
}

/* Writes a layer into the store, through gzip unless it is compressed already. */
struct sink {
    struct store_writer blob;
    struct gzip_writer *gzip;
};

static void sink_release(struct sink *sink)
{
    gzip_writer_free(sink->gzip);
    store_writer_release(&sink->blob);
}

static int packed(void *data, const void *bytes, size_t length, struct error *err)
{
    return store_writer_write(data, bytes, length, err);
}

/* By the magic bytes of gzip and zstd. */
static bool is_compressed(const unsigned char *bytes, int64_t length)
{
    return length >= 2 &&
           ((bytes[0] == 0x1f && bytes[1] == 0x8b) || (bytes[0] == 0x28 && bytes[1] == 0xb5));
}

static int copy_layer(struct import *import, struct tar_reader *reader, struct digest *out,
                      struct error *err)
{
    enum { PIECE = 256 * 1024 };
    autofree unsigned char *piece = xmalloc(PIECE);
    AUTO(sink) sink = {0};
    bool first = true;
    int64_t length = 0;

    if (store_writer_open(&sink.blob, import->store, NULL, err) != 0)
        return -1;

    while ((length = tar_reader_read(reader, piece, PIECE, err)) > 0 || first) {
        if (process_check_interrupt(err) != 0 || length < 0)
            return -1;
        if (first && !is_compressed(piece, length) &&
            !(sink.gzip = gzip_writer_open(packed, &sink.blob, GZIP_DEFAULT, 0, err)))
            return -1;
        first = false;
        if (sink.gzip ? gzip_writer_write(sink.gzip, piece, (size_t)length, err) != 0
                      : store_writer_write(&sink.blob, piece, (size_t)length, err) != 0)
            return -1;
    }

    if (length < 0 || (sink.gzip && gzip_writer_finish(sink.gzip, err) != 0))
        return -1;
    return store_writer_commit(&sink.blob, out, err);
}

/* The key under which the store remembers the compressed layer, so that the next reading of the
 * archive need not compress it again. */
static char *layer_key(const struct digest *diff_id)
{
    return xasprintf("=layer of %s", diff_id->text);
}

static int see_layer(struct import *import, struct tar_reader *reader,
                     const struct tar_entry *entry, const char *path, struct error *err)
{
    struct digest blob = {0};
    if (entry->type != TAR_FILE)
        return 0;

    for (size_t i = 0; i < import->layer_names.len; i++) {
        if (strcmp(import->layer_names.items[i], path) != 0 || import->layers[i].text[0])
            continue;
        if (!blob.text[0] && copy_layer(import, reader, &blob, err) != 0)
            return -1;
        autofree char *key = layer_key(&import->diff_ids[i]);
        if (listing_make(import->store, &blob, &import->diff_ids[i], err) != 0 ||
            store_ref_set(import->store, key, import->request->arch, &blob, err) != 0)
            return -1;
        import->layers[i] = blob;
    }
    return 0;
}

/* Follows links between entries of the archive. Gives up in a cycle after 40 links, at a name that
 * is not a file. Caller frees. */
static char *follow(const struct import *import, const char *name)
{
    char *path = path_clean(name);

    for (int hops = 0; path && hops < 40; hops++) {
        const char *target = NULL;
        for (size_t i = 0; i + 1 < import->links.len && !target; i += 2)
            if (strcmp(import->links.items[i], path) == 0)
                target = import->links.items[i + 1];
        if (!target)
            break;
        free(path);
        path = xstrdup(target);
    }
    return path;
}

static int read_layer_names(struct import *import, const struct js *layers, struct error *err)
{
    for (size_t i = 0; i < js_count(layers); i++) {
        const char *name = js_text(js_at(layers, i));
        char *path = name ? follow(import, name) : NULL;
        if (!path)
            return error_set(err, ERROR_REGISTRY,
                             "the layer '%.200s' in its manifest.json leads out of the archive",
                             name ? name : "?");
        strv_take(&import->layer_names, path);
    }
    return 0;
}

static int read_manifest(struct import *import, const char *tag, struct error *err)
{
    if (read_archive(import, see_manifest, err) != 0)
        return -1;
    if (import->manifest.len == 0)
        return error_set(
            err, ERROR_REGISTRY,
            "it is not the output of 'docker save': there is no manifest.json in it; for an OCI "
            "layout write oci-archive:");

    AUTOPTR(js)
    list = js_parse(buf_text(&import->manifest), import->manifest.len, "manifest.json", err);
    const struct js *image = list ? docker_names_choose(list, tag, err) : NULL;
    if (!image)
        return -1;

    const struct js *layers = js_get(image, "Layers");
    const char *config = js_get_text(image, "Config");
    if (!config)
        return error_set(err, ERROR_REGISTRY, "its manifest.json names no config");
    if (js_count(layers) > MANIFEST_LAYERS)
        return error_set(err, ERROR_REGISTRY, "it has more than 127 layers");
    import->config_name = follow(import, config);
    if (read_layer_names(import, layers, err) != 0)
        return -1;
    if (!import->config_name)
        return error_set(err, ERROR_REGISTRY, "the config '%.200s' leads out of the archive",
                         config);
    return 0;
}

/* In both forms of the archive the config is named by its digest. */
static int read_config(struct import *import, struct error *err)
{
    struct digest named;
    size_t count = import->layer_names.len;
    if (read_archive(import, see_config, err) != 0)
        return -1;
    if (import->config.len == 0)
        return error_set(err, ERROR_REGISTRY, "its config '%.200s' is missing",
                         import->config_name);

    if (store_put(import->store, import->config.data, import->config.len, &import->config_digest,
                  err) != 0)
        return -1;

    const char *base = path_base(import->config_name);
    autofree char *text = xasprintf("sha256:%.*s", (int)strcspn(base, "."), base);
    if (digest_parse(&named, text) && !digest_equal(&named, &import->config_digest))
        return error_set(err, ERROR_REGISTRY,
                         "its config '%.200s' is damaged: it has the digest '%s'",
                         import->config_name, import->config_digest.text);

    AUTOPTR(js) config = js_parse(import->config.data, import->config.len, "the config", err);
    import->diff_ids = xcalloc(count, sizeof *import->diff_ids);
    import->layers = xcalloc(count, sizeof *import->layers);
    if (!config)
        return -1;
    return config_read(config, import->request->arch, count, "the archive", import->diff_ids, err);
}

static int read_layers(struct import *import, struct error *err)
{
    bool missing = false;

    for (size_t i = 0; i < import->layer_names.len; i++) {
        struct digest blob;
        autofree char *key = layer_key(&import->diff_ids[i]);
        int found = store_ref_get(import->store, key, import->request->arch, &blob, err);
        if (found < 0)
            return -1;
        if (found == 1 && store_has(import->store, &blob))
            import->layers[i] = blob;
        else
            missing = true;
    }

    if (missing && read_archive(import, see_layer, err) != 0)
        return -1;
    for (size_t i = 0; i < import->layer_names.len; i++)
        if (!import->layers[i].text[0])
            return error_set(err, ERROR_REGISTRY, "its layer '%.200s' is missing",
                             import->layer_names.items[i]);
    return 0;
}

static struct js *descriptor(const char *type, const struct digest *digest, uint64_t size)
{
    struct js *made = js_object();
    js_set_string(made, "mediaType", type);
    js_set_string(made, "digest", digest->text);
    js_set_integer(made, "size", (int64_t)size);
    return made;
}

static int write_manifest(const struct import *import, struct digest *manifest, struct error *err)
{
    AUTO(buf) text = {0};
    AUTOPTR(js) made = js_object();
    AUTOPTR(js) layers = js_array();

    js_set_integer(made, "schemaVersion", 2);
    js_set_string(made, "mediaType", MEDIA_OCI_MANIFEST);
    js_set(made, "config",
           descriptor(MEDIA_OCI_CONFIG, &import->config_digest, import->config.len));

    for (size_t i = 0; i < import->layer_names.len; i++) {
        uint64_t size = 0;
        autoclose int fd = store_open_blob(import->store, &import->layers[i], &size, err);
        if (fd < 0)
            return -1;
        js_append(layers, descriptor(MEDIA_OCI_LAYER_GZIP, &import->layers[i], size));
    }

    js_set(made, "layers", take(layers));
    js_dump(made, &text);
    return store_put(import->store, text.data, text.len, manifest, err);
}

static int fetch(const struct base_request *request, const struct store *store,
                 struct digest *manifest, char **name, struct error *err)
{
    AUTO(file_reference) reference = {0};
    AUTO(import) import = {.store = store, .request = request};
    (void)name;
    if (file_reference_parse(request, &reference, err) != 0)
        return -1;

    import.path = reference.path;
    if (read_manifest(&import, reference.tag, err) != 0 || read_config(&import, err) != 0 ||
        read_layers(&import, err) != 0 || write_manifest(&import, manifest, err) != 0)
        return error_wrap(err, "base image '%s'", request->reference);
    return 0;
}

const struct base_source base_source_docker_archive = {
    .prefix = "docker-archive:",
    .identify = identify,
    .fetch = fetch,
};
