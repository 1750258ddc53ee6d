#include "engine/container/docker.h"

#include "dockerfile/text.h"
#include "engine/container/buildkit.h"
#include "engine/container/docker_load.h"
#include "support/fs.h"
#include "support/json.h"
#include "support/own.h"
#include "support/process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* docker build by the daemon that docker's context or DOCKER_HOST names: with the daemon's
 * BuildKit, or the classic builder. */

struct docker {
    char *client, *server; /* versions: "20.10.24+dfsg1" */
};

static void docker_release(struct docker *docker)
{
    free(docker->client);
    free(docker->server);
}

static bool older(const char *version, int major, int minor, int patch)
{
    int got[3] = {0};
    if (sscanf(version, "%d.%d.%d", &got[0], &got[1], &got[2]) < 2)
        return false; /* a development build */
    if (got[0] != major)
        return got[0] < major;
    return got[1] != minor ? got[1] < minor : got[2] < patch;
}

static int no_daemon(const struct buf *said, struct error *err)
{
    autofree char *words = buildkit_words(said);
    if (strstr(buf_text(said), "permission denied"))
        return error_set(err, ERROR_ENGINE,
                         "you may not use docker's daemon; run 'sudo usermod -aG docker $USER' and "
                         "log in again, or use --engine podman or buildah, which need no daemon "
                         "(%.300s)",
                         words);
    return error_set(err, ERROR_ENGINE,
                     "no docker daemon answers; start it ('sudo systemctl start docker'), or name "
                     "another with DOCKER_HOST or 'docker context use' (%.300s)",
                     words);
}

/* Asks for both versions at once, which also shows whether the daemon answers. */
static int look(struct docker *docker, struct error *err)
{
    static const char *const argv[] = {"docker", "version", "--format", "{{json .}}", NULL};
    AUTO(buf) said = {0};
    autofree char *program = process_find("docker");
    if (!program)
        return error_set(
            err, ERROR_ENGINE,
            "'docker' was not found in PATH; install the package docker.io or docker-ce");
    int status = buildkit_ask(argv, &said, err);
    if (status < 0)
        return -1;

    struct error ignored;
    const char *object = strchr(buf_text(&said), '{');
    size_t length = object ? strcspn(object, "\n") : 0;
    AUTOPTR(js) all = object ? js_parse(object, length, "docker version", &ignored) : NULL;
    const struct js *client = js_get(all, "Client");
    const char *versions[] = {js_get_text(client, "Version"),
                              js_get_text(js_get(all, "Server"), "Version")};

    if (status == 0 && client && !js_get_text(client, "ApiVersion"))
        return error_set(err, ERROR_ENGINE, "'docker' is podman here; use --engine podman");
    if (status != 0 || !versions[0] || !versions[1])
        return no_daemon(&said, err);
    *docker = (struct docker){xstrdup(versions[0]), xstrdup(versions[1])};
    return 0;
}

/* Programs with AL2023's C library start threads and processes with clone3, which the system call
 * filters of docker before 20.10.10 answer with EPERM instead of ENOSYS (its release notes). */
static bool runs_al2023(const struct plan *plan)
{
    const char *builder = plan->builder_reference;
    return plan->family == FAMILY_AL2023 || (builder && strstr(builder, "amazonlinux:2023"));
}

static int available(const struct plan *plan, const struct engine_options *options,
                     struct error *err)
{
    AUTO(docker) docker = {0};
    (void)options;
    if (look(&docker, err) != 0)
        return -1;

    if (older(docker.server, 20, 10, 0))
        return error_set(err, ERROR_ENGINE,
                         "docker's daemon has version %s, but lbuild needs 20.10 or later; update "
                         "it, or use --engine podman or buildah",
                         docker.server);
    if (runs_al2023(plan) && older(docker.server, 20, 10, 10))
        return error_set(err, ERROR_ENGINE,
                         "docker's daemon has version %s, which can't run AL2023's programs "
                         "(clone3); update it to 20.10.10 or later, use --engine podman or "
                         "buildah, or build on al2",
                         docker.server);
    return 0;
}

static char *version(const struct engine_options *options)
{
    AUTO(docker) docker = {0};
    struct error ignored;
    (void)options;
    if (look(&docker, &ignored) != 0)
        return NULL;
    return xasprintf("%s, daemon %s", docker.client, docker.server);
}

