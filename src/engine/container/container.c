#include "engine/container/container.h"

#include "dockerfile/read.h"
#include "dockerfile/text.h"
#include "engine/secrets.h"
#include "engine/work.h"
#include "registry/manifest.h"
#include "support/fs.h"
#include "support/own.h"
#include "support/process.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void container_open(const struct engine_job *job, const char *program,
                    void (*on_line)(struct container *c, const char *line), struct container *c)
{
    *c = (struct container){
        .job = job, .program = program, .dir = job->work->path, .on_line = on_line};
    c->id = xasprintf("lbuild-%s", path_base(c->dir));
}

void container_release(struct container *c)
{
    free(c->id);
    free(c->stage);
    free(c->step);
    free(c->command);
    free(c->failing);
    free(c->verdict);
    strv_release(&c->tail);
    buf_release(&c->pending);
}

/* The context. */

struct target {
    int fd;
    const char *name;
};

static int write_piece(void *data, const void *bytes, size_t length, struct error *err)
{
    const struct target *target = data;
    if (process_check_interrupt(err) != 0)
        return -1;
    return fs_write_fd(target->fd, target->name, bytes, length, err);
}

int container_context(struct container *c, const struct strv *names, char **path, struct error *err)
{
    AUTO(strv) references = {0};
    AUTO(buf) text = {0};
    const struct engine_job *job = c->job;
    for (size_t i = 0; i < job->base_count; i++)
        strv_add(&references, job->bases[i].reference);
    dockerfile_rename(buf_text(&job->dockerfile->text), &references, names, &text);

    autofree char *name = path_join(c->dir, "context.tar");
    autoclose int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct target target = {fd, name};
    if (fd < 0)
        return error_errno(err, ERROR_BUILD, "can't write '%s'", name);
    if (context_write(job->plan, job->context, buf_text(&text), write_piece, &target, err) != 0)
        return -1;
    *path = take(name);
    return 0;
}

/* Layouts. */

static int link_blob(const struct container *c, const struct descriptor *blob, const char *dir,
                     struct error *err)
{
    autofree char *from = store_blob_path(c->job->store, &blob->digest);
    autofree char *to = xasprintf("%s/blobs/sha256/%s", dir, digest_hex(&blob->digest));
    if (link(from, to) == 0 || errno == EEXIST || symlink(from, to) == 0)
        return 0;
    return error_errno(err, ERROR_BUILD, "can't link '%s'", to);
}

static struct js *descriptor_json(const struct descriptor *from, const char *type)
{
    struct js *object = js_object();
    js_set_string(object, "mediaType", type);
    js_set_string(object, "digest", from->digest.text);
    js_set_integer(object, "size", (int64_t)from->size);
    return object;
}

