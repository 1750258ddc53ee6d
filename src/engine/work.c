#include "engine/work.h"

#include "support/fs.h"
#include "support/own.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STALE_SECONDS = 600 };

/* Removes folders of builds that were killed: nobody holds their lock. Young folders are spared,
 * since their owner may be about to lock them. */
static void sweep(const char *parent)
{
    DIR *dir = opendir(parent);
    time_t now = time(NULL);

    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        struct stat st;
        struct error ignored;
        if (entry->d_name[0] == '.')
            continue;
        autofree char *path = path_join(parent, entry->d_name);
        autoclose int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) != 0 || now - st.st_mtime < STALE_SECONDS ||
            flock(fd, LOCK_EX | LOCK_NB) != 0)
            continue;
        if (fs_remove(path, &ignored) != 0)
            continue; /* another user's, or already gone */
    }

    if (dir)
        closedir(dir);
}

int work_open(const struct store *store, struct work *work, struct error *err)
{
    autofree char *parent = store_path(store, "objects", "work", err);
    if (!parent || fs_mkdirs(parent, err) != 0)
        return -1;
    sweep(parent);

    autofree char *path = path_join(parent, "XXXXXX");
    if (!mkdtemp(path))
        return error_errno(err, ERROR_BUILD, "can't make a folder in '%s'", parent);

    work->path = take(path);
    work->lock = open(work->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (work->lock < 0 || flock(work->lock, LOCK_EX | LOCK_NB) != 0)
        return error_errno(err, ERROR_BUILD, "can't lock '%s'", work->path);
    return 0;
}

void work_release(struct work *work)
{
    struct error ignored;
    if (!work->path)
        return;

    if (fs_remove(work->path, &ignored) != 0) {
        /* A later build sweeps what is left. */
    }
    autoclose_release(&work->lock);
    work->lock = -1;
    free(take(work->path));
}
