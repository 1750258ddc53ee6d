#include "listing.h"

#include "support/fs.h"
#include "support/strv.h"

#include <stdlib.h>
#include <string.h>

/* The merged tree. Every path in the table is a real one: the directories it leads through are directories, not links. So
 * finding an entry is one look into a hash table; the links between nodes serve to remove whole trees. */

enum {
    MOST_ENTRIES = 2000000,
    MOST_LINKS = 40,             /* the kernel's limit too (path_resolution(7)) */
    MOST_EXTRA = 64 * 1024 * 1024, /* bytes of names that no list has: deep names of missing directories add up */
    ARENA = 512,
};

struct node {
    struct rootfs_entry entry;
    uint64_t hash;
    struct node *same; /* next in its hash bucket */
    struct node *parent, *children, *next, *previous;
    size_t layer; /* the last one that had a say; a whiteout hides lower layers only */
    bool implied; /* no layer names it */
    bool blamed;  /* that it is implied has been said */
};

struct arena {
    struct arena *before;
    struct node nodes[ARENA];
};

struct rootfs {
    struct listing *lists; /* of our own; the names of the entries are in them */
    size_t list_count;
    const struct rootfs_judge *judge; /* NULL: the first fault ends it */
    enum rootfs_fault fault;          /* what the last error was; ROOTFS_NO_FAULT: something else */
    struct strv extra; /* names that are not in a list */
    size_t extra_bytes;
    struct arena *arena;
    size_t arena_used;
    struct node **buckets;
    size_t bucket_count; /* a power of two */
    struct node *root;
    const struct rootfs_entry **sorted;
    size_t sorted_count;
};

