#include "layer/layer.h"

#include "layer/layer_note.h"
#include "support/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024 };

/* An entry of the layer: one of the tree, or (entry NULL) a directory that such an entry needs. */
struct item {
    const char *path; /* the real one, after following the base's links */
    const struct tree_entry *entry;
    const struct rootfs_entry *there; /* the directory that the base has in its place, or NULL */
};

struct items {
    struct item *list;
    size_t len, cap;
    struct arena names; /* of paths that differ from their entry's */
};

static void items_release(struct items *items)
{
    free(items->list);
    arena_release(&items->names);
}

/* `length`: how many bytes of the path to use. */
static void add_item(struct items *items, const char *path, size_t length,
                     const struct tree_entry *entry)
{
    bool own = entry && strcmp(path, entry->path) == 0;
    grow(items->list, items->len, items->cap);
    items->list[items->len++] = (struct item){
        .path = own ? entry->path : arena_addn(&items->names, path, length), .entry = entry};
}

static enum tar_type type_of(const struct item *item)
{
    return item->entry ? (enum tar_type)item->entry->type : TAR_DIR;
}

/* The folder that a link of the base leads to; NULL when it leads to something else. Caller frees.
 */
static char *folder_behind(const struct rootfs *rootfs, const char *link)
{
    struct error ignored = {0};
    autofree char *below = xasprintf("%s/x", link);
    autofree char *resolved = rootfs_resolve(rootfs, below, &ignored);
    if (!resolved)
        return NULL;

    autofree char *folder = strcmp(resolved, "x") == 0 ? xstrdup("") : path_dir(resolved);
    const struct rootfs_entry *there = rootfs_find(rootfs, folder);
    return !folder[0] || (there && there->type == TAR_DIR) ? take(folder) : NULL;
}

/* A file whose place is a link to a folder goes into the folder. In the link's own place it would
 * hide everything that the image finds through the link, e.g. all of /bin. */
static char *inside(const struct tree *tree, const struct tree_entry *entry, const char *folder,
                    struct error *err)
{
    const char *name = tree_name_of(tree, entry->path);
    if (name)
        return path_join(folder, name);
    error_set(err, ERROR_PROJECT,
              "'/%s' can't become a file: the base image has a link to the directory '/%s' there; "
              "name the file inside it",
              entry->path, folder);
    return NULL;
}

/* Where an entry really goes. A directory of the tree that is a link in the base means the
 * directory that the link leads to. */
static char *real_path(const struct tree *tree, const struct tree_entry *entry,
                       const struct rootfs *rootfs, struct error *err)
{
    autofree char *path = rootfs_resolve(rootfs, entry->path, err);
    const struct rootfs_entry *there = path ? rootfs_find(rootfs, path) : NULL;
    if (!there || there->type != TAR_SYMLINK || entry->type == TAR_SYMLINK)
        return take(path);

    autofree char *folder = folder_behind(rootfs, path);
    if (folder && entry->type == TAR_FILE)
        return inside(tree, entry, folder, err);
    if (folder)
        return take(folder);
    if (entry->type == TAR_FILE)
        return take(path);

    /* A link to a file or to nothing: the directory is made where the link leads to. */
    autofree char *below = xasprintf("%s/x", path), *resolved = rootfs_resolve(rootfs, below, err);
    return resolved ? path_dir(resolved) : NULL;
}

/* The name by which the user knows it. Caller frees. */
static char *origin(const struct tree_entry *entry)
{
    return entry->source ? tree_source(entry) : xstrdup(entry->path);
}

/* In a layer such a name deletes what is below it (OCI image-spec layer.md, "Whiteouts"). */
static bool is_whiteout(const char *path)
{
    return strncmp(path, ".wh.", 4) == 0 || strstr(path, "/.wh.");
}

static int no_place(const struct tree_entry *entry, const char *path, struct error *err)
{
    autofree char *from = origin(entry);
    if (is_whiteout(path))
        return error_set(err, ERROR_PROJECT,
                         "'%s' can't become '/%s' in the image: a name that begins with '.wh.' "
                         "means deletion in a layer; rename it",
                         from, path);
    return error_set(err, ERROR_PROJECT, "'%s' can't take the place of the root directory",
                     entry->path);
}

