#include "command/command.h"
#include "image/extract.h"
#include "lambda/api.h"
#include "lambda/elf.h"
#include "lambda/limits.h"
#include "lambda/start.h"
#include "pipeline_options.h"
#include "plan/plan.h"
#include "project/project.h"
#include "support/fs.h"
#include "support/log.h"
#include "support/own.h"
#include "support/process.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIMEOUT_DEFAULT 60

struct invoke_options {
    struct pipeline_options pipeline;
    const char *event, *data;
    int timeout;
};

static const struct option_row rows[] = {
    {0, "event", OPTION_TEXT, offsetof(struct invoke_options, event), "FILE",
     "Read the event from FILE; '-' is standard input."},
    {0, "data", OPTION_TEXT, offsetof(struct invoke_options, data), "JSON",
     "The event itself. Default: {}."},
    {0, "timeout", OPTION_COUNT, offsetof(struct invoke_options, timeout), "SECONDS",
     "Maximum time that the function may take, 1 to 900. Default: 60."},
    {0},
};
static const struct option_table tables[] = {
    {rows, 0}, {pipeline_project_rows, offsetof(struct invoke_options, pipeline)}, {0}};

/* What is run, and with what. */
struct function {
    char *path; /* of the program in the image, cleaned */
    char *name; /* of the function */
    struct start start;
    struct strv env;
    char *folder;  /* private, with the program in it; removed at the end */
    char *program; /* on this machine */
};

static void invoke_options_release(struct invoke_options *options)
{
    pipeline_options_release(&options->pipeline);
}

static void function_release(struct function *function)
{
    struct error ignored = {0};
    if (function->folder && fs_remove(function->folder, &ignored) != 0)
        log_warn("%s", ignored.text);
    free(function->path);
    free(function->name);
    free(function->folder);
    free(function->program);
    start_release(&function->start);
    strv_release(&function->env);
}

/* The image that `lbuild` with the same options writes. Caller frees. */
static char *project_output(const struct pipeline_options *options, struct error *err)
{
    AUTO(project) project = {0};
    AUTO(strv) complaints = {0};
    const struct project_options from = {options->dir, options->file, options->profile,
                                         &options->set};

    if (project_load(&from, &project, &complaints, err) != 0)
        return NULL;

    autofree char *path = plan_output_file(&project, NULL, NULL, err);
    if (path && !fs_exists(path)) {
        error_set(err, ERROR_USAGE, "there is no '%s' yet; 'lbuild' builds it", path);
        return NULL;
    }
    return take(path);
}

/* An event may be any JSON value, and js_parse reads objects and arrays only: so the event is
 * parsed as the member of an array. */
static bool is_json(const struct buf *event)
{
    AUTO(buf) array = {0};
    struct error ignored = {0};

    buf_addc(&array, '[');
    buf_add(&array, event->data, event->len);
    buf_addc(&array, ']');
    AUTOPTR(js) parsed = js_parse(array.data, array.len, "event", &ignored);
    return parsed && js_count(parsed) == 1;
}

static int read_event(const struct invoke_options *options, struct buf *out, struct error *err)
{
    if (options->event && options->data)
        return error_set(err, ERROR_USAGE, "give the event with --event or --data, not both");

    if (options->event && strcmp(options->event, "-") == 0) {
        if (fs_read_fd(STDIN_FILENO, "standard input", LAMBDA_PAYLOAD_MAX, out, err) != 0)
            return -1;
    } else if (options->event) {
        if (fs_read(options->event, LAMBDA_PAYLOAD_MAX, out, err) != 0)
            return -1;
    } else {
        buf_adds(out, options->data ? options->data : "{}");
    }

    if (!is_json(out))
        log_warn("the event is not JSON; Lambda itself refuses such an event");
    return 0;
}

static int find_program(const struct js *config, struct function *function, struct error *err)
{
    struct start *start = &function->start;
    const char *workdir = js_get_text(config, "WorkingDir");

    start_find(config, start);
    if (start->stock && start->words.len != 2)
        return error_set(err, ERROR_LAMBDA,
                         "the entry script '%s' takes exactly one word, the handler; CMD has %zu",
                         LAMBDA_ENTRYPOINT, start->words.len - 1);
    if (!start->program)
        return error_set(err, ERROR_LAMBDA,
                         "the image has neither ENTRYPOINT nor CMD: nothing says what to start");
    if (!strchr(start->program, '/'))
        return error_set(
            err, ERROR_LAMBDA,
            "the image starts '%s', which is not a path; invoke doesn't search for programs",
            start->program);

    autofree char *absolute = path_join(workdir && workdir[0] ? workdir : "/", start->program);
    function->path = path_clean(absolute);
    if (!function->path)
        return error_set(err, ERROR_LAMBDA, "the image starts '%s', which is outside of it",
                         start->program);
    return 0;
}