static uint64_t hash_of(const char *path, size_t length)
{
    uint64_t hash = length, word;
    for (; length >= sizeof word; path += sizeof word, length -= sizeof word) {
        memcpy(&word, path, sizeof word);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    word = 0;
    memcpy(&word, path, length);
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

static struct node *find(const struct rootfs *rootfs, const char *path, size_t length)
{
    uint64_t hash = hash_of(path, length);
    struct node *node = rootfs->buckets[hash & (rootfs->bucket_count - 1)];
    while (node && (node->hash != hash || strncmp(node->entry.path, path, length) != 0 || node->entry.path[length]))
        node = node->same;
    return node;
}

/* A new node below `parent` (NULL: the root). The path must stay for as long as the tree. */
static struct node *add_node(struct rootfs *rootfs, struct node *parent, const char *path)
{
    if (!rootfs->arena || rootfs->arena_used == ARENA) {
        struct arena *arena = xmalloc(sizeof *arena);
        arena->before = rootfs->arena;
        rootfs->arena = arena;
        rootfs->arena_used = 0;
    }
    struct node *node = &rootfs->arena->nodes[rootfs->arena_used++];
    uint64_t hash = hash_of(path, strlen(path));
    struct node **bucket = &rootfs->buckets[hash & (rootfs->bucket_count - 1)];
    *node = (struct node){.entry = {.path = path, .type = TAR_DIR, .mode = 0755}, .hash = hash, .same = *bucket,
                          .parent = parent, .implied = true};
    *bucket = node;
    if (parent) {
        node->next = parent->children;
        if (node->next)
            node->next->previous = node;
        parent->children = node;
    }
    return node;
}

/* Takes one node, whose children are gone, out of the tree. Its memory stays until the tree goes. */
static void drop(struct rootfs *rootfs, struct node *node)
{
    struct node **at = &rootfs->buckets[node->hash & (rootfs->bucket_count - 1)];
    while (*at != node)
        at = &(*at)->same;
    *at = node->same;
    if (node->previous)
        node->previous->next = node->next;
    else
        node->parent->children = node->next;
    if (node->next)
        node->next->previous = node->previous;
}

/* Removes what is below `top`, as far as it is older than `layer`; what the layer itself put there stays. Without
 * recursion: a hostile layer nests as deep as names allow. */
static void hide_children(struct rootfs *rootfs, struct node *top, size_t layer)
{
    struct node *node = top->children;
    while (node && node != top) {
        if (node->children) {
            node = node->children;
            continue;
        }
        /* A leaf: go on with its neighbour, or back up; a parent that has become empty is the next leaf. */
        for (;;) {
            struct node *next = node->next, *parent = node->parent;
            if (node->layer < layer && !node->children)
                drop(rootfs, node);
            else if (node->layer < layer) {
                const char *path = node->entry.path;
                node->entry = (struct rootfs_entry){.path = path, .type = TAR_DIR, .mode = 0755};
                node->implied = true;
            }
            if (next) {
                node = next;
                break;
            }
            node = parent;
            if (node == top)
                return;
        }
    }
}

static void remove_tree(struct rootfs *rootfs, struct node *node)
{
    hide_children(rootfs, node, SIZE_MAX);
    drop(rootfs, node);
}

static const char *keep(struct rootfs *rootfs, char *path)
{
    strv_take(&rootfs->extra, path);
    rootfs->extra_bytes += strlen(path);
    return path;
}

/* Looks one component below `dir` up, for walk. */
static struct node *child(struct rootfs *rootfs, const struct node *dir, const char *name, size_t length, bool make)
{
    AUTO(buf) path = {0};
    buf_adds(&path, dir->entry.path);
    if (path.len > 0)
        buf_addc(&path, '/');
    buf_add(&path, name, length);
    struct node *found = find(rootfs, buf_text(&path), path.len);
    if (found || !make)
        return found;
    return add_node(rootfs, (struct node *)(uintptr_t)dir, keep(rootfs, buf_detach(&path)));
}

static int escapes(struct rootfs *rootfs, const char *path, const char *link, struct error *err)
{
    rootfs->fault = ROOTFS_ESCAPES;
    return error_set(err, ERROR_REGISTRY, "the name '%.200s' leads out of the image through the link '%.200s'", path, link);
}

/* The directory that the first `length` bytes of a name lead to, through links where there are some. Missing ones are made when
 * `make` is set, else *out is NULL. An image tool that follows links while it unpacks would write wherever they lead, so
 * those that lead out of the image end it here. */
static int walk(struct rootfs *rootfs, const char *name, size_t length, bool make, struct node **out, struct error *err)
{
    autofree char *rest = xstrndup(name, length);
    const char *link = name;
    struct node *dir = rootfs->root;
    int links = 0;
    for (char *at = rest; dir && *at;) {
        size_t part = strcspn(at, "/");
        char *after = at + part + strspn(at + part, "/");
        if (part == 0 || (part == 1 && at[0] == '.')) {
            at = after;
            continue;
        }
        if (part == 2 && at[0] == '.' && at[1] == '.') { /* from a link: names are clean */
            if (!dir->parent)
                return escapes(rootfs, name, link, err);
            dir = dir->parent;
            at = after;
            continue;
        }
        struct node *node = child(rootfs, dir, at, part, make);
        if (node && node->entry.type == TAR_SYMLINK) {
            link = node->entry.path;
            if (node->entry.link[0] == '/')
                return escapes(rootfs, name, link, err);
            if (++links > MOST_LINKS) {
                rootfs->fault = ROOTFS_BELOW_FILE;
                return error_set(err, ERROR_REGISTRY, "the name '%.200s' leads through a cycle of links", name);
            }
            char *longer = xasprintf("%s/%s", node->entry.link, after);
            free(rest);
            rest = at = longer;
            continue;
        }
        if (node && node->entry.type != TAR_DIR) {
            rootfs->fault = ROOTFS_BELOW_FILE;
            return error_set(err, ERROR_REGISTRY, "the name '%.200s' is below '%.200s', which is not a directory", name,
                             node->entry.path);
        }
        dir = node;
        at = after;
    }
    *out = dir;
    return 0;
}

/* The directory that an entry lies in. */
static int parent_of(struct rootfs *rootfs, const char *path, bool make, struct node **out, struct error *err)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    *out = length ? find(rootfs, path, length) : rootfs->root;
    if (*out && (*out)->entry.type == TAR_DIR)
        return 0;
    return walk(rootfs, path, length, make, out, err);
}

/* The path of `base` below `parent`; the one given when that is it already. */
static const char *real_path(struct rootfs *rootfs, const struct node *parent, const char *path)
{
    const char *base = path_base(path), *above = parent->entry.path;
    size_t length = strlen(above);
    if (length == 0 ? base == path : strncmp(path, above, length) == 0 && path + length + 1 == base)
        return path;
    return keep(rootfs, path_join(above, base));
}

/* ".wh.NAME" and ".wh..wh..opq"; the other names that begin with ".wh..wh." are aufs' own and mean nothing. */
static int whiteout(struct rootfs *rootfs, const char *path, const struct listing_entry *from, size_t layer, struct error *err)
{
    struct node *dir = NULL;
    const char *base = path_base(path);
    bool opaque = strcmp(base, ".wh..wh..opq") == 0;
    if (!opaque && strncmp(base, ".wh..wh.", 8) == 0)
        return 0;
    rootfs->fault = ROOTFS_WHITEOUT;
    if (!base[4])
        return error_set(err, ERROR_REGISTRY, "the whiteout '%.200s' in it names nothing", path);
    if (rootfs->judge && (from->type != TAR_FILE || from->size != 0))
        rootfs->judge->fault(rootfs->judge->data, ROOTFS_WHITEOUT, layer, path, "the whiteout is not an empty regular file");
    if (parent_of(rootfs, path, false, &dir, err) != 0)
        return -1;
    if (!dir)
        return 0;
    if (opaque) {
        hide_children(rootfs, dir, layer);
        return 0;
    }
    struct node *hidden = child(rootfs, dir, base + 4, strlen(base + 4), false);
    if (!hidden)
        return 0;
    hide_children(rootfs, hidden, layer);
    if (hidden->layer < layer && !hidden->children)
        drop(rootfs, hidden);
    return 0;
}

static int link_target(struct rootfs *rootfs, const char *path, const char *link, struct rootfs_entry *out, struct error *err)
{
    struct node *dir = NULL;
    if (parent_of(rootfs, link, false, &dir, err) != 0)
        return -1;
    const char *base = path_base(link);
    struct node *target = dir ? child(rootfs, dir, base, strlen(base), false) : NULL;
    if (!target || target->entry.type == TAR_DIR) {
        rootfs->fault = ROOTFS_NO_TARGET;
        return error_set(err, ERROR_REGISTRY, "the hard link '%.200s' is to '%.200s', which is %s", path, link,
                         target ? "a directory" : "not there");
    }
    *out = target->entry;
    return 0;
}

/* What only a judge wants to hear, of an entry that is otherwise fine. `node`: what is in its place so far, or NULL. */
static void judge_place(struct rootfs *rootfs, const char *path, struct node *parent, const struct node *node, size_t layer)
{
    const struct rootfs_judge *judge = rootfs->judge;
    if (parent && parent->implied && parent != rootfs->root && !parent->blamed) {
        autofree char *text = xasprintf("no layer lists its folder '%.300s' before it", parent->entry.path);
        judge->fault(judge->data, ROOTFS_NO_PARENT, layer, path, text);
        parent->blamed = true;
    }
    if (node && !node->implied && node->layer == layer)
        judge->fault(judge->data, ROOTFS_DUPLICATE, layer, path, "the layer has this name twice");
}

/* A directory over a directory changes what is said about it; anything else takes the place of what was there (OCI
 * image-spec layer.md). */
static int place(struct rootfs *rootfs, const char *path, struct rootfs_entry *made, size_t layer, struct error *err)
{
    struct node *parent = NULL, *node = rootfs->root;
    made->path = "";
    if (path[0]) {
        if (parent_of(rootfs, path, true, &parent, err) != 0)
            return -1;
        made->path = real_path(rootfs, parent, path);
        rootfs->fault = ROOTFS_NO_FAULT;
        if (rootfs->extra_bytes > MOST_EXTRA)
            return error_set(err, ERROR_REGISTRY, "the names of directories that it doesn't list take more than %d bytes", MOST_EXTRA);
        node = find(rootfs, made->path, strlen(made->path));
        if (rootfs->judge)
            judge_place(rootfs, path, parent, node, layer);
        if (node && (node->entry.type != TAR_DIR || made->type != TAR_DIR)) {
            remove_tree(rootfs, node);
            node = NULL;
        }
        if (!node)
            node = add_node(rootfs, parent, made->path);
    }
    node->entry = *made;
    node->layer = layer;
    node->implied = false;
    return 0;
}

/* What the list itself says against a name. */
static int check_name(struct rootfs *rootfs, const char *path, const char *link, const struct listing_entry *from,
                      size_t layer, struct error *err)
{
    rootfs->fault = ROOTFS_ESCAPES;
    if (from->flags & LISTING_ESCAPES)
        return error_set(err, ERROR_REGISTRY, "the name '%.200s' in it leads out of the image", path);
    if (from->flags & LISTING_LINK_ESCAPES)
        return error_set(err, ERROR_REGISTRY, "the hard link '%.200s' in it, to '%.200s', leads out of the image", path, link);
    if (path[0] == '\0' && from->type != TAR_DIR) {
        rootfs->fault = ROOTFS_ROOT;
        return error_set(err, ERROR_REGISTRY, "the root of it is not a directory");
    }
    if (!(from->flags & LISTING_ABSOLUTE))
        return 0;
    rootfs->fault = ROOTFS_ABSOLUTE;
    if (!rootfs->judge)
        return error_set(err, ERROR_REGISTRY, "the name '/%.200s' in it leads out of the image: it is absolute", path);
    rootfs->judge->fault(rootfs->judge->data, ROOTFS_ABSOLUTE, layer, path, "its name in the layer begins with a slash");
    return 0;
}

static int apply_entry(struct rootfs *rootfs, const struct listing *list, const struct listing_entry *from, size_t layer,
                       struct error *err)
{
    const char *path = list->names + from->path, *link = from->link == UINT32_MAX ? NULL : list->names + from->link;
    const char *facts = from->facts == UINT32_MAX ? NULL : list->names + from->facts;
    struct rootfs_entry made = {.link = from->type == TAR_SYMLINK ? link : NULL, .type = (enum tar_type)from->type,
                                .mode = from->mode, .uid = from->uid, .gid = from->gid, .mtime = from->mtime,
                                .size = from->size, .print = from->print, .facts = facts, .layer = layer};
    if ((from->flags || path[0] == '\0') && check_name(rootfs, path, link, from, layer, err) != 0)
        return -1;
    if (strncmp(path_base(path), ".wh.", 4) == 0)
        return whiteout(rootfs, path, from, layer, err);
    if (from->type == TAR_HARDLINK) {
        if (link_target(rootfs, path, link, &made, err) != 0)
            return -1;
        made.layer = layer;
    }
    return place(rootfs, path, &made, layer, err);
}

/* Layers count from 1: what no layer names is older than all. */
static int apply(struct rootfs *rootfs, size_t layer, const struct listing *list, struct error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        rootfs->fault = ROOTFS_NO_FAULT;
        if (apply_entry(rootfs, list, &list->entries[i], layer, err) == 0)
            continue;
        if (!rootfs->judge || rootfs->fault == ROOTFS_NO_FAULT)
            return -1;
        rootfs->judge->fault(rootfs->judge->data, rootfs->fault, layer, list->names + list->entries[i].path, err->text);
    }
    return 0;
}

