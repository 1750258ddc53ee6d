#include "all/all.h"

#include "pipeline_facts.h"
#include "project/projects.h"
#include "support/fs.h"
#include "support/log.h"
#include "support/own.h"
#include "support/process.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 1024 * 1024, GRACE_MS = 3000 };

void functions_release(struct functions *functions)
{
    for (size_t i = 0; i < functions->len; i++) {
        free(functions->items[i].dir);
        free(functions->items[i].error);
        js_free(functions->items[i].result);
    }
    free(functions->items);
    *functions = (struct functions){0};
}

const struct option_table all_tables[] = {
    {pipeline_project_rows, 0}, {pipeline_plan_rows, 0}, {pipeline_build_rows, 0}, {0}};

/* --- finding --- */

/* The same folder under two names is one function. */
static bool is_known(struct strv *seen, const char *dir)
{
    autofree char *real = realpath(dir, NULL);
    bool known = strv_contains(seen, real ? real : dir);
    strv_add(seen, real ? real : dir);
    return known;
}

int all_find(const struct pipeline_options *options, struct functions *functions, struct error *err)
{
    AUTO(strv) dirs = {0}, seen = {0};

    if (options->dirs.len == 0 && projects_find(options->dir ? options->dir : ".", &dirs, err) != 0)
        return -1;
    for (size_t i = 0; i < options->dirs.len; i++) {
        const char *dir = options->dirs.items[i];
        autofree char *clean = dir[0] == '/' ? NULL : path_clean(dir);
        if (projects_find(clean && clean[0] ? clean : dir, &dirs, err) != 0)
            return -1;
    }

    strv_sort(&dirs);
    functions->items = xcalloc(dirs.len, sizeof *functions->items);
    for (size_t i = 0; i < dirs.len; i++)
        if (!is_known(&seen, dirs.items[i]))
            functions->items[functions->len++].dir = xstrdup(dirs.items[i]);
    return 0;
}

/* --- one base, one file --- */

struct known {
    struct strv keys;     /* of the bases asked for so far */
    struct error *errors; /* one for each key; ERROR_NONE: the base is in the store */
    size_t error_cap;
    struct strv outputs, owners; /* each path, and the folder of the project that writes it */
};

static void known_release(struct known *known)
{
    strv_release(&known->keys);
    free(known->errors);
    strv_release(&known->outputs);
    strv_release(&known->owners);
}

static size_t position(const struct strv *list, const char *text)
{
    size_t at = 0;
    while (at < list->len && strcmp(list->items[at], text) != 0)
        at++;
    return at;
}

static int fail(struct function *function, const struct error *why)
{
    function->state = FUNCTION_FAILED;
    function->status = why->kind;
    function->error = xstrdup(why->text);

    AUTOPTR(js) event = js_object();
    js_set_integer(event, "schema", 1);
    js_set_string(event, "event", "error");
    js_set_integer(event, "status", why->kind);
    js_set_string(event, "text", why->text);
    log_relay(function->dir, event);
    return -1;
}

/* Fetches a base for the first function that wants it. The others get the same answer. */
static int fetch_base(const struct pipeline_options *options, struct facts *facts,
                      struct known *known, struct error *err)
{
    const char *base = project_get(&facts->project, KEY_IMAGE_BASE);
    /* A file's path is relative to the project. */
    autofree char *key = xasprintf("%s %s %s", base, project_get(&facts->project, KEY_IMAGE_ARCH),
                                   base_is_file(base) ? facts->project.dir : "");

    size_t at = position(&known->keys, key);
    if (at == known->keys.len) {
        grow(known->errors, known->keys.len, known->error_cap);
        strv_add(&known->keys, key);
        if (facts_load_base(options, facts, &known->errors[at]) == 0)
            known->errors[at].kind = ERROR_NONE;
    }

    if (known->errors[at].kind == ERROR_NONE)
        return 0;
    *err = known->errors[at];
    return -1;
}

/* Refuses an output that another function writes too: each would think that it made the file. */
static int claim_output(const struct pipeline_options *options, const struct facts *facts,
                        const char *dir, struct known *known, struct error *err)
{
    autofree char *path = plan_output_file(&facts->project, options->out.type, NULL, err),
                  *clean = path ? path_clean(path) : NULL;
    if (!path)
        return -1;
    size_t at = position(&known->outputs, clean ? clean : path);
    if (at < known->outputs.len)
        return error_set(
            err, ERROR_PROJECT,
            "'%s' is the output of '%s' too; change [output] file, or the project's name", path,
            known->owners.items[at]);

    strv_add(&known->outputs, clean ? clean : path);
    strv_add(&known->owners, dir);
    return 0;
}

