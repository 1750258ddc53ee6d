#include "layer/rootfs.h"

#include "layer/nodes.h"
#include "support/arena.h"
#include "support/fs.h"
#include "support/process.h"

#include <stdlib.h>
#include <string.h>

/* The merged tree. Every path in it is a real one: the directories it leads through are
 * directories, not links. So finding an entry is one look into a hash table (nodes.h). */

enum {
    MOST_ENTRIES = 2000000,
    MOST_LINKS = 40, /* the kernel's limit too (path_resolution(7)) */
    MOST_EXTRA =
        64 * 1024 *
        1024, /* bytes of names that are in no list: deep names of missing directories add up */
    MOST_KEPT = 384 * 1024 * 1024, /* bytes of all texts that entries have: a manifest may name one
                                      layer many times */
    MOST_LAYERS = 4095,            /* what rootfs_entry.layer can hold */
};

struct rootfs {
    const struct rootfs_judge *judge; /* NULL: the first fault ends the load */
    enum rootfs_fault fault; /* of the last error; ROOTFS_NO_FAULT: another kind of error */
    struct arena names;
    size_t extra_bytes; /* of names that are in no list */
    size_t kept_bytes;  /* of all other texts */
    size_t entries;     /* of all lists */
    struct nodes nodes;
    struct node *root;
    uint32_t *sorted;
    size_t sorted_count;
};

/* Keeps a name that is in no list. */
static const char *keep_extra(struct rootfs *rootfs, const char *path)
{
    rootfs->extra_bytes += strlen(path);
    return arena_add(&rootfs->names, path);
}

/* Keeps a text of a list. */
static const char *keep(struct rootfs *rootfs, const char *text)
{
    rootfs->kept_bytes += strlen(text);
    return arena_add(&rootfs->names, text);
}

/* The entry with this name in `dir`; NULL, or with `make` a new directory, when there is none. */
static struct node *child(struct rootfs *rootfs, struct node *dir, const char *name, size_t length,
                          bool make)
{
    AUTO(buf) path = {0};
    buf_adds(&path, dir->entry.path);
    if (path.len > 0)
        buf_addc(&path, '/');
    buf_add(&path, name, length);

    struct node *found = nodes_find(&rootfs->nodes, buf_text(&path), path.len);
    if (found || !make)
        return found;
    return nodes_add(&rootfs->nodes, dir, keep_extra(rootfs, buf_text(&path)));
}

static bool is_up(const char *component, size_t length)
{
    return length == 2 && component[0] == '.' && component[1] == '.';
}

static bool is_here(const char *component, size_t length)
{
    return length == 0 || (length == 1 && component[0] == '.');
}

/* "TARGET/AFTER" instead of `rest`, which is freed; `after` may point into it. */
static char *splice(char *rest, const char *target, const char *after)
{
    char *longer = xasprintf("%s/%s", target, after);
    free(rest);
    return longer;
}

static int below_cycle(struct rootfs *rootfs, const char *name, struct error *err)
{
    rootfs->fault = ROOTFS_BELOW_FILE;
    return error_set(err, ERROR_REGISTRY, "the name '%.200s' leads through a cycle of links", name);
}

static int below_file(struct rootfs *rootfs, const char *name, const struct node *file,
                      struct error *err)
{
    rootfs->fault = ROOTFS_BELOW_FILE;
    return error_set(err, ERROR_REGISTRY,
                     "the name '%.200s' is below '%.200s', which is not a directory", name,
                     file->entry.path);
}

/* The directory that the first `length` bytes of a name lead to, through any links. Missing
 * directories are made when `make` is set; else *out is NULL. The image is the whole world, as it
 * is for the tools that unpack in a chroot: an absolute link starts at its root, and above the root
 * is the root. */
static int walk(struct rootfs *rootfs, const char *name, size_t length, bool make,
                struct node **out, struct error *err)
{
    autofree char *rest = xstrndup(name, length);
    struct node *dir = rootfs->root;
    int links = 0;