static int load_lists(struct rootfs *rootfs, const struct store *store, const struct digest *layers, size_t count,
                      struct error *err)
{
    rootfs->lists = xcalloc(count, sizeof *rootfs->lists);
    for (size_t i = 0; i < count; i++) {
        struct digest any = {0};
        struct listing *list = &rootfs->lists[i];
        rootfs->list_count = i + 1;
        if (listing_load(store, &layers[i], list) == 1)
            continue;
        if (listing_make(store, &layers[i], &any, err) != 0)
            return -1;
        if (listing_load(store, &layers[i], list) != 1)
            return error_set(err, ERROR_BUILD, "the list of the layer '%s' can't be read back", layers[i].text);
    }
    return 0;
}

/* An empty tree with room for the entries of these lists. */
static int begin(struct rootfs *rootfs, const struct listing *const *lists, size_t count, struct error *err)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += lists[i]->count;
    if (total > MOST_ENTRIES)
        return error_set(err, ERROR_REGISTRY, "the image has more than %d entries", MOST_ENTRIES);
    for (rootfs->bucket_count = 64; rootfs->bucket_count < total; rootfs->bucket_count *= 2)
        ;
    rootfs->buckets = xcalloc(rootfs->bucket_count, sizeof(struct node *));
    rootfs->root = add_node(rootfs, NULL, "");
    return 0;
}

