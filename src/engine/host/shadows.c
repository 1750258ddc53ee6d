#include "engine/host/shadows.h"

#include "support/fs.h"
#include "support/own.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct shadows_folder {
    char *path;
    struct strv names; /* sorted; none when the folder is missing */
};

void shadows_release(struct shadows *shadows)
{
    for (size_t i = 0; i < shadows->len; i++) {
        free(shadows->items[i]->path);
        strv_release(&shadows->items[i]->names);
        free(shadows->items[i]);
    }
    free(shadows->items);
    *shadows = (struct shadows){0};
}

void shadows_folders(const struct strv *argv, const char *dir, struct strv *out)
{
    static const char *const options[] = {"-iquote", "-isystem", "-idirafter", "-I", "-L"};
    for (size_t i = 0; i < argv->len; i++)
        for (size_t k = 0; k < countof(options); k++) {
            size_t length = strlen(options[k]);
            if (strncmp(argv->items[i], options[k], length) != 0)
                continue;
            const char *folder = argv->items[i] + length;
            if (!*folder && i + 1 < argv->len)
                folder = argv->items[++i];
            if (*folder)
                strv_take(out, path_join(dir, folder));
            break;
        }

    strv_add(out, "/usr/local/include");
}

static const struct shadows_folder *list(struct shadows *shadows, const char *path)
{
    for (size_t i = 0; i < shadows->len; i++)
        if (strcmp(shadows->items[i]->path, path) == 0)
            return shadows->items[i];

    struct shadows_folder *folder = xcalloc(1, sizeof *folder);
    folder->path = xstrdup(path);
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            strv_add(&folder->names, entry->d_name);
    if (dir)
        closedir(dir);

    strv_sort(&folder->names);
    shadows->items = xrealloc(shadows->items, shadows->len + 1, sizeof *shadows->items);
    return shadows->items[shadows->len++] = folder;
}

static bool has(const struct strv *names, const char *name, size_t length)
{
    size_t low = 0, high = names->len;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strncmp(names->items[middle], name, length);
        if (order == 0 && names->items[middle][length] == '\0')
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* Files in the folder with the name of the input: its last name, or more of its path. */
static void find_one(struct shadows *shadows, const struct shadows_folder *folder,
                     const char *input, struct strv *out)
{
    for (const char *slash = strchr(input, '/'); slash; slash = strchr(slash + 1, '/')) {
        const char *name = slash + 1;
        size_t length = strcspn(name, "/");
        struct stat st;
        if (length == 0 || !has(&folder->names, name, length))
            continue;

        autofree char *path = xasprintf("%s/%s", folder->path, name), *parent = path_dir(path);
        if (strcmp(path, input) == 0)
            continue;
        if (name[length])
            list(shadows, parent);
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
            strv_take(out, take(path));
    }
}

void shadows_find(struct shadows *shadows, const struct strv *folders, const char *dir,
                  const struct strv *inputs, struct strv *out)
{
    AUTO(strv) all = {0};
    strv_add_all(&all, folders);
    for (size_t i = 0; i < inputs->len; i++)
        if (path_below(inputs->items[i], dir, NULL))
            strv_take(&all, path_dir(inputs->items[i]));

    strv_sort(&all);
    strv_unique(&all);

    for (size_t i = 0; i < all.len; i++) {
        const struct shadows_folder *folder = list(shadows, all.items[i]);
        for (size_t k = 0; k < inputs->len && folder->names.len > 0; k++)
            find_one(shadows, folder, inputs->items[k], out);
    }

    strv_sort(out);
    strv_unique(out);
}

void shadows_outside(const struct shadows *shadows, const char *dir, struct strv *out)
{
    for (size_t i = 0; i < shadows->len; i++) {
        const char *path = shadows->items[i]->path;
        if (!path_below(path, dir, NULL) && fs_exists(path))
            strv_add(out, path);
    }
}
