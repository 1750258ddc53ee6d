#include "dockerfile/read.h"
#include "dockerfile/text.h"
#include "engine/container/buildah.h"
#include "support/fs.h"
#include "support/json.h"
#include "support/log.h"
#include "support/own.h"
#include "support/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Whether it is installed. */

int buildah_available(const struct buildah *kind, struct error *err)
{
    autofree char *path = process_find(kind->program),
                  *install = install_packages(&kind->packages, NULL);
    if (!path)
        return error_set(err, ERROR_ENGINE, "%s is not installed%s%s", kind->program,
                         install ? "; install it: " : "", install ? install : "");

    autofree char *version = container_version(kind->program, "--version", err);
    if (!version)
        return -1;
    if (!container_at_least(version, kind->major, kind->minor))
        return error_set(err, ERROR_ENGINE,
                         "%s %s is too old; update it to %d.%d or later, which can export files",
                         kind->program, version, kind->major, kind->minor);
    return 0;
}

char *buildah_version(const struct buildah *kind)
{
    struct error ignored;
    autofree char *version = container_version(kind->program, "--version", &ignored);
    return version ? xasprintf("%s, %s", version, geteuid() == 0 ? "as root" : "rootless") : NULL;
}

const struct engine_lack buildah_lacks[] = {
    {"builder", "buildah and podman work only on this machine"},
    {"addr", "buildah and podman work only on this machine"},
    {"tls*", "buildah and podman work only on this machine"},
    {NULL, NULL},
};

/* Its output. */

/* "[1/3] STEP 2/5: RUN make"; with one stage, the first part is missing. */
static bool parse_step(const char *line, int *stage, int *step, int *steps, const char **command)
{
    int stages, end = 0;
    *stage = 1;
    if (sscanf(line, "[%d/%d] STEP %d/%d: %n", stage, &stages, step, steps, &end) != 4 ||
        end == 0) {
        end = 0;
        if (sscanf(line, "STEP %d/%d: %n", step, steps, &end) != 2 || end == 0)
            return false;
    }

    *command = line + end;
    return true;
}

/* The stage's name, after AS in its first step, or else its number. Caller frees. */
static char *stage_name(const struct container *c, const char *command, int stage, int step)
{
    const char *as = step == 1 ? strrchr(command, ' ') : NULL;
    if (as && as - command > 3 && strncasecmp(as - 3, " AS", 3) == 0)
        return xstrdup(as + 1);
    if (step > 1 && c->stage)
        return xstrdup(c->stage);
    return xasprintf("%d", stage);
}

/* Lines about its own images: "[2/2] COMMIT", "--> 0123456789ab", and an ID alone. */
static bool is_chatter(const char *line)
{
    const char *part = line[0] == '[' ? strstr(line, "] COMMIT") : NULL;
    return line[0] == '\0' || strncmp(line, "--> ", 4) == 0 || strcmp(line, "COMMIT") == 0 ||
           strncmp(line, "COMMIT ", 7) == 0 ||
           (part && strspn(line + 1, "0123456789/") == (size_t)(part - line - 1)) ||
           (strlen(line) == 64 && strspn(line, "0123456789abcdef") == 64);
}

/* Its own error, or a step's command that prints an error in the same form. */
static void on_error(struct container *c, const char *line)
{
    /* The line repeats the whole command; the text after that tells more. */
    const char *cause = strstr(line, "\": ");
    container_verdict(c, cause ? cause + 3 : line + 7);
    if (c->stage && !strstr(line, " at STEP "))
        container_output(c, line);
}

static void on_line(struct container *c, const char *line)
{
    int stage, step, steps;
    const char *command;

    if (parse_step(line, &stage, &step, &steps, &command)) {
        autofree char *name = stage_name(c, command, stage, step),
                      *number = xasprintf("%d/%d", step, steps);
        container_step(c, name, number, command,
                       dockerfile_step(buf_text(&c->job->dockerfile->text), stage, step));
    } else if (strncasecmp(line, "Error: ", 7) == 0) {
        on_error(c, line);
    } else if (strncmp(line, "--> Using cache", 15) == 0) {
        container_output(c, "taken from the cache");
    } else if (is_chatter(line)) {
        log_detail("%s", line);
    } else {
        container_output(c, line);
    }
}