static int by_path(const void *a, const void *b)
{
    const struct rootfs_entry *const *left = a, *const *right = b;
    return strcmp((*left)->path, (*right)->path);
}

static void sort(struct rootfs *rootfs)
{
    size_t count = 0;
    for (size_t i = 0; i < rootfs->bucket_count; i++)
        for (const struct node *node = rootfs->buckets[i]; node; node = node->same)
            count++;
    rootfs->sorted = xcalloc(count, sizeof *rootfs->sorted);
    for (size_t i = 0; i < rootfs->bucket_count; i++)
        for (const struct node *node = rootfs->buckets[i]; node; node = node->same)
            if (node != rootfs->root || !node->implied)
                rootfs->sorted[rootfs->sorted_count++] = &node->entry;
    if (rootfs->sorted_count > 0)
        qsort(rootfs->sorted, rootfs->sorted_count, sizeof *rootfs->sorted, by_path);
}

struct rootfs *rootfs_load(const struct store *store, const struct digest *layers, size_t count, struct error *err)
{
    AUTOPTR(rootfs) rootfs = xcalloc(1, sizeof *rootfs);
    if (load_lists(rootfs, store, layers, count, err) != 0)
        return NULL;
    autofree const struct listing **lists = xcalloc(count, sizeof *lists);
    for (size_t i = 0; i < count; i++)
        lists[i] = &rootfs->lists[i];
    if (begin(rootfs, lists, count, err) != 0)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (apply(rootfs, i + 1, lists[i], err) == 0)
            continue;
        error_wrap(err, "the layer '%s' can't be used", layers[i].text);
        return NULL;
    }
    sort(rootfs);
    return take(rootfs);
}

