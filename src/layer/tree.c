#include "layer/tree.h"

#include <stdlib.h>
#include <string.h>

void tree_release(struct tree *tree)
{
    free(tree->entries);
    arena_release(&tree->names);
    strv_release(&tree->given);
    *tree = (struct tree){0};
}

static struct tree_entry *add(struct tree *tree, const char *path, enum tar_type type,
                              unsigned mode)
{
    grow(tree->entries, tree->len, tree->cap);
    struct tree_entry *entry = &tree->entries[tree->len++];
    *entry = (struct tree_entry){
        .path = arena_add(&tree->names, path), .type = (uint8_t)type, .mode = (uint16_t)mode};
    return entry;
}

/* The length of the end that both share, which begins with a whole component. */
static size_t shared_end(const char *path, const char *source)
{
    size_t shared = 0, length = strlen(path), other = strlen(source);
    for (size_t i = 1;
         i <= length && i < other && i <= UINT16_MAX && path[length - i] == source[other - i]; i++)
        if (source[other - i - 1] == '/' && (i == length || path[length - i - 1] == '/'))
            shared = i;
    return shared;
}

/* The files of a folder are added one after the other, and mostly share this part
 * of their source. */
static const char *keep_source(struct tree *tree, const char *source, size_t length)
{
    const char *last = tree->len > 1 ? tree->entries[tree->len - 2].source : NULL;
    if (last && strncmp(last, source, length) == 0 && !last[length])
        return last;
    return arena_addn(&tree->names, source, length);
}

void tree_add_file(struct tree *tree, const char *path, const char *source, unsigned mode)
{
    struct tree_entry *entry = add(tree, path, TAR_FILE, mode);
    entry->shared = (uint16_t)shared_end(path, source);
    entry->source = keep_source(tree, source, strlen(source) - entry->shared);
}

void tree_add_stored(struct tree *tree, const char *path, const char *source, unsigned mode)
{
    tree_add_file(tree, path, source, mode);
    tree->entries[tree->len - 1].stored = true;
}

void tree_add_text(struct tree *tree, const char *path, const char *text, unsigned mode)
{
    add(tree, path, TAR_FILE, mode)->text = arena_add(&tree->names, text);
}

void tree_add_dir(struct tree *tree, const char *path)
{
    add(tree, path, TAR_DIR, 0755);
}

void tree_add_link(struct tree *tree, const char *path, const char *target)
{
    add(tree, path, TAR_SYMLINK, 0777)->text = arena_add(&tree->names, target);
}

char *tree_source(const struct tree_entry *entry)
{
    if (!entry->source)
        return NULL;
    size_t kept = strlen(entry->source);
    char *whole = xmalloc(kept + entry->shared + 1);
    memcpy(whole, entry->source, kept);
    memcpy(whole + kept, entry->path + strlen(entry->path) - entry->shared,
           (size_t)entry->shared + 1);
    return whole;
}

void tree_name(struct tree *tree, const char *path, const char *name)
{
    strv_add(&tree->given, path);
    strv_add(&tree->given, name);
}

const char *tree_name_of(const struct tree *tree, const char *path)
{
    for (size_t i = 0; i + 1 < tree->given.len; i += 2)
        if (strcmp(tree->given.items[i], path) == 0)
            return tree->given.items[i + 1];
    return NULL;
}
