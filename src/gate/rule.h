#ifndef LBUILD_GATE_RULE_H
#define LBUILD_GATE_RULE_H

#include "gate/gate.h"
#include "lambda/program.h"
#include "lambda/start.h"
#include "layer/rootfs.h"

/* What the rules look at, and how they report findings. The rules are functions of this alone: no
 * files, no clock, no network. */

struct gate_fault {
    enum rootfs_fault kind;
    size_t layer;
    char *path, *text;
};

/* A program that is started: by Lambda, or by the shell that Lambda starts. */
struct gate_program {
    const char *by;                   /* what names it, e.g. "CMD" */
    char *name;                       /* as it is named there; NULL: nothing is */
    char *full;                       /* its absolute path; NULL: found nowhere */
    const struct rootfs_entry *entry; /* at `full`, links followed; NULL: it isn't there */
    bool link;                        /* `full` itself is a symbolic link */
};

/* What Lambda starts. */
struct gate_start {
    struct start command; /* from the config */
    struct gate_program program;
    /* The command of a shell form, e.g. "node" in ["/bin/sh", "-c", "exec node index.js"]. Named
     * only where it is sure to be a program. */
    struct gate_program in_shell;
    struct gate_program *extensions; /* the files in /opt/extensions, sorted by name */
    size_t extension_count, extension_cap;
};

struct gate {
    const struct imagefile *image;
    const struct gate_options *options;
    struct rootfs *tree; /* merged from the readable layers */
    bool whole;          /* all layers could be read: a file missing from the tree is missing */
    struct gate_fault *faults;
    size_t fault_count, fault_cap;
    const struct js *config; /* the part of the config that describes the process */
    struct strv env;
    struct gate_start start;
    struct strv own; /* files and folders that count as the function's own */
    struct gate_report *report;
};

/* Adds a finding. `path` (copied) and `layer` as in struct gate_finding. */
void gate_add(struct gate *gate, enum rule_id id, size_t layer, const char *path,
              const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The value of an environment variable of the image, or NULL. */
const char *gate_env(const struct gate *gate, const char *name);
/* Whether a path lies in the function's own folders: /var/task, /var/runtime, /opt, lbuild's folder
 * /var/lang/python, and gate->own. */
bool gate_own(const struct gate *gate, const char *path);
/* Finds gate->own: WORKDIR, and what ENTRYPOINT and CMD name, with its folder; but none of the
 * system's folders. Needs gate->start. */
void gate_find_own(struct gate *gate);
/* The rights of Lambda's user, 993:990, on one entry: 4 read, 2 write, 1 execute or search. */
unsigned gate_rights(const struct rootfs_entry *entry);
/* The absolute path of the program that the name of a command leads to, as execvp(3) looks for it:
 * in the folders of PATH, or from WORKDIR when the name has a slash. NULL: none. Caller frees. */
char *gate_lookup(const struct gate *gate, const char *name);
/* The same in the folders of `path`, which are separated by colons. */
char *gate_lookup_in(const struct gate *gate, const char *path, const char *name);
/* Finds the programs of gate->start. */
void gate_find_start(struct gate *gate);
void gate_start_release(struct gate_start *start);
/* The first folder on the way to a real path that Lambda's user can't search, or NULL. The root's
 * path is "". */
const struct rootfs_entry *gate_barrier(const struct gate *gate, const char *path);
/* The entry that the kernel finds for a path, following the last link too; NULL:
 * none, or a cycle. */
const struct rootfs_entry *gate_follow(const struct gate *gate, const char *path);

/* Looks at an entry of a layer for secrets, which a later layer can't undo. Called for each entry,
 * before the rules. */
void gate_entry(struct gate *gate, size_t layer, const struct listing_entry *entry);

/* The functions in the table. */
#define RULE(number, name, function, severity, sureness, title, remedy)                            \
    void function(struct gate *gate);
#include "gate/list.h"

#endif
