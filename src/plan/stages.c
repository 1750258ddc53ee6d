#include "plan/package_manager.h"
#include "plan/parts.h"
#include "support/fs.h"
#include "support/own.h"

#include <stdlib.h>
#include <string.h>

void plan_stages_release(struct plan *plan)
{
    for (size_t i = 0; i < plan->stage_count; i++) {
        free(plan->stages[i].from);
        free(plan->stages[i].package_manager);
    }
    free(plan->stages);
    stage_copies_release(&plan->stage_files);
}

static const struct plan_stage *find(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->stage_count; i++)
        if (strcmp(plan->stages[i].stage->name, name) == 0)
            return &plan->stages[i];
    return NULL;
}

static char *copy_or_null(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

/* The package manager that a stage starts with, known from the image at its root. Caller frees. */
static char *manager_of(const struct plan *plan, const struct plan_stage *made)
{
    const char *set = made->stage->values[STAGE_PACKAGE_MANAGER].value;
    if (set && set[0] && strcmp(set, "auto") != 0)
        return xstrdup(set);
    if (!made->from_stage)
        return copy_or_null(package_manager_of(made->from));
    return copy_or_null(strcmp(made->from, STAGE_BUILD) == 0
                            ? plan->package_manager
                            : find(plan, made->from)->package_manager);
}

/* Adds a stage after those that it needs; project_load made sure that there is no circle. */
static void add_stage(const struct project *project, const char *name, struct plan *plan)
{
    const struct stage *stage = stages_find(&project->stages, name);
    if (!stage || find(plan, name))
        return;
    const char *from = stage->values[STAGE_FROM].value;

    add_stage(project, from, plan);
    for (size_t i = 0; i < stage->copies.len; i++)
        if (stage->copies.items[i].stage)
            add_stage(project, stage->copies.items[i].stage, plan);

    struct plan_stage made = {.stage = stage};
    made.from_stage = strcmp(from, STAGE_BUILD) == 0 || stages_find(&project->stages, from);
    made.from = made.from_stage ? xstrdup(from) : plan_builder_reference(from);
    made.package_manager = manager_of(plan, &made);
    grow(plan->stages, plan->stage_count, plan->stage_cap);
    plan->stages[plan->stage_count++] = made;
}

static int decide_files(const struct project *project, struct plan *plan, struct error *err)
{
    const struct settings *files = &project->free[SECTION_FILES];
    for (size_t i = 0; i < files->len; i++) {
        autofree char *stage = NULL, *path = NULL, *place = origin_text(&files->items[i].origin);
        if (!stage_path(files->items[i].name, &stage, &path))
            continue;
        autofree char *wrong = stage_copies_add(&plan->stage_files, files->items[i].name,
                                                files->items[i].value, &files->items[i].origin);
        if (wrong) /* can't be: project_load has checked it */
            return error_set(err, ERROR_PROJECT, "%s: %s", place, wrong);

        const struct stage_copy *copy = &plan->stage_files.items[plan->stage_files.len - 1];
        autofree char *text = xasprintf("stage:%s:%s -> %s", copy->stage, copy->source, copy->dest);
        plan_decide(plan, "file", text, place);
        add_stage(project, copy->stage, plan);
    }
    return 0;
}

static char *place_of(const char *what, const struct origin *origin)
{
    autofree char *place = origin_text(origin);
    return xasprintf("%s at %s", what, place);
}

static void say_stage(const struct plan_stage *made, struct plan *plan)
{
    const struct stage *stage = made->stage;
    autofree char *subject = xasprintf("stage.%s", stage->name),
                  *place = origin_text(&stage->origin);
    AUTO(buf) text = {0};
    buf_addf(&text, "from %s", made->from);

    if (stage->packages.len > 0)
        buf_addf(&text, ", %zu package%s", stage->packages.len,
                 stage->packages.len == 1 ? "" : "s");
    if (stage->copies.len > 0)
        buf_addf(&text, ", %zu cop%s", stage->copies.len, stage->copies.len == 1 ? "y" : "ies");
    if (stage->run.len > 0)
        buf_addf(&text, ", %zu command%s", stage->run.len, stage->run.len == 1 ? "" : "s");
    for (size_t i = 0; i < stage->secrets.len; i++)
        buf_addf(&text, "%s%s", i == 0 ? ", secrets " : " ", stage->secrets.items[i]);
    for (size_t i = 0; i < stage->ssh.len; i++)
        buf_addf(&text, "%s%s", i == 0 ? ", ssh " : " ", stage->ssh.items[i]);

    plan_decide(plan, subject, buf_text(&text), place);
}

static void ask(const struct stage *stage, enum stage_key key, const struct strv *ids,
                struct plan_pairs *to)
{
    for (size_t i = 0; i < ids->len; i++)
        plan_pairs_add(to, ids->items[i], stage->name, &stage->values[key].origin);
}

static void decide_engine(const struct project *project, const struct template *t,
                          struct plan *plan)
{
    if (plan->stage_count > 0) {
        /* The stage that [files] name first: plan->stages starts with those that it needs. */
        const struct plan_stage *made = find(plan, plan->stage_files.items[0].stage);
        const struct stage *stage = made ? made->stage : plan->stages[0].stage;
        autofree char *what = xasprintf("[stage:%s]", stage->name);
        plan->engine_reason = place_of(what, &stage->origin);
    } else if (plan->stage_files.len > 0) {
        plan->engine_reason =
            place_of("[files] of the stage '" STAGE_BUILD "'", &plan->stage_files.items[0].origin);
    } else if (project_is_set(project, KEY_BUILD_PACKAGES)) {
        plan->engine_reason =
            place_of("[build] packages", &project->values[KEY_BUILD_PACKAGES].origin);
    } else if (!plan->compiles_c && !plan->runs_command) {
        plan->engine_reason = xasprintf("the template of '%s'", t->language);
    }

    plan->needs_engine = plan->engine_reason != NULL;
    if (plan->needs_engine)
        plan_decide(plan, "engine", "one with containers", plan->engine_reason);
}

static void decide_mounts(struct plan *plan)
{
    const struct plan_pair *first = plan->secrets.len > 0 ? plan->secrets.items
                                    : plan->ssh.len > 0   ? plan->ssh.items
                                                          : NULL;
    plan->needs_mounts = first != NULL;
    if (!first)
        return;

    autofree char *what =
        xasprintf("%s of [stage:%s]", plan->secrets.len > 0 ? "secrets" : "ssh", first->value);
    plan->mounts_reason = place_of(what, &first->origin);
}

/* A secret that no stage asks for is a mistake. */
static int check_given(const struct project *project, struct error *err)
{
    const struct settings *given = &project->free[SECTION_SECRETS];
    for (size_t i = 0; i < given->len; i++) {
        bool asked = false;
        for (size_t j = 0; j < project->stages.len; j++)
            asked = asked || strv_contains(&project->stages.items[j].secrets, given->items[i].name);

        autofree char *place = origin_text(&given->items[i].origin);
        if (!asked)
            return error_set(
                err, ERROR_PROJECT,
                "%s: no stage asks for the secret '%s'; add it to 'secrets' of a [stage:NAME]",
                place, given->items[i].name);
    }
    return 0;
}

int plan_stages_decide(const struct project *project, const struct template *t, struct plan *plan,
                       struct error *err)
{
    if (check_given(project, err) != 0 || decide_files(project, plan, err) != 0)
        return -1;

    for (size_t i = 0; i < plan->stage_count; i++) {
        const struct stage *stage = plan->stages[i].stage;
        say_stage(&plan->stages[i], plan);
        ask(stage, STAGE_SECRETS, &stage->secrets, &plan->secrets);
        ask(stage, STAGE_SSH, &stage->ssh, &plan->ssh);
    }

    for (size_t i = 0; i < project->stages.len; i++) {
        const struct stage *stage = &project->stages.items[i];
        autofree char *subject = xasprintf("stage.%s", stage->name),
                      *place = origin_text(&stage->origin);
        if (find(plan, stage->name))
            continue;

        plan_decide(plan, subject, "left out: nothing uses it", place);
        strv_addf(&plan->warnings,
                  "%s: nothing uses [stage:%s], so it isn't built; name it in [files] or in "
                  "another stage",
                  place, stage->name);
    }

    decide_engine(project, t, plan);
    decide_mounts(plan);
    return 0;
}