    for (char *at = rest; dir && *at;) {
        size_t part = strcspn(at, "/");
        char *after = at + part + strspn(at + part, "/");
        if (is_up(at, part) && dir->parent) /* from a link: names are clean */
            dir = nodes_at(&rootfs->nodes, dir->parent);
        if (is_up(at, part) || is_here(at, part)) {
            at = after;
            continue;
        }

        struct node *node = child(rootfs, dir, at, part, make);
        if (node && node->entry.type == TAR_SYMLINK) {
            if (++links > MOST_LINKS)
                return below_cycle(rootfs, name, err);
            if (node->entry.link[0] == '/')
                dir = rootfs->root;
            rest = at = splice(rest, node->entry.link, after);
            continue;
        }
        if (node && node->entry.type != TAR_DIR)
            return below_file(rootfs, name, node, err);

        dir = node;
        at = after;
    }

    *out = dir;
    return 0;
}

/* The directory that an entry lies in. */
static int parent_of(struct rootfs *rootfs, const char *path, bool make, struct node **out,
                     struct error *err)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    *out = length ? nodes_find(&rootfs->nodes, path, length) : rootfs->root;
    if (*out && (*out)->entry.type == TAR_DIR)
        return 0;
    return walk(rootfs, path, length, make, out, err);
}

/* The path of this last name below `parent`; `path` itself when that is the same. */
static const char *real_path(struct rootfs *rootfs, const struct node *parent, const char *path)
{
    const char *base = path_base(path), *above = parent->entry.path;
    size_t length = strlen(above);
    if (length == 0 ? base == path : strncmp(path, above, length) == 0 && path + length + 1 == base)
        return path;
    autofree char *real = path_join(above, base);
    return keep_extra(rootfs, real);
}

/* ".wh.NAME" and ".wh..wh..opq". Other names that begin with ".wh..wh." belong to aufs
 * and mean nothing. */
static int whiteout(struct rootfs *rootfs, const char *path, const struct listing_entry *from,
                    size_t layer, struct error *err)
{
    struct node *dir = NULL;
    const char *base = path_base(path);
    bool opaque = strcmp(base, ".wh..wh..opq") == 0;
    if (!opaque && strncmp(base, ".wh..wh.", 8) == 0)
        return 0;

    rootfs->fault = ROOTFS_WHITEOUT;
    if (!base[4])
        return error_set(err, ERROR_REGISTRY, "the whiteout '%.200s' names nothing", path);
    if (rootfs->judge && (from->type != TAR_FILE || from->size != 0))
        rootfs->judge->fault(rootfs->judge->data, ROOTFS_WHITEOUT, layer, path,
                             "the whiteout is not an empty regular file");

    if (parent_of(rootfs, path, false, &dir, err) != 0)
        return -1;
    if (!dir)
        return 0;

    if (opaque) {
        nodes_hide(&rootfs->nodes, dir, layer);
        return 0;
    }

    struct node *hidden = child(rootfs, dir, base + 4, strlen(base + 4), false);
    if (!hidden)
        return 0;
    nodes_hide(&rootfs->nodes, hidden, layer);
    if (hidden->layer < layer && !hidden->children)
        nodes_drop(&rootfs->nodes, hidden);
    return 0;
}

static int link_target(struct rootfs *rootfs, const char *path, const char *link,
                       struct rootfs_entry *out, struct error *err)
{
    struct node *dir = NULL;
    if (parent_of(rootfs, link, false, &dir, err) != 0)
        return -1;

    const char *base = path_base(link);
    struct node *target = dir ? child(rootfs, dir, base, strlen(base), false) : NULL;
    if (!target || target->entry.type == TAR_DIR) {
        rootfs->fault = ROOTFS_NO_TARGET;
        return error_set(err, ERROR_REGISTRY, "the hard link '%.200s' is to '%.200s', which is %s",
                         path, link, target ? "a directory" : "not there");
    }

    *out = target->entry;
    return 0;
}

