#include "provenance/describe.h"

#include "support/own.h"

#include <stdlib.h>
#include <string.h>

#define CANDIDATES 10
#define SEEN 1u

struct node {
    char *id;
    const struct describe_tag *tag; /* the best tag of this commit, or NULL */
    int64_t time;
    struct strv parents;
    unsigned flags; /* SEEN, and bit n for "candidate n contains it" */
    size_t arrived; /* order of insertion, for equal times */
};

struct candidate {
    const struct describe_tag *tag;
    size_t depth;
    unsigned within;
};

struct walk {
    const struct describe_graph *graph;
    struct node **table; /* open addressing; size is a power of two */
    size_t size, used;
    struct node **queue; /* a heap: the newest first; of equal times, the one that arrived first */
    size_t queued, capacity, arrivals;
    struct candidate candidates[CANDIDATES];
    unsigned count;
    bool annotated; /* an annotated tag is among the candidates */
};

static void walk_release(struct walk *walk)
{
    for (size_t i = 0; i < walk->size; i++) {
        if (walk->table[i]) {
            free(walk->table[i]->id);
            strv_release(&walk->table[i]->parents);
            free(walk->table[i]);
        }
    }
    free(walk->table);
    free(walk->queue);
}

void describe_tags_release(struct describe_tags *tags)
{
    for (size_t i = 0; i < tags->len; i++) {
        free(tags->items[i].name);
        free(tags->items[i].commit);
    }
    free(tags->items);
    *tags = (struct describe_tags){0};
}

/* The slot of a commit, which is empty for a new one. */
static struct node **slot(struct node **table, size_t size, const char *id)
{
    size_t hash = 5381;
    for (const char *c = id; *c; c++)
        hash = hash * 33 + (unsigned char)*c;
    hash &= size - 1;

    while (table[hash] && strcmp(table[hash]->id, id) != 0)
        hash = (hash + 1) & (size - 1);
    return &table[hash];
}

static void enlarge(struct walk *walk)
{
    size_t size = walk->size ? walk->size * 2 : 256;
    struct node **table = xcalloc(size, sizeof *table);

    for (size_t i = 0; i < walk->size; i++)
        if (walk->table[i])
            *slot(table, size, walk->table[i]->id) = walk->table[i];
    free(walk->table);
    walk->table = table;
    walk->size = size;
}

static struct node *node_of(struct walk *walk, const char *id)
{
    if (walk->used * 2 >= walk->size)
        enlarge(walk);

    struct node **place = slot(walk->table, walk->size, id);
    if (!*place) {
        *place = xcalloc(1, sizeof **place);
        (*place)->id = xstrdup(id);
        walk->used++;
    }
    return *place;
}

/* Whether a second tag of a commit replaces the first: annotated tags go before lightweight ones,
 * then newer tags before older ones; else the first stays. */
static bool better(const struct describe_tag *old, const struct describe_tag *new)
{
    if (old->annotated != new->annotated)
        return new->annotated;
    return new->annotated &&new->time > old->time;
}

static bool before(const struct node *a, const struct node *b)
{
    return a->time != b->time ? a->time > b->time : a->arrived < b->arrived;
}

static void swap(struct node **a, struct node **b)
{
    struct node *other = *a;
    *a = *b;
    *b = other;
}