static bool is_gzip(const struct container *c, const struct descriptor *layer)
{
    unsigned char magic[2] = {0};
    uint64_t size;
    autoclose int fd = store_open_blob(c->job->store, &layer->digest, &size, &(struct error){0});
    return fd >= 0 && read(fd, magic, sizeof magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
}

/* Links the config. A config whose history doesn't match its layers gets a matching one: buildah
 * commits nothing on a base without one. */
static int add_config(const struct container *c, const struct base *base, const char *dir,
                      struct descriptor *config, struct error *err)
{
    if (config_history_layers(base->config) == base->layer_count)
        return link_blob(c, config, dir, err);

    AUTO(buf) text = {0};
    AUTOPTR(js) mended = js_copy(base->config);
    js_set(mended, "history", base_history(base, "1970-01-01T00:00:00Z"));
    js_dump(mended, &text);
    if (digest_bytes(text.data, text.len, &config->digest, err) != 0)
        return -1;
    config->size = text.len;
    autofree char *path = xasprintf("%s/blobs/sha256/%s", dir, digest_hex(&config->digest));
    return fs_keep(path, text.data, text.len, err);
}

/* Writes the manifest in OCI's types, as a layout must, and links the blobs. */
static int write_manifest(const struct container *c, const struct base *base,
                          const struct js *document, const char *dir, struct buf *out,
                          struct error *err)
{
    AUTO(manifest) manifest = {0};
    if (manifest_read(document, dir, &manifest, err) != 0 ||
        add_config(c, base, dir, &manifest.config, err) != 0)
        return -1;

    AUTOPTR(js) made = js_object();
    struct js *layers = js_array();
    js_set_integer(made, "schemaVersion", 2);
    js_set_string(made, "mediaType", MEDIA_OCI_MANIFEST);
    js_set(made, "config", descriptor_json(&manifest.config, MEDIA_OCI_CONFIG));
    js_set(made, "layers", layers);

    for (size_t i = 0; i < manifest.layer_count; i++) {
        const struct descriptor *layer = &manifest.layers[i];
        if (link_blob(c, layer, dir, err) != 0)
            return -1;
        js_append(layers, descriptor_json(layer, is_gzip(c, layer) ? MEDIA_OCI_LAYER_GZIP
                                                                   : MEDIA_OCI_LAYER));
    }

    js_dump(made, out);
    return 0;
}

static void write_index(const struct base *base, const struct descriptor *manifest, struct buf *out)
{
    AUTOPTR(js) object = js_object();
    struct js *manifests = js_array(), *entry = descriptor_json(manifest, MEDIA_OCI_MANIFEST),
              *platform = js_object();

    js_set_string(platform, "architecture", js_get_text(base->config, "architecture"));
    js_set_string(platform, "os", "linux");
    js_set(entry, "platform", platform);
    js_append(manifests, entry);
    js_set_integer(object, "schemaVersion", 2);
    js_set(object, "manifests", manifests);
    js_dump(object, out);
}

static int write_layout(const struct container *c, const struct engine_base *base, const char *dir,
                        struct descriptor *manifest, struct error *err)
{
    AUTO(buf) source = {0}, text = {0}, index = {0};
    autofree char *blobs = path_join(dir, "blobs/sha256"), *marker = path_join(dir, "oci-layout");
    autofree char *index_path = path_join(dir, "index.json");
    if (fs_mkdirs(blobs, err) != 0 ||
        store_read(c->job->store, &base->base.manifest, MANIFEST_BYTES, &source, err) != 0)
        return -1;

    AUTOPTR(js) document = js_parse(buf_text(&source), source.len, base->reference, err);
    if (!document || write_manifest(c, &base->base, document, dir, &text, err) != 0 ||
        digest_bytes(text.data, text.len, &manifest->digest, err) != 0)
        return -1;
    manifest->size = text.len;
    write_index(&base->base, manifest, &index);

    autofree char *blob = xasprintf("%s/%s", blobs, digest_hex(&manifest->digest));
    static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
    if (fs_keep(blob, text.data, text.len, err) != 0 ||
        fs_keep(marker, layout, sizeof layout - 1, err) != 0)
        return -1;
    return fs_keep(index_path, index.data, index.len, err);
}

int container_layout(struct container *c, const struct engine_base *base, char **name,
                     char **manifest, struct error *err)
{
    struct descriptor made = {0};
    autofree char *folder = xasprintf("lbuild-base-%.12s", digest_hex(&base->base.manifest)),
                  *path = path_join(c->dir, folder);
    if (write_layout(c, base, path, &made, err) != 0)
        return -1;

    *name = take(folder);
    if (manifest)
        *manifest = xstrdup(made.digest.text);
    return 0;
}

/* Versions. */

char *container_version(const char *program, const char *argument, struct error *err)
{
    AUTO(buf) output = {0}, errors = {0};
    struct process_result result;
    const char *const argv[] = {program, argument, NULL};
    struct process process = {.argv = argv,
                              .input = -1,
                              .output = &output,
                              .errors = &errors,
                              .limit = 4096,
                              .deadline = process_clock() + 10000};
    if (process_run(&process, &result, err) != 0)
        return NULL;

    for (const char *at = buf_text(&output); result.status == 0 && *at; at++) {
        size_t length = strspn(at, "0123456789.");
        if (isdigit((unsigned char)*at) && memchr(at, '.', length))
            return xstrndup(at, length);
        at += length > 1 ? length - 1 : 0;
    }

    error_set(err, ERROR_ENGINE, "'%s %s' printed no version (status %d): %.*s", program, argument,
              result.status, (int)strcspn(buf_text(&errors), "\n"), buf_text(&errors));
    return NULL;
}

bool container_at_least(const char *version, int major, int minor)
{
    int got_major = 0, got_minor = 0;
    return sscanf(version, "%d.%d", &got_major, &got_minor) == 2 &&
           (got_major > major || (got_major == major && got_minor >= minor));
}

/* The command line. */

static void add_pair(struct strv *argv, const char *option, const char *value)
{
    strv_add(argv, option);
    strv_add(argv, value);
}

void container_repeat(struct strv *argv, const char *option, const struct strv *values)
{
    for (size_t i = 0; i < values->len; i++)
        add_pair(argv, option, values->items[i]);
}

void container_options(const struct engine_job *job, struct strv *argv)
{
    const struct engine_options *options = job->options;
    strv_add(argv, "--platform");
    strv_addf(argv, "linux/%s", arch_oci(job->plan->arch));
    if (options->network)
        add_pair(argv, "--network", options->network);
    if (options->no_cache)
        strv_add(argv, "--no-cache");
    if (options->target)
        add_pair(argv, "--target", options->target);

    container_repeat(argv, "--build-arg", &options->build_args);
    container_repeat(argv, "--cache-from", &options->cache_from);
}

void container_secrets(const struct engine_job *job, struct strv *argv)
{
    for (size_t i = 0; i < job->secrets->len; i++) {
        strv_add(argv, "--secret");
        strv_take(argv, secret_option(&job->secrets->items[i]));
    }

    for (size_t i = 0; i < job->secrets->ssh_len; i++) {
        strv_add(argv, "--ssh");
        strv_take(argv, secret_ssh_option(&job->secrets->ssh[i]));
    }
}