/* Reports what only a judge wants to hear about an entry that is fine otherwise. `node`: what is in
 * its place so far, or NULL. */
static void judge_place(struct rootfs *rootfs, const char *path, struct node *parent,
                        const struct node *node, size_t layer)
{
    const struct rootfs_judge *judge = rootfs->judge;
    if (parent && parent->implied && parent != rootfs->root && !parent->blamed) {
        autofree char *text =
            xasprintf("no layer lists its folder '%.300s' before it", parent->entry.path);
        judge->fault(judge->data, ROOTFS_NO_PARENT, layer, path, text);
        parent->blamed = true;
    }

    if (node && !node->implied && node->layer == layer)
        judge->fault(judge->data, ROOTFS_DUPLICATE, layer, path, "the layer has this name twice");
}

/* The node for an entry with this path: the existing one, or a new one. */
static struct node *take_node(struct rootfs *rootfs, const char *path,
                              const struct rootfs_entry *made, size_t layer, struct error *err)
{
    struct node *parent = NULL;
    if (!path[0])
        return rootfs->root;
    if (parent_of(rootfs, path, true, &parent, err) != 0)
        return NULL;

    const char *real = real_path(rootfs, parent, path);
    rootfs->fault = ROOTFS_NO_FAULT;
    if (rootfs->extra_bytes > MOST_EXTRA) {
        error_set(err, ERROR_REGISTRY,
                  "the names of directories that it doesn't list take more than %d bytes",
                  MOST_EXTRA);
        return NULL;
    }

    struct node *node = nodes_find(&rootfs->nodes, real, strlen(real));
    if (rootfs->judge)
        judge_place(rootfs, path, parent, node, layer);
    if (node && node->entry.type == TAR_DIR && made->type == TAR_DIR)
        return node;

    if (node) {
        real = node->entry.path;
        nodes_remove(&rootfs->nodes, node);
    } else if (real == path) {
        real = keep(rootfs, path);
    }
    return nodes_add(&rootfs->nodes, parent, real);
}

/* A directory over a directory updates its attributes; anything else replaces what was there (OCI
 * image-spec layer.md). */
static int place(struct rootfs *rootfs, const char *path, struct rootfs_entry *made, size_t layer,
                 struct error *err)
{
    struct node *node = take_node(rootfs, path, made, layer, err);
    if (!node)
        return -1;
    made->path = node->entry.path;
    node->entry = *made;
    node->layer = (uint16_t)layer;
    node->implied = false;
    return 0;
}

/* Faults that the list itself tells about a name. */
static int check_name(struct rootfs *rootfs, const struct listing_entry *from, size_t layer,
                      struct error *err)
{
    const char *path = from->path;
    rootfs->fault = ROOTFS_ESCAPES;
    if (from->flags & LISTING_ESCAPES)
        return error_set(err, ERROR_REGISTRY, "the name '%.200s' leads out of the image", path);
    if (from->flags & LISTING_LINK_ESCAPES)
        return error_set(err, ERROR_REGISTRY,
                         "the hard link '%.200s' to '%.200s' leads out of the image", path,
                         from->link);
    if (path[0] == '\0' && from->type != TAR_DIR) {
        rootfs->fault = ROOTFS_ROOT;
        return error_set(err, ERROR_REGISTRY, "its root is not a directory");
    }

    if ((from->flags & LISTING_ABSOLUTE) && rootfs->judge)
        rootfs->judge->fault(rootfs->judge->data, ROOTFS_ABSOLUTE, layer, path,
                             "its name in the layer begins with a slash");
    return 0;
}

/* The facts of an entry. A file that comes again, because its layer does, shares them with itself.
 */
static const char *keep_facts(struct rootfs *rootfs, const struct listing_entry *from)
{
    if (!from->facts)
        return NULL;
    const struct node *there = nodes_find(&rootfs->nodes, from->path, strlen(from->path));
    if (there && there->entry.facts && strcmp(there->entry.facts, from->facts) == 0)
        return there->entry.facts;
    return keep(rootfs, from->facts);
}

