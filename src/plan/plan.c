#include "plan/plan.h"

#include "lambda/limits.h"
#include "plan/parts.h"
#include "project/value.h"
#include "support/fs.h"
#include "support/own.h"
#include "support/rfc3339.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* AWS's own names (Lambda guide "Building a container image with an OS-only base image"; Amazon ECR
 * Public Gallery). */
static const struct known_base {
    const char *word, *reference, *builder;
    enum base_family family;
} known_bases[] = {
    {"al2023", "public.ecr.aws/lambda/provided:al2023",
     "public.ecr.aws/amazonlinux/amazonlinux:2023", FAMILY_AL2023},
    {"al2", "public.ecr.aws/lambda/provided:al2", "public.ecr.aws/amazonlinux/amazonlinux:2",
     FAMILY_AL2},
};

void plan_decide(struct plan *plan, const char *subject, const char *value, const char *reason)
{
    grow(plan->decisions, plan->decision_count, plan->decision_cap);
    plan->decisions[plan->decision_count++] =
        (struct plan_decision){xstrdup(subject), xstrdup(value ? value : ""), xstrdup(reason)};
}

void plan_decide_key(struct plan *plan, const struct plan_facts *facts, enum key_id key,
                     const char *value, const char *otherwise)
{
    autofree char *place = origin_text(&facts->project->values[key].origin);
    plan_decide(plan, project_key_name(key), value,
                project_is_set(facts->project, key) ? place : otherwise);
}

void plan_pairs_add(struct plan_pairs *pairs, const char *name, const char *value,
                    const struct origin *origin)
{
    if (!value)
        return;
    grow(pairs->items, pairs->len, pairs->cap);
    pairs->items[pairs->len++] =
        (struct plan_pair){xstrdup(name), xstrdup(value), origin ? *origin : (struct origin){0}};
}

void plan_pairs_release(struct plan_pairs *pairs)
{
    for (size_t i = 0; i < pairs->len; i++) {
        free(pairs->items[i].name);
        free(pairs->items[i].value);
    }
    free(pairs->items);
    *pairs = (struct plan_pairs){0};
}

int plan_wrong(const struct project *project, enum key_id key, struct error *err, const char *text)
{
    autofree char *place = origin_text(&project->values[key].origin);
    return error_set(err, ERROR_PROJECT, "%s: %s", place, text);
}

char *plan_base_reference(const char *value)
{
    for (size_t i = 0; i < countof(known_bases); i++)
        if (strcmp(known_bases[i].word, value) == 0)
            return xstrdup(known_bases[i].reference);
    return xstrdup(value);
}

char *plan_builder_reference(const char *value)
{
    for (size_t i = 0; i < countof(known_bases); i++)
        if (strcmp(known_bases[i].word, value) == 0)
            return xstrdup(known_bases[i].builder);
    return xstrdup(value);
}

/* The folder's name in lower case, with '-' for characters that a repository name can't have. NULL
 * when nothing is left. Caller frees. */
static char *name_of_folder(const char *dir)
{
    AUTO(buf) name = {0};
    for (const char *c = path_base(dir); *c; c++) {
        if (isalnum((unsigned char)*c) && !((unsigned char)*c & 0x80))
            buf_addc(&name, (char)tolower((unsigned char)*c));
        else if (name.len > 0 && name.data[name.len - 1] != '-')
            buf_addc(&name, '-');
    }

    while (name.len > 0 && name.data[name.len - 1] == '-')
        name.data[--name.len] = '\0';
    return name.len ? buf_detach(&name) : NULL;
}

static char *image_name(const struct project *project, struct error *err)
{
    const char *set = project_get(project, KEY_PROJECT_NAME);
    char *name = set ? xstrdup(set) : name_of_folder(project->dir);
    if (!name)
        error_set(err, ERROR_PROJECT,
                  "%s: the folder's name can't be an image's name; set 'name' in [project]",
                  project->file);
    return name;
}

