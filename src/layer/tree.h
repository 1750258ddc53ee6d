#ifndef LBUILD_LAYER_TREE_H
#define LBUILD_LAYER_TREE_H

#include "support/arena.h"
#include "support/strv.h"
#include "support/tar.h"

/* Files on their way into the image: an engine fills a tree, and layer_make turns it into a blob.
 * There may be a million of them, so an entry is small: a file's source mostly ends like its path,
 * and is kept without that end. */
struct tree_entry {
    const char *path;   /* cleaned path in the image */
    const char *source; /* file on this machine with the content, without the end that it shares
                           with `path`; NULL: the content is in `text` */
    const char *text; /* content of a file without a source, target of a symbolic link, else NULL */
    uint16_t shared;  /* length of that shared end */
    uint16_t mode;    /* 0755 or 0644 for files, 0755 for directories */
    uint8_t type;     /* enum tar_type: TAR_FILE, TAR_DIR or TAR_SYMLINK */
    bool stored; /* the source is in the cache: it is never written in place, though other builds
                    touch its times */
};

struct tree {
    struct tree_entry *entries;
    size_t len, cap;
    struct arena names;
    struct strv given; /* path and name in turns, see tree_name */
};

void tree_release(struct tree *tree);
/* Adds an entry; the tree copies its arguments. */
void tree_add_file(struct tree *tree, const char *path, const char *source, unsigned mode);
/* Likewise for a file of the cache's objects/, which is named by its content. */
void tree_add_stored(struct tree *tree, const char *path, const char *source, unsigned mode);
/* A file with this content. */
void tree_add_text(struct tree *tree, const char *path, const char *text, unsigned mode);
void tree_add_dir(struct tree *tree, const char *path);
void tree_add_link(struct tree *tree, const char *path, const char *target);

/* The name that the file at `path` has where the user keeps it. It is needed when the image has a
 * link to a folder at that path: the file goes into the folder under this name, as for COPY. */
void tree_name(struct tree *tree, const char *path, const char *name);
/* That name; NULL when none was given. */
const char *tree_name_of(const struct tree *tree, const char *path);

/* The whole name of the source, or NULL when the entry has none. Caller frees. */
char *tree_source(const struct tree_entry *entry);

#endif
