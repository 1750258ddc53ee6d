#include "gate/rule.h"

#include "support/control.h"
#include "support/fs.h"
#include "support/own.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { LAMBDA_UID = 993, LAMBDA_GID = 990 };

static void gate_release(struct gate *gate)
{
    for (size_t i = 0; i < gate->fault_count; i++) {
        free(gate->faults[i].path);
        free(gate->faults[i].text);
    }

    free(gate->faults);
    rootfs_free(gate->tree);
    strv_release(&gate->env);
    gate_start_release(&gate->start);
    strv_release(&gate->own);
}

void gate_report_release(struct gate_report *report)
{
    for (size_t i = 0; i < report->len; i++) {
        free(report->items[i].text);
        free(report->items[i].path);
    }
    free(report->items);
    free(report->found);
    free(report->image);
    *report = (struct gate_report){0};
}

int gate_ids_check(const struct strv *ids, const char *where, struct error *err)
{
    for (size_t i = 0; i < ids->len; i++)
        if (!gate_rule_find(ids->items[i]))
            return error_set(err, ERROR_USAGE,
                             "%s: there is no rule '%s'; 'lbuild help rules' lists them", where,
                             ids->items[i]);
    return 0;
}

static bool is_ignored(const struct gate *gate, const struct gate_rule *rule)
{
    const struct strv *ids = gate->options->ignore;
    for (size_t i = 0; ids && i < ids->len; i++)
        if (gate_rule_find(ids->items[i]) == rule)
            return true;
    return false;
}

void gate_add(struct gate *gate, enum rule_id id, size_t layer, const char *path,
              const char *format, ...)
{
    struct gate_report *report = gate->report;
    const struct gate_rule *rule = gate_rule(id);
    struct error text = {0};
    va_list list;
    if (report->found[rule - gate_rules]++ >= GATE_LISTED)
        return;

    va_start(list, format);
    vsnprintf(text.text, sizeof text.text, format, list);
    va_end(list);
    control_mask(text.text, '?'); /* names come from the image */

    grow(report->items, report->len, report->cap);
    size_t at = report->len++;
    for (; at > 0 && report->items[at - 1].rule > rule; at--)
        report->items[at] = report->items[at - 1];
    report->items[at] = (struct gate_finding){.rule = rule,
                                              .text = xstrdup(text.text),
                                              .layer = layer,
                                              .path = path ? xstrdup(path) : NULL,
                                              .ignored = is_ignored(gate, rule)};
}

const char *gate_env(const struct gate *gate, const char *name)
{
    size_t length = strlen(name);
    const char *value = NULL;
    for (size_t i = 0; i < gate->env.len; i++)
        if (strncmp(gate->env.items[i], name, length) == 0 && gate->env.items[i][length] == '=')
            value = gate->env.items[i] + length + 1;
    return value;
}

unsigned gate_rights(const struct rootfs_entry *entry)
{
    if (entry->uid == LAMBDA_UID)
        return entry->mode >> 6 & 7;
    return entry->gid == LAMBDA_GID ? entry->mode >> 3 & 7 : entry->mode & 7;
}

const struct rootfs_entry *gate_barrier(const struct gate *gate, const char *path)
{
    const struct rootfs_entry *root = rootfs_find(gate->tree, "");
    if (root && !(gate_rights(root) & 1))
        return root;

    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        autofree char *folder = xstrndup(path, (size_t)(slash - path));
        const struct rootfs_entry *entry = rootfs_find(gate->tree, folder);
        if (entry && !(gate_rights(entry) & 1))
            return entry;
    }
    return NULL;
}

const struct rootfs_entry *gate_follow(const struct gate *gate, const char *path)
{
    enum { MOST_LINKS = 40 };
    struct error ignored;
    autofree char *at = xstrdup(path);

    for (int i = 0; i < MOST_LINKS; i++) {
        autofree char *real = rootfs_resolve(gate->tree, at, &ignored);
        const struct rootfs_entry *entry = real ? rootfs_find(gate->tree, real) : NULL;
        if (!entry || entry->type != TAR_SYMLINK)
            return entry;

        autofree char *dir = path_dir(real), *next = path_join(dir, entry->link);
        free(at);
        at = take(next);
    }
    return NULL;
}

static void on_fault(void *data, enum rootfs_fault kind, size_t layer, const char *path,
                     const char *text)
{
    enum { MOST = 100000 };
    struct gate *gate = data;
    if (gate->fault_count == MOST)
        return;
    grow(gate->faults, gate->fault_count, gate->fault_cap);
    gate->faults[gate->fault_count++] =
        (struct gate_fault){kind, layer, xstrdup(path), xstrdup(text)};
}

static void on_entry(void *data, size_t layer, const struct listing_entry *entry)
{
    gate_entry(data, layer, entry);
}

static int make_tree(struct gate *gate, const struct store *store, struct error *err)
{
    size_t count = gate->image->layer_count;
    const struct rootfs_judge judge = {on_fault, on_entry, gate};
    autofree struct digest *layers = xcalloc(count, sizeof *layers);

    gate->whole = true;
    for (size_t i = 0; i < count; i++) {
        const struct listing_scan *scan = &gate->image->layers[i].scan;
        gate->whole = gate->whole && scan->listed;
        if (scan->listed)
            layers[i] = scan->digest;
    }

    gate->tree = rootfs_judge(store, layers, count, &judge, err);
    return gate->tree ? 0 : error_wrap(err, "%s", gate->image->path);
}

/* The first rule with this function: a function may look for several rules. */
static size_t first_with(void (*look)(struct gate *gate))
{
    size_t i = 0;
    while (gate_rules[i].look != look)
        i++;
    return i;
}

int gate_check(const struct imagefile *image, const struct store *store,
               const struct gate_options *options, struct gate_report *report, struct error *err)
{
    AUTO(gate)
    gate = {.image = image,
            .options = options,
            .report = report,
            .config = js_get(image->config, "config")};
    *report = (struct gate_report){.image = xstrdup(image->path),
                                   .werror = options->werror,
                                   .found = xcalloc(gate_rule_count, sizeof *report->found)};

    if (make_tree(&gate, store, err) != 0) {
        gate_report_release(report);
        return -1;
    }

    start_words(js_get(gate.config, "Env"), &gate.env);
    gate_find_start(&gate);
    gate_find_own(&gate);
    for (size_t i = 0; i < gate_rule_count; i++)
        if (first_with(gate_rules[i].look) == i)
            gate_rules[i].look(&gate);
    return 0;
}

enum gate_severity gate_weight(const struct gate_report *report, const struct gate_finding *finding)
{
    enum gate_severity severity = finding->rule->severity;
    return severity == GATE_WARNING && report->werror ? GATE_ERROR : severity;
}

size_t gate_count(const struct gate_report *report, enum gate_severity severity)
{
    size_t count = 0;
    for (size_t i = 0; i < report->len; i++) {
        const struct gate_finding *finding = &report->items[i];
        bool first = i == 0 || finding[-1].rule != finding->rule;
        if (first && !finding->ignored && gate_weight(report, finding) == severity)
            count += report->found[finding->rule - gate_rules];
    }
    return count;
}

int gate_verdict(const struct gate_report *report, struct error *err)
{
    size_t count = gate_count(report, GATE_ERROR);
    if (count == 0)
        return 0;
    return error_set(
        err, ERROR_LAMBDA,
        "%s: Lambda would refuse it, or fail: %zu error%s; 'lbuild help LB...' says more about "
        "each",
        report->image, count, count == 1 ? "" : "s");
}