static int decide_names(const struct plan_facts *facts, struct plan *plan, struct error *err)
{
    const struct project *project = facts->project;
    const char *version = project_get(project, KEY_PROJECT_VERSION);
    const char *handler = project_get(project, KEY_FUNCTION_HANDLER);

    plan->project_dir = project->dir;
    plan->project = project;
    plan->name = image_name(project, err);
    if (!plan->name)
        return -1;
    plan_decide_key(plan, facts, KEY_PROJECT_NAME, plan->name, "name of the folder");

    if (version || facts->provenance->version)
        plan->version = xstrdup(version ? version : facts->provenance->version);
    plan_decide_key(plan, facts, KEY_PROJECT_VERSION, plan->version,
                    plan->version ? "git describe" : "no tag in git, none set");

    const char *fallback = facts->template->handler_fallback;
    plan->handler = xstrdup(handler ? handler : fallback ? fallback : plan->name);
    plan_decide_key(plan, facts, KEY_FUNCTION_HANDLER, plan->handler,
                    fallback ? "the template's default" : "the project's name");

    (void)arch_parse(project_get(project, KEY_IMAGE_ARCH), &plan->arch);
    plan_decide_key(plan, facts, KEY_IMAGE_ARCH, arch_lambda(plan->arch), "Lambda's own default");
    return 0;
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static enum base_family family_of(const char *reference)
{
    for (size_t i = 0; i < countof(known_bases); i++) {
        size_t length = strlen(known_bases[i].reference);
        char next = starts_with(reference, known_bases[i].reference) ? reference[length] : 'x';
        /* "al2023" and its dated and per-architecture tags, but not "al2" in "al2023". */
        if (next == '\0' || next == '-' || next == '.' || next == '@')
            return known_bases[i].family;
    }
    return strcmp(reference, "scratch") == 0 ? FAMILY_SCRATCH : FAMILY_OTHER;
}

static bool has_stock_entrypoint(const struct base *base)
{
    const struct js *entrypoint = js_get(js_get(base->config, "config"), "Entrypoint");
    const char *first = js_text(js_at(entrypoint, 0));
    return js_count(entrypoint) == 1 && first && strcmp(first, LAMBDA_ENTRYPOINT) == 0;
}

static void decide_start(const struct plan_facts *facts, struct plan *plan)
{
    bool stock;
    const char *reason;

    if (plan->family == FAMILY_SCRATCH) {
        stock = false;
        reason = "scratch has no entry script";
    } else if (facts->base) {
        stock = has_stock_entrypoint(facts->base);
        reason =
            stock ? "the base has Lambda's entry script" : "the base has no Lambda entry script";
    } else {
        stock = plan->family != FAMILY_OTHER ||
                starts_with(plan->base_reference, "public.ecr.aws/lambda/");
        reason =
            stock ? "AWS's base images have Lambda's entry script" : "the base isn't one of AWS's";
    }

    plan->start = stock ? START_STOCK : START_ENTRYPOINT;
    plan->program = xstrdup(LAMBDA_BOOTSTRAP);
    if (!stock)
        strv_add(&plan->entrypoint, "/" LAMBDA_BOOTSTRAP);
    strv_add(&plan->cmd, plan->handler);
    plan_decide(plan, "start",
                stock ? LAMBDA_ENTRYPOINT " runs /" LAMBDA_BOOTSTRAP
                      : "ENTRYPOINT is /" LAMBDA_BOOTSTRAP,
                reason);
}

static int decide_base(const struct plan_facts *facts, struct plan *plan, struct error *err)
{
    plan->aws = strcmp(project_get(facts->project, KEY_IMAGE_BASE), "aws") == 0;
    plan->base_reference = plan_base_of(facts->project, facts->template, err);
    if (!plan->base_reference)
        return -1;
    plan->family = family_of(plan->base_reference);
    plan_decide_key(plan, facts, KEY_IMAGE_BASE, plan->base_reference, "the default");

    if (facts->base && facts->base->manifest.text[0]) {
        plan->base_digest = xstrdup(facts->base->manifest.text);
        plan_decide(plan, "base digest", plan->base_digest,
                    "what the reference meant when it was looked up");
    }

    decide_start(facts, plan);
    return 0;
}

static void copy_settings(const struct settings *from, struct plan_pairs *to)
{
    for (size_t i = 0; i < from->len; i++)
        plan_pairs_add(to, from->items[i].name, from->items[i].value, &from->items[i].origin);
}

/* How many bytes of a line are the name in "NAME = value"; 0 when it isn't such a line. Lower-case
 * names are left alone: texts that go on for several lines have such lines of their own. */
static size_t assigned_name(const char *line, bool labels)
{
    static const char variable[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    size_t length = labels ? strcspn(line, "= \t\n") : strspn(line, variable);
    const char *after = line + length + strspn(line + length, " \t");
    bool known = labels ? memchr(line, '.', length) != NULL : length > 1;
    return known && *after == '=' ? length : 0;
}

/* An indented line that looks like the next variable has become part of the one above. */
static void warn_of_continued(const struct settings *from, bool labels, struct plan *plan)
{
    for (size_t i = 0; i < from->len; i++) {
        const struct setting *setting = &from->items[i];
        const char *line = setting->value;
        for (size_t n = 1; line && n < setting->line_count; n++) {
            line = strchr(line, '\n');
            line = line ? line + 1 : NULL;
            size_t length = line ? assigned_name(line, labels) : 0;
            if (length == 0)
                continue;

            const struct origin origin = setting_line(setting, n);
            autofree char *place = origin_text(&origin);
            strv_addf(&plan->warnings,
                      "%s: '%.*s' is indented, so it continues the value of '%s'; if it is %s of "
                      "its own, remove the blanks before it",
                      place, (int)(length < 80 ? length : 80), line, setting->name,
                      labels ? "a label" : "a variable");
        }
    }
}

static void decide_files(const struct plan_facts *facts, struct plan *plan)
{
    const struct settings *files = &facts->project->free[SECTION_FILES];
    for (size_t i = 0; i < files->len; i++) {
        autofree char *stage = NULL, *path = NULL;
        if (stage_path(files->items[i].name, &stage, &path))
            continue; /* plan_stages_decide adds those */

        autofree char *source = path_clean(files->items[i].name),
                      *dest = path_clean(files->items[i].value);
        /* "x = /opt/" means into the folder, as with COPY. */
        if (dest && files->items[i].value[strlen(files->items[i].value) - 1] == '/' && source &&
            source[0]) {
            char *inside = path_join(dest, path_base(source));
            free(dest);
            dest = inside;
        }

        autofree char *place = origin_text(&files->items[i].origin);
        autofree char *text = xasprintf("%s -> /%s", source ? source : "", dest ? dest : "");
        plan_pairs_add(&plan->files, source ? source : "", dest ? dest : "",
                       &files->items[i].origin);
        plan_decide(plan, "file", text, place);
    }
}

static int decide_epoch(const struct plan_facts *facts, struct plan *plan, struct error *err)
{
    const char *text = facts->source_date_epoch, *reason = "no commit to take it from";
    char *end = NULL;

    if (text && text[0]) {
        errno = 0;
        plan->epoch = strtoll(text, &end, 10);
        /* The upper end is the year 9999, the last one that RFC 3339 can write. */
        if (errno || *end || !isdigit((unsigned char)text[0]) || plan->epoch > 253402300799)
            return error_set(err, ERROR_USAGE,
                             "SOURCE_DATE_EPOCH is '%.80s'; it must be whole seconds since 1970",
                             text);
        reason = "SOURCE_DATE_EPOCH";
    } else if (facts->provenance->commit && facts->provenance->commit_time >= 0) {
        plan->epoch = facts->provenance->commit_time;
        reason = "time of the commit";
    }

    autofree char *value = xasprintf("%lld", (long long)plan->epoch);
    plan_decide(plan, "timestamp", value, reason);
    return 0;
}

/* OCI image-spec annotations.md, "Pre-Defined Annotation Keys". */
static void decide_annotations(const struct plan_facts *facts, struct plan *plan)
{
    static const struct {
        const char *name;
        enum key_id key;
    } from_keys[] = {
        {"authors", KEY_PROJECT_AUTHORS},
        {"description", KEY_PROJECT_DESCRIPTION},
        {"documentation", KEY_PROJECT_DOCUMENTATION},
        {"licenses", KEY_PROJECT_LICENSES},
        {"url", KEY_PROJECT_URL},
        {"vendor", KEY_PROJECT_VENDOR},
    };
    const struct provenance *git = facts->provenance;
    struct plan_pairs *to = &plan->annotations;
    autofree char *created = rfc3339(plan->epoch);
    const char *source = project_get(facts->project, KEY_PROJECT_SOURCE);

    for (size_t i = 0; i < countof(from_keys); i++) {
        autofree char *name = xasprintf("org.opencontainers.image.%s", from_keys[i].name);
        plan_pairs_add(to, name, project_get(facts->project, from_keys[i].key),
                       &facts->project->values[from_keys[i].key].origin);
    }
    plan_pairs_add(to, "org.opencontainers.image.created", created, NULL);

    if (git->commit) {
        autofree char *revision = xasprintf("%s%s", git->commit, git->dirty ? "-dirty" : "");
        plan_pairs_add(to, "org.opencontainers.image.revision", revision, NULL);
        plan_decide(plan, "revision", revision,
                    git->dirty ? "git; the work tree differs from the commit" : "git");
    }

    plan_pairs_add(to, "org.opencontainers.image.source", source ? source : git->source,
                   &facts->project->values[KEY_PROJECT_SOURCE].origin);
    plan_pairs_add(to, "org.opencontainers.image.title", plan->name, NULL);
    plan_pairs_add(to, "org.opencontainers.image.version", plan->version,
                   &facts->project->values[KEY_PROJECT_VERSION].origin);

    if (facts->base && facts->base->name)
        plan_pairs_add(to, "org.opencontainers.image.base.name", facts->base->name, NULL);
    if (plan->base_digest)
        plan_pairs_add(to, "org.opencontainers.image.base.digest", plan->base_digest, NULL);
}

static bool is_tag(const char *text)
{
    size_t length =
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    return length > 0 && length <= 128 && text[length] == '\0' && !strchr(".-", text[0]);
}

/* "NAME", "NAME:TAG" or "HOST:PORT/NAME:TAG"; ":latest" is added where no tag is. */
static int add_tag(struct plan *plan, const char *text, struct error *err)
{
    const char *slash = strrchr(text, '/'), *last = slash ? slash + 1 : text;
    const char *colon = strchr(last, ':');
    autofree char *name = xstrndup(last, strcspn(last, ":"));

    if (strlen(text) > 384 || !value_is_name(name) || (colon && !is_tag(colon + 1)))
        return error_set(err, ERROR_USAGE,
                         "'%.200s' is not an image's name; write NAME:TAG, with NAME in lower case",
                         text);
    strv_addf(&plan->tags, "%s%s", text, colon ? "" : ":latest");
    return 0;
}

/* As in distroless: only its own user may enter it, and Lambda runs as another one. */
static bool is_home(const char *folder)
{
    return starts_with(folder, "/home/") || strcmp(folder, "/root") == 0 ||
           starts_with(folder, "/root/");
}

static int decide_image(const struct plan_facts *facts, struct plan *plan, struct error *err)
{
    AUTO(strv) tags = {0};
    const char *workdir = project_get(facts->project, KEY_IMAGE_WORKDIR);
    copy_settings(&facts->project->free[SECTION_ENV], &plan->env);
    copy_settings(&facts->project->free[SECTION_LABELS], &plan->labels);
    warn_of_continued(&facts->project->free[SECTION_ENV], false, plan);
    warn_of_continued(&facts->project->free[SECTION_LABELS], true, plan);

    const char *of_base =
        facts->base ? js_get_text(js_get(facts->base->config, "config"), "WorkingDir") : NULL;
    bool home = of_base && is_home(of_base);
    if (workdir || plan->family == FAMILY_SCRATCH ||
        (plan->start == START_ENTRYPOINT && (!of_base || home)))
        plan->workdir = xstrdup(workdir ? workdir : LAMBDA_TASK_ROOT);
    const char *reason = home ? "the base's is the home of another user" : "Lambda's task folder";
    plan_decide_key(plan, facts, KEY_IMAGE_WORKDIR, plan->workdir,
                    plan->workdir ? reason : "the base's");

    if (facts->tags->len > 0)
        strv_add_all(&tags, facts->tags);
    else if (project_words(facts->project, KEY_IMAGE_TAGS, &tags, err) != 0)
        return -1;

    if (tags.len == 0)
        strv_add(&tags, plan->name);
    for (size_t i = 0; i < tags.len; i++)
        if (add_tag(plan, tags.items[i], err) != 0)
            return -1;

    plan_decide_key(plan, facts, KEY_IMAGE_TAGS, plan->tags.items[0],
                    facts->tags->len ? "-t" : "the project's name");
    return 0;
}

bool plan_output_is_typed(const struct project *project, const char *file)
{
    const struct origin *origin = &project->values[KEY_OUTPUT_FILE].origin;
    return file || (origin->file && origin->line == 0);
}

/* A project comes from anywhere, and building it must not write anywhere. */
static int check_output_file(const struct project *project, const char *file, struct error *err)
{
    const char *inside = file;
    bool below = file[0] != '/' || path_below(file, project->dir, &inside);
    autofree char *clean = below ? path_clean(inside) : NULL;
    autofree char *slashed = clean ? xasprintf("/%s/", clean) : NULL;
    if (plan_output_is_typed(project, NULL) || (slashed && clean[0] && !strstr(slashed, "/.git/")))
        return 0;

    autofree char *place = origin_text(&project->values[KEY_OUTPUT_FILE].origin);
    return error_set(err, ERROR_PROJECT, "%s: '%s' %s; to write there, name it with -o or --set",
                     place, file,
                     slashed && clean[0] ? "belongs to git" : "is not below the project's folder");
}

char *plan_output_file(const struct project *project, const char *type, const char *file,
                       struct error *err)
{
    autofree char *name = image_name(project, err);
    if (!type)
        type = project_get(project, KEY_OUTPUT_TYPE);
    if (!name)
        return NULL;
    if (file)
        return xstrdup(file);

    autofree char *fallback = xasprintf("%s%s", name, strcmp(type, "oci") == 0 ? ".tar" : ".oci");
    const char *set = project_get(project, KEY_OUTPUT_FILE);
    if (set && check_output_file(project, set, err) != 0)
        return NULL;
    return path_join(project->dir, set ? set : fallback);
}

static int decide_output(const struct plan_facts *facts, struct plan *plan, struct error *err)
{
    const char *type =
        facts->output_type ? facts->output_type : project_get(facts->project, KEY_OUTPUT_TYPE);
    plan->output_type = xstrdup(type);
    plan->output_file = plan_output_file(facts->project, type, facts->output_file, err);
    if (!plan->output_file)
        return -1;
    plan_decide_key(plan, facts, KEY_OUTPUT_TYPE, plan->output_type,
                    facts->output_type ? "-o" : "the default");

    const char *level = facts->compression;
    const enum key_id key = KEY_OUTPUT_COMPRESSION;
    autofree char *place = origin_text(&facts->project->values[key].origin);
    plan->compression = xstrdup(level ? level : project_get(facts->project, key));
    const char *otherwise = project_is_set(facts->project, key) ? place : "the default";
    plan_decide(plan, "compression", plan->compression, level ? "-o" : otherwise);
    plan_decide_key(plan, facts, KEY_OUTPUT_FILE, plan->output_file,
                    facts->output_file ? "-o" : "the project's name");
    return 0;
}

int plan_make(const struct plan_facts *facts, struct plan *plan, struct error *err)
{
    *plan = (struct plan){0};
    if (decide_names(facts, plan, err) != 0 || decide_base(facts, plan, err) != 0)
        return -1;

    decide_files(facts, plan);
    if (plan_template_decide(facts, plan, err) != 0 || plan_compile_decide(facts, plan, err) != 0 ||
        plan_stages_decide(facts->project, facts->template, plan, err) != 0 ||
        decide_epoch(facts, plan, err) != 0 || decide_image(facts, plan, err) != 0)
        return -1;
    decide_annotations(facts, plan);
    return decide_output(facts, plan, err);
}

void plan_release(struct plan *plan)
{
    char *const texts[] = {plan->name,
                           plan->version,
                           plan->handler,
                           plan->base_reference,
                           plan->base_digest,
                           plan->builder_reference,
                           plan->package_manager,
                           plan->engine_reason,
                           plan->mounts_reason,
                           plan->runtime_dir,
                           plan->runtime_prefix,
                           plan->compiler,
                           plan->libc,
                           plan->lock,
                           plan->program,
                           plan->workdir,
                           plan->output_type,
                           plan->output_file,
                           plan->compression};
    struct strv *const lists[] = {&plan->packages,     &plan->sources,       &plan->runtime_sources,
                                  &plan->include_dirs, &plan->compile_flags, &plan->link_flags,
                                  &plan->libraries,    &plan->entrypoint,    &plan->cmd,
                                  &plan->cxx_flags,    &plan->runtime_flags, &plan->link_inputs,
                                  &plan->tags,         &plan->warnings,      &plan->manifest};
    struct plan_pairs *const pairs[] = {&plan->files,       &plan->env,     &plan->labels,
                                        &plan->annotations, &plan->secrets, &plan->ssh,
                                        &plan->inputs};

    for (size_t i = 0; i < countof(texts); i++)
        free(texts[i]);
    for (size_t i = 0; i < countof(lists); i++)
        strv_release(lists[i]);
    for (size_t i = 0; i < countof(pairs); i++)
        plan_pairs_release(pairs[i]);

    for (size_t i = 0; i < plan->decision_count; i++) {
        free(plan->decisions[i].subject);
        free(plan->decisions[i].value);
        free(plan->decisions[i].reason);
    }
    free(plan->decisions);

    plan_stages_release(plan);
    *plan = (struct plan){0};
}
