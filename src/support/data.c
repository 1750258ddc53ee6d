#include "support/data.h"

#include "support/fs.h"
#include "support/own.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

char *data_path(const char *relative)
{
    const char *folder = getenv("LBUILD_DATA");
    return path_join(folder && folder[0] ? folder : PKGDATADIR, relative);
}

static int add_files(const char *folder, const char *below, const char *suffix, struct strv *out,
                     struct error *err)
{
    autofree char *path = path_join(folder, below);
    size_t tail = strlen(suffix);
    DIR *dir = opendir(path);
    if (!dir)
        return error_errno(err, ERROR_INTERNAL, "can't read '%s'; install lbuild again", path);

    int result = 0;
    for (struct dirent *entry; result == 0 && (entry = readdir(dir));) {
        autofree char *name = path_join(below, entry->d_name);
        autofree char *full = path_join(folder, name);
        struct stat st;
        size_t length = strlen(name);
        if (entry->d_name[0] == '.' || stat(full, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode))
            result = add_files(folder, name, suffix, out, err);
        else if (S_ISREG(st.st_mode) && length >= tail && strcmp(name + length - tail, suffix) == 0)
            strv_add(out, name);
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
