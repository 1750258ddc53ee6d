#include "provenance/gitdir.h"

#include "support/fs.h"
#include "support/own.h"
#include "support/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

char *gitdir_public_url(const char *url)
{
    const char *scheme = strstr(url, "://"), *colon = strchr(url, ':'), *slash = strchr(url, '/');
    if (scheme ? strncmp(url, "file:", 5) == 0 : !colon || (slash && slash < colon))
        return NULL;

    const char *host = scheme ? scheme + 3 : url;
    const char *end = host + strcspn(host, scheme ? "/?#" : ":");
    const char *at = memrchr(host, '@', (size_t)(end - host));
    size_t kept = scheme ? strcspn(end, "?#") : strlen(end);
    host = at ? at + 1 : host;
    return xasprintf("%.*s%.*s%.*s", scheme ? (int)(scheme + 3 - url) : 0, url, (int)(end - host),
                     host, (int)kept, end);
}

/* What an entry of a folder is, links followed: its S_IFMT bits. */
static mode_t kind_of(int folder, const struct dirent *entry)
{
    struct stat st;
    if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
        return DTTOIF(entry->d_type);
    if (entry->d_type == DT_UNKNOWN &&
        fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISLNK(st.st_mode))
        return st.st_mode & S_IFMT;
    /* Links to folders aren't followed: they may lead in circles. */
    return fstatat(folder, entry->d_name, &st, 0) == 0 && !S_ISDIR(st.st_mode) ? st.st_mode & S_IFMT
                                                                               : S_IFREG;
}

/* Looks at one folder; adds the folders in it to `todo`. */
static char *fifo_in(const char *path, const char *prefix, struct strv *todo)
{
    char *found = NULL;
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && !found && (entry = readdir(dir));) {
        const char *name = entry->d_name;
        bool named = strncmp(name, prefix, strlen(prefix)) == 0;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;

        mode_t kind = kind_of(dirfd(dir), entry);
        if (S_ISDIR(kind) && strcmp(name, ".git") != 0)
            strv_take(todo, path_join(path, name));
        else if (named && S_ISFIFO(kind))
            found = path_join(path, name);
    }

    if (dir)
        closedir(dir);
    return found;
}

static char *fifo_below(const char *top, const char *prefix)
{
    AUTO(strv) todo = {0};
    char *found = NULL;
    strv_add(&todo, top);
    while (todo.len > 0 && !found && !process_interrupted()) {
        autofree char *folder = todo.items[--todo.len];
        todo.items[todo.len] = NULL;
        found = fifo_in(folder, prefix, &todo);
    }
    return found;
}

/* The path that a small file of git's names, after `key`, relative to `dir`; NULL without one.
 * Caller frees. */
static char *named_in(const char *file, const char *key, const char *dir)
{
    AUTO(buf) text = {0};
    struct stat st;
    struct error ignored = {0};
    if (stat(file, &st) != 0 || !S_ISREG(st.st_mode) || fs_read(file, 4096, &text, &ignored) != 0 ||
        strncmp(buf_text(&text), key, strlen(key)) != 0)
        return NULL;

    text.data[strcspn(text.data, "\n")] = '\0';
    return path_join(dir, text.data + strlen(key));
}

char *gitdir_fifo(const char *marker, const char *tree)
{
    struct stat st;
    if (stat(marker, &st) == 0 && S_ISFIFO(st.st_mode))
        return xstrdup(marker);

    autofree char *above = path_dir(marker), *linked = named_in(marker, "gitdir: ", above);
    const char *own = linked ? linked : marker;
    autofree char *file = path_join(own, "commondir"), *common = named_in(file, "", own);
    char *found = fifo_below(own, "");
    if (!found && common)
        found = fifo_below(common, "");
    if (!found)
        found = fifo_below(tree, ".git");

    /* Rules in the folders above the project. */
    const char *rest = NULL;
    for (autofree char *at = xstrdup(tree); !found && path_below(at, above, &rest) && rest[0];) {
        AUTO(strv) ignored = {0};
        char *parent = path_dir(at);
        free(at);
        at = parent;
        found = fifo_in(at, ".git", &ignored);
    }
    return found;
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
