#include "plan/package_manager.h"
#include "plan/parts.h"
#include "support/glob.h"
#include "support/inifile.h"
#include "support/own.h"

#include <string.h>

/* Inputs. */

static int unknown_input(const struct template *t, const struct setting *setting, struct error *err)
{
    AUTO(strv) names = {0};
    autofree char *place = origin_text(&setting->origin);
    for (size_t i = 0; i < t->input_count; i++)
        strv_add(&names, t->inputs[i].name);

    const char *near = strv_nearest(setting->name, strv_argv(&names), names.len);
    autofree char *remedy = NULL;
    if (near)
        remedy = xasprintf("did you mean '%s'?", near);
    else if (names.len == 0)
        remedy = xstrdup("it has none");
    else
        remedy = xasprintf("'lbuild help template %s' lists its inputs", t->language);
    return error_set(err, ERROR_PROJECT, "%s: the template of '%s' has no input '%.80s'; %s", place,
                     t->language, setting->name, remedy);
}

/* The effective value of an input, or NULL and *wrong. Caller frees both. */
static char *settle_input(const struct template_input *input, const char *text, char **wrong)
{
    autofree char *value = input->type == INPUT_WORDS ? xstrdup(text) : ini_unquote(text);
    *wrong = value ? template_input_check(input, value) : xstrdup("a quote is not closed");
    if (*wrong)
        return NULL;
    return input->type == INPUT_BOOL ? xstrdup(value_bool(value) ? "yes" : "no") : take(value);
}

/* The values of the template's inputs: those of [inputs], checked, and defaults for the others. */
static int read_inputs(const struct project *project, const struct template *t,
                       struct plan_pairs *out, struct error *err)
{
    const struct settings *set = &project->free[SECTION_INPUTS];
    for (size_t i = 0; i < set->len; i++)
        if (!template_input_find(t, set->items[i].name, strlen(set->items[i].name)))
            return unknown_input(t, &set->items[i], err);

    for (size_t i = 0; i < t->input_count; i++) {
        const struct template_input *input = &t->inputs[i];
        const struct setting *setting = settings_find(set, input->name);
        char *wrong = NULL;
        autofree char *value =
            setting ? settle_input(input, setting->value, &wrong) : xstrdup(input->fallback);
        autofree char *what = wrong, *place = setting ? origin_text(&setting->origin) : NULL;
        if (!value)
            return error_set(err, ERROR_PROJECT, "%s: %s", place, what);
        plan_pairs_add(out, input->name, value, setting ? &setting->origin : NULL);
    }
    return 0;
}

static void values_of(const struct plan_pairs *inputs, struct strv *out)
{
    for (size_t i = 0; i < inputs->len; i++)
        strv_add(out, inputs->items[i].value);
}

char *plan_base_of(const struct project *project, const struct template *t, struct error *err)
{
    AUTO(strv) values = {0};
    AUTO(plan_pairs) inputs = {0};
    const char *base = project_get(project, KEY_IMAGE_BASE);
    if (strcmp(base, "aws") != 0)
        return plan_base_reference(base);

    autofree char *text = xasprintf("AWS has no base image for '%s'; use al2023", t->language);
    if (!t->aws_base) {
        (void)!plan_wrong(project, KEY_IMAGE_BASE, err, text);
        return NULL;
    }

    if (read_inputs(project, t, &inputs, err) != 0)
        return NULL;
    values_of(&inputs, &values);
    return template_expand(t, t->aws_base, &(struct template_values){.inputs = &values});
}

static int decide_inputs(const struct plan_facts *facts, struct plan *plan, struct error *err)
{
    if (read_inputs(facts->project, facts->template, &plan->inputs, err) != 0)
        return -1;

    for (size_t i = 0; i < plan->inputs.len; i++) {
        const struct plan_pair *pair = &plan->inputs.items[i];
        autofree char *subject = xasprintf("inputs.%s", pair->name),
                      *place = origin_text(&pair->origin);
        plan_decide(plan, subject, pair->value,
                    pair->origin.file ? place : "the template's default");
    }
    return 0;
}

/* The builder and its packages. */

/* Whether the base itself should be the builder: it is AWS's for the language, or one from a
 * registry whose distribution isn't Amazon's. */
static bool builds_on_base(const struct plan *plan)
{
    const char *base = plan->base_reference;
    if (plan->aws)
        return true;
    if (plan->family != FAMILY_OTHER || base_is_file(base))
        return false;

    const char *manager = package_manager_of(base);
    return manager && (strcmp(manager, "apt") == 0 || strcmp(manager, "apk") == 0);
}

static void decide_builder(const struct plan_facts *facts, const struct template_values *values,
                           struct plan *plan)
{
    const char *builder = plan->family == FAMILY_AL2 ? "al2" : "al2023";
    const char *reason = "Amazon Linux like the base";
    const char *set = project_get(facts->project, KEY_BUILD_BUILDER);
    autofree char *aws = NULL;

