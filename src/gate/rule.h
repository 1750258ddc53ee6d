#ifndef LBUILD_GATE_RULE_H
#define LBUILD_GATE_RULE_H

#include "gate/gate.h"
#include "lambda/program.h"
#include "lambda/start.h"
#include "layer/rootfs.h"

/* What the rules look at, and how they tell what they find. The rules are functions over this: no
 * files, no clock, no network. */

struct gate_fault {
    enum rootfs_fault kind;
    size_t layer;
    char *path, *text;
};

/* The program that Lambda starts. */
struct gate_start {
    struct start command; /* as the config has it */
    char *path;           /* of the program, links in it followed; NULL: it isn't there */
    const struct rootfs_entry *entry; /* of `path`, or NULL */
    bool link;                        /* the program's name itself is a symbolic link */
};

struct gate {
    const struct imagefile *image;
    const struct gate_options *options;
    struct rootfs *tree; /* what the readable layers make */
    bool whole;          /* all layers could be read: what is missing in the tree is missing */
    struct gate_fault *faults;
    size_t fault_count, fault_cap;
    const struct js *config; /* the part that describes the process */
    struct strv env;
    struct gate_start start;
    struct gate_report *report;
};

/* Adds a finding. `path` (copied) and `layer` as in struct gate_finding. */
void gate_add(struct gate *gate, enum rule_id id, size_t layer, const char *path,
              const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The value of an environment variable of the image, or NULL. */
const char *gate_env(const struct gate *gate, const char *name);
/* Whether a path lies where the function's own things are: /var/task, /var/runtime, /opt, and what
 * lbuild puts into /var/lang/python. */
bool gate_own(const char *path);
/* Rights of Lambda's user, 993:990, on one entry: 4 read, 2 write, 1 execute or search. */
unsigned gate_rights(const struct rootfs_entry *entry);
/* The first folder on the way to a real path that Lambda's user can't search, or NULL. "" is the
 * root. */
const struct rootfs_entry *gate_barrier(const struct gate *gate, const char *path);
/* The entry behind a path as the kernel finds it, the last link followed too; NULL: nothing, or a
 * cycle. */
const struct rootfs_entry *gate_follow(const struct gate *gate, const char *path);

/* Looks at an entry of a layer for what a later layer doesn't undo: secrets. Called for each before
 * the rules are. */
void gate_entry(struct gate *gate, size_t layer, const struct listing_entry *entry);

/* The functions of the table. */
#define RULE(number, name, function, severity, sureness, title, remedy)                            \
    void function(struct gate *gate);
#include "gate/list.h"

#endif
