#include "dockerfile/context.h"

#include "dockerfile/dockerfile.h"
#include "layer/layer.h"
#include "support/buf.h"
#include "support/data.h"
#include "support/fs.h"
#include "support/own.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES_MAX = 1000000, DEPTH_MAX = 200, LINK_MAX_BYTES = 4096, PIECE = 65536 };

/* Looking. */

struct scan {
    const char *dir;
    const struct ignore *ignore;
    const struct strv *left_out;
    struct context *out;
    int depth;
};

static int add(struct scan *scan, const char *path, enum tar_type type, const struct stat *st,
               const char *link, struct error *err)
{
    struct context *out = scan->out;
    if (out->len == FILES_MAX)
        return error_set(
            err, ERROR_PROJECT,
            "'%s' has more than 1,000,000 files; leave some out with a .dockerignore file",
            scan->dir);
    grow(out->files, out->len, out->cap);
    out->files[out->len++] = (struct context_file){
        .path = arena_add(&out->names, path),
        .type = type,
        .mode = type == TAR_DIR || (st->st_mode & 0111) ? 0755 : 0644,
        .link = link ? arena_add(&out->names, link) : NULL,
    };
    return 0;
}

static int scan_folder(struct scan *scan, int parent, const char *name, const char *path,
                       struct error *err);

static int scan_link(struct scan *scan, int parent, const char *name, const char *path,
                     const struct stat *st, struct error *err)
{
    char target[LINK_MAX_BYTES + 1];

    ssize_t length = readlinkat(parent, name, target, sizeof target);
    if (length < 0)
        return error_errno(err, ERROR_BUILD, "can't read the link '%s/%s'", scan->dir, path);

    if ((size_t)length == sizeof target)
        return error_set(err, ERROR_BUILD,
                         "the target of the link '%s/%s' is longer than 4,096 bytes", scan->dir,
                         path);
    target[length] = '\0';
    return add(scan, path, TAR_SYMLINK, st, target, err);
}

/* A folder that is left out comes back in when a "!" rule lets in something below it. */
static int scan_subfolder(struct scan *scan, int parent, const char *name, const char *path,
                          const struct stat *st, struct error *err)
{
    bool out = ignore_matches(scan->ignore, path);
    if (out && !ignore_may_reinclude(scan->ignore, path))
        return 0;

    size_t before = scan->out->len;
    if (scan_folder(scan, parent, name, path, err) != 0)
        return -1;
    return out && scan->out->len == before ? 0 : add(scan, path, TAR_DIR, st, NULL, err);
}

static int scan_entry(struct scan *scan, int parent, const char *name, const char *path,
                      struct error *err)
{
    struct stat st;
    if (strcmp(name, ".git") == 0 || fs_is_temporary(name, NULL) ||
        strv_contains(scan->left_out, path))
        return 0;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT
                   ? 0
                   : error_errno(err, ERROR_BUILD, "can't look at '%s/%s'", scan->dir, path);

    if (S_ISDIR(st.st_mode))
        return scan_subfolder(scan, parent, name, path, &st, err);
    if ((!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)) || ignore_matches(scan->ignore, path))
        return 0;
    return S_ISREG(st.st_mode) ? add(scan, path, TAR_FILE, &st, NULL, err)
                               : scan_link(scan, parent, name, path, &st, err);
}

static int scan_folder(struct scan *scan, int parent, const char *name, const char *path,
                       struct error *err)
{
    int result = 0,
        fd = openat(parent, name,
                    O_RDONLY | O_DIRECTORY | O_CLOEXEC | (parent == AT_FDCWD ? 0 : O_NOFOLLOW));
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir) {
        error_errno(err, ERROR_BUILD, "can't read the folder '%s%s%s'", scan->dir,
                    path[0] ? "/" : "", path);
        autoclose_release(&fd);
        return -1;
    }

    if (++scan->depth > DEPTH_MAX)
        result = error_set(
            err, ERROR_PROJECT,
            "'%s/%.200s...' is nested deeper than %d folders; leave it out with a .dockerignore "
            "file",
            scan->dir, path, DEPTH_MAX);

    for (struct dirent *entry; result == 0 && (errno = 0, entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        autofree char *below = path_join(path, entry->d_name);
        result = scan_entry(scan, fd, entry->d_name, below, err);
    }

    if (result == 0 && errno != 0)
        result = error_errno(err, ERROR_BUILD, "can't read the folder '%s/%s'", scan->dir, path);
    scan->depth--;
    closedir(dir);
    return result;
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct context_file *)a)->path, ((const struct context_file *)b)->path);
}

int context_scan(const char *dir, const struct ignore *ignore, const struct strv *left_out,
                 struct context *out, struct error *err)
{
    struct scan scan = {.dir = dir, .ignore = ignore, .left_out = left_out, .out = out};
    if (scan_folder(&scan, AT_FDCWD, dir, "", err) != 0)
        return -1;

    if (out->len > 1)
        qsort(out->files, out->len, sizeof *out->files, compare_files);
    return 0;
}

void context_release(struct context *context)
{
    free(context->files);
    arena_release(&context->names);
    *context = (struct context){0};
}

/* Writing. */

/* Our names in the context, and those that engines would read as rules for Dockerfile.lbuild. */
static bool is_ours(const char *path)
{
    static const char *const ours[] = {".lbuild", DOCKERFILE_NAME, DOCKERFILE_NAME ".dockerignore",
                                       DOCKERFILE_NAME ".containerignore"};
    for (size_t i = 0; i < countof(ours); i++)
        if (path_below(path, ours[i], NULL))
            return true;
    return false;
}