static int check_program(const struct function *function, struct error *err)
{
    AUTO(elf_facts) facts = {0};
    int result = elf_read_file(function->program, &facts, err);
    if (result < 0)
        return -1;

    if (result == 0 || !facts.executable)
        return error_set(
            err, ERROR_LAMBDA,
            "'/%s' in the image is a script or data, not a program; invoke runs static programs "
            "only",
            function->path);
    if (facts.interpreter || facts.needed.len > 0)
        return error_set(
            err, ERROR_LAMBDA,
            "'/%s' in the image needs '%s' to start; invoke runs static programs only; "
            "run this image in a container: docker load, docker run",
            function->path, facts.interpreter ? facts.interpreter : facts.needed.items[0]);
    return 0;
}

static int unpack(const char *image_path, const struct imagefile *image, struct function *function,
                  struct error *err)
{
    const char *base = getenv("TMPDIR");
    autofree char *folder =
        xasprintf("%s/lbuild-invoke.XXXXXX", base && base[0] == '/' ? base : "/tmp");
    if (!mkdtemp(folder))
        return error_errno(err, ERROR_BUILD,
                           "can't make a folder '%s'; set TMPDIR to another place", folder);

    function->folder = take(folder);
    function->program = path_join(function->folder, "program");
    if (extract_file(image_path, image, function->path, function->program, err) != 0)
        return -1;
    return check_program(function, err);
}

/* argv for this machine: the program's own, with an emulator in front when the image is for the
 * other architecture. */
static int make_argv(const struct imagefile *image, const struct function *function,
                     struct strv *argv, struct error *err)
{
    if (image->arch != arch_native()) {
        autofree char *with_suffix = xasprintf("qemu-%s-static", arch_compiler(image->arch));
        autofree char *plain = xasprintf("qemu-%s", arch_compiler(image->arch));
        autofree char *qemu = process_find(with_suffix), *other = process_find(plain);
        if (!qemu && !other)
            return error_set(
                err, ERROR_ENGINE,
                "the image is for %s and this machine is not; install qemu-user-static to run it",
                arch_lambda(image->arch));
        strv_add(argv, qemu ? qemu : other);
    }

    strv_add(argv, function->program);
    /* The entry script doesn't pass its argument on. */
    for (size_t i = 1; i < function->start.words.len && !function->start.stock; i++)
        strv_add(argv, function->start.words.items[i]);
    return 0;
}

static int invoke(const char *path, const struct invoke_options *options, const struct buf *event,
                  struct buf *out, struct error *err)
{
    const struct imagefile_choice choice = {.files_only = true};
    AUTO(store) store = {.lock = -1};
    AUTO(imagefile) image = {0};
    AUTO(function) function = {0};
    AUTO(strv) argv = {0};
    AUTO(api_result) result = {0};

    process_catch_signals(); /* the folder must not stay behind */
    if (store_open(&store, NULL, err) != 0 ||
        imagefile_load(path, &choice, &store, &image, err) != 0 ||
        imagefile_verified(&image, err) != 0)
        return -1;

    const struct js *config = js_get(image.config, "config"),
                    *annotations = js_get(image.document, "annotations");
    function.name = start_function_name(js_get_text(annotations, "org.opencontainers.image.title"));
    if (find_program(config, &function, err) != 0 || unpack(path, &image, &function, err) != 0 ||
        make_argv(&image, &function, &argv, err) != 0)
        return -1;

    start_environment(config, &function.start, function.name, &function.env);
    const struct api_invocation invocation = {
        event->data ? event->data : "", event->len, function.name,
        options->timeout ? options->timeout : TIMEOUT_DEFAULT};
    if (api_invoke(&invocation, strv_argv(&argv), strv_argv(&function.env), function.folder,
                   &result, err) != 0)
        return -1;

    buf_add(out, result.body.data, result.body.len);
    if (result.failed)
        return error_set(err, ERROR_BUILD, "the function reported an error: %s", result.error_type);
    return 0;
}

static int run(const char *const *argv, struct buf *out, struct error *err)
{
    AUTO(invoke_options) options = {0};
    AUTO(strv) operands = {0};
    AUTO(buf) event = {0};

    if (options_parse(tables, argv, &options, &operands, err) != 0)
        return -1;
    if (operands.len > 1)
        return error_set(err, ERROR_USAGE, "invoke takes one image, and '%s' is a second one",
                         operands.items[1]);
    if (options.timeout > LAMBDA_TIMEOUT_MAX)
        return error_set(err, ERROR_USAGE, "--timeout takes 1 to %d seconds, not %d",
                         LAMBDA_TIMEOUT_MAX, options.timeout);

    autofree char *path =
        operands.len ? xstrdup(operands.items[0]) : project_output(&options.pipeline, err);
    if (!path || read_event(&options, &event, err) != 0)
        return -1;
    return invoke(path, &options, &event, out, err);
}

static void help(struct buf *out)
{
    options_help(tables, out);
}

const struct command command_invoke = {
    .name = "invoke",
    .operands = "[IMAGE]",
    .summary = "Run the image's function on one event and print the result.",
    .run = run,
    .help = help,
};
