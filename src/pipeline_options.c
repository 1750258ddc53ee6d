#include "pipeline_options.h"

#include "output/output.h"
#include "project/value.h"
#include "support/log.h"
#include "support/own.h"

#include <stdlib.h>
#include <string.h>

#define ROW(letter, name, type, field, argument, help)                                             \
    {                                                                                              \
        letter, name, type, offsetof(struct pipeline_options, field), argument, help               \
    }

const struct option_row pipeline_project_rows[] = {
    ROW('C', "directory", OPTION_TEXT, dir, "DIR", "The project's folder."),
    ROW('f', "file", OPTION_TEXT, file, "FILE", "The project file, instead of lbuild.ini."),
    ROW(0, "profile", OPTION_TEXT, profile, "NAME",
        "Apply [profile:NAME] on top of the project file."),
    ROW(0, "set", OPTION_LIST, set, "SECTION.KEY=VALUE",
        "Override a key of the project file and of the profile. May be repeated."),
    {0},
};

const struct option_row pipeline_plan_rows[] = {
    ROW(0, "platform", OPTION_TEXT, platform, "PLATFORM",
        "The architecture: linux/amd64 or linux/arm64."),
    ROW(0, "arm64", OPTION_FLAG, arm64, NULL, "Short for --platform linux/arm64."),
    ROW(0, "x86-64", OPTION_FLAG, x86_64, NULL, "Short for --platform linux/amd64."),
    ROW('t', "tag", OPTION_LIST, tags, "NAME:TAG", "Name of the image. May be repeated."),
    ROW('o', "output", OPTION_TEXT, output, "WHERE",
        "A file, '-', or type=oci|oci-layout,dest=PATH,compression=LEVEL."),
    ROW(0, "source-date-epoch", OPTION_TEXT, epoch, "SECONDS",
        "Timestamp for everything in the image, instead of $SOURCE_DATE_EPOCH."),
    ROW(0, "registry-mirror", OPTION_LIST, mirrors, "HOST=URL",
        "Fetch images of HOST from URL; their names stay the same."),
    ROW(0, "registry-ca", OPTION_TEXT, ca_file, "FILE",
        "CA certificates (PEM) to trust besides the system's."),
    ROW(0, "offline", OPTION_FLAG, offline, NULL, "Never use the network; same as --pull never."),
    ROW(0, "locked", OPTION_FLAG, locked, NULL, "Build only with a lock file of all dependencies."),
    ROW('q', "quiet", OPTION_FLAG, quiet, NULL, "Print only the result, warnings and errors."),
    ROW('v', "verbose", OPTION_FLAG, verbose, NULL, "Print more progress."),
    {0},
};