/* Checks that the function's build can be started. A project file with mistakes is no obstacle: the
 * function's own lbuild reports them best. */
static int prepare(const struct pipeline_options *options, struct function *function,
                   struct known *known)
{
    AUTO(facts) facts = {0};
    AUTO(strv) complaints = {0};
    struct error err = {0};
    struct pipeline_options own = *options;
    own.dir = function->dir;

    if (facts_project(&own, &complaints, &facts, &err) != 0)
        return 0;

    if (claim_output(&own, &facts, function->dir, known, &err) == 0 &&
        fetch_base(&own, &facts, known, &err) == 0)
        return 0;
    return fail(function, &err);
}

/* --- building --- */

struct crew;

/* The lbuild of one function. */
struct worker {
    struct crew *crew;
    struct function *function;
    struct strv argv;
    struct buf line; /* its output that isn't a whole line yet */
    struct buf kept; /* stays empty: all of the output goes through on_wrote */
    int64_t started;
};

struct crew {
    struct worker *workers;
    size_t len, ended, failed;
};

static void crew_release(struct crew *crew)
{
    for (size_t i = 0; i < crew->len; i++) {
        strv_release(&crew->workers[i].argv);
        buf_release(&crew->workers[i].line);
        buf_release(&crew->workers[i].kept);
    }
    free(crew->workers);
}

static void show_state(const struct crew *crew)
{
    AUTO(buf) text = {0};
    const char *between = ": ";

    buf_addf(&text, "%-9s%zu of %zu done", "build", crew->ended, crew->len);
    if (crew->failed > 0)
        buf_addf(&text, ", %zu failed", crew->failed);

    for (size_t i = 0; i < crew->len; i++) {
        const struct worker *worker = &crew->workers[i];
        if (worker->started && worker->function->state == FUNCTION_STOPPED) {
            buf_addf(&text, "%s%s", between, worker->function->dir);
            between = ", ";
        }
    }

    log_live(buf_text(&text));
}

static void take_event(struct worker *worker, const struct js *event)
{
    struct function *function = worker->function;
    const char *name = js_get_text(event, "event"), *text = js_get_text(event, "text");
    const struct js *result = js_get(event, "result");

    if (name && strcmp(name, "start") == 0)
        worker->started = process_clock();
    if (name && strcmp(name, "result") == 0 && js_is_object(result) && !function->result)
        function->result = js_copy(result);
    if (name && text && strcmp(name, "error") == 0 && js_get(event, "status")) {
        free(function->error);
        function->error = xstrdup(text);
    }
    log_relay(function->dir, event);
}

/* A line is an event, or on standard output the image's name, which the events hold too. Any other
 * line is a program's last words, and is shown. */
static void take_line(struct worker *worker)
{
    struct error ignored;
    const char *line = buf_text(&worker->line);
    AUTOPTR(js) event = line[0] == '{' ? js_parse(line, worker->line.len, "event", &ignored) : NULL;
    const char *digest = js_get_text(worker->function->result, "containerimage.digest");

    if (event)
        take_event(worker, event);
    else if (!digest || !strstr(line, digest))
        log_output(NULL, line, worker->line.len);
    buf_clear(&worker->line);
}

static void on_wrote(void *data, const char *bytes, size_t length)
{
    struct worker *worker = data;

    for (const char *end = bytes + length; bytes < end;) {
        const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        size_t piece = (size_t)((newline ? newline : end) - bytes);
        if (worker->line.len + piece <= LINE_MAX_BYTES)
            buf_add(&worker->line, bytes, piece);
        if (newline)
            take_line(worker);
        bytes += piece + 1;
    }

    show_state(worker->crew);
}