static int apply_entry(struct rootfs *rootfs, const struct listing_entry *from, size_t layer,
                       struct error *err)
{
    const char *path = from->path;
    struct rootfs_entry made = {.type = from->type,
                                .mode = from->mode & 07777,
                                .uid = from->uid,
                                .gid = from->gid,
                                .mtime = from->mtime,
                                .size = from->size,
                                .print = from->print};

    if ((from->flags || path[0] == '\0') && check_name(rootfs, from, layer, err) != 0)
        return -1;
    if (strncmp(path_base(path), ".wh.", 4) == 0)
        return whiteout(rootfs, path, from, layer, err);

    if (from->type == TAR_HARDLINK) {
        if (link_target(rootfs, path, from->link, &made, err) != 0)
            return -1;
    } else {
        made.link = from->link ? keep(rootfs, from->link) : NULL;
        made.facts = keep_facts(rootfs, from);
    }

    if (rootfs->kept_bytes > MOST_KEPT) {
        rootfs->fault = ROOTFS_NO_FAULT;
        return error_set(err, ERROR_REGISTRY, "the image's names take more than %d bytes",
                         MOST_KEPT);
    }
    made.layer = layer & MOST_LAYERS;
    return place(rootfs, path, &made, layer, err);
}

/* Layers count from 1: what no layer names is older than all of them. */
static int apply(struct rootfs *rootfs, size_t layer, struct listing_reader *list,
                 struct error *err)
{
    struct listing_entry entry;
    int got;
    while ((got = listing_reader_next(list, &entry, err)) > 0) {
        if (rootfs->judge && rootfs->judge->entry)
            rootfs->judge->entry(rootfs->judge->data, layer, &entry);

        rootfs->fault = ROOTFS_NO_FAULT;
        if (apply_entry(rootfs, &entry, layer, err) == 0)
            continue;
        if (!rootfs->judge || rootfs->fault == ROOTFS_NO_FAULT)
            return -1;
        rootfs->judge->fault(rootfs->judge->data, rootfs->fault, layer, entry.path, err->text);
    }
    return got;
}

/* The list of a layer; a missing one is made again, unless for a judge. */
static struct listing_reader *open_list(const struct rootfs *rootfs, const struct store *store,
                                        const struct digest *layer, struct listing *about,
                                        struct error *err)
{
    struct digest any = {0};
    struct listing_reader *list = listing_reader_open(store, layer, about);
    if (!list && rootfs->judge)
        error_set(err, ERROR_BUILD, "the list of the layer '%s' is gone from the cache; try again",
                  layer->text);

    if (list || rootfs->judge || listing_make(store, layer, &any, err) != 0)
        return list;

    list = listing_reader_open(store, layer, about);
    if (!list)
        error_set(err, ERROR_BUILD, "the list of the layer '%s' can't be read back", layer->text);
    return list;
}

static int apply_layer(struct rootfs *rootfs, const struct store *store,
                       const struct digest *digest, size_t layer, struct error *err)
{
    struct listing about;
    if (!digest->text[0])
        return 0;
    if (process_check_interrupt(err) != 0)
        return -1;
    AUTOPTR(listing_reader) list = open_list(rootfs, store, digest, &about, err);
    if (!list)
        return -1;

    rootfs->entries += about.count;
    if (rootfs->entries > MOST_ENTRIES)
        return error_set(err, ERROR_REGISTRY, "the image has more than %d entries", MOST_ENTRIES);
    if (apply(rootfs, layer, list, err) == 0)
        return 0;
    return rootfs->judge ? -1 : error_wrap(err, "the layer '%s' can't be used", digest->text);
}

static int by_path(const void *a, const void *b, void *data)
{
    const struct rootfs *rootfs = data;
    return strcmp(nodes_at(&rootfs->nodes, *(const uint32_t *)a)->entry.path,
                  nodes_at(&rootfs->nodes, *(const uint32_t *)b)->entry.path);
}