const struct option_row pipeline_build_rows[] = {
    ROW(0, "pull", OPTION_TEXT, pull, "WHEN",
        "Ask the registry for the base: always, missing (the default) or never."),
    ROW(0, "engine", OPTION_TEXT, engine, "NAME",
        "What executes the plan: auto (the default), or an engine that 'lbuild doctor' lists."),
    ROW(0, "timeout", OPTION_TEXT, how.timeout_text, "TIME",
        "Stop the engine after this time, e.g. 90s, 15m or 2h."),
    ROW(0, "no-cache", OPTION_FLAG, how.no_cache, NULL,
        "Take nothing from the caches of earlier builds."),
    ROW(0, "network", OPTION_TEXT, how.network, "MODE",
        "Network of RUN steps: none, host or default."),
    ROW(0, "build-arg", OPTION_LIST, how.build_args, "NAME=VALUE", "Set an ARG of the Dockerfile."),
    ROW(0, "target", OPTION_TEXT, how.target, "STAGE", "Stop after this stage and make no image."),
    ROW(0, "secret", OPTION_LIST, how.secrets, "id=ID,src=FILE",
        "A secret for the steps that ask for it; or id=ID,env=NAME."),
    ROW(0, "ssh", OPTION_LIST, how.ssh, "ID[=SOCKET|KEY]",
        "An SSH agent or key for the steps that ask for it."),
    ROW(0, "cache-from", OPTION_LIST, how.cache_from, "WHERE",
        "Import the engine's cache from there, in the engine's own syntax."),
    ROW(0, "cache-to", OPTION_LIST, how.cache_to, "WHERE",
        "Export the engine's cache to there, in the engine's own syntax."),
    ROW(0, "builder", OPTION_TEXT, how.builder, "NAME", "The builder of docker buildx."),
    ROW(0, "addr", OPTION_TEXT, how.addr, "ADDRESS",
        "Where buildkitd listens, for buildctl: tcp://HOST:PORT."),
    ROW(0, "tlsdir", OPTION_TEXT, how.tls_dir, "DIR",
        "Folder with ca.pem, cert.pem and key.pem for --addr."),
    ROW(0, "tlscacert", OPTION_TEXT, how.tls_ca, "FILE", "The CA's certificate for --addr."),
    ROW(0, "tlscert", OPTION_TEXT, how.tls_cert, "FILE", "The client's certificate for --addr."),
    ROW(0, "tlskey", OPTION_TEXT, how.tls_key, "FILE", "The client's key for --addr."),
    ROW(0, "tlsservername", OPTION_TEXT, how.tls_server_name, "NAME",
        "The name in the certificate of --addr."),
    ROW(0, "all", OPTION_FLAG, all, NULL,
        "Build every project in the folders DIR (default: the current one) and below."),
    ROW(0, "json", OPTION_FLAG, json, NULL, "With --all: print the report as JSON."),
    ROW('j', "jobs", OPTION_COUNT, jobs, "N",
        "Maximum number of compilers at a time. Default: one per core."),
    ROW(0, "depfile", OPTION_TEXT, depfile, "FILE",
        "Write a make rule that names everything the build read."),
    ROW(0, "stamp", OPTION_TEXT, stamp, "FILE",
        "The rule's target instead of the output; touched after the build."),
    ROW(0, "metadata-file", OPTION_TEXT, metadata_file, "FILE",
        "Write the result's digests as JSON, with the key names of docker buildx."),
    ROW(0, "image-refs", OPTION_TEXT, image_refs, "FILE",
        "Write the image's references, one NAME:TAG@DIGEST a line."),
    ROW(0, "iidfile", OPTION_TEXT, iidfile, "FILE", "Write the image ID."),
    ROW(0, "progress", OPTION_TEXT, progress, "FORM",
        "Form of the progress: auto (the default), tty, plain or json."),
    ROW(0, "code-quality", OPTION_TEXT, code_quality, "FILE",
        "Write mistakes in the sources and the project file as GitLab's code-quality report."),
    ROW(0, "dry-run", OPTION_FLAG, dry_run, NULL, "Print the plan and stop."),
    {0},
};

static void replace(char **text, const char *value)
{
    free(*text);
    *text = xstrdup(value);
}

/* Reads one word of "type=TYPE,dest=PATH,compression=LEVEL"; false for any other word. */
static bool take_word(const char *word, struct pipeline_output *out)
{
    static const char type[] = "type=", dest[] = "dest=", level[] = "compression=";

    if (strncmp(word, type, strlen(type)) == 0)
        replace(&out->type, word + strlen(type));
    else if (strncmp(word, dest, strlen(dest)) == 0 && word[strlen(dest)])
        replace(&out->dest, word + strlen(dest));
    else if (strncmp(word, level, strlen(level)) == 0)
        replace(&out->compression, word + strlen(level));
    else
        return false;
    return true;
}

static int parse_output(const char *text, struct pipeline_output *out, struct error *err)
{
    if (!text)
        return 0;
    if (strncmp(text, "type=", 5) != 0 && strncmp(text, "dest=", 5) != 0 &&
        strncmp(text, "compression=", 12) != 0) {
        out->dest = xstrdup(text);
        return 0;
    }

    for (const char *at = text; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',')) {
        autofree char *word = xstrndup(at, strcspn(at, ","));
        if (!take_word(word, out))
            return error_set(err, ERROR_USAGE,
                             "-o: '%s' is not understood; write type=oci|oci-layout,dest=PATH",
                             word);
    }

    autofree char *wrong = out->compression ? value_check(TYPE_LEVEL, out->compression) : NULL;
    if (wrong)
        return error_set(err, ERROR_USAGE, "-o: %s", wrong);
    if (out->type && !output_find(out->type))
        return error_set(err, ERROR_USAGE,
                         "-o: there is no output type '%s'; use oci or oci-layout", out->type);
    return 0;
}

