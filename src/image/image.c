#include "image/image.h"

#include "config.h"
#include "registry/manifest.h"
#include "support/rfc3339.h"

#include <stdlib.h>
#include <string.h>

#define BASE_NAME "org.opencontainers.image.base.name"
#define BASE_DIGEST "org.opencontainers.image.base.digest"

void image_release(struct image *image)
{
    free(take(image->variant));
    free(take(image->name));
    strv_release(&image->tags);
    buf_release(&image->config);
    buf_release(&image->manifest);
    free(take(image->layers));
    image->layer_count = 0;
}

/* Only times that rfc3339 can write. */
static int check_time(int64_t epoch, struct error *err)
{
    if (epoch >= 0 && epoch <= INT64_C(253402300799))
        return 0;
    return error_set(err, ERROR_PROJECT,
                     "the time %lld is not between the years 1970 and 9999; set SOURCE_DATE_EPOCH",
                     (long long)epoch);
}

static int bad_base(const struct base *base, const char *what, struct error *err)
{
    return error_set(err, ERROR_REGISTRY, "%s: the base image's config %s", base->reference, what);
}

/* A copy of a member that must be an object if it exists, or a new object. */
static struct js *copy_object(const struct base *base, const struct js *parent, const char *key,
                              struct error *err)
{
    const struct js *value = js_get(parent, key);
    if (!value)
        return js_object();
    if (js_is_object(value))
        return js_copy(value);
    autofree char *what = xasprintf("has a '%s' that isn't an object", key);
    bad_base(base, what, err);
    return NULL;
}

static struct js *string_array(const struct strv *words)
{
    struct js *array = js_array();
    for (size_t i = 0; i < words->len; i++)
        js_append(array, js_string(words->items[i]));
    return array;
}

/* The last pair with this name, or NULL. */
static const struct plan_pair *find_pair(const struct plan_pairs *pairs, const char *name,
                                         size_t length)
{
    for (size_t i = pairs->len; i-- > 0;)
        if (strlen(pairs->items[i].name) == length &&
            strncmp(pairs->items[i].name, name, length) == 0)
            return &pairs->items[i];
    return NULL;
}

/* Like docker: a variable of the base is replaced in its place, and a new one goes to the end. */
static int merge_env(struct js *config, const struct base *base, const struct plan_pairs *env,
                     struct error *err)
{
    const struct js *old = js_get(config, "Env");
    AUTO(strv) lines = {0};
    autofree bool *placed = xcalloc(env->len, sizeof *placed);

    if (old && !js_is_array(old))
        return bad_base(base, "has an 'Env' that isn't a list", err);

    for (size_t i = 0; i < js_count(old); i++) {
        const char *line = js_text(js_at(old, i));
        if (!line)
            return bad_base(base, "has an entry of 'Env' that isn't text", err);
        const struct plan_pair *pair = find_pair(env, line, strcspn(line, "="));
        if (!pair)
            strv_add(&lines, line);
        else if (!placed[pair - env->items])
            strv_addf(&lines, "%s=%s", pair->name, pair->value);
        if (pair)
            placed[pair - env->items] = true;
    }

    for (size_t i = 0; i < env->len; i++) {
        const struct plan_pair *pair =
            find_pair(env, env->items[i].name, strlen(env->items[i].name));
        if (!pair || placed[pair - env->items])
            continue;
        strv_addf(&lines, "%s=%s", pair->name, pair->value);
        placed[pair - env->items] = true;
    }

    if (lines.len > 0)
        js_set(config, "Env", string_array(&lines));
    return 0;
}

static void collect_key(void *data, const char *key, const struct js *value)
{
    (void)value;
    strv_add(data, key);
}

/* The same members, sorted by the bytes of their names, so that the order of setting
 * them doesn't matter. */
static struct js *sorted(const struct js *object)
{
    AUTO(strv) keys = {0};
    struct js *out = js_object();
    js_each(object, collect_key, &keys);
    strv_sort(&keys);

    for (size_t i = 0; i < keys.len; i++) {
        const char *text = js_get_text(object, keys.items[i]);
        js_set_string(out, keys.items[i], text ? text : "");
    }
    return out;
}

