#include "image/reading.h"

#include "base/base.h"
#include "support/fs.h"

#include <string.h>

/* Finds the image that a name leads to, and its format. */

static int read_files(struct reading *reading, const struct store *store, struct error *err)
{
    AUTOPTR(parts) parts = parts_load(reading->path, store, err);
    reading->parts = parts;
    if (!parts)
        return -1;

    if (parts_has(parts, "index.json")) {
        if (reading_layout(reading, err) != 0)
            return -1;
        return parts_is_folder(parts) ? 0 : reading_compare_docker(reading, err);
    }

    if (parts_has(parts, "manifest.json"))
        return reading_docker(reading, err);
    return error_set(
        err, ERROR_REGISTRY,
        "%s: not an image: it has neither index.json (OCI) nor manifest.json (docker save)",
        reading->path);
}

static int read_registry(struct reading *reading, const struct store *store, struct error *err)
{
    struct js *document = NULL;
    struct digest digest = {0};
    struct reference reference = {0};
    if (reference_parse(reading->path, &reference, err) != 0)
        return -1;

    autofree char *name = reference_name(&reference);
    const struct parts_registry from = {&reference, reading->choice->mirrors,
                                        reading->choice->ca_file};
    AUTOPTR(parts)
    parts = reading->choice->offline ? NULL : parts_fetch(&from, store, &document, &digest, err);
    reference_release(&reference);

    if (reading->choice->offline)
        return error_set(err, ERROR_LOCKED,
                         "no such file '%s', and --offline forbids asking a registry",
                         reading->path);
    if (!parts)
        return -1;

    reading->parts = parts;
    reading->image->format = "registry";
    reading->image->images = 1;
    strv_add(&reading->image->names, name);
    if (reading_document(reading, document, "", &digest, err) == 0)
        return 0;
    return parts_censor(parts, err);
}

/* Whether a name can only be a reference: it has a digest, a tag or a host, and doesn't look like a
 * path or an archive. */
static bool is_reference(const char *text)
{
    static const char *const endings[] = {".tar", ".gz", ".tgz", "/"};
    size_t length = strlen(text), host = strcspn(text, "/");

    for (size_t i = 0; i < countof(endings); i++)
        if (length >= strlen(endings[i]) &&
            strcmp(text + length - strlen(endings[i]), endings[i]) == 0)
            return false;
    if (text[0] == '/' || text[0] == '.')
        return false;

    autofree char *first = xstrndup(text, host);
    return strchr(text, ':') ||
           (text[host] == '/' && (strchr(first, '.') || strcmp(first, "localhost") == 0));
}

/* The file that "oci:DIR[:TAG]" and the like name, with the tag in *tag; NULL for an image
 * reference. Caller frees both. */
static char *file_of(const char *path, char **tag)
{
    if (!base_is_file(path))
        return is_reference(path) && !fs_exists(path) ? NULL : xstrdup(path);
    const char *rest = strchr(path, ':') + 1, *colon = strchr(rest, ':');
    if (!colon || fs_exists(rest))
        return xstrdup(rest);
    *tag = xstrdup(colon + 1);
    return xstrndup(rest, (size_t)(colon - rest));
}

int imagefile_load(const char *path, const struct imagefile_choice *choice,
                   const struct store *store, struct imagefile *image, struct error *err)
{
    autofree char *tag = NULL, *file = choice->files_only ? xstrdup(path) : file_of(path, &tag);
    memset(image, 0, sizeof *image);
    image->path = xstrdup(path);
    struct reading reading = {.path = file ? file : path,
                              .choice = choice,
                              .tag = choice->tag ? choice->tag : tag,
                              .image = image};

    if ((file ? read_files(&reading, store, err) : read_registry(&reading, store, err)) == 0)
        return 0;

    if (image->damage.len > 0)
        error_set(err, ERROR_REGISTRY, "%s: the %s", path, image->damage.items[0]);
    imagefile_release(image);
    return -1;
}