static int parse_pull(const char *text, enum pull_policy *policy, struct error *err)
{
    static const char *const policies[] = {
        [PULL_MISSING] = "missing", [PULL_ALWAYS] = "always", [PULL_NEVER] = "never"};

    for (size_t i = 0; i < countof(policies); i++) {
        if (!text || strcmp(text, policies[i]) == 0) {
            *policy = (enum pull_policy)i;
            return 0;
        }
    }
    return error_set(err, ERROR_USAGE, "--pull takes always, missing or never, not '%s'", text);
}

/* The first option given that is about one project, or NULL. */
static const char *only_for_one(const struct pipeline_options *options)
{
    const struct {
        bool given;
        const char *name;
    } all[] = {
        {options->file, "-f"},           {options->tags.len > 0, "-t"},
        {options->iidfile, "--iidfile"}, {options->depfile, "--depfile"},
        {options->stamp, "--stamp"},
    };

    for (size_t i = 0; i < countof(all); i++)
        if (all[i].given)
            return all[i].name;
    return NULL;
}

/* Refuses what can't be said about several projects at once. */
static int check_all(const struct pipeline_options *options, struct error *err)
{
    const char *one = only_for_one(options);

    if (!options->all && options->json)
        return error_set(err, ERROR_USAGE, "--json needs --all; for one image use --metadata-file");
    if (!options->all)
        return 0;

    if (one)
        return error_set(
            err, ERROR_USAGE,
            "%s is about one project and doesn't go with --all; build that project by itself", one);
    if (options->dir && options->dirs.len > 0)
        return error_set(err, ERROR_USAGE, "-C and '%s' both say where to look; keep one",
                         options->dirs.items[0]);
    if (options->out.dest)
        return error_set(err, ERROR_USAGE,
                         "-o names one output, and --all makes several; set [output] file in the "
                         "project files");
    return 0;
}

const char *pipeline_arch(const struct pipeline_options *options)
{
    if (options->platform)
        return options->platform;
    if (options->arm64)
        return "arm64";
    return options->x86_64 ? "x86_64" : NULL;
}

int pipeline_settle(struct pipeline_options *options, const struct strv *operands,
                    struct error *err)
{
    if (operands && options->all)
        strv_add_all(&options->dirs, operands);
    else if (operands && operands->len > 0)
        return error_set(err, ERROR_USAGE,
                         "unexpected argument '%s'; name the project's folder with -C",
                         operands->items[0]);

    if (log_set_format(options->progress, err) != 0)
        return -1;
    if (options->code_quality)
        log_collect(options->code_quality);
    if ((options->platform != NULL) + options->arm64 + options->x86_64 > 1)
        return error_set(
            err, ERROR_USAGE,
            "give one of --platform, --arm64 and --x86-64: an image for Lambda has one "
            "architecture");
    if (parse_output(options->output, &options->out, err) != 0 ||
        parse_pull(options->pull, &options->policy, err) != 0 || check_all(options, err) != 0 ||
        engine_options_check(&options->how, err) != 0)
        return -1;

    if (options->offline)
        options->policy = PULL_NEVER;
    if (options->quiet || options->verbose)
        log_set_level(options->quiet ? LOG_QUIET : LOG_VERBOSE);
    return 0;
}

void pipeline_options_release(struct pipeline_options *options)
{
    strv_release(&options->set);
    strv_release(&options->tags);
    strv_release(&options->mirrors);
    strv_release(&options->dirs);
    free(options->out.type);
    free(options->out.dest);
    free(options->out.compression);
    engine_options_release(&options->how);
}