/* How many bytes of both paths are the folders that they share. */
static size_t shared_folders(const char *path, const char *before)
{
    size_t shared = 0;
    for (size_t i = 0; path[i] && path[i] == before[i]; i++)
        if (path[i] == '/')
            shared = i + 1;
    return shared;
}

static int collect(const struct tree *tree, const struct rootfs *rootfs, struct items *items,
                   struct error *err)
{
    for (size_t i = 0; i < tree->len; i++) {
        const struct tree_entry *entry = &tree->entries[i];
        autofree char *path = real_path(tree, entry, rootfs, err);
        if (!path)
            return -1;
        if (path[0] == '\0' && entry->type == TAR_DIR)
            continue;
        if (path[0] == '\0' || is_whiteout(path))
            return no_place(entry, path, err);

        /* Folders shared with the previous entry are already in the list. */
        size_t known = items->len > 0 ? shared_folders(path, items->list[items->len - 1].path) : 0;
        for (const char *slash = strchr(path + known, '/'); slash; slash = strchr(slash + 1, '/'))
            add_item(items, path, (size_t)(slash - path), NULL);
        add_item(items, path, strlen(path), entry);
    }
    return 0;
}

/* By path; entries of the tree come before implied directories. */
static int by_path(const void *a, const void *b)
{
    const struct item *one = a, *other = b;
    int order = strcmp(one->path, other->path);
    if (order != 0 || !one->entry == !other->entry)
        return order;
    return one->entry ? -1 : 1;
}

static int conflict(const struct item *one, const struct item *other, struct error *err)
{
    const struct item *named = one->entry ? one : other;
    autofree char *from = origin(named->entry),
                  *too = one->entry && other->entry ? origin(other->entry) : NULL;

    if (too)
        return error_set(err, ERROR_PROJECT,
                         "'%s' and '%s' both become '/%s' in the image; put one of them elsewhere",
                         from, too, one->path);
    return error_set(
        err, ERROR_PROJECT,
        "'%s' becomes '/%s' in the image, where other files need a directory; put it elsewhere",
        from, named->path);
}

/* Leaves each path once. Equal neighbours are fine when all of them are directories. */
static int unify(struct items *items, struct error *err)
{
    size_t kept = 0;
    if (items->len > 0)
        qsort(items->list, items->len, sizeof *items->list, by_path);

    for (size_t i = 0; i < items->len; i++) {
        const struct item *last = kept > 0 ? &items->list[kept - 1] : NULL, *item = &items->list[i];
        if (!last || strcmp(last->path, item->path) != 0)
            items->list[kept++] = *item;
        else if (type_of(last) != TAR_DIR || type_of(item) != TAR_DIR)
            return conflict(last, item, err);
    }

    items->len = kept;
    return 0;
}

/* Directories of the base keep their mode and owner, and no file replaces a directory. */
static int match_base(struct items *items, const struct rootfs *rootfs, struct error *err)
{
    for (size_t i = 0; i < items->len; i++) {
        struct item *item = &items->list[i];
        const struct rootfs_entry *there = rootfs_find(rootfs, item->path);
        if (!there || there->type != TAR_DIR)
            continue;
        item->there = there;
        if (type_of(item) == TAR_DIR)
            continue;

        autofree char *from = origin(item->entry);
        return error_set(err, ERROR_PROJECT,
                         "'%s' can't become '/%s': the base image has a directory there; name the "
                         "file inside it, '/%s/%s'",
                         from, item->path, item->path, path_base(from));
    }
    return 0;
}

/* One pass over the tree: it always finds the tar's digest and size; with `gzip` it compresses the
 * tar, with `list` it lists it. */
struct pass {
    struct digest_context context;
    struct gzip_writer *gzip;
    struct tar_writer *tar;
    struct listing_writer *list;
    uint64_t size;
    char *chunk;
};

static void pass_release(struct pass *pass)
{
    digest_context_release(&pass->context);
    gzip_writer_free(pass->gzip);
    tar_writer_free(pass->tar);
    listing_writer_free(pass->list);
    free(pass->chunk);
}