/* Common reasons for failures, and what helps. */
static const struct remedy {
    const char *words, *advice;
} remedies[] = {
    {"RLIMIT_", "lower default_ulimits in containers.conf, or set BUILDAH_ISOLATION=chroot"},
    {"cgroups in hybrid mode",
     "use runc: runtime = \"runc\" in containers.conf, or set BUILDAH_ISOLATION=chroot"},
    {"newuidmap", "give the user a range of IDs: usermod --add-subuids 100000-165535 --add-subgids "
                  "100000-165535 NAME"},
    {"subuid", "give the user a range of IDs: usermod --add-subuids 100000-165535 --add-subgids "
               "100000-165535 NAME"},
    {"insufficient UIDs",
     "give the user a range of IDs: usermod --add-subuids 100000-165535 --add-subgids "
     "100000-165535 NAME"},
    {"cannot clone", "user namespaces are forbidden here: allow them (sysctl "
                     "user.max_user_namespaces), or run as root"},
    {"Exec format error", "this machine can't run programs for that architecture: install "
                          "qemu-user-static and binfmt-support"},
    {"exec format error", "this machine can't run programs for that architecture: install "
                          "qemu-user-static and binfmt-support"},
    {"fuse-overlayfs", "install fuse-overlayfs, or set driver = \"vfs\" in storage.conf"},
    {"executable file not found in $PATH",
     "check that a container runtime, runc or crun, is installed"},
};

static int advise(struct error *err)
{
    const char *advice = NULL;
    /* Not for ERROR_BUILD: a step's command may say the same. */
    if (err->kind == ERROR_ENGINE && strstr(err->text, "permission denied"))
        advice = "its images must lie in a folder of this user's: check HOME, and 'graphroot' in "
                 "storage.conf";
    for (size_t i = 0; !advice && i < countof(remedies); i++)
        if (strstr(err->text, remedies[i].words))
            advice = remedies[i].advice;

    if (!advice)
        return -1;
    autofree char *text = xstrdup(err->text);
    return error_set(err, err->kind, "%.1500s; %s", text, advice);
}

/* What it leaves behind. */

/* The folder of the engine's containers, e.g. "/var/lib/containers/storage/overlay-containers".
 * Caller frees; NULL: the engine doesn't say. */
static char *containers_folder(struct container *c)
{
    AUTO(buf) text = {0};
    struct error ignored;
    static const char *const ask_podman[] = {"podman", "info", "--format", "json", NULL};
    const char *const ask_buildah[] = {c->program, "info", NULL};
    bool podman = strcmp(c->program, "podman") == 0;
    container_clean(c, podman ? ask_podman : ask_buildah, &text);

    AUTOPTR(js) info = js_parse(buf_text(&text), text.len, c->program, &ignored);
    const struct js *store = info ? js_get(info, "store") : NULL;
    const char *root = js_get_text(store, podman ? "graphRoot" : "GraphRoot");
    const char *driver = js_get_text(store, podman ? "graphDriverName" : "GraphDriverName");
    return root && driver ? xasprintf("%s/%s-containers", root, driver) : NULL;
}

/* A container's record names the folder that --hooks-dir gave, which tells this build's containers
 * from others. */
static void find_containers(const char *folder, const char *mark, struct strv *found)
{
    enum { RECORD_MOST = 4 * 1024 * 1024 };
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        AUTO(buf) text = {0};
        struct error ignored;
        autofree char *path = xasprintf("%s/%s/userdata/buildah.json", folder, entry->d_name);
        if (entry->d_name[0] != '.' && fs_read(path, RECORD_MOST, &text, &ignored) == 0 &&
            strstr(buf_text(&text), mark))
            strv_add(found, entry->d_name);
    }

    if (dir)
        closedir(dir);
}

static void remove_containers(struct container *c, const char *mark)
{
    autofree char *folder = containers_folder(c);
    AUTO(strv) found = {0}, argv = {0};
    if (folder)
        find_containers(folder, mark, &found);
    if (found.len == 0)
        return;

    strv_add(&argv, c->program);
    strv_add(&argv, "rm");
    if (strcmp(c->program, "podman") == 0)
        strv_add(&argv, "--force");
    strv_add_all(&argv, &found);
    container_clean(c, strv_argv(&argv), NULL);
}

/* The files have been exported; the image that held them would only be in the way. Its layers stay
 * as the cache. */
static void remove_image(struct container *c, const char *id_file)
{
    AUTO(buf) id = {0};
    struct error ignored;
    if (fs_read(id_file, 256, &id, &ignored) == 0 && id.len > 0)
        container_clean(c, (const char *const[]){c->program, "rmi", buf_text(&id), NULL}, NULL);
}