/* The folders above a path of ours; duplicates are dropped on writing. Cuts the path. */
static void add_folders(struct tree *tree, char *path)
{
    for (char *slash = strrchr(path, '/'); slash; slash = strrchr(path, '/')) {
        *slash = '\0';
        tree_add_dir(tree, path);
    }
}

static int gather_project(const struct plan *plan, const struct context *context, struct tree *tree,
                          struct error *err)
{
    for (size_t i = 0; i < context->len; i++) {
        const struct context_file *file = &context->files[i];
        if (is_ours(file->path))
            return error_set(err, ERROR_PROJECT,
                             "'%s/%s' has a name that lbuild needs in the build context; rename it "
                             "or leave it out with a .dockerignore file",
                             plan->project_dir, file->path);

        autofree char *source = path_join(plan->project_dir, file->path);
        bool held = dockerfile_holds(file->path);
        autofree char *path = held ? path_join(DOCKERFILE_HELD, file->path) : xstrdup(file->path);
        if (file->type == TAR_DIR)
            tree_add_dir(tree, path);
        else if (file->type == TAR_SYMLINK)
            tree_add_link(tree, path, file->link);
        else
            tree_add_file(tree, path, source, file->mode);
        if (held)
            add_folders(tree, path);
    }
    return 0;
}

static int gather_runtime(const struct plan *plan, struct tree *tree, struct error *err)
{
    AUTO(strv) files = {0};
    if (!plan->runtime_dir || !plan->runtime_dir[0])
        return 0;
    if (data_files(plan->runtime_dir, "", &files, err) != 0)
        return -1;

    for (size_t i = 0; i < files.len; i++) {
        autofree char *source = path_join(plan->runtime_dir, files.items[i]);
        autofree char *path = path_join(plan->runtime_prefix, files.items[i]);
        tree_add_file(tree, path, source, 0644);
        add_folders(tree, path);
    }
    return 0;
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct tree_entry *)a)->path, ((const struct tree_entry *)b)->path);
}

static int write_content(struct tar_writer *writer, int fd, const char *source, uint64_t size,
                         struct error *err)
{
    char piece[PIECE];
    for (;;) {
        ssize_t got = read(fd, piece, sizeof piece);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_errno(err, ERROR_BUILD, "can't read '%s'", source);

        if ((uint64_t)got > size || (got == 0 && size > 0))
            return error_set(err, ERROR_BUILD, "'%s' changed while it was read; build again",
                             source);
        if (got == 0)
            return 0;

        size -= (uint64_t)got;
        if (tar_writer_data(writer, piece, (size_t)got, err) != 0)
            return -1;
    }
}

static int write_file(struct tar_writer *writer, const struct tree_entry *entry,
                      struct tar_entry *header, struct error *err)
{
    struct stat st;
    autofree char *source = tree_source(entry);
    if (!source) {
        header->size = (int64_t)strlen(entry->text);
        return tar_writer_entry(writer, header, err) == 0
                   ? tar_writer_data(writer, entry->text, (size_t)header->size, err)
                   : -1;
    }

    autoclose int fd = open(source, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0)
        return error_errno(err, ERROR_BUILD, "can't read '%s'", source);
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_BUILD, "'%s' changed while it was read; build again", source);

    header->size = st.st_size;
    if (tar_writer_entry(writer, header, err) != 0)
        return -1;
    return write_content(writer, fd, source, (uint64_t)st.st_size, err);
}

static int write_tree(const struct plan *plan, const struct tree *tree, struct tar_writer *writer,
                      struct error *err)
{
    for (size_t i = 0; i < tree->len; i++) {
        const struct tree_entry *entry = &tree->entries[i];
        if (i > 0 && strcmp(tree->entries[i - 1].path, entry->path) == 0)
            continue;

        struct tar_entry header = {.path = entry->path,
                                   .link = entry->type == TAR_SYMLINK ? entry->text : NULL,
                                   .type = entry->type,
                                   .mode = entry->mode,
                                   .mtime = plan->epoch};
        int result = entry->type == TAR_FILE ? write_file(writer, entry, &header, err)
                                             : tar_writer_entry(writer, &header, err);
        if (result != 0)
            return -1;
    }
    return tar_writer_finish(writer, err);
}

/* The tar comes in pieces of 512 bytes; they are gathered so that the sink gets large ones. */
struct gathered {
    byte_sink sink;
    void *data;
    struct buf bytes;
};

static void gathered_release(struct gathered *gathered)
{
    buf_release(&gathered->bytes);
}

static int pass_on(struct gathered *gathered, struct error *err)
{
    int result = gathered->sink(gathered->data, gathered->bytes.data, gathered->bytes.len, err);
    buf_clear(&gathered->bytes);
    return result;
}

static int gather(void *data, const void *bytes, size_t length, struct error *err)
{
    struct gathered *gathered = data;
    buf_add(&gathered->bytes, bytes, length);
    return gathered->bytes.len < PIECE ? 0 : pass_on(gathered, err);
}

int context_write(const struct plan *plan, const struct context *context, const char *dockerfile,
                  byte_sink sink, void *data, struct error *err)
{
    AUTO(tree) tree = {0};
    AUTO(gathered) gathered = {.sink = sink, .data = data};

    if (gather_project(plan, context, &tree, err) != 0 || gather_runtime(plan, &tree, err) != 0)
        return -1;

    tree_add_text(&tree, DOCKERFILE_NAME, dockerfile, 0644);
    qsort(tree.entries, tree.len, sizeof *tree.entries, compare_entries);
    AUTOPTR(tar_writer) writer = tar_writer_open(gather, &gathered, err);
    return writer && write_tree(plan, &tree, writer, err) == 0 ? pass_on(&gathered, err) : -1;
}