static int take_tar(void *data, const void *bytes, size_t length, struct error *err)
{
    struct pass *pass = data;
    digest_update(&pass->context, bytes, length);
    pass->size += length;
    return pass->gzip ? gzip_writer_write(pass->gzip, bytes, length, err) : 0;
}

/* The item's header in the tar, except for the size of a file that has a source. */
static struct tar_entry header_of(const struct item *item, int64_t epoch)
{
    const struct tree_entry *entry = item->entry;
    const struct rootfs_entry *there = item->there;
    struct tar_entry header = {
        .path = item->path, .type = type_of(item), .mtime = epoch, .mode = 0755};

    if (entry)
        header.mode = entry->mode;
    if (there) {
        header.mode = there->mode;
        header.uid = there->uid;
        header.gid = there->gid;
    }
    if (header.type == TAR_SYMLINK)
        header.link = entry->text;
    else if (header.type == TAR_FILE && entry->text)
        header.size = (int64_t)strlen(entry->text);
    return header;
}

static int put_entry(struct pass *pass, const struct tar_entry *entry, struct error *err)
{
    if (pass->list && listing_writer_entry(pass->list, entry, err) != 0)
        return -1;
    return tar_writer_entry(pass->tar, entry, err);
}

static int put_data(struct pass *pass, const void *bytes, size_t length, struct error *err)
{
    if (pass->list)
        listing_writer_data(pass->list, bytes, length);
    return tar_writer_data(pass->tar, bytes, length, err);
}

static int changed(const char *source, struct error *err)
{
    return error_set(err, ERROR_BUILD, "'%s' changed while it was read; build again", source);
}

/* Passes on exactly the `size` bytes that the header promised, and checks that the
 * file ends there. */
static int copy_content(struct pass *pass, int fd, const char *source, int64_t size,
                        struct error *err)
{
    for (int64_t left = size;;) {
        ssize_t got = read(fd, pass->chunk, CHUNK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_errno(err, ERROR_BUILD, "can't read '%s'", source);
        if (got > left || (got == 0 && left > 0))
            return changed(source, err);
        if (got == 0)
            return 0;
        if (put_data(pass, pass->chunk, (size_t)got, err) != 0)
            return -1;
        left -= got;
    }
}

static int write_file(struct pass *pass, struct tar_entry *header, const struct tree_entry *entry,
                      struct error *err)
{
    autofree char *source = tree_source(entry);
    struct stat before, after;
    autoclose int fd = open(source, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &before) != 0)
        return error_errno(err, ERROR_BUILD, "can't read '%s'", source);
    if (!S_ISREG(before.st_mode))
        return error_set(err, ERROR_PROJECT,
                         "'%s' isn't a regular file, so it can't go into the image", source);

    header->size = before.st_size;
    if (put_entry(pass, header, err) != 0 || copy_content(pass, fd, source, header->size, err) != 0)
        return -1;

    if (!entry->stored && (fstat(fd, &after) != 0 || !fs_same_file(&before, &after)))
        return changed(source, err);
    return 0;
}

static int write_item(struct pass *pass, const struct item *item, int64_t epoch, struct error *err)
{
    struct tar_entry header = header_of(item, epoch);
    if (header.type == TAR_FILE && item->entry->source)
        return write_file(pass, &header, item->entry, err);
    if (put_entry(pass, &header, err) != 0)
        return -1;
    return header.size > 0 ? put_data(pass, item->entry->text, (size_t)header.size, err) : 0;
}

static int run_pass(struct pass *pass, const struct items *items, int64_t epoch,
                    struct digest *diff_id, struct error *err)
{
    pass->tar = tar_writer_open(take_tar, pass, err);
    if (!pass->tar || digest_init(&pass->context, err) != 0)
        return -1;

    pass->chunk = xmalloc(CHUNK);
    for (size_t i = 0; i < items->len; i++)
        if (write_item(pass, &items->list[i], epoch, err) != 0)
            return -1;

    if (tar_writer_finish(pass->tar, err) != 0)
        return -1;
    digest_final(&pass->context, diff_id);
    return 0;
}

/* What is known about a tree without reading its files. */
struct outline {
    struct digest shape;   /* of everything in its tar except the files' content; files in the cache
                              are named by theirs */
    struct digest sources; /* of the stat data of the other files; empty: one may still change
                              without a trace */
    uint64_t content;      /* bytes of all files */
};

