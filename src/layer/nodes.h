#ifndef LBUILD_LAYER_NODES_H
#define LBUILD_LAYER_NODES_H

#include "layer/rootfs.h"

/* The nodes of a merged tree, found by path in a hash table; the links between them serve to remove
 * whole trees. Nodes refer to each other by number: in a tree of a million files, pointers would
 * take as much memory again. */
struct node {
    struct rootfs_entry entry;
    uint32_t number, hash;
    uint32_t same; /* next in its hash bucket */
    uint32_t parent, children, next, previous;
    uint16_t layer; /* the last one that named it; a whiteout hides lower layers only */
    bool implied;   /* no layer names it */
    bool blamed;    /* its missing entry has been reported */
};

struct nodes {
    struct node **chunks; /* NODES_CHUNK nodes each */
    size_t chunk_count, chunk_cap;
    uint32_t count; /* number 0 stands for no node */
    uint32_t *buckets;
    size_t bucket_count; /* a power of two */
};
enum { NODES_CHUNK = 512 };

void nodes_init(struct nodes *nodes);
void nodes_release(struct nodes *nodes);
/* The node of a number; NULL for 0. */
struct node *nodes_at(const struct nodes *nodes, uint32_t number);
/* The node whose path is the first `length` bytes of `path`, or NULL. */
struct node *nodes_find(const struct nodes *nodes, const char *path, size_t length);

/* A new directory below `parent` (NULL: it is the root), implied so far. The path is borrowed for
 * as long as the nodes exist. */
struct node *nodes_add(struct nodes *nodes, struct node *parent, const char *path);
/* Takes out one node that has no children. Its memory is freed with all the others. */
void nodes_drop(struct nodes *nodes, struct node *node);
/* Removes everything below `top` that is older than `layer`. */
void nodes_hide(struct nodes *nodes, struct node *top, size_t layer);
/* Removes a node and everything below it. */
void nodes_remove(struct nodes *nodes, struct node *node);

#endif
