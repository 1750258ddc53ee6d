#include "output/folder.h"

#include "support/fs.h"
#include "support/json.h"
#include "support/own.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGEST = 4 * 1024 * 1024, SHORTEST_HEX = 32 };

/* What may lie in a layout, by depth. */
static bool is_part(const char *path, size_t depth, bool *folder)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789+._-",
                      digits[] = "0123456789abcdef";
    const char *name = path_base(path);
    struct error ignored = {0};
    AUTO(buf) text = {0};

    *folder = depth == 0 ? strcmp(name, "blobs") == 0 : depth == 1;
    if (depth == 1)
        return name[0] != '.' && name[strspn(name, letters)] == '\0';
    if (depth == 2)
        return strlen(name) >= SHORTEST_HEX && name[strspn(name, digits)] == '\0';
    if (strcmp(name, "manifest.json") != 0)
        return *folder || strcmp(name, "oci-layout") == 0 || strcmp(name, "index.json") == 0;

    /* Web pages have a file of this name too; docker's is a list of images. An empty one is what a
     * killed build leaves. */
    if (fs_read(path, LARGEST, &text, &ignored) != 0)
        return false;
    AUTOPTR(js) json = js_parse(buf_text(&text), text.len, path, &ignored);
    return text.len == 0 ||
           (js_get_text(js_at(json, 0), "Config") && js_get(js_at(json, 0), "Layers"));
}

/* Everything in a folder is either taken for the layout's or named in an error. */
static int visit(const char *path, size_t depth, bool remove, struct error *err);

static int visit_entry(const char *path, size_t depth, bool remove, struct error *err)
{
    struct stat st;
    bool folder = false;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? 0 : error_errno(err, ERROR_BUILD, "can't look at '%s'", path);

    if (!is_part(path, depth, &folder) || !(folder ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode)))
        return error_set(err, ERROR_USAGE,
                         "'%s' is no part of an OCI image layout, and would be lost with the "
                         "folder; move it, or choose another name for the output",
                         path);
    if (folder)
        return visit(path, depth + 1, remove, err);
    if (remove && unlink(path) != 0 && errno != ENOENT)
        return error_errno(err, ERROR_BUILD, "can't remove '%s'", path);
    return 0;
}

static int visit(const char *path, size_t depth, bool remove, struct error *err)
{
    int result = 0;
    DIR *dir = opendir(path);
    if (!dir)
        return errno == ENOENT
                   ? 0
                   : error_errno(err, ERROR_BUILD, "can't read the directory '%s'", path);

    for (struct dirent *entry; result == 0 && (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        autofree char *inside = path_join(path, entry->d_name);
        result = visit_entry(inside, depth, remove, err);
    }

    closedir(dir);
    if (result == 0 && remove && rmdir(path) != 0 && errno != ENOENT)
        return error_errno(err, ERROR_BUILD, "can't remove '%s'", path);
    return result;
}

static bool is_empty(const char *path)
{
    DIR *dir = opendir(path);
    bool empty = dir != NULL;
    for (struct dirent *entry; empty && (entry = readdir(dir));)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (dir)
        closedir(dir);
    return empty;
}

static int check_images(const char *path, struct error *err)
{
    struct error ignored = {0};
    AUTO(buf) text = {0};
    autofree char *marker = path_join(path, "oci-layout"), *index = path_join(path, "index.json");

    bool layout = fs_exists(marker) && fs_read(index, LARGEST, &text, &ignored) == 0;
    AUTOPTR(js) json = layout ? js_parse(buf_text(&text), text.len, index, &ignored) : NULL;
    const struct js *images = js_get(json, "manifests");
    if (!images)
        return error_set(err, ERROR_USAGE,
                         "'%s' is a folder that isn't an OCI image layout; choose another name",
                         path);
    if (js_count(images) > 1)
        return error_set(
            err, ERROR_USAGE,
            "'%s' is an OCI image layout with several images, which would all be replaced; choose "
            "another name",
            path);
    return 0;
}

int folder_check(const char *path, struct error *err)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? 0 : error_errno(err, ERROR_BUILD, "can't look at '%s'", path);
    if (!S_ISDIR(st.st_mode))
        return error_set(err, ERROR_USAGE,
                         "'%s' is not a folder; remove it, or choose another name", path);

    if (is_empty(path))
        return 0;
    return check_images(path, err) != 0 ? -1 : visit(path, 0, false, err);
}

int folder_remove(const char *path, struct error *err)
{
    return visit(path, 0, true, err);
}