static void on_ended(void *data, const struct process *process, int status)
{
    struct worker *worker = data;
    struct function *function = worker->function;
    const char *state = "failed";
    (void)process;

    if (worker->line.len > 0)
        take_line(worker);
    function->ms = worker->started ? process_clock() - worker->started : 0;
    function->status = status;
    worker->crew->ended++;
    if (process_interrupted())
        return;

    if (status != 0) {
        function->state = FUNCTION_FAILED;
        js_free(take(function->result)); /* it failed after the image was made */
        if (!function->error)
            function->error = xasprintf("its build ended with exit code %d", status);
        worker->crew->failed++;
    } else {
        bool fresh = js_is_true(js_get(function->result, "fresh"));
        function->state = fresh ? FUNCTION_FRESH : FUNCTION_BUILT;
        state = fresh ? "fresh" : "built";
    }
    log_step(state, "%s in %.1f s", function->dir, (double)function->ms / 1e3);
    show_state(worker->crew);
}

static int make_commands(const char *const *argv, const struct pipeline_options *options, int jobs,
                         struct crew *crew, struct error *err)
{
    /* These are about the tree, about our own output, or added below. */
    static const char *const ours[] = {"all",           "json",       "directory",    "jobs",
                                       "progress",      "quiet",      "verbose",      "pull",
                                       "metadata-file", "image-refs", "code-quality", NULL};
    autofree char *self = realpath("/proc/self/exe", NULL);
    AUTO(strv) common = {0};
    if (!self)
        return error_errno(err, ERROR_BUILD, "can't find lbuild's own program");
    options_forward(all_tables, argv, ours, &common);

    for (size_t i = 0; i < crew->len; i++) {
        struct strv *command = &crew->workers[i].argv;
        strv_add(command, self);
        strv_add(command, "build");
        strv_addf(command, "--directory=%s", crew->workers[i].function->dir);
        strv_addf(command, "--jobs=%d", jobs);
        strv_add(command, "--progress=json");
        /* The bases of "always" have been fetched by now. */
        if (options->pull && strcmp(options->pull, "always") != 0)
            strv_addf(command, "--pull=%s", options->pull);
        if (options->verbose)
            strv_add(command, "--verbose");
        strv_add_all(command, &common);
    }
    return 0;
}

/* Shares out N jobs: N lbuilds at a time, or fewer with several compilers each. With make's
 * jobserver each lbuild is one of make's jobs and runs one compiler at a time. */
static int run_crew(const char *const *argv, const struct pipeline_options *options,
                    struct crew *crew, struct error *err)
{
    AUTO(jobserver) jobserver = JOBSERVER_INIT;
    jobserver_join(&jobserver, getenv("MAKEFLAGS"));
    bool joined = jobserver_joined(&jobserver);
    int jobs = jobserver_jobs(&jobserver, options->jobs);
    int each = joined || (size_t)jobs <= crew->len ? 1 : jobs / (int)crew->len;
    autofree struct process *processes = xcalloc(crew->len, sizeof *processes);
    autofree struct process_result *results = xcalloc(crew->len, sizeof *results);

    if (make_commands(argv, options, each, crew, err) != 0)
        return -1;
    for (size_t i = 0; i < crew->len; i++) {
        struct worker *worker = &crew->workers[i];
        processes[i] = (struct process){.argv = strv_argv(&worker->argv),
                                        .input = -1,
                                        .errors = &worker->kept,
                                        .limit = 1,
                                        .wrote = on_wrote,
                                        .ended = on_ended,
                                        .data = worker,
                                        .alone = true,
                                        .grace_ms = GRACE_MS};
    }

    show_state(crew);
    int result = process_run_shared(processes, crew->len, jobs / each, &jobserver, results, err);
    log_live(NULL);
    return result;
}

int all_build(const char *const *argv, const struct pipeline_options *options,
              struct functions *functions, struct error *err)
{
    AUTO(crew) crew = {0};
    AUTO(known) known = {0};
    int64_t started = process_clock();

    if (all_find(options, functions, err) != 0)
        return -1;

    crew.workers = xcalloc(functions->len, sizeof *crew.workers);
    for (size_t i = 0; i < functions->len; i++) {
        if (process_check_interrupt(err) != 0)
            return -1;
        if (prepare(options, &functions->items[i], &known) == 0)
            crew.workers[crew.len++] =
                (struct worker){.crew = &crew, .function = &functions->items[i]};
    }

    int result = crew.len > 0 ? run_crew(argv, options, &crew, err) : 0;
    functions->ms = process_clock() - started;
    return result;
}
