#include "support/data.h"

#include "support/fs.h"
#include "support/own.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

char *data_path(const char *relative)
{
    const char *folder = getenv("LBUILD_DATA");
    return path_join(folder && folder[0] ? folder : PKGDATADIR, relative);
}

int data_failed(const char *path, struct error *err)
{
    if (errno == ENOENT || errno == ENOTDIR)
        return error_errno(err, ERROR_INTERNAL, "can't read '%s'; install lbuild again", path);
    return error_errno(err, ERROR_BUILD, "can't read '%s'", path);
}

static int add_files(const char *folder, const char *below, const char *suffix, struct strv *out,
                     struct error *err);

/* One name in a folder: a file, a folder, or nothing of ours. */
static int add_name(const char *folder, const char *name, const char *suffix, struct strv *out,
                    struct error *err)
{
    autofree char *full = path_join(folder, name);
    size_t length = strlen(name), tail = strlen(suffix);
    struct stat st;
    if (stat(full, &st) != 0) /* a link to nowhere isn't ours */
        return errno == ENOENT ? 0 : data_failed(full, err);

    if (S_ISDIR(st.st_mode))
        return add_files(folder, name, suffix, out, err);
    if (S_ISREG(st.st_mode) && length >= tail && strcmp(name + length - tail, suffix) == 0)
        strv_add(out, name);
    return 0;
}

static int add_files(const char *folder, const char *below, const char *suffix, struct strv *out,
                     struct error *err)
{
    autofree char *path = path_join(folder, below);
    DIR *dir = opendir(path);
    if (!dir)
        return data_failed(path, err);

    int result = 0;
    while (result == 0) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry) {
            result = errno == 0 ? 0 : data_failed(path, err);
            break;
        }
        autofree char *name = path_join(below, entry->d_name);
        if (entry->d_name[0] != '.')
            result = add_name(folder, name, suffix, out, err);
    }

    closedir(dir);
    return result;
}

int data_files(const char *folder, const char *suffix, struct strv *out, struct error *err)
{
    if (add_files(folder, "", suffix, out, err) != 0)
        return -1;
    strv_sort(out);
    return 0;
}