    if (plan->aws && facts->template->aws_builder) {
        builder = aws = template_expand(facts->template, facts->template->aws_builder, values);
        reason = "the template's for AWS's base image";
    } else if (builds_on_base(plan)) {
        builder = plan->base_reference;
        reason = "the base itself";
    }

    plan->builder_reference = plan_builder_reference(set ? set : builder);
    plan_decide_key(plan, facts, KEY_BUILD_BUILDER, plan->builder_reference, reason);
}

static const struct strv *packages_of(const struct template *t, const char *manager, bool aws)
{
    static const struct strv none = {0};
    if (aws)
        return &t->packages_aws;
    if (!manager || strcmp(manager, "dnf") == 0)
        return &t->packages_dnf;
    if (strcmp(manager, "none") == 0)
        return &none;
    if (strcmp(manager, "yum") == 0)
        return &t->packages_yum;
    return strcmp(manager, "apt") == 0 ? &t->packages_apt : &t->packages_apk;
}

/* Whether the project brings packages or a builder of its own, which may provide
 * what is missing. */
static bool brings_packages(const struct project *project)
{
    return project_is_set(project, KEY_BUILD_BUILDER) ||
           project_is_set(project, KEY_BUILD_PACKAGES);
}

static int decide_packages(const struct plan_facts *facts, const struct template_values *values,
                           struct plan *plan, struct error *err)
{
    const struct template *t = facts->template;
    const char *manager = project_get(facts->project, KEY_BUILD_PACKAGE_MANAGER);
    if (strcmp(manager, "auto") == 0)
        manager = package_manager_of(plan->builder_reference);
    plan->package_manager = manager ? xstrdup(manager) : NULL;

    const struct strv *packages = packages_of(t, manager, plan->aws);
    bool unknown =
        plan->family == FAMILY_AL2 && !plan->aws && packages->len == 0 && t->packages_dnf.len > 0;
    if (unknown && !brings_packages(facts->project))
        return error_set(err, ERROR_PROJECT,
                         "%s: no packages of Amazon Linux 2 are known for 'language = %s'; use "
                         "'base = al2023' in [image], or set 'builder' or 'packages' in [build]",
                         facts->project->file, t->language);

    for (size_t i = 0; i < packages->len; i++)
        strv_take(&plan->packages, template_expand(t, packages->items[i], values));
    if (manager && strcmp(manager, "none") == 0 &&
        project_is_set(facts->project, KEY_BUILD_PACKAGES))
        return plan_wrong(
            facts->project, KEY_BUILD_PACKAGES, err,
            "'package-manager = none' can't install 'packages'; remove one of the two");
    return project_words(facts->project, KEY_BUILD_PACKAGES, &plan->packages, err);
}

/* Lock files and manifests. */

static bool has_file(const struct plan_facts *facts, const char *path)
{
    return strv_contains(facts->project_files, path);
}

static const struct template_lock *find_lock(const struct template *t, const char *file)
{
    for (size_t i = 0; i < t->lock_count; i++)
        if (strcmp(t->locks[i].file, file) == 0)
            return &t->locks[i];
    return NULL;
}

static void name_locks(const struct template *t, struct buf *out)
{
    for (size_t i = 0; i < t->lock_count; i++) {
        buf_addf(out, "%s%s", i == 0 ? "" : " or ", t->locks[i].file);
        if (t->locks[i].strict)
            buf_addf(out, " with '%s'", t->locks[i].strict);
    }
}

/* Having no lock file is fine unless --locked asks for one. */
static int no_lock(const struct plan_facts *facts, struct error *err)
{
    AUTO(buf) names = {0};
    if (!facts->locked)
        return 0;

    if (facts->open_version)
        return error_set(err, ERROR_LOCKED, "%s, as --locked requires; write the exact version",
                         facts->open_version);
    name_locks(facts->template, &names);

    if (facts->template->lock_count == 0 && !facts->template->deps)
        return 0;
    if (facts->template->lock_count == 0)
        return error_set(err, ERROR_LOCKED,
                         "--locked needs a lock file, and the template of '%s' knows none",
                         facts->template->language);
    return error_set(err, ERROR_LOCKED,
                     "%s: --locked needs a lock file, and the project has none; create %s",
                     facts->project->file, buf_text(&names));
}

/* Checks a lock file that the project names: the template must know it, and it must be strict. */
static int check_set_lock(const struct plan_facts *facts, const char *set, struct error *err)
{
    const struct template_lock *known = find_lock(facts->template, set);
    AUTO(buf) names = {0};
    autofree char *text = NULL;
    if (known && facts->strict_locks && strv_contains(facts->strict_locks, set))
        return 0;

    name_locks(facts->template, &names);
    if (!known)
        text = xasprintf("'%.80s' is not a lock file of '%s'; %s%s", set, facts->template->language,
                         names.len > 0 ? "use " : "it has none", buf_text(&names));
    else if (!has_file(facts, set))
        text = xasprintf("the project has no lock file '%.80s'; create it, or remove 'lock'", set);
    else
        text = xasprintf("'%.80s' doesn't lock the dependencies: it has %s them, or remove 'lock'",
                         set, known->strict ? "no digests; add" : "versions that may change; fix");
    return plan_wrong(facts->project, KEY_BUILD_LOCK, err, text);
}

