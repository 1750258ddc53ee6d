#include "layer/nodes.h"

#include "support/own.h"

#include <stdlib.h>
#include <string.h>

enum { FEWEST_BUCKETS = 64 };

static uint32_t hash_of(const char *path, size_t length)
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
    return (uint32_t)(hash ^ hash >> 32);
}

/* A node that is there. */
static struct node *known(const struct nodes *nodes, uint32_t number)
{
    return &nodes->chunks[number / NODES_CHUNK][number % NODES_CHUNK];
}

struct node *nodes_at(const struct nodes *nodes, uint32_t number)
{
    return number ? known(nodes, number) : NULL;
}

static uint32_t *bucket_of(const struct nodes *nodes, uint32_t hash)
{
    return &nodes->buckets[hash & (nodes->bucket_count - 1)];
}

struct node *nodes_find(const struct nodes *nodes, const char *path, size_t length)
{
    uint32_t hash = hash_of(path, length);
    struct node *node = nodes_at(nodes, *bucket_of(nodes, hash));
    while (node && (node->hash != hash || strncmp(node->entry.path, path, length) != 0 ||
                    node->entry.path[length]))
        node = nodes_at(nodes, node->same);
    return node;
}

/* Doubles the buckets, so that there are at least as many as nodes. */
static void make_buckets(struct nodes *nodes)
{
    free(nodes->buckets);
    nodes->bucket_count *= 2;
    nodes->buckets = xcalloc(nodes->bucket_count, sizeof *nodes->buckets);

    for (uint32_t number = 1; number < nodes->count; number++) {
        struct node *node = known(nodes, number);
        if (!node->entry.path) /* dropped */
            continue;
        uint32_t *bucket = bucket_of(nodes, node->hash);
        node->same = *bucket;
        *bucket = number;
    }
}

void nodes_init(struct nodes *nodes)
{
    *nodes = (struct nodes){.count = 1, .bucket_count = FEWEST_BUCKETS / 2};
    make_buckets(nodes);
}

void nodes_release(struct nodes *nodes)
{
    for (size_t i = 0; i < nodes->chunk_count; i++)
        free(nodes->chunks[i]);
    free(nodes->chunks);
    free(nodes->buckets);
}

struct node *nodes_add(struct nodes *nodes, struct node *parent, const char *path)
{
    if (nodes->count >= nodes->bucket_count)
        make_buckets(nodes);
    uint32_t number = nodes->count++, hash = hash_of(path, strlen(path)),
             *bucket = bucket_of(nodes, hash);

    if (number / NODES_CHUNK == nodes->chunk_count) {
        grow(nodes->chunks, nodes->chunk_count, nodes->chunk_cap);
        nodes->chunks[nodes->chunk_count++] = xmalloc(NODES_CHUNK * sizeof(struct node));
    }

    struct node *node = known(nodes, number);
    *node = (struct node){.entry = {.path = path, .type = TAR_DIR, .mode = 0755},
                          .number = number,
                          .hash = hash,
                          .same = *bucket,
                          .implied = true};
    *bucket = number;

    if (parent) {
        node->parent = parent->number;
        node->next = parent->children;
        if (node->next)
            known(nodes, node->next)->previous = number;
        parent->children = number;
    }
    return node;
}

void nodes_drop(struct nodes *nodes, struct node *node)
{
    uint32_t *link = bucket_of(nodes, node->hash);
    while (*link != node->number)
        link = &known(nodes, *link)->same;
    *link = node->same;

    if (node->previous)
        known(nodes, node->previous)->next = node->next;
    else
        known(nodes, node->parent)->children = node->next;
    if (node->next)
        known(nodes, node->next)->previous = node->previous;
    node->entry.path = NULL;
}

/* Not recursive: a hostile layer nests as deep as names allow. */
void nodes_hide(struct nodes *nodes, struct node *top, size_t layer)
{
    struct node *node = nodes_at(nodes, top->children);
    while (node && node != top) {
        if (node->children) {
            node = nodes_at(nodes, node->children);
            continue;
        }

        /* A leaf: go on with its neighbour, or back up. A parent that has become empty
         * is the next leaf. */
        for (;;) {
            struct node *next = nodes_at(nodes, node->next), *parent = known(nodes, node->parent);
            if (node->layer < layer && !node->children)
                nodes_drop(nodes, node);
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

void nodes_remove(struct nodes *nodes, struct node *node)
{
    nodes_hide(nodes, node, SIZE_MAX);
    nodes_drop(nodes, node);
}
