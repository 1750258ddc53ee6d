#include "gate/gate.h"

#include "support/control.h"
#include "support/json.h"
#include "support/own.h"

#include <string.h>

/* Adds "layer 2: /var/task/x: ", as far as these are known. */
static void add_place(const struct gate_finding *finding, struct buf *out)
{
    if (finding->layer > 0)
        buf_addf(out, "layer %zu: ", finding->layer);
    buf_adds(out, finding->path ? "/" : "");
    control_add(out, finding->path ? finding->path : "", SIZE_MAX);
    buf_adds(out, finding->path ? ": " : "");
}

char *gate_line(const struct gate_finding *finding)
{
    AUTO(buf) out = {0};
    buf_addf(&out, "%s: ", finding->rule->id);
    add_place(finding, &out);
    buf_addf(&out, "%s; %s", finding->text, finding->rule->remedy);
    return buf_detach(&out);
}

static const char *weight_word(const struct gate_report *report, const struct gate_finding *finding)
{
    return finding->ignored ? "ignored" : gate_severity_word(gate_weight(report, finding));
}

/* Whether this is the last listed finding of its rule. */
static bool is_last(const struct gate_report *report, size_t index)
{
    return index + 1 == report->len || report->items[index + 1].rule != report->items[index].rule;
}

static size_t ignored(const struct gate_report *report)
{
    size_t count = 0;
    for (size_t i = 0; i < report->len; i++)
        if (is_last(report, i) && report->items[i].ignored)
            count += report->found[report->items[i].rule - gate_rules];
    return count;
}

static void add_count(struct buf *out, size_t count, const char *what, const char **between)
{
    if (count == 0)
        return;
    buf_addf(out, "%s%zu %s%s", *between, count, what,
             count == 1 || strcmp(what, "ignored") == 0 ? "" : "s");
    *between = ", ";
}

void gate_print_text(const struct gate_report *report, struct buf *out)
{
    const char *between = ": ";
    for (size_t i = 0; i < report->len; i++) {
        const struct gate_finding *finding = &report->items[i];
        buf_addf(out, "%s %s: ", finding->rule->id, weight_word(report, finding));
        add_place(finding, out);
        buf_addf(out, "%s\n", finding->text);

        if (!is_last(report, i))
            continue;

        size_t more = report->found[finding->rule - gate_rules];
        if (more > GATE_LISTED)
            buf_addf(out, "      and %zu more\n", more - GATE_LISTED);
        buf_addf(out, "      %s: %s\n", finding->rule->title, finding->rule->remedy);
    }

    buf_adds(out, report->image);
    add_count(out, gate_count(report, GATE_ERROR), "error", &between);
    add_count(out, gate_count(report, GATE_WARNING), "warning", &between);
    add_count(out, gate_count(report, GATE_NOTE), "note", &between);
    buf_adds(out, strcmp(between, ": ") == 0 ? ": no findings" : "");

    between = ", ";
    add_count(out, ignored(report), "ignored", &between);
    buf_addc(out, '\n');
}

static struct js *finding_json(const struct gate_report *report, const struct gate_finding *finding)
{
    struct js *object = js_object();
    js_set_string(object, "id", finding->rule->id);
    js_set_string(object, "severity", gate_severity_word(gate_weight(report, finding)));
    js_set_string(object, "sureness", gate_sureness_word(finding->rule->sureness));
    js_set(object, "ignored", js_boolean(finding->ignored));

    if (finding->layer > 0)
        js_set_integer(object, "layer", (int64_t)finding->layer);
    if (finding->path)
        js_set_string(object, "path", finding->path);

    js_set_string(object, "text", finding->text);
    js_set_string(object, "title", finding->rule->title);
    js_set_string(object, "remedy", finding->rule->remedy);
    return object;
}

void gate_print_json(const struct gate_report *report, struct buf *out)
{
    AUTOPTR(js) object = js_object();
    struct js *list = js_array(), *found = js_object();

    for (size_t i = 0; i < report->len; i++) {
        js_append(list, finding_json(report, &report->items[i]));
        if (is_last(report, i))
            js_set_integer(found, report->items[i].rule->id,
                           (int64_t)report->found[report->items[i].rule - gate_rules]);
    }

    js_set_string(object, "image", report->image);
    js_set_integer(object, "errors", (int64_t)gate_count(report, GATE_ERROR));
    js_set_integer(object, "warnings", (int64_t)gate_count(report, GATE_WARNING));
    js_set_integer(object, "notes", (int64_t)gate_count(report, GATE_NOTE));
    js_set_integer(object, "ignored", (int64_t)ignored(report));
    js_set(object, "found", found);
    js_set(object, "findings", list);
    js_dump_pretty(object, out);
}
