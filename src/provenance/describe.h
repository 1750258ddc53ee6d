#ifndef LBUILD_PROVENANCE_DESCRIBE_H
#define LBUILD_PROVENANCE_DESCRIBE_H

#include "support/error.h"
#include "support/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Finds the tag nearest to a commit, by the algorithm of `git describe --tags`
 * (builtin/describe.c), so that both give the same answer. libgit2's own function gives up in
 * shallow clones. This module knows nothing else about git. */

struct describe_tag {
    char *name;   /* without "refs/tags/" */
    char *commit; /* hex id of the commit that it leads to */
    bool annotated;
    int64_t time; /* of the tagger; only compared between annotated tags of one commit */
};

struct describe_tags {
    struct describe_tag *items; /* sorted by name */
    size_t len, cap;
};

struct describe_graph {
    void *data;
    /* Gives the committer time of a commit and the hex ids of its parents, none where a shallow
     * clone was cut. */
    int (*read)(void *data, const char *id, int64_t *time, struct strv *parents, struct error *err);
};

struct describe_result {
    const char *tag; /* borrowed from the tags */
    size_t depth;    /* commits that the tag doesn't contain; 0: it names the commit itself */
};

/* 1 and *result, 0 when no tag is reachable, -1 when the graph can't be read. Considers ten
 * candidates, as git does. */
int describe(const struct describe_graph *graph, const char *id, const struct describe_tags *tags,
             struct describe_result *result, struct error *err) must_check;
void describe_tags_release(struct describe_tags *tags);

#endif