/* Its command line. */

/* Pulls the bases into the engine's storage, where they get the names of their folders, e.g.
 * "localhost/lbuild-base-0123456789ab". The Dockerfile then names them by their IDs, so that no
 * registry is asked. */
static int pull_bases(struct container *c, struct strv *names, struct error *err)
{
    c->cwd = c->dir; /* the name comes from the path */
    for (size_t i = 0; i < c->job->base_count; i++) {
        AUTO(strv) argv = {0};
        AUTO(buf) id = {0};
        autofree char *folder = NULL;
        if (container_layout(c, &c->job->bases[i], &folder, NULL, err) != 0)
            return -1;
        strv_add(&argv, c->program);
        strv_add(&argv, "pull");
        strv_add(&argv, "-q");
        strv_addf(&argv, "oci:%s", folder);
        if (container_run(c, &argv, -1, &id, err) != 0)
            return error_wrap(err, "base image '%s'", c->job->bases[i].reference);
        strv_take(names, xstrndup(buf_text(&id), strcspn(buf_text(&id), "\n")));
    }

    c->cwd = NULL;
    return 0;
}

static void add_hooks(struct strv *argv, const char *mark)
{
    /* A folder on the command line replaces the default ones (containers.conf, "hooks_dir"). */
    static const char *const folders[] = {"/usr/share/containers/oci/hooks.d",
                                          "/etc/containers/oci/hooks.d"};
    for (size_t i = 0; i < countof(folders); i++) {
        if (fs_exists(folders[i])) {
            strv_add(argv, "--hooks-dir");
            strv_add(argv, folders[i]);
        }
    }

    strv_add(argv, "--hooks-dir");
    strv_add(argv, mark);
}

static void build_argv(const struct buildah *kind, const struct container *c, const char *mark,
                       struct strv *argv)
{
    const struct engine_options *options = c->job->options;
    const char *const first[] = {kind->program, kind->build, "--layers", "--force-rm",
                                 "--pull=false"};
    for (size_t i = 0; i < countof(first); i++)
        strv_add(argv, first[i]);
    strv_addf(argv, "--platform=linux/%s", arch_oci(c->job->plan->arch));
    add_hooks(argv, mark);

    if (options->no_cache)
        strv_add(argv, "--no-cache");
    if (options->network && strcmp(options->network, "default") != 0)
        strv_addf(argv, "--network=%s", options->network);
    container_repeat(argv, "--build-arg", &options->build_args);
    container_secrets(c->job, argv);
    container_repeat(argv, "--cache-from", &options->cache_from);
    container_repeat(argv, "--cache-to", &options->cache_to);

    if (options->target)
        strv_addf(argv, "--target=%s", options->target);
    else
        strv_addf(argv, "--output=type=tar,dest=%s/export.tar", c->dir);
    strv_addf(argv, "--iidfile=%s/iid", c->dir);
    strv_add(argv, "-f");
    strv_add(argv, DOCKERFILE_NAME);
    strv_add(argv, "-");
}

static int run(const struct buildah *kind, struct container *c, const char *mark, struct tree *tree,
               struct error *err)
{
    AUTO(strv) names = {0}, argv = {0};
    autofree char *context = NULL, *exported = path_join(c->dir, "export.tar");
    if (fs_mkdirs(mark, err) != 0 || pull_bases(c, &names, err) != 0 ||
        container_context(c, &names, &context, err) != 0)
        return -1;

    autoclose int input = open(context, O_RDONLY | O_CLOEXEC);
    if (input < 0)
        return error_errno(err, ERROR_BUILD, "can't read '%s'", context);
    build_argv(kind, c, mark, &argv);
    if (container_run(c, &argv, input, NULL, err) != 0)
        return -1;
    return c->job->options->target ? 0 : container_read(c, exported, tree, err);
}

static int build(const struct buildah *kind, struct container *c, struct tree *tree,
                 struct error *err)
{
    autofree char *mark = path_join(c->dir, "hooks"), *id = path_join(c->dir, "iid");
    int result = run(kind, c, mark, tree, err);

    if (result != 0)
        remove_containers(c, mark);
    if (!c->job->options->target)
        remove_image(c, id);
    return result == 0 ? 0 : advise(err);
}

int buildah_build(const struct buildah *kind, const struct engine_job *job, struct tree *tree,
                  struct error *err)
{
    __attribute__((cleanup(container_release))) struct container c;
    container_open(job, kind->program, on_line, &c);
    return build(kind, &c, tree, err);
}
