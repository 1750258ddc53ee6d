#include "dockerfile/text.h"
#include "engine/container/buildkit.h"
#include "support/fs.h"
#include "support/own.h"
#include "support/process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* docker buildx, as docker's plugin or as a program: BuildKit on any of its builders, in
 * containers, in Kubernetes or remote. */

/* Adds the words that start it: "docker buildx", "buildx" or "docker-buildx". 0: it isn't
 * installed. -1: lbuild was interrupted. */
static int find_buildx(struct strv *argv, char **version, struct error *err)
{
    static const char *const alone[] = {"buildx", "docker-buildx"};
    static const char *const plugin[] = {"docker", "buildx", "version", NULL};
    AUTO(buf) said = {0};
    autofree char *docker = process_find("docker"), *program = NULL;
    int status = docker ? buildkit_ask(plugin, &said, err) : 1;
    if (status == 0) {
        strv_add(argv, "docker");
        strv_add(argv, "buildx");
    }

    for (size_t i = 0; i < countof(alone) && argv->len == 0; i++)
        if ((program = process_find(alone[i]))) {
            const char *const ask[] = {alone[i], "version", NULL};
            free(take(program));
            status = buildkit_ask(ask, &said, err);
            if (status == 0)
                strv_add(argv, alone[i]);
        }

    if (process_check_interrupt(err) != 0)
        return -1;
    const char *number = strstr(buf_text(&said), " v");
    if (version && argv->len > 0)
        *version = number ? xstrndup(number + 2, strcspn(number + 2, " \n")) : xstrdup("unknown");
    return argv->len > 0;
}

static int need_buildx(struct strv *argv, char **version, struct error *err)
{
    int found = find_buildx(argv, version, err);
    if (found != 0)
        return found < 0 ? -1 : 0;
    return error_set(err, ERROR_ENGINE,
                     "docker buildx was not found, neither as docker's plugin nor as 'buildx' or "
                     "'docker-buildx' in PATH; install the package docker-buildx-plugin or "
                     "docker-buildx");
}

/* The text after "NAME:" in the first such line of `buildx inspect`, or NULL. Caller frees. */
static char *field(const struct buf *said, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = buf_text(said); line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, length) != 0 || line[length] != ':')
            continue;
        const char *value = line + length + 1 + strspn(line + length + 1, " \t");
        return xstrndup(value, strcspn(value, "\r\n"));
    }
    return NULL;
}

/* Whether the builder that `buildx inspect` describes can build. Builders in containers and pods
 * start when they are needed; a remote builder is there or not. BuildKit before 0.11 takes no
 * images from the client. */
static int judge_builder(const struct buf *said, struct error *err)
{
    int major = 0, minor = 0;
    autofree char *name = field(said, "Name"), *driver = field(said, "Driver"),
                  *problem = field(said, "Error");
    autofree char *state = field(said, "Status"), *endpoint = field(said, "Endpoint"),
                  *version = field(said, "BuildKit version");

    if (problem)
        return error_set(err, ERROR_ENGINE,
                         "buildx: the builder '%s' doesn't work: %.600s; choose another with "
                         "--builder ('docker buildx ls' lists them)",
                         name ? name : "default", problem);
    if (driver && strcmp(driver, "remote") == 0 && state && strcmp(state, "running") != 0)
        return error_set(
            err, ERROR_RETRY,
            "buildx: the builder '%s' doesn't answer at '%s'; check that its buildkitd is running",
            name ? name : "default", endpoint ? endpoint : "?");
    if (version && sscanf(version, "v%d.%d", &major, &minor) == 2 && major == 0 && minor > 0 &&
        minor < 11)
        return error_set(
            err, ERROR_ENGINE,
            "buildx: the builder '%s' has BuildKit %s, but lbuild needs 0.11 or later; "
            "make another with 'docker buildx create --name NAME' and use --builder "
            "NAME, or use --engine docker",
            name ? name : "default", version);
    return 0;
}

static int available(const struct plan *plan, const struct engine_options *options,
                     struct error *err)
{
    AUTO(strv) argv = {0};
    AUTO(buf) said = {0};
    (void)plan;
    if (need_buildx(&argv, NULL, err) != 0)
        return -1;

    strv_add(&argv, "inspect");
    if (options->builder)
        strv_add(&argv, options->builder);
    int status = buildkit_ask(strv_argv(&argv), &said, err);
    if (status == 0)
        return judge_builder(&said, err);

    if (status < 0)
        return -1;
    autofree char *words = buildkit_words(&said);
    return error_set(err, ERROR_ENGINE,
                     "buildx: %.600s; 'docker buildx ls' lists the builders, 'docker buildx "
                     "create' makes one",
                     words);
}

static char *version(const struct engine_options *options)
{
    AUTO(strv) argv = {0};
    struct error ignored;
    char *text = NULL;
    (void)options;
    return find_buildx(&argv, &text, &ignored) > 0 ? text : NULL;
}

static int make_argv(const struct container *c, const struct strv *bases, const char *files,
                     struct strv *argv, struct error *err)
{
    const struct engine_options *options = c->job->options;
    /* Attestations would turn an image into an index, and add files to exported files. */
    static const char *const words[] = {"build", "--progress", "plain", "--provenance=false",
                                        "--sbom=false"};
    if (need_buildx(argv, NULL, err) != 0)
        return -1;

    for (size_t i = 0; i < countof(words); i++)
        strv_add(argv, words[i]);
    if (options->builder) {
        strv_add(argv, "--builder");
        strv_add(argv, options->builder);
    }
    buildkit_options(c->job, argv);
    if (options->network && strcmp(options->network, "host") == 0) {
        strv_add(argv, "--allow");
        strv_add(argv, "network.host");
    }
    container_repeat(argv, "--build-context", bases);

    if (!options->target) {
        strv_add(argv, "--output");
        strv_addf(argv, "type=tar,dest=%s", files);
    }
    strv_add(argv, "--file");
    strv_add(argv, DOCKERFILE_NAME);
    strv_add(argv, "-");
    return 0;
}

static int build(const struct engine_job *job, struct tree *tree, struct error *err)
{
    AUTO(buildkit) b;
    AUTO(strv) names = {0}, sources = {0}, bases = {0}, argv = {0};
    autofree char *context = NULL;
    buildkit_open(job, "buildx", &b);
    autofree char *files = path_join(b.c.dir, "files.tar");
    if (buildkit_bases(&b.c, &names, &sources, err) != 0 ||
        container_context(&b.c, &names, &context, err) != 0)
        return -1;

    for (size_t i = 0; i < names.len; i++)
        strv_addf(&bases, "%s=oci-layout://%s", names.items[i], sources.items[i]);
    if (make_argv(&b.c, &bases, files, &argv, err) != 0)
        return -1;

    autoclose int input = open(context, O_RDONLY | O_CLOEXEC);
    if (input < 0)
        return error_errno(err, ERROR_BUILD, "can't read '%s'", context);
    if (buildkit_run(&b, &argv, input, err) != 0)
        return -1;
    return job->options->target ? 0 : container_read(&b.c, files, tree, err);
}

static const struct engine_lack lacks[] = {
    {"addr", "buildx knows its builders by name ('docker buildx create' adds one)"},
    {"tls*", "a builder's certificates are given to 'docker buildx create --driver-opt'"},
    {NULL, NULL},
};

const struct engine engine_buildx = {
    .name = "buildx",
    .help = "docker buildx: BuildKit in containers, in Kubernetes or on remote builders",
    .containers = true,
    .lacks = lacks,
    .available = available,
    .version = version,
    .build = build,
};