static void set_pairs(struct js *object, const struct plan_pairs *pairs)
{
    for (size_t i = 0; i < pairs->len; i++)
        js_set_string(object, pairs->items[i].name, pairs->items[i].value);
}

/* Sets the annotations, which tools look for in two places. The plan names the image's base, so the
 * base's own annotations about its base are dropped. */
static void set_annotations(struct js *object, const struct plan *plan)
{
    js_remove(object, BASE_NAME);
    js_remove(object, BASE_DIGEST);
    set_pairs(object, &plan->annotations);
}

static int set_labels(struct js *config, const struct base *base, const struct plan *plan,
                      struct error *err)
{
    AUTOPTR(js) labels = copy_object(base, config, "Labels", err);
    if (!labels)
        return -1;

    set_annotations(labels, plan);
    set_pairs(labels, &plan->labels);

    AUTO(strv) names = {0};
    js_each(labels, collect_key, &names);
    if (names.len > 0)
        js_set(config, "Labels", sorted(labels));
    return 0;
}

/* The "config" member, which says how a container is started. */
static struct js *run_config(const struct base *base, const struct plan *plan, struct error *err)
{
    AUTOPTR(js) config = copy_object(base, base->config, "config", err);
    if (!config || merge_env(config, base, &plan->env, err) != 0)
        return NULL;

    if (plan->entrypoint.len > 0) {
        js_set(config, "Entrypoint", string_array(&plan->entrypoint));
        js_remove(config, "Cmd"); /* the base's words are for its own entry point */
    }
    if (plan->cmd.len > 0)
        js_set(config, "Cmd", string_array(&plan->cmd));
    if (plan->workdir)
        js_set_string(config, "WorkingDir", plan->workdir);

    if (set_labels(config, base, plan, err) != 0)
        return NULL;
    js_remove(config, "OnBuild"); /* every builder applies it to the next Dockerfile only */
    return take(config);
}

static struct js *make_history(const struct base *base, size_t own_layers, const char *created)
{
    struct js *history = base_history(base, created);
    for (size_t i = 0; i < own_layers; i++) {
        struct js *entry = js_object();
        js_set_string(entry, "created", created);
        js_set_string(entry, "created_by", "lbuild " PACKAGE_VERSION);
        js_append(history, entry);
    }
    return history;
}

static struct js *make_rootfs(const struct base *base, const struct layer *layers, size_t count)
{
    struct js *rootfs = js_object(), *ids = js_array();
    for (size_t i = 0; i < base->layer_count; i++)
        js_append(ids, js_string(base->layers[i].diff_id.text));
    for (size_t i = 0; i < count; i++)
        js_append(ids, js_string(layers[i].diff_id.text));
    js_set_string(rootfs, "type", "layers");
    js_set(rootfs, "diff_ids", ids);
    return rootfs;
}

/* Members that are unknown here come after the known ones. */
static void carry_over(void *data, const char *key, const struct js *value)
{
    static const char *const known[] = {"created", "author", "architecture", "variant",
                                        "os",      "config", "rootfs",       "history"};
    for (size_t i = 0; i < countof(known); i++)
        if (strcmp(key, known[i]) == 0)
            return;
    js_set(data, key, js_copy(value));
}

static int check_platform(const struct base *base, const struct plan *plan, struct error *err)
{
    const char *os = js_get_text(base->config, "os"),
               *arch = js_get_text(base->config, "architecture");

    if (base->scratch)
        return 0;

    if (!os || strcmp(os, "linux") != 0)
        return bad_base(base, "is not for linux", err);
    if (!arch || strcmp(arch, arch_oci(plan->arch)) != 0)
        return error_set(
            err, ERROR_REGISTRY,
            "%s: the base image is for '%s', not for '%s'; change [image] arch or base",
            base->reference, arch ? arch : "no architecture", arch_oci(plan->arch));
    return 0;
}

