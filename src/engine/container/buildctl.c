#include "dockerfile/text.h"
#include "engine/container/buildkit.h"
#include "engine/container/unpack.h"
#include "support/fs.h"
#include "support/own.h"
#include "support/process.h"

#include <stdlib.h>
#include <string.h>

/* buildctl, BuildKit's own client, for a buildkitd on this machine or elsewhere. */

static void add_flag(struct strv *argv, const char *name, const char *value)
{
    if (!value)
        return;
    strv_add(argv, name);
    strv_add(argv, value);
}

/* Without --addr, buildctl itself reads BUILDKIT_HOST. */
static void connect_to(const struct engine_options *options, struct strv *argv)
{
    strv_add(argv, "buildctl");
    add_flag(argv, "--addr", options->addr);
    add_flag(argv, "--tlsdir", options->tls_dir);
    add_flag(argv, "--tlscacert", options->tls_ca);
    add_flag(argv, "--tlscert", options->tls_cert);
    add_flag(argv, "--tlskey", options->tls_key);
    add_flag(argv, "--tlsservername", options->tls_server_name);
}

static const char *address(const struct engine_options *options)
{
    const char *host = getenv("BUILDKIT_HOST");
    if (options->addr)
        return options->addr;
    return host && host[0] ? host : "unix:///run/buildkit/buildkitd.sock";
}

/* Why buildctl got no answer. */
static int unreachable(const struct engine_options *options, const struct buf *said,
                       struct error *err)
{
    const char *where = address(options);
    autofree char *words = buildkit_words(said);
    if (strstr(words, "permission denied"))
        return error_set(err, ERROR_ENGINE,
                         "buildctl may not talk to '%s'; use a rootless buildkitd of your own, or "
                         "join the group that its socket belongs to (%.300s)",
                         where, words);
    if (strncmp(where, "unix://", 7) == 0)
        return error_set(err, ERROR_ENGINE,
                         "no buildkitd answers at '%s'; start it, or name another one with --addr "
                         "or BUILDKIT_HOST (%.300s)",
                         where, words);
    return error_set(err, buildkit_error_kind(words) == ERROR_RETRY ? ERROR_RETRY : ERROR_ENGINE,
                     "buildctl can't reach '%s': %.400s; check --addr and the --tls options", where,
                     words);
}

static int available(const struct plan *plan, const struct engine_options *options,
                     struct error *err)
{
    AUTO(strv) argv = {0};
    AUTO(buf) said = {0};
    autofree char *program = process_find("buildctl");
    (void)plan;
    if (!program)
        return error_set(
            err, ERROR_ENGINE,
            "'buildctl' was not found in PATH; install BuildKit: docs/engines/buildctl.md");

    connect_to(options, &argv);
    strv_add(&argv, "debug");
    strv_add(&argv, "workers");
    int status = buildkit_ask(strv_argv(&argv), &said, err);
    return status <= 0 ? status : unreachable(options, &said, err);
}

static char *version(const struct engine_options *options)
{
    struct error ignored;
    (void)options;
    return container_version("buildctl", "--version", &ignored);
}

/* "--opt NAME=VALUE" */
static void add_option(struct strv *argv, const char *name, const char *value)
{
    strv_add(argv, "--opt");
    strv_addf(argv, "%s=%s", name, value);
}

/* As with buildx, a value may be just a registry's reference. */
static void add_caches(struct strv *argv, const char *flag, const struct strv *values)
{
    for (size_t i = 0; i < values->len; i++) {
        const char *value = values->items[i];
        strv_add(argv, flag);
        strv_addf(argv, "%s%s", strchr(value, '=') ? "" : "type=registry,ref=", value);
    }
}

static void add_options(const struct engine_job *job, struct strv *argv)
{
    const struct engine_options *options = job->options;
    autofree char *platform = xasprintf("linux/%s", arch_oci(job->plan->arch));
    add_option(argv, "platform", platform);
    if (options->network && strcmp(options->network, "default") != 0)
        add_option(argv, "force-network-mode", options->network);
    if (options->network && strcmp(options->network, "host") == 0)
        add_flag(argv, "--allow", "network.host");
    if (options->no_cache)
        strv_add(argv, "--no-cache");
    if (options->target)
        add_option(argv, "target", options->target);

    for (size_t i = 0; i < options->build_args.len; i++) {
        const char *argument = options->build_args.items[i],
                   *value = strchr(argument, '=') ? "" : getenv(argument);
        strv_add(argv, "--opt");
        strv_addf(argv, "build-arg:%s%s%s", argument, strchr(argument, '=') ? "" : "=",
                  value ? value : "");
    }

    add_caches(argv, "--import-cache", &options->cache_from);
    add_caches(argv, "--export-cache", &options->cache_to);
    container_secrets(job, argv);
}

/* The client sends the bases as layouts, so that the builder needs no registry. */
static void add_bases(const struct strv *names, const struct strv *sources, struct strv *argv)
{
    for (size_t i = 0; i < names->len; i++) {
        const char *name = names->items[i], *source = sources->items[i], *at = strrchr(source, '@');
        strv_add(argv, "--oci-layout");
        strv_addf(argv, "%s=%.*s", name, (int)(at - source), source);
        strv_add(argv, "--opt");
        strv_addf(argv, "context:%s=oci-layout://%s%s", name, name, at);
    }
}

static void make_argv(const struct engine_job *job, const char *folder, struct strv *argv)
{
    static const char *const words[] = {"build", "--progress", "plain", "--frontend",
                                        "dockerfile.v0"};
    connect_to(job->options, argv);
    for (size_t i = 0; i < countof(words); i++)
        strv_add(argv, words[i]);

    strv_add(argv, "--local");
    strv_addf(argv, "context=%s", folder);
    strv_add(argv, "--local");
    strv_addf(argv, "dockerfile=%s", folder);
    add_option(argv, "filename", DOCKERFILE_NAME);
    add_options(job, argv);
}

static int build(const struct engine_job *job, struct tree *tree, struct error *err)
{
    AUTO(buildkit) b;
    AUTO(strv) names = {0}, sources = {0}, argv = {0};
    autofree char *context = NULL;
    buildkit_open(job, "buildctl", &b);
    autofree char *folder = path_join(b.c.dir, "context"), *files = path_join(b.c.dir, "files.tar");
    if (buildkit_bases(&b.c, &names, &sources, err) != 0 ||
        container_context(&b.c, &names, &context, err) != 0 || unpack(context, folder, err) != 0 ||
        fs_remove(context, err) != 0)
        return -1;

    make_argv(job, folder, &argv);
    add_bases(&names, &sources, &argv);
    if (!job->options->target) {
        strv_add(&argv, "--output");
        strv_addf(&argv, "type=tar,dest=%s", files);
    }
    if (buildkit_run(&b, &argv, -1, err) != 0)
        return -1;
    return job->options->target ? 0 : container_read(&b.c, files, tree, err);
}

static const struct engine_lack lacks[] = {
    {"builder", "buildctl has no list of builders; it takes --addr"},
    {NULL, NULL},
};

const struct engine engine_buildctl = {
    .name = "buildctl",
    .help = "BuildKit's own client, for a builder here or elsewhere",
    .containers = true,
    .lacks = lacks,
    .available = available,
    .version = version,
    .build = build,
};