static void add_text(struct digest_context *context, const char *text)
{
    const char *known = text ? text : "";
    digest_update(context, known, strlen(known) + 1);
}

/* `source`: the source of the item's entry, or NULL. */
static void add_shape(struct digest_context *context, const struct item *item,
                      const struct tar_entry *header, const char *source)
{
    const int64_t numbers[] = {header->mtime, (int64_t)header->type, header->mode,
                               header->uid,   header->gid,           header->size};
    digest_update(context, numbers, sizeof numbers);
    add_text(context, header->path);
    add_text(context, header->link);
    add_text(context, source && item->entry->stored ? source : NULL);
    if (!source && header->size > 0)
        digest_update(context, item->entry->text, (size_t)header->size);
}

/* Whether later changes will get another time: the kernel stamps files with the coarse clock, which
 * stands still for some milliseconds. */
static bool settled(const struct stat *st, const struct timespec *now)
{
    return st->st_ctim.tv_sec != now->tv_sec ? st->st_ctim.tv_sec < now->tv_sec
                                             : st->st_ctim.tv_nsec < now->tv_nsec;
}

static void add_source(struct digest_context *context, const struct stat *st)
{
    const int64_t numbers[] = {(int64_t)st->st_dev, (int64_t)st->st_ino, st->st_size,
                               st->st_mtim.tv_sec,  st->st_mtim.tv_nsec, st->st_ctim.tv_sec,
                               st->st_ctim.tv_nsec};
    digest_update(context, numbers, sizeof numbers);
}

/* A source that can't be looked at becomes an error when it is read. */
static int make_outline(const struct items *items, int64_t epoch, struct outline *outline,
                        struct error *err)
{
    AUTO(digest_context) shape = {0}, sources = {0};
    struct timespec now;
    bool all_settled = true;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (digest_init(&shape, err) != 0 || digest_init(&sources, err) != 0)
        return -1;

    for (size_t i = 0; i < items->len; i++) {
        const struct item *item = &items->list[i];
        struct tar_entry header = header_of(item, epoch);
        autofree char *source = item->entry ? tree_source(item->entry) : NULL;
        if (source && !item->entry->stored) {
            struct stat st = {0};
            all_settled = all_settled && stat(source, &st) == 0 && settled(&st, &now);
            add_source(&sources, &st);
            header.size = st.st_size;
        }
        outline->content += (uint64_t)header.size;
        add_shape(&shape, item, &header, source);
    }

    digest_final(&shape, &outline->shape);
    digest_final(&sources, &outline->sources);
    if (!all_settled)
        outline->sources.text[0] = '\0';
    return 0;
}

/* Everything that a blob is made from. */
struct job {
    const struct items *items;
    const struct layer_format *format;
    const struct store *store;
    uint64_t content; /* bytes of all files, by their stat data */
};

struct goal {
    struct store_writer writer;
    struct layer_sink also; /* without functions: there is no sink */
};

static void goal_release(struct goal *goal)
{
    store_writer_release(&goal->writer);
}

static int goal_open(struct goal *goal, const struct job *job, struct error *err)
{
    enum { LARGE = 16 * 1024 * 1024 };
    const struct layer_format *format = job->format;
    if (store_writer_open(&goal->writer, job->store, NULL, err) != 0)
        return -1;

    /* A torn blob differs from its note in size, or is found damaged when it is copied. */
    goal->writer.lazy = true;
    if (job->content < LARGE || !format->large || !format->large(format->data, &goal->also))
        goal->also = (struct layer_sink){0};
    return 0;
}

static int to_goal(void *data, const void *bytes, size_t length, struct error *err)
{
    struct goal *goal = data;
    struct error ignored = {0};
    if (goal->also.bytes && goal->also.bytes(goal->also.data, bytes, length, &ignored) != 0)
        goal->also = (struct layer_sink){0};
    return store_writer_write(&goal->writer, bytes, length, err);
}

static int goal_commit(struct goal *goal, struct digest *digest, struct error *err)
{
    struct error ignored = {0};
    uint64_t size = goal->writer.offset;
    if (store_writer_commit(&goal->writer, digest, err) != 0)
        return -1;
    if (goal->also.done)
        (void)goal->also.done(goal->also.data, digest, size, &ignored);
    return 0;
}

