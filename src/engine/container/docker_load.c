#include "engine/container/docker_load.h"

#include "engine/container/buildkit.h"
#include "registry/manifest.h"
#include "support/fs.h"
#include "support/log.h"
#include "support/own.h"
#include "support/process.h"
#include "support/tar.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 256 * 1024 };

static char *base_name(const struct base *base)
{
    return xasprintf("lbuild-base:%s", digest_hex(&base->manifest));
}

static int write_piece(void *data, const void *bytes, size_t length, struct error *err)
{
    const struct atomic *file = data;
    return fs_write_fd(file->fd, file->path, bytes, length, err);
}

static int add_blob(struct tar_writer *tar, const struct store *store, const struct digest *digest,
                    const char *suffix, struct error *err)
{
    uint64_t size = 0;
    autofree char *path = xasprintf("%s%s", digest_hex(digest), suffix), *piece = xmalloc(PIECE);
    autoclose int fd = store_open_blob(store, digest, &size, err);
    const struct tar_entry entry = {
        .path = path, .type = TAR_FILE, .mode = 0644, .size = (int64_t)size};
    if (fd < 0 || tar_writer_entry(tar, &entry, err) != 0)
        return -1;

    for (uint64_t left = size; left > 0;) {
        ssize_t got = read(fd, piece, left < PIECE ? (size_t)left : PIECE);
        if (got <= 0)
            return error_set(err, ERROR_BUILD,
                             "a cached image changed while it was read: '%s'; build again",
                             digest->text);
        if (tar_writer_data(tar, piece, (size_t)got, err) != 0)
            return -1;
        left -= (uint64_t)got;
    }
    return 0;
}

static int add_text(struct tar_writer *tar, const char *path, const struct buf *text,
                    struct error *err)
{
    const struct tar_entry entry = {
        .path = path, .type = TAR_FILE, .mode = 0644, .size = (int64_t)text->len};
    if (tar_writer_entry(tar, &entry, err) != 0)
        return -1;
    return tar_writer_data(tar, text->data, text->len, err);
}

/* The digest of the image's config, which is docker's image ID. */
static int config_of(const struct base *base, const struct store *store, struct digest *out,
                     struct error *err)
{
    AUTO(buf) text = {0};
    AUTO(manifest) manifest = {0};
    if (store_read(store, &base->manifest, MANIFEST_BYTES, &text, err) != 0)
        return -1;
    AUTOPTR(js) document = js_parse(text.data, text.len, base->reference, err);
    if (!document || manifest_read(document, base->reference, &manifest, err) != 0)
        return -1;
    *out = manifest.config.digest;
    return 0;
}

/* manifest.json of the archive. */
static void describe(const struct base *base, const struct digest *config, struct buf *out)
{
    AUTOPTR(js) all = js_array();
    struct js *entry = js_object(), *names = js_array(), *layers = js_array();
    autofree char *name = base_name(base), *config_path = xasprintf("%s.json", digest_hex(config));
    js_append(all, entry);
    js_set_string(entry, "Config", config_path);
    js_append(names, js_string(name));
    js_set(entry, "RepoTags", names);

    for (size_t i = 0; i < base->layer_count; i++) {
        autofree char *layer = xasprintf("%s.tar.gz", digest_hex(&base->layers[i].digest));
        js_append(layers, js_string(layer));
    }
    js_set(entry, "Layers", layers);
    js_dump(all, out);
}

/* An archive as `docker save` writes it (moby, image/tarexport): manifest.json, the config and the
 * layers, which may be compressed. */
static int write_archive(const struct base *base, const struct digest *config,
                         const struct store *store, const char *path, struct error *err)
{
    AUTO(atomic) file = ATOMIC_INIT;
    AUTO(buf) text = {0};
    describe(base, config, &text);
    if (atomic_open(&file, path, 0600, err) != 0)
        return -1;
    file.lazy = true;

    AUTOPTR(tar_writer) tar = tar_writer_open(write_piece, &file, err);
    if (!tar || add_text(tar, "manifest.json", &text, err) != 0 ||
        add_blob(tar, store, config, ".json", err) != 0)
        return -1;

    for (size_t i = 0; i < base->layer_count; i++)
        if (add_blob(tar, store, &base->layers[i].digest, ".tar.gz", err) != 0)
            return -1;
    return tar_writer_finish(tar, err) != 0 ? -1 : atomic_commit(&file, err);
}

static int load(const char *archive, const struct base *base, int64_t deadline, struct error *err)
{
    AUTO(buf) said = {0};
    struct process_result result;
    const char *const argv[] = {"docker", "image", "load", "--quiet", "--input", archive, NULL};
    const struct process process = {
        .argv = argv, .input = -1, .errors = &said, .deadline = deadline};
    if (process_run(&process, &result, err) != 0)
        return -1;

    if (result.status == 0)
        return 0;
    autofree char *words = buildkit_words(&said);
    return error_set(err, ERROR_ENGINE, "docker can't load the image '%s': %.600s", base->reference,
                     words);
}

/* Makes sure that the daemon has the base under its name: tags an image that it has under another
 * name, or loads an archive that is written to the work folder meanwhile. */
static int provide(const struct container *c, const struct base *base, struct error *err)
{
    const struct store *store = c->job->store;
    AUTO(buf) said = {0};
    struct digest config;
    autofree char *name = base_name(base), *archive = path_join(c->dir, "base.tar");
    const char *const look[] = {"docker", "image", "inspect", "--format", "{{.Id}}", name, NULL};
    const char *const tag[] = {"docker", "image", "tag", config.text, name, NULL};

    int status = buildkit_ask(look, &said, err);
    if (status <= 0)
        return status;
    if (config_of(base, store, &config, err) != 0)
        return -1;
    status = buildkit_ask(tag, &said, err);
    if (status <= 0)
        return status;

    log_step("load", "%s into docker", base->reference);
    if (write_archive(base, &config, store, archive, err) != 0 ||
        load(archive, base, c->job->deadline, err) != 0)
        return -1;
    return fs_remove(archive, err);
}

int docker_base_names(struct container *c, struct strv *names, struct error *err)
{
    const struct engine_job *job = c->job;
    for (size_t i = 0; i < job->base_count; i++) {
        strv_take(names, base_name(&job->bases[i].base));
        if (provide(c, &job->bases[i].base, err) != 0)
            return -1;
    }
    return 0;
}