static int choose_lock(const struct plan_facts *facts, struct plan *plan, struct error *err)
{
    const struct strv *found = facts->strict_locks;
    const char *lock = project_get(facts->project, KEY_BUILD_LOCK);
    if (lock && check_set_lock(facts, lock, err) != 0)
        return -1;
    if (!lock && found && found->len > 1)
        return error_set(err, ERROR_PROJECT,
                         "%s: '%s' and '%s' are both lock files; remove one, or choose one with "
                         "'lock' in [build]",
                         facts->project->file, found->items[0], found->items[1]);

    if (!lock && found && found->len == 1)
        lock = found->items[0];
    plan->lock = lock ? xstrdup(lock) : NULL;
    if (facts->template->lock_count > 0)
        plan_decide_key(plan, facts, KEY_BUILD_LOCK, lock,
                        lock ? "the only one there is" : "the project has none");
    return lock ? 0 : no_lock(facts, err);
}

static int needs_manifest(const struct plan_facts *facts, struct error *err)
{
    const struct strv *needs = &facts->template->manifest_needs;
    AUTO(buf) names = {0};

    for (size_t i = 0; i < needs->len; i++) {
        if (has_file(facts, needs->items[i]))
            return 0;
        buf_addf(&names, "%s'%s'", i == 0 ? "" : " or ", needs->items[i]);
    }

    if (needs->len == 0)
        return 0;
    return error_set(err, ERROR_PROJECT,
                     "%s: a project in '%s' needs %s in its folder; is 'language' right?",
                     facts->project->file, facts->template->language, buf_text(&names));
}

static bool takes(const struct template *t, const char *path)
{
    for (size_t i = 0; i < t->manifest_takes.len; i++)
        if (glob_match(t->manifest_takes.items[i], path))
            return true;
    return false;
}

static int decide_manifest(const struct plan_facts *facts, struct plan *plan, struct error *err)
{
    const struct template *t = facts->template;
    if (needs_manifest(facts, err) != 0 || choose_lock(facts, plan, err) != 0)
        return -1;

    for (size_t i = 0; i < facts->project_files->len; i++)
        if (strv_contains(&t->manifest_needs, facts->project_files->items[i]) ||
            takes(t, facts->project_files->items[i]))
            strv_add(&plan->manifest, facts->project_files->items[i]);

    const struct template_lock *lock = plan->lock ? find_lock(t, plan->lock) : NULL;
    for (size_t i = 0; lock && i < lock->with.len; i++) {
        if (!has_file(facts, lock->with.items[i]))
            return error_set(err, ERROR_PROJECT,
                             "%s: '%s' is the lock file of '%s', which is missing; add it",
                             facts->project->file, lock->file, lock->with.items[i]);

        strv_add(&plan->manifest, lock->with.items[i]);
    }

    if (lock)
        strv_add(&plan->manifest, lock->file);
    strv_sort(&plan->manifest);
    strv_unique(&plan->manifest);
    return 0;
}

/* A project without any file of the language would make an image that can't start. */
static int check_empty(const struct plan_facts *facts, struct error *err)
{
    const struct template *t = facts->template;
    const struct strv *const lists[] = {&t->detect_files, &t->detect_sources};
    AUTO(buf) patterns = {0};

    for (size_t i = 0; i < countof(lists); i++) {
        for (size_t j = 0; j < lists[i]->len; j++) {
            buf_addf(&patterns, " %s", lists[i]->items[j]);
            for (size_t k = 0; k < facts->project_files->len; k++)
                if (glob_match(lists[i]->items[j], facts->project_files->items[k]))
                    return 0;
        }
    }

    if (patterns.len == 0 || t->compile.command.len > 0 || !t->app)
        return 0;
    return error_set(err, ERROR_PROJECT,
                     "%s: no file here is for '%s', such as%s; is 'language' right?",
                     facts->project->file, t->language, buf_text(&patterns));
}

int plan_template_decide(const struct plan_facts *facts, struct plan *plan, struct error *err)
{
    AUTO(strv) values = {0};
    const struct template_values with = {.inputs = &values};
    if (decide_inputs(facts, plan, err) != 0)
        return -1;
    values_of(&plan->inputs, &values);
    decide_builder(facts, &with, plan);
    if (decide_packages(facts, &with, plan, err) != 0 || check_empty(facts, err) != 0)
        return -1;
    return decide_manifest(facts, plan, err);
}