static int make_config(const struct base *base, const struct layer *layers, size_t count,
                       const struct plan *plan, struct image *image, struct error *err)
{
    AUTOPTR(js) config = js_object();
    const char *author = js_get_text(base->config, "author");
    if (check_platform(base, plan, err) != 0 || check_time(plan->epoch, err) != 0)
        return -1;

    autofree char *created = rfc3339(plan->epoch);
    AUTOPTR(js) run = run_config(base, plan, err);
    if (!run)
        return -1;

    js_set_string(config, "created", created);
    if (author)
        js_set_string(config, "author", author);
    js_set_string(config, "architecture", arch_oci(plan->arch));
    if (image->variant)
        js_set_string(config, "variant", image->variant);
    js_set_string(config, "os", "linux");

    js_set(config, "config", take(run));
    js_set(config, "rootfs", make_rootfs(base, layers, count));
    js_set(config, "history", make_history(base, count, created));

    if (base->config)
        js_each(base->config, carry_over, config);
    js_dump(config, &image->config);
    return digest_bytes(image->config.data, image->config.len, &image->config_digest, err);
}

static struct js *make_descriptor(const char *media_type, const struct digest *digest,
                                  uint64_t size)
{
    struct js *descriptor = js_object();
    js_set_string(descriptor, "mediaType", media_type);
    js_set_string(descriptor, "digest", digest->text);
    js_set_integer(descriptor, "size", (int64_t)size);
    return descriptor;
}

static void add_layer(struct image *image, struct js *list, const struct digest *digest,
                      const struct digest *diff_id, uint64_t size)
{
    /* A layer whose blob is its own content isn't compressed. */
    const char *type = digest_equal(digest, diff_id) ? MEDIA_OCI_LAYER : MEDIA_OCI_LAYER_GZIP;
    js_append(list, make_descriptor(type, digest, size));
    image->layers[image->layer_count++] = (struct image_blob){*digest, size};
}

static int make_manifest(const struct base *base, const struct layer *layers, size_t count,
                         const struct plan *plan, struct image *image, struct error *err)
{
    AUTOPTR(js) manifest = js_object();
    AUTOPTR(js) annotations = js_object();
    AUTO(strv) names = {0};
    struct js *list = js_array();

    js_set_integer(manifest, "schemaVersion", 2);
    js_set_string(manifest, "mediaType", MEDIA_OCI_MANIFEST);
    js_set(manifest, "config",
           make_descriptor(MEDIA_OCI_CONFIG, &image->config_digest, image->config.len));
    js_set(manifest, "layers", list);

    image->layers = xcalloc(base->layer_count + count, sizeof *image->layers);
    for (size_t i = 0; i < base->layer_count; i++)
        add_layer(image, list, &base->layers[i].digest, &base->layers[i].diff_id,
                  base->layers[i].size);
    for (size_t i = 0; i < count; i++)
        add_layer(image, list, &layers[i].digest, &layers[i].diff_id, layers[i].size);

    set_annotations(annotations, plan);
    js_each(annotations, collect_key, &names);
    if (names.len > 0)
        js_set(manifest, "annotations", sorted(annotations));

    js_dump(manifest, &image->manifest);
    return digest_bytes(image->manifest.data, image->manifest.len, &image->manifest_digest, err);
}

/* "host/name:tag" without the tag, which follows the last colon that isn't a port's. */
static char *repository(const char *reference)
{
    const char *slash = strrchr(reference, '/'), *colon = strchr(slash ? slash : reference, ':');
    return colon ? xstrndup(reference, (size_t)(colon - reference)) : xstrdup(reference);
}

int image_make(const struct base *base, const struct layer *layers, size_t layer_count,
               const struct plan *plan, struct image *image, struct error *err)
{
    const char *variant = js_get_text(base->config, "variant");
    memset(image, 0, sizeof *image);

    if (plan->tags.len == 0)
        return error_set(err, ERROR_INTERNAL, "the image has no name");
    if (base->layer_count + layer_count > MANIFEST_LAYERS)
        return error_set(
            err, ERROR_REGISTRY,
            "%s: %zu layers of the base and %zu new ones exceed the maximum of %d; use a base "
            "with fewer layers",
            base->reference, base->layer_count, layer_count, MANIFEST_LAYERS);

    image->arch = plan->arch;
    image->variant = variant && variant[0] ? xstrdup(variant) : NULL;
    image->name = repository(plan->tags.items[0]);
    strv_add_all(&image->tags, &plan->tags);

    if (make_config(base, layers, layer_count, plan, image, err) == 0 &&
        make_manifest(base, layers, layer_count, plan, image, err) == 0)
        return 0;
    image_release(image);
    return -1;
}