/* Hashes, lists and compresses in one pass. A diff_id in *note must be the result. */
static int compress_tree(const struct job *job, struct layer_note *note, struct error *err)
{
    AUTO(goal) goal = {.writer = {.fd = -1}};
    AUTO(pass) pass = {0};
    struct digest diff_id;
    if (goal_open(&goal, job, err) != 0)
        return -1;

    pass.list = listing_writer_new(job->store);
    pass.gzip = gzip_writer_open(to_goal, &goal, job->format->level, 0, err);
    if (!pass.gzip || run_pass(&pass, job->items, job->format->epoch, &diff_id, err) != 0 ||
        gzip_writer_finish(pass.gzip, err) != 0)
        return -1;

    if (note->layer.diff_id.text[0] && !digest_equal(&diff_id, &note->layer.diff_id))
        return error_set(err, ERROR_BUILD,
                         "the project's files changed while they were read; build again");

    note->layer.diff_id = diff_id;
    note->layer.content_size = pass.size;
    note->layer.size = goal.writer.offset;
    if (goal_commit(&goal, &note->layer.digest, err) != 0)
        return -1;

    const struct listing about = {
        .diff_id = diff_id, .size = note->layer.size, .content_size = pass.size, .members = 1};
    return listing_writer_save(pass.list, &note->layer.digest, &about, err);
}

/* The name of the note about a tree's shape or a tar with this digest. It includes the compressor
 * that made the blob. */
static char *note_name(const char *kind, const struct layer_format *format,
                       const struct digest *digest)
{
    return xasprintf("%s-%s-%s", kind, gzip_writer_version(format->level), digest_hex(digest));
}

/* The tree may have the same content as an earlier tree of its shape. Hashing to find out takes a
 * twentieth of the time of compressing. */
static int look_again(const struct job *job, struct layer_note *note, struct error *err)
{
    AUTO(pass) pass = {0};
    struct digest diff_id;
    if (run_pass(&pass, job->items, job->format->epoch, &diff_id, err) != 0)
        return -1;

    autofree char *name = note_name("layer", job->format, &diff_id);
    if (layer_note_read(job->store, name, note) && digest_equal(&note->layer.diff_id, &diff_id))
        return 0;
    *note = (struct layer_note){.layer.diff_id = diff_id};
    return compress_tree(job, note, err);
}

static int make_blob(const struct items *items, const struct layer_format *format,
                     const struct store *store, struct layer_note *note, struct error *err)
{
    struct outline outline = {0};
    if (make_outline(items, format->epoch, &outline, err) != 0)
        return -1;

    autofree char *by_shape = note_name("tree", format, &outline.shape);
    bool seen = layer_note_read(store, by_shape, note);
    if (seen && outline.sources.text[0] && digest_equal(&note->sources, &outline.sources))
        return 0;
    if (!seen)
        *note = (struct layer_note){0};

    const struct job job = {items, format, store, outline.content};
    if ((seen ? look_again : compress_tree)(&job, note, err) != 0)
        return -1;

    autofree char *by_content = note_name("layer", format, &note->layer.diff_id);
    note->sources = outline.sources;
    if (layer_note_write(store, by_content, note, err) != 0)
        return -1;
    return layer_note_write(store, by_shape, note, err);
}

struct layer_format layer_format(int64_t epoch, const char *level)
{
    struct layer_format format = {.epoch = epoch, .level = GZIP_DEFAULT};
    (void)gzip_level_parse(level, &format.level);
    return format;
}

int layer_make(const struct tree *tree, const struct rootfs *rootfs,
               const struct layer_format *format, const struct store *store, struct layer *layer,
               struct error *err)
{
    AUTO(items) items = {0};
    struct layer_note note;
    memset(layer, 0, sizeof *layer);
    if (collect(tree, rootfs, &items, err) != 0 || unify(&items, err) != 0 ||
        match_base(&items, rootfs, err) != 0 || make_blob(&items, format, store, &note, err) != 0)
        return -1;
    *layer = note.layer;
    return 0;
}