static void push(struct walk *walk, struct node *node)
{
    grow(walk->queue, walk->queued, walk->capacity);
    node->arrived = walk->arrivals++;

    size_t at = walk->queued++;
    walk->queue[at] = node;
    for (; at > 0 && before(walk->queue[at], walk->queue[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&walk->queue[at], &walk->queue[(at - 1) / 2]);
}

static struct node *pop(struct walk *walk)
{
    struct node *first = walk->queue[0];
    walk->queue[0] = walk->queue[--walk->queued];

    for (size_t at = 0;;) {
        size_t child = at * 2 + 1;
        if (child + 1 < walk->queued && before(walk->queue[child + 1], walk->queue[child]))
            child++;
        if (child >= walk->queued || !before(walk->queue[child], walk->queue[at]))
            return first;
        swap(&walk->queue[child], &walk->queue[at]);
        at = child;
    }
}

static int enter(struct walk *walk, struct node *node, struct error *err)
{
    if (walk->graph->read(walk->graph->data, node->id, &node->time, &node->parents, err) != 0)
        return -1;
    node->flags |= SEEN;
    push(walk, node);
    return 0;
}

static int visit_parents(struct walk *walk, struct node *node, struct error *err)
{
    for (size_t i = 0; i < node->parents.len; i++) {
        struct node *parent = node_of(walk, node->parents.items[i]);
        if (!(parent->flags & SEEN) && enter(walk, parent, err) != 0)
            return -1;
        parent->flags |= node->flags;
    }
    return 0;
}

/* Whether the best candidates contain the only commit that is left, so that a further search can't
 * change the answer. */
static bool settled(const struct walk *walk, const struct node *node)
{
    size_t depth = SIZE_MAX;
    unsigned within = 0;

    if (!walk->annotated || walk->queued > 0)
        return false;

    for (unsigned i = 0; i < walk->count; i++) {
        const struct candidate *candidate = &walk->candidates[i];
        if (candidate->depth < depth) {
            depth = candidate->depth;
            within = candidate->within;
        } else if (candidate->depth == depth)
            within |= candidate->within;
    }

    return (node->flags & within) == within;
}

/* Finds the candidates. *rest: the commit whose tag was one too many, to visit again. */
static int collect(struct walk *walk, struct node **rest, struct error *err)
{
    for (size_t seen = 0; walk->queued > 0; seen++) {
        struct node *node = pop(walk);
        if (node->tag && walk->count == CANDIDATES) {
            *rest = node;
            return 0;
        }

        if (node->tag) {
            struct candidate *candidate = &walk->candidates[walk->count++];
            *candidate = (struct candidate){node->tag, seen, 1u << walk->count};
            node->flags |= candidate->within;
            walk->annotated |= node->tag->annotated;
        }

        for (unsigned i = 0; i < walk->count; i++)
            walk->candidates[i].depth += !(node->flags & walk->candidates[i].within);
        if (settled(walk, node))
            return 0;
        if (visit_parents(walk, node, err) != 0)
            return -1;
    }
    return 0;
}

/* Counts the remaining commits that the best candidate doesn't contain. */
static int finish_depth(struct walk *walk, struct candidate *best, struct error *err)
{
    while (walk->queued > 0) {
        struct node *node = pop(walk);
        if (node->flags & best->within) {
            size_t i = 0;
            while (i < walk->queued && (walk->queue[i]->flags & best->within))
                i++;
            if (i == walk->queued)
                return 0;
        } else
            best->depth++;

        if (visit_parents(walk, node, err) != 0)
            return -1;
    }
    return 0;
}

static int nearest(struct walk *walk, struct node *head, struct candidate *best, struct error *err)
{
    struct node *rest = NULL;
    if (enter(walk, head, err) != 0 || collect(walk, &rest, err) != 0)
        return -1;
    if (walk->count == 0)
        return 0;

    *best = walk->candidates[0];
    for (unsigned i = 1; i < walk->count; i++)
        if (walk->candidates[i].depth < best->depth)
            *best = walk->candidates[i];

    if (rest)
        push(walk, rest);
    return finish_depth(walk, best, err) == 0 ? 1 : -1;
}

int describe(const struct describe_graph *graph, const char *id, const struct describe_tags *tags,
             struct describe_result *result, struct error *err)
{
    AUTO(walk) walk = {.graph = graph};

    for (size_t i = 0; i < tags->len; i++) {
        struct node *node = node_of(&walk, tags->items[i].commit);
        if (!node->tag || better(node->tag, &tags->items[i]))
            node->tag = &tags->items[i];
    }

    if (tags->len == 0)
        return 0;

    struct node *head = node_of(&walk, id);
    struct candidate best = {.tag = head->tag};
    int found = head->tag ? 1 : nearest(&walk, head, &best, err);
    if (found == 1)
        *result = (struct describe_result){best.tag->name, best.depth};
    return found;
}