static void sort(struct rootfs *rootfs)
{
    rootfs->sorted = xcalloc(rootfs->nodes.count, sizeof *rootfs->sorted);
    for (uint32_t number = 1; number < rootfs->nodes.count; number++) {
        const struct node *node = nodes_at(&rootfs->nodes, number);
        if (node->entry.path && (node != rootfs->root || !node->implied))
            rootfs->sorted[rootfs->sorted_count++] = number;
    }
    if (rootfs->sorted_count > 0)
        qsort_r(rootfs->sorted, rootfs->sorted_count, sizeof *rootfs->sorted, by_path, rootfs);
}

struct rootfs *rootfs_judge(const struct store *store, const struct digest *layers, size_t count,
                            const struct rootfs_judge *judge, struct error *err)
{
    AUTOPTR(rootfs) rootfs = xcalloc(1, sizeof *rootfs);
    rootfs->judge = judge;
    nodes_init(&rootfs->nodes);
    rootfs->root = nodes_add(&rootfs->nodes, NULL, "");
    if (count > MOST_LAYERS) {
        error_set(err, ERROR_REGISTRY, "the image has more than %d layers", MOST_LAYERS);
        return NULL;
    }

    for (size_t i = 0; i < count; i++)
        if (apply_layer(rootfs, store, &layers[i], i + 1, err) != 0)
            return NULL;

    sort(rootfs);
    rootfs->judge = NULL;
    return take(rootfs);
}

struct rootfs *rootfs_load(const struct store *store, const struct digest *layers, size_t count,
                           struct error *err)
{
    return rootfs_judge(store, layers, count, NULL, err);
}

void rootfs_free(struct rootfs *rootfs)
{
    if (!rootfs)
        return;
    nodes_release(&rootfs->nodes);
    arena_release(&rootfs->names);
    free(rootfs->sorted);
    free(rootfs);
}

const struct rootfs_entry *rootfs_find(const struct rootfs *rootfs, const char *path)
{
    const struct node *node = nodes_find(&rootfs->nodes, path, strlen(path));
    return node && (node != rootfs->root || !node->implied) ? &node->entry : NULL;
}

/* Drops the last component. */
static void go_up(struct buf *path)
{
    while (path->len > 0 && path->data[--path->len] != '/')
        ;
}

char *rootfs_resolve(const struct rootfs *rootfs, const char *path, struct error *err)
{
    AUTO(buf) real = {0};
    autofree char *rest = xstrdup(path);
    int links = 0;

    for (char *at = rest; *at;) {
        size_t part = strcspn(at, "/"), before = real.len;
        char *after = at + part + strspn(at + part, "/");
        if (is_up(at, part))
            go_up(&real);
        if (is_up(at, part) || is_here(at, part)) {
            at = after;
            continue;
        }

        if (real.len > 0)
            buf_addc(&real, '/');
        buf_add(&real, at, part);
        const struct node *node = *after ? nodes_find(&rootfs->nodes, real.data, real.len) : NULL;
        if (node && node->entry.type == TAR_SYMLINK) {
            if (++links > MOST_LINKS) {
                error_set(err, ERROR_PROJECT, "'%s' leads through a cycle of links in the image",
                          path);
                return NULL;
            }
            real.len = node->entry.link[0] == '/' ? 0 : before;
            rest = at = splice(rest, node->entry.link, after);
            continue;
        }
        if (node && node->entry.type != TAR_DIR) {
            error_set(err, ERROR_PROJECT,
                      "'%s' can't be in the image: '%s' is not a directory there", path,
                      node->entry.path);
            return NULL;
        }
        at = after;
    }

    return xstrndup(buf_text(&real), real.len);
}

size_t rootfs_count(const struct rootfs *rootfs)
{
    return rootfs->sorted_count;
}

const struct rootfs_entry *rootfs_at(const struct rootfs *rootfs, size_t index)
{
    return index < rootfs->sorted_count ? &nodes_at(&rootfs->nodes, rootfs->sorted[index])->entry
                                        : NULL;
}
