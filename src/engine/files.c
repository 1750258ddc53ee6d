#include "engine/files.h"

#include "support/fs.h"
#include "support/own.h"

#include <stdlib.h>
#include <string.h>

enum { LINKS_MAX = 40 };

static const char leaves[] = "is a link that leaves the project; copy its target into the project";

static const struct context_file *find(const struct context *context, const char *path)
{
    size_t low = 0, high = context->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(path, context->files[middle].path);
        if (order == 0)
            return &context->files[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* Where a link at `path` points to in the project; NULL when it leaves it. Caller frees. */
static char *link_target(const char *path, const char *target)
{
    autofree char *dir = path_dir(path), *joined = path_join(dir, target);
    return target[0] == '/' ? NULL : path_clean(joined);
}

/* The path with all its links followed; NULL when one leaves the project or there are too many.
 * Caller frees. */
static char *resolve(const struct context *context, const char *path)
{
    autofree char *now = xstrdup(path);
    size_t start = 0;

    for (int links = 0; links <= LINKS_MAX;) {
        size_t end = start + strcspn(now + start, "/");
        autofree char *head = xstrndup(now, end);
        const struct context_file *file = find(context, head);
        if (file && file->type == TAR_SYMLINK) {
            autofree char *target = link_target(head, file->link);
            if (!target)
                return NULL;
            autofree char *joined = now[end] ? path_join(target, now + end + 1) : xstrdup(target);
            free(now);
            now = take(joined);
            start = 0;
            links++;
        } else if (now[end]) {
            start = end + 1;
        } else {
            return take(now);
        }
    }
    return NULL;
}

static int wrong(const struct plan_pair *pair, const char *what, struct error *err)
{
    autofree char *place = origin_text(&pair->origin);
    return error_set(err, ERROR_PROJECT, "%s: [files] '%s' %s", place, pair->name, what);
}

/* Why there is no such file in the context. */
static const char *why_missing(const struct engine_job *job, const char *source)
{
    autofree char *path = path_join(job->plan->project_dir, source);
    return fs_exists(path)
               ? "is left out of the build context; include it with a '!' line in the ignore file"
               : "is not in the project; correct the path or remove the line";
}

static int add_one(const struct engine_job *job, const struct plan_pair *pair,
                   const struct context_file *file, const char *dest, struct tree *tree,
                   struct error *err)
{
    if (file->type == TAR_DIR) {
        tree_add_dir(tree, dest);
        return 0;
    }

    if (file->type == TAR_SYMLINK) {
        /* An absolute target is a path in the image; a relative one moves with its folder. */
        autofree char *target =
            file->link[0] == '/' ? xstrdup("") : link_target(file->path, file->link);
        if (!target) {
            autofree char *what = xasprintf(
                "has the link '%s', which leaves the project; copy its target into the project",
                file->path);
            return wrong(pair, what, err);
        }
        tree_add_link(tree, dest, file->link);
        return 0;
    }

    autofree char *source = path_join(job->plan->project_dir, file->path);
    tree_add_file(tree, dest, source, file->mode & 0111 ? 0755 : 0644);
    return 0;
}

static int add_folder(const struct engine_job *job, const struct plan_pair *pair,
                      const char *folder, struct tree *tree, struct error *err)
{
    const char *rest = NULL;
    if (pair->value[0])
        tree_add_dir(tree, pair->value);

    for (size_t i = 0; i < job->context->len; i++) {
        const struct context_file *file = &job->context->files[i];
        if (!path_below(file->path, folder, &rest) || !rest[0])
            continue;
        autofree char *dest = path_join(pair->value, rest);
        if (add_one(job, pair, file, dest, tree, err) != 0)
            return -1;
    }
    return 0;
}

static int add_pair(const struct engine_job *job, const struct plan_pair *pair, struct tree *tree,
                    struct error *err)
{
    autofree char *source = resolve(job->context, pair->name);
    if (!source)
        return wrong(pair, leaves, err);

    const struct context_file *file = find(job->context, source);
    if (source[0] == '\0' || (file && file->type == TAR_DIR))
        return add_folder(job, pair, source, tree, err);
    if (file)
        return add_one(job, pair, file, pair->value, tree, err);
    return wrong(pair, why_missing(job, pair->name), err);
}

int files_add(const struct engine_job *job, struct tree *tree, struct error *err)
{
    if (job->plan->files.len > 0 && !job->context)
        return error_set(err, ERROR_INTERNAL,
                         "[files] is set, but the project's files were not listed");

    for (size_t i = 0; i < job->plan->files.len; i++)
        if (add_pair(job, &job->plan->files.items[i], tree, err) != 0)
            return -1;
    return 0;
}

/* What is wrong with a source; NULL when it is there. A link is enough: the engine follows it. */
static const char *missing(const struct engine_job *job, const char *source)
{
    if (!source[0] || find(job->context, source))
        return NULL;

    autofree char *path = resolve(job->context, source);
    if (!path)
        return leaves;
    return !path[0] || find(job->context, path) ? NULL : why_missing(job, source);
}

static int check_stage(const struct engine_job *job, const struct stage *stage, struct error *err)
{
    for (size_t i = 0; i < stage->copies.len; i++) {
        const struct stage_copy *copy = &stage->copies.items[i];
        const char *what = copy->stage ? NULL : missing(job, copy->source);
        autofree char *place = origin_text(&copy->origin);
        if (what)
            return error_set(err, ERROR_PROJECT, "%s: [stage:%s] copy '%s' %s", place, stage->name,
                             copy->source, what);
    }
    return 0;
}

int files_check(const struct engine_job *job, struct error *err)
{
    for (size_t i = 0; i < job->plan->files.len; i++) {
        const struct plan_pair *pair = &job->plan->files.items[i];
        const char *what = missing(job, pair->name);
        if (what)
            return wrong(pair, what, err);
    }

    for (size_t i = 0; i < job->plan->stage_count; i++)
        if (check_stage(job, job->plan->stages[i].stage, err) != 0)
            return -1;
    return 0;
}
