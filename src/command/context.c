#include "dockerfile/context.h"
#include "command/command.h"
#include "pipeline.h"
#include "support/outfile.h"
#include "support/own.h"

#include <string.h>
#include <unistd.h>

struct target {
    int fd;
    const char *name;
};

static int write_piece(void *data, const void *bytes, size_t length, struct error *err)
{
    const struct target *target = data;
    return fs_write_fd(target->fd, target->name, bytes, length, err);
}

static int write_file(const struct pipeline *p, const char *dockerfile, const char *path,
                      struct error *err)
{
    AUTO(outfile) file = OUTFILE_INIT;
    if (outfile_open(&file, path, err) != 0)
        return -1;

    struct target target = {file.fd, path};
    if (context_write(&p->plan, &p->facts.context, dockerfile, write_piece, &target, err) != 0)
        return -1;
    return outfile_commit(&file, err);
}

static const struct option_row rows[] = {
    {'o', "output", OPTION_TEXT, offsetof(struct pipeline_options, output), "FILE",
     "Write the tar there instead of to standard output."},
    {0},
};
static const struct option_table tables[] = {
    {rows, 0}, {pipeline_project_rows, 0}, {pipeline_plan_rows, 0}, {0}};

static int run(const char *const *argv, struct buf *out, struct error *err)
{
    AUTO(pipeline_options) options = {0};
    AUTO(strv) operands = {0};
    AUTO(pipeline) p = {0};
    AUTO(dockerfile) dockerfile = {0};
    (void)out; /* a context can be larger than memory: it goes straight to standard output */

    if (options_parse(tables, argv, &options, &operands, err) != 0 ||
        pipeline_settle(&options, &operands, err) != 0)
        return -1;

    bool to_file = options.output && strcmp(options.output, "-") != 0;
    if (!to_file && isatty(STDOUT_FILENO))
        return error_set(
            err, ERROR_USAGE,
            "the build context is a tar; pipe it into an engine, or write it with -o FILE");

    if (pipeline_dockerfile(&options, &p, &dockerfile, err) != 0)
        return -1;
    if (to_file)
        return write_file(&p, buf_text(&dockerfile.text), options.output, err);

    struct target target = {STDOUT_FILENO, "standard output"};
    return context_write(&p.plan, &p.facts.context, buf_text(&dockerfile.text), write_piece,
                         &target, err);
}

static void help(struct buf *out)
{
    options_help(tables, out);
}

const struct command command_context = {
    .name = "context",
    .operands = "",
    .summary =
        "Write the build context, Dockerfile included, as a tar for docker, podman or buildah.",
    .run = run,
    .help = help,
};
