#include "base/file.h"

#include "support/fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int file_reference_parse(const struct base_request *request, struct file_reference *out,
                         struct error *err)
{
    const char *text = strchr(request->reference, ':');
    *out = (struct file_reference){0};
    text = text ? text + 1 : request->reference;
    const char *colon = strchr(text, ':');

    autofree char *path = path_join(request->dir ? request->dir : ".", text);
    if (colon && !fs_exists(path)) {
        autofree char *named = xstrndup(text, (size_t)(colon - text));
        free(path);
        path = path_join(request->dir ? request->dir : ".", named);
        out->tag = xstrdup(colon + 1);
    }

    out->path = realpath(path, NULL);
    if (out->path && text[0])
        return 0;
    if (!text[0])
        errno = ENOENT;
    error_errno(err, ERROR_REGISTRY, "base image '%s': can't read '%s'", request->reference, path);
    file_reference_release(out);
    return -1;
}

void file_reference_release(struct file_reference *reference)
{
    free(reference->path);
    free(reference->tag);
    *reference = (struct file_reference){0};
}

int file_reference_key(const struct base_request *request, const char *below, char **key,
                       struct error *err)
{
    struct stat st;
    AUTO(file_reference) reference = {0};
    if (file_reference_parse(request, &reference, err) != 0)
        return -1;

    autofree char *path = below[0] ? path_join(reference.path, below) : xstrdup(reference.path);
    if (stat(path, &st) != 0)
        return error_errno(err, ERROR_REGISTRY, "base image '%s': can't read '%s'",
                           request->reference, path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_REGISTRY, "base image '%s': '%s' is not a regular file",
                         request->reference, path);

    *key = xasprintf("%.*s:%s%s%s#%llu-%llu.%09ld-%llu.%09ld-%llu",
                     (int)strcspn(request->reference, ":"), request->reference, reference.path,
                     reference.tag ? ":" : "", reference.tag ? reference.tag : "",
                     (unsigned long long)st.st_size, (unsigned long long)st.st_mtim.tv_sec,
                     st.st_mtim.tv_nsec, (unsigned long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec,
                     (unsigned long long)st.st_ino);
    return 0;
}

int file_name_once(struct strv *seen, const char *path, struct error *err)
{
    enum { MOST_NAMES = 10000 };
    if (seen->len >= MOST_NAMES)
        return error_set(err, ERROR_REGISTRY, "it has more than %d files; this is not an image",
                         MOST_NAMES);
    if (strv_contains(seen, path))
        return error_set(err, ERROR_REGISTRY, "it has the name '%.200s' twice", path);
    strv_add(seen, path);
    return 0;
}

/* Brings a manifest or an index into the store and parses it. */
static struct js *document(const struct layout *layout, const struct descriptor *blob,
                           const char *where, struct error *err)
{
    AUTO(buf) text = {0};
    if (blob->size > MANIFEST_BYTES) {
        error_set(err, ERROR_REGISTRY, "%s: '%s' is larger than %d bytes", where, blob->digest.text,
                  MANIFEST_BYTES);
        return NULL;
    }

    if (layout->bring(layout, blob, err) != 0 ||
        store_read(layout->store, &blob->digest, MANIFEST_BYTES, &text, err) != 0)
        return NULL;
    return js_parse(buf_text(&text), text.len, where, err);
}

static int bring_image(const struct layout *layout, const struct js *image, const char *where,
                       struct error *err)
{
    AUTO(manifest) manifest = {0};
    if (manifest_read(image, where, &manifest, err) != 0 ||
        layout->bring(layout, &manifest.config, err) != 0)
        return -1;

    for (size_t i = 0; i < manifest.layer_count; i++)
        if (layout->bring(layout, &manifest.layers[i], err) != 0)
            return -1;
    return 0;
}

int layout_fetch(const struct layout *layout, const struct buf *index, struct digest *manifest,
                 struct error *err)
{
    struct descriptor chosen;
    enum arch arch = layout->request->arch;
    autofree char *where = xasprintf("base image '%s'", layout->request->reference);
    AUTOPTR(js) list = js_parse(buf_text(index), index->len, where, err);
    if (!list || layout_choose(list, arch, layout->tag, where, &chosen, err) != 0)
        return -1;

    AUTOPTR(js) outer = document(layout, &chosen, where, err);
    AUTOPTR(js) inner = NULL;
    if (!outer)
        return -1;
    if (manifest_is_index(outer, chosen.media_type)) {
        if (index_choose(outer, arch, where, &chosen, err) != 0)
            return -1;
        inner = document(layout, &chosen, where, err);
        if (!inner)
            return -1;
    }

    *manifest = chosen.digest;
    return bring_image(layout, inner ? inner : outer, where, err);
}