struct rootfs *rootfs_judge(const struct listing *const *lists, size_t count, const struct rootfs_judge *judge,
                            struct error *err)
{
    AUTOPTR(rootfs) rootfs = xcalloc(1, sizeof *rootfs);
    rootfs->judge = judge;
    if (begin(rootfs, lists, count, err) != 0)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (apply(rootfs, i + 1, lists[i], err) != 0)
            return NULL;
    sort(rootfs);
    rootfs->judge = NULL;
    return take(rootfs);
}

void rootfs_free(struct rootfs *rootfs)
{
    if (!rootfs)
        return;
    for (size_t i = 0; i < rootfs->list_count; i++)
        listing_release(&rootfs->lists[i]);
    while (rootfs->arena) {
        struct arena *before = rootfs->arena->before;
        free(rootfs->arena);
        rootfs->arena = before;
    }
    strv_release(&rootfs->extra);
    free(rootfs->lists);
    free(rootfs->buckets);
    free(rootfs->sorted);
    free(rootfs);
}

const struct rootfs_entry *rootfs_find(const struct rootfs *rootfs, const char *path)
{
    const struct node *node = find(rootfs, path, strlen(path));
    return node && (node != rootfs->root || !node->implied) ? &node->entry : NULL;
}

char *rootfs_resolve(const struct rootfs *rootfs, const char *path, struct error *err)
{
    AUTO(buf) real = {0};
    autofree char *rest = xstrdup(path);
    int links = 0;
    for (char *at = rest; *at;) {
        size_t part = strcspn(at, "/"), before = real.len;
        char *after = at + part + strspn(at + part, "/");
        if (part == 2 && at[0] == '.' && at[1] == '.') {
            while (real.len > 0 && real.data[--real.len] != '/')
                ;
        } else if (part > 0 && !(part == 1 && at[0] == '.')) {
            if (real.len > 0)
                buf_addc(&real, '/');
            buf_add(&real, at, part);
            const struct node *node = find(rootfs, real.data, real.len);
            if (node && node->entry.type == TAR_SYMLINK && *after) {
                if (++links > MOST_LINKS) {
                    error_set(err, ERROR_PROJECT, "'%s' leads through a cycle of links in the image", path);
                    return NULL;
                }
                real.len = node->entry.link[0] == '/' ? 0 : before;
                char *longer = xasprintf("%s/%s", node->entry.link, after);
                free(rest);
                rest = at = longer;
                continue;
            }
            if (node && node->entry.type != TAR_DIR && *after) {
                error_set(err, ERROR_PROJECT, "'%s' can't be in the image: '%s' is not a directory there", path,
                          node->entry.path);
                return NULL;
            }
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
    return index < rootfs->sorted_count ? rootfs->sorted[index] : NULL;
}
