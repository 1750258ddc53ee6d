#include "plan/plan.h"

#include "support/own.h"

#include <string.h>

void plan_print(const struct plan *plan, const char *engine, const char *why, struct buf *out)
{
    size_t width = why ? strlen("engine") : 0;
    for (size_t i = 0; i < plan->decision_count; i++) {
        size_t length = strlen(plan->decisions[i].subject);
        width = length > width ? length : width;
    }

    for (size_t i = 0; i < plan->decision_count; i++) {
        const struct plan_decision *decision = &plan->decisions[i];
        buf_addf(out, "%-*s  %s  (%s)\n", (int)width, decision->subject,
                 decision->value[0] ? decision->value : "-", decision->reason);
    }
    if (why)
        buf_addf(out, "%-*s  %s  (%s)\n", (int)width, "engine", engine[0] ? engine : "-", why);
}

static struct js *list(const struct strv *items)
{
    struct js *array = js_array();
    for (size_t i = 0; i < items->len; i++)
        js_append(array, js_string(items->items[i]));
    return array;
}

/* Names may repeat in [files] only; a list keeps the order and can hold every byte. */
static struct js *pairs(const struct plan_pairs *items)
{
    struct js *array = js_array();
    for (size_t i = 0; i < items->len; i++) {
        struct js *pair = js_object();
        js_set_string(pair, "name", items->items[i].name);
        js_set_string(pair, "value", items->items[i].value);
        js_append(array, pair);
    }
    return array;
}

static void set_text(struct js *object, const char *key, const char *text)
{
    if (text)
        js_set_string(object, key, text);
}

static struct js *stages(const struct plan *plan)
{
    struct js *array = js_array();
    for (size_t i = 0; i < plan->stage_count; i++) {
        const struct plan_stage *made = &plan->stages[i];
        struct js *object = js_object(), *run = js_array();

        js_set_string(object, "name", made->stage->name);
        js_set_string(object, "from", made->from);
        js_set(object, "packages", list(&made->stage->packages));
        for (size_t j = 0; j < made->stage->run.len; j++)
            js_append(run, js_string(made->stage->run.items[j].value));
        js_set(object, "run", run);
        js_set(object, "secrets", list(&made->stage->secrets));
        js_set(object, "ssh", list(&made->stage->ssh));
        js_append(array, object);
    }
    return array;
}

static struct js *stage_files(const struct stage_copies *files)
{
    struct js *array = js_array();
    for (size_t i = 0; i < files->len; i++) {
        struct js *object = js_object();
        js_set_string(object, "stage", files->items[i].stage);
        js_set_string(object, "source", files->items[i].source);
        js_set_string(object, "dest", files->items[i].dest);
        js_append(array, object);
    }
    return array;
}

static struct js *decision_json(const char *subject, const char *value, const char *reason)
{
    struct js *decision = js_object();
    js_set_string(decision, "subject", subject);
    js_set_string(decision, "value", value);
    js_set_string(decision, "reason", reason);
    return decision;
}

struct js *plan_json(const struct plan *plan, const char *engine, const char *why)
{
    AUTO(strv) link_words = {0};
    struct js *object = js_object(), *decisions = js_array();
    js_set_integer(object, "version", 1);
    set_text(object, "name", plan->name);
    set_text(object, "projectVersion", plan->version);
    set_text(object, "handler", plan->handler);
    set_text(object, "architecture", arch_lambda(plan->arch));

    set_text(object, "base", plan->base_reference);
    set_text(object, "baseDigest", plan->base_digest);
    set_text(object, "builder", plan->builder_reference);
    set_text(object, "packageManager", plan->package_manager);
    js_set(object, "packages", list(&plan->packages));

    js_set(object, "sources", list(&plan->sources));
    js_set(object, "includeDirs", list(&plan->include_dirs));
    js_set(object, "compileFlags", list(&plan->compile_flags));
    strv_add_all(&link_words, &plan->link_flags);
    strv_add_all(&link_words, &plan->link_inputs);
    js_set(object, "linkFlags", list(&link_words));
    js_set(object, "libraries", list(&plan->libraries));
    set_text(object, "program", plan->program);
    js_set(object, "files", pairs(&plan->files));
    js_set(object, "stages", stages(plan));
    js_set(object, "stageFiles", stage_files(&plan->stage_files));
    set_text(object, "engineReason", plan->engine_reason);

    js_set(object, "env", pairs(&plan->env));
    js_set(object, "labels", pairs(&plan->labels));
    js_set(object, "annotations", pairs(&plan->annotations));
    js_set(object, "entrypoint", list(&plan->entrypoint));
    js_set(object, "cmd", list(&plan->cmd));
    set_text(object, "workdir", plan->workdir);
    js_set(object, "tags", list(&plan->tags));
    js_set_integer(object, "timestamp", plan->epoch);

    set_text(object, "outputType", plan->output_type);
    set_text(object, "outputFile", plan->output_file);
    set_text(object, "compression", plan->compression);

    for (size_t i = 0; i < plan->decision_count; i++) {
        const struct plan_decision *made = &plan->decisions[i];
        js_append(decisions, decision_json(made->subject, made->value, made->reason));
    }
    if (why)
        js_append(decisions, decision_json("engine", engine, why));
    js_set(object, "decisions", decisions);
    return object;
}