/* The builder that docker would use: the one that DOCKER_BUILDKIT asks for, else BuildKit, which
 * clients since 23.0 have only in a plugin. 1: BuildKit. 0: the classic builder. */
static int choose_builder(struct error *err)
{
    static const char *const plugin[] = {"docker", "buildx", "version", NULL};
    AUTO(docker) docker = {0};
    AUTO(buf) said = {0};
    const char *wish = getenv("DOCKER_BUILDKIT");
    bool asked = wish && wish[0];
    if (asked && (strcmp(wish, "0") == 0 || strcmp(wish, "false") == 0))
        return 0;

    if (look(&docker, err) != 0)
        return -1;
    int status = older(docker.client, 23, 0, 0) ? 0 : buildkit_ask(plugin, &said, err);
    if (status <= 0)
        return status == 0 ? 1 : -1;

    if (!asked)
        return 0;
    return error_set(err, ERROR_ENGINE,
                     "DOCKER_BUILDKIT asks for BuildKit, but docker %s needs its plugin buildx for "
                     "that, which isn't installed; install docker-buildx-plugin, or set "
                     "DOCKER_BUILDKIT=0",
                     docker.client);
}

static void make_argv(const struct engine_job *job, const char *files, struct strv *argv)
{
    static const char *const words[] = {"docker", "build", "--progress", "plain"};
    for (size_t i = 0; i < countof(words); i++)
        strv_add(argv, words[i]);
    buildkit_options(job, argv);
    if (!job->options->target) {
        strv_add(argv, "--output");
        strv_addf(argv, "type=tar,dest=%s", files);
    }

    strv_add(argv, "--file");
    strv_add(argv, DOCKERFILE_NAME);
    strv_add(argv, "-");
}

static int buildkit_build(const struct engine_job *job, struct tree *tree, struct error *err)
{
    AUTO(buildkit) b;
    AUTO(strv) names = {0}, argv = {0};
    autofree char *context = NULL;
    buildkit_open(job, "docker", &b);
    autofree char *files = path_join(b.c.dir, "files.tar");
    if (docker_base_names(&b.c, &names, err) != 0 ||
        container_context(&b.c, &names, &context, err) != 0)
        return -1;

    /* Attestations, which clients with buildx add by default, would be files among the others. */
    static const char *const env[] = {"DOCKER_BUILDKIT=1", "BUILDX_NO_DEFAULT_ATTESTATIONS=1",
                                      NULL};
    b.c.env = env;
    make_argv(job, files, &argv);
    autoclose int input = open(context, O_RDONLY | O_CLOEXEC);
    if (input < 0)
        return error_errno(err, ERROR_BUILD, "can't read '%s'", context);
    if (buildkit_run(&b, &argv, input, err) != 0)
        return -1;
    return job->options->target ? 0 : container_read(&b.c, files, tree, err);
}

/* The classic builder could only copy secrets into an image. */
static int refuse_secrets(const struct plan *plan, struct error *err)
{
    if (!plan->needs_mounts)
        return 0;
    return error_set(err, ERROR_USAGE,
                     "%s: docker's classic builder can't keep a secret; install docker's plugin "
                     "buildx and unset DOCKER_BUILDKIT, or use --engine buildx, podman or buildah",
                     plan->mounts_reason);
}

static int build(const struct engine_job *job, struct tree *tree, struct error *err)
{
    int buildkit = choose_builder(err);
    if (buildkit < 0)
        return -1;
    if (buildkit)
        return buildkit_build(job, tree, err);
    return refuse_secrets(job->plan, err) != 0 ? -1 : docker_classic_build(job, tree, err);
}

static const struct engine_lack lacks[] = {
    {"cache-to", "docker keeps its cache in the daemon"},
    {"builder", "docker build uses the daemon of DOCKER_HOST or docker's context"},
    {"addr", "docker build uses the daemon of DOCKER_HOST or docker's context"},
    {"tls*", "docker takes its certificates from its context or DOCKER_CERT_PATH"},
    {NULL, NULL},
};

const struct engine engine_docker = {
    .name = "docker",
    .help = "docker build, by BuildKit or the classic builder of Docker 20.10 and later",
    .containers = true,
    .lacks = lacks,
    .available = available,
    .version = version,
    .build = build,
};
