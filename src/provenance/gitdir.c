#include "provenance/gitdir.h"

#include "support/fs.h"
#include "support/own.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SHALLOW_FILE_MAX (16 * 1024 * 1024)

/* The number of objects in one pack: the last entry of the index's fan-out table. */
static uint64_t count_index(int fd)
{
    unsigned char magic[4], count[4];
    if (pread(fd, magic, 4, 0) != 4)
        return 0;

    off_t last = (memcmp(magic, "\377tOc", 4) == 0 ? 8 : 0) + 255 * 4;
    if (pread(fd, count, 4, last) != 4)
        return 0;
    return (uint64_t)count[0] << 24 | (uint64_t)count[1] << 16 | (uint64_t)count[2] << 8 | count[3];
}

uint64_t gitdir_count_packed(const char *common)
{
    uint64_t total = 0;
    autofree char *folder = path_join(common, "objects/pack");
    DIR *dir = opendir(folder);

    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        size_t length = strlen(entry->d_name);
        if (length < 4 || strcmp(entry->d_name + length - 4, ".idx") != 0)
            continue;
        autoclose int fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
        if (fd >= 0)
            total += count_index(fd);
    }

    if (dir)
        closedir(dir);
    return total;
}

int gitdir_read_shallow(const char *common, struct strv *ids, struct error *err)
{
    AUTO(buf) text = {0};
    autofree char *path = path_join(common, "shallow");
    if (!fs_exists(path))
        return 0;
    if (fs_read(path, SHALLOW_FILE_MAX, &text, err) != 0)
        return -1;

    for (const char *at = buf_text(&text); *at; at += strcspn(at, "\n"), at += *at == '\n')
        strv_take(ids, xstrndup(at, strcspn(at, "\n")));
    strv_sort(ids);
    return 0;
}

static void watch_folders(struct strv *watched, const char *path, int depth)
{
    DIR *dir = opendir(path);
    strv_add(watched, path);

    for (struct dirent *entry; dir && depth > 0 && (entry = readdir(dir));) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
            autofree char *below = path_join(path, entry->d_name);
            watch_folders(watched, below, depth - 1);
        }
    }

    if (dir)
        closedir(dir);
}

void gitdir_watch(const char *own, const char *common, struct strv *watched)
{
    static const char *const shared[] = {"config", "packed-refs", "shallow", "info/exclude"};
    AUTO(buf) head = {0};
    struct error ignored = {0};
    autofree char *head_path = path_join(own, "HEAD"), *tags = path_join(common, "refs/tags");

    strv_add(watched, head_path);
    strv_take(watched, path_join(own, "index"));
    for (size_t i = 0; i < countof(shared); i++)
        strv_take(watched, path_join(common, shared[i]));
    if (fs_read(head_path, 4096, &head, &ignored) == 0 &&
        strncmp(buf_text(&head), "ref: refs/", 10) == 0) {
        head.data[5 + strcspn(head.data + 5, "\n")] = '\0';
        strv_take(watched, path_join(common, head.data + 5));
    }
    watch_folders(watched, tags, 8);
}
