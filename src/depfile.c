#include "depfile.h"

#include "provenance/trust.h"
#include "support/makerule.h"
#include "support/outfile.h"
#include "support/own.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CLOCK_STEPS = 40 /* half milliseconds: twice the step of a kernel with HZ=100 */ };

static int64_t nanoseconds(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

/* Adds the folders above a path: they change when names come or go in them. */
static void add_parents(const char *dir, const char *path, struct strv *out)
{
    size_t top = strlen(dir);
    autofree char *at = path_dir(path);
    while (strlen(at) > top && !strv_contains(out, at)) {
        char *parent = path_dir(at);
        strv_take(out, at);
        at = parent;
    }
}

static void add_context(const struct pipeline *p, struct strv *out)
{
    /* Container engines get the whole context; the host engine reads the files that
     * go into the image. */
    bool whole = p->execution.engine->containers;
    for (size_t i = 0; i < p->facts.context.len; i++)
        if (whole || p->facts.context.files[i].type == TAR_DIR)
            strv_take(out, path_join(p->facts.project.dir, p->facts.context.files[i].path));
    for (size_t i = 0; !whole && i < p->tree.len; i++)
        if (p->tree.entries[i].source && !p->tree.entries[i].stored)
            strv_take(out, tree_source(&p->tree.entries[i]));

    autofree char *ignore =
        path_join(p->facts.project.dir, project_get(&p->facts.project, KEY_CONTEXT_IGNORE_FILE));
    strv_add(out, ignore);
    strv_add(out, p->facts.project.dir);
}

static void add_runtime(const struct pipeline *p, struct strv *out)
{
    const struct plan *plan = &p->plan;
    if (!plan->runtime_dir || !plan->runtime_dir[0])
        return;
    strv_add(out, plan->runtime_dir);
    for (size_t i = 0; i < plan->runtime_sources.len; i++)
        strv_take(out, path_join(plan->runtime_dir, plan->runtime_sources.items[i]));
}

/* Adds the files that tell which commit this is and whether the project differs from it: every
 * tracked file, and folders, for new files. A file missing from the repository's own folders
 * is watched by its folder. For the user's settings that would be the home folder, in which
 * too much changes. */
static int add_provenance(const struct pipeline *p, struct strv *out, struct error *err)
{
    AUTO(strv) tracked = {0}, folders = {0}, settings = {0};
    if (!p->facts.provenance.found)
        return 0;
    if (provenance_tracked(p->facts.project.dir, &tracked, err) != 0)
        return -1;

    for (size_t i = 0; i < tracked.len; i++)
        add_parents(p->facts.project.dir, tracked.items[i], &folders);
    trust_config_files(&settings);
    for (size_t i = 0; i < p->facts.provenance.watched.len; i++) {
        const char *path = p->facts.provenance.watched.items[i];
        if (fs_exists(path))
            strv_add(out, path);
        else if (!strv_contains(&settings, path))
            strv_take(out, path_dir(path));
    }

    strv_add_all(out, &tracked);
    strv_add_all(out, &folders);
    return 0;
}

/* Whether a path is one of our own files, or lies in our own folder. */
static bool is_own(const struct pipeline *p, const char *path)
{
    const char *below = NULL, *rest = NULL;
    if (!path_below(path, p->facts.project.dir, &below))
        return false;
    for (size_t i = 0; i < p->facts.left_out.len; i++)
        if (p->facts.left_out.items[i][0] && path_below(below, p->facts.left_out.items[i], &rest))
            return true;
    return false;
}

/* Collects the paths that exist, made absolute: make treats a missing one as changed. */
static int collect(const struct pipeline *p, struct strv *out, struct error *err)
{
    AUTO(strv) all = {0};
    autofree char *cwd = getcwd(NULL, 0), *template = realpath(p->facts.template.path, NULL);
    autofree char *self = realpath("/proc/self/exe", NULL);
    strv_add_all(&all, &p->facts.inputs);
    strv_add_all(&all, &p->inputs);
    strv_add(&all, p->facts.project.file);
    if (template)
        strv_add(&all, template);
    if (self)
        strv_add(&all, self);
    add_context(p, &all);
    add_runtime(p, &all);
    if (add_provenance(p, &all, err) != 0)
        return -1;

    for (size_t i = 0; i < all.len; i++) {
        autofree char *path = path_join(cwd ? cwd : "/", all.items[i]);
        if (fs_exists(path) && !is_own(p, path))
            strv_add(out, path);
    }

    strv_sort(out);
    strv_unique(out);
    return 0;
}

/* Changes within one step of the kernel's clock get the same time, whether before or
 * after we looked. */
int64_t depfile_begin(const struct pipeline_options *options)
{
    struct timespec begun, now;
    clock_gettime(CLOCK_REALTIME, &begun);
    if (!options->depfile && !options->stamp)
        return 0;

    for (int i = 0; i < CLOCK_STEPS; i++) {
        clock_gettime(CLOCK_REALTIME_COARSE, &now);
        if (nanoseconds(&now) > nanoseconds(&begun))
            break;
        usleep(500);
    }
    return nanoseconds(&begun);
}

int depfile_stamp(const struct pipeline_options *options, int64_t looked, struct error *err)
{
    const struct timespec time = {.tv_sec = looked / 1000000000, .tv_nsec = looked % 1000000000},
                          times[] = {time, time};
    struct stat st;
    if (!options->stamp)
        return 0;
    /* A device's or a FIFO's time says nothing, and is not ours to set. */
    if (stat(options->stamp, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return 0;
    autoclose int fd = open(options->stamp, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
    return fd >= 0 && futimens(fd, times) == 0
               ? 0
               : error_errno(err, ERROR_BUILD, "can't touch '%s'", options->stamp);
}

/* Our own files change the folder in which they appear, which is where a link leads, and we may
 * have read that folder. */
static void own_folder(const char *file, const struct strv *paths, int64_t *looked)
{
    autofree char *place = outfile_regular(file), *dir = path_dir(place ? place : file),
                  *real = realpath(dir, NULL);
    struct stat st;
    if (real && strv_contains(paths, real) && stat(real, &st) == 0 &&
        nanoseconds(&st.st_mtim) > *looked)
        *looked = nanoseconds(&st.st_mtim);
}

int depfile_write(const struct pipeline_options *options, const struct pipeline *p, int64_t *looked,
                  struct error *err)
{
    AUTO(strv) paths = {0};
    AUTO(buf) text = {0};
    const char *target = options->stamp ? options->stamp : p->plan.output_file;
    if (!options->depfile)
        return 0;
    if (collect(p, &paths, err) != 0)
        return -1;
    if (p->unlisted)
        strv_add(&paths, ""); /* a file without a name: make looks each time */

    makerule_write(target, &paths, &text);
    if (outfile_write(options->depfile, text.data, text.len, err) != 0 ||
        (!fs_exists(target) && depfile_stamp(options, 0, err) != 0))
        return -1;

    own_folder(p->plan.output_file, &paths, looked);
    own_folder(options->depfile, &paths, looked);
    own_folder(target, &paths, looked);
    return 0;
}
