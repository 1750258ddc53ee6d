#include "engine/container/container.h"
#include "support/fs.h"
#include "support/own.h"
#include "support/process.h"
#include "support/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTRIES_MOST = 1000000, HARDLINKS_MOST = 10000, PIECE = 65536 };
/* Lambda allows images of 10 GB, unpacked (Lambda quotas, "Container image code package size"). */
static const int64_t most_content = INT64_C(10) << 30;

/* An archive that is being read into the tree. */
struct import {
    const struct container *c;
    struct tar_reader *reader;
    struct tree *tree;
    char *folder; /* gets the files' content */
    size_t files, hardlinks;
    int64_t content;
};

static void import_release(struct import *import)
{
    tar_reader_free(import->reader);
    free(import->folder);
}

static int refuse(const struct import *import, const char *path, const char *why, struct error *err)
{
    return error_set(err, ERROR_BUILD, "%s exported '%.300s', which can't go into an image: it %s",
                     import->c->program, path, why);
}

static int write_content(struct import *import, const char *to, struct error *err)
{
    char piece[PIECE];
    int64_t got = 0;
    autoclose int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_errno(err, ERROR_BUILD, "can't write '%s'", to);

    while ((got = tar_reader_read(import->reader, piece, sizeof piece, err)) > 0) {
        import->content += got;
        if (import->content > most_content)
            return refuse(import, to, "exceeds Lambda's 10 GiB together with the others", err);
        if (fs_write_fd(fd, to, piece, (size_t)got, err) != 0)
            return -1;
    }
    return got < 0 ? -1 : 0;
}

static int add_file(struct import *import, const char *path, unsigned mode, struct error *err)
{
    autofree char *to = xasprintf("%s/%zu", import->folder, ++import->files);
    if (write_content(import, to, err) != 0)
        return -1;
    tree_add_file(import->tree, path, to, mode & 0111 ? 0755 : 0644);
    return 0;
}

/* A hard link becomes a separate file: our layers have no hard links. */
static int add_hardlink(struct import *import, const char *path, const char *link,
                        struct error *err)
{
    autofree char *target = path_clean(link);
    if (++import->hardlinks > HARDLINKS_MOST)
        return refuse(import, path, "is one of more than 10,000 hard links", err);

    for (size_t i = import->tree->len; target && i > 0; i--) {
        const struct tree_entry *entry = &import->tree->entries[i - 1];
        if (entry->type != TAR_FILE || strcmp(entry->path, target) != 0)
            continue;
        autofree char *source = tree_source(entry);
        tree_add_file(import->tree, path, source, entry->mode);
        return 0;
    }
    return refuse(import, path, "is a hard link to a missing file", err);
}

static int add_entry(struct import *import, const struct tar_entry *entry, struct error *err)
{
    autofree char *path = path_clean(entry->path);
    if (!path)
        return refuse(import, entry->path, "leaves the root directory", err);
    if (strncmp(path, ".wh.", 4) == 0 || strstr(path, "/.wh."))
        return refuse(import, path, "has a name that means deletion in a layer", err);
    if (import->tree->len >= ENTRIES_MOST)
        return refuse(import, path, "is one of more than 1,000,000 files", err);

    switch (entry->type) {
    case TAR_FILE:
        return add_file(import, path, entry->mode, err);
    case TAR_DIR:
        if (path[0])
            tree_add_dir(import->tree, path);
        return 0;
    case TAR_SYMLINK:
        tree_add_link(import->tree, path, entry->link);
        return 0;
    case TAR_HARDLINK:
        return add_hardlink(import, path, entry->link, err);
    case TAR_OTHER:
        break;
    }
    return refuse(import, path, "is neither a file nor a folder nor a link", err);
}

static int read_all(struct import *import, const char *tar, struct error *err)
{
    struct tar_entry entry;
    int more = 0;
    import->reader = tar_reader_open_file(tar, err);
    if (!import->reader)
        return -1;

    while ((more = tar_reader_next(import->reader, &entry, err)) == 1)
        if (process_check_interrupt(err) != 0 || add_entry(import, &entry, err) != 0)
            return -1;
    return more;
}

int container_read(struct container *c, const char *tar, struct tree *tree, struct error *err)
{
    __attribute__((cleanup(import_release))) struct import import = {
        .c = c, .tree = tree, .folder = path_join(c->dir, "files")};
    if (fs_mkdirs(import.folder, err) != 0)
        return -1;

    if (read_all(&import, tar, err) == 0)
        return 0;
    if (err->kind == ERROR_REGISTRY) /* the reader's kind for a damaged archive */
        err->kind = ERROR_BUILD;
    return -1;
}
