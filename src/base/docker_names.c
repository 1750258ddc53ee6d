#include "base/docker_names.h"

#include "registry/reference.h"
#include "support/buf.h"

#include <string.h>

static bool same_tag(const char *tag, const char *name)
{
    const char *colon = strrchr(tag, ':');
    return colon && strcmp(colon + 1, name) == 0;
}

/* podman and buildah put this before a name without a host. */
static bool same_local(const char *tag, const char *name)
{
    static const char local[] = "localhost/";
    size_t length = sizeof local - 1;
    return strncmp(tag, local, length) == 0 && reference_same(tag + length, name);
}

/* How many images have a matching name; *found: the last of them. */
static size_t find(const struct js *list, const char *name,
                   bool (*matches)(const char *tag, const char *name), const struct js **found)
{
    size_t count = 0;
    for (size_t i = 0; i < js_count(list); i++) {
        const struct js *tags = js_get(js_at(list, i), "RepoTags");
        bool has = false;
        for (size_t j = 0; j < js_count(tags); j++)
            has = has || (js_text(js_at(tags, j)) && matches(js_text(js_at(tags, j)), name));
        *found = has ? js_at(list, i) : *found;
        count += has;
    }
    return count;
}

/* The names of all images, for messages. */
static void list_names(const struct js *list, struct buf *out)
{
    enum { SHOWN = 1000 };
    for (size_t i = 0; i < js_count(list); i++) {
        const struct js *tags = js_get(js_at(list, i), "RepoTags");
        for (size_t j = 0; j < js_count(tags) && out->len < SHOWN; j++)
            if (js_text(js_at(tags, j)))
                buf_addf(out, "%s%.200s", out->len ? ", " : "", js_text(js_at(tags, j)));
    }
}

const struct js *docker_names_choose(const struct js *list, const char *name, struct error *err)
{
    AUTO(buf) names = {0};
    if (js_is_object(list) && js_get(list, "schemaVersion")) {
        error_set(
            err, ERROR_REGISTRY,
            "its manifest.json is an image's own manifest, as in a folder of skopeo's 'dir:'; "
            "convert it with: skopeo copy dir:FOLDER oci:OTHER");
        return NULL;
    }
    if (!js_is_array(list) || js_count(list) == 0) {
        error_set(err, ERROR_REGISTRY, "its manifest.json names no image");
        return NULL;
    }

    const struct js *found = js_at(list, 0);
    size_t count = name ? find(list, name, reference_same, &found) : js_count(list);
    if (name && count == 0)
        count = find(list, name, same_local, &found);
    if (name && count == 0 && !strpbrk(name, ":/"))
        count = find(list, name, same_tag, &found);
    if (count == 1)
        return found;

    list_names(list, &names);
    error_set(err, ERROR_REGISTRY, "%s; write docker-archive:FILE:NAME with one of: %s",
              !name       ? "there are several images in it"
              : count > 1 ? "several images in it have this name"
                          : "no image in it has this name",
              names.len ? buf_text(&names) : "(none)");
    return NULL;
}
