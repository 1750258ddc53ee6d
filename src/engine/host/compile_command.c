#include "engine/host/compile_command.h"

#include "engine/host/toolchain.h"
#include "lambda/elf.h"
#include "support/fs.h"
#include "support/log.h"
#include "support/own.h"
#include "support/process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Variables for compilers that fetch something, besides those of toolchain_environment(). */
static const char *const network[] = {"http_proxy",    "https_proxy", "no_proxy",
                                      "HTTP_PROXY",    "HTTPS_PROXY", "NO_PROXY",
                                      "SSL_CERT_FILE", "SSL_CERT_DIR"};

int command_maybe(const struct plan *plan, struct error *err)
{
    AUTO(plan_command) command = {0};
    plan_command_make(plan, plan->template, &(struct template_values){0}, true, &command);
    const char *program = command.argv.len > 0 ? command.argv.items[0] : NULL;
    autofree char *path = !program || strchr(program, '/') ? xstrdup("/") : process_find(program);
    if (path)
        return 0;

    return error_set(
        err, ERROR_ENGINE,
        "'%.200s' was not found in PATH, and the template of '%s' compiles with it; install it, "
        "or use an engine with containers",
        program, plan->template->language);
}

static void environment(const struct engine_job *job, const struct plan_command *command,
                        const char *temporary, struct strv *out)
{
    const struct strv *pass = &job->plan->template->compile.pass;
    toolchain_environment(job->plan->epoch, temporary, out);

    for (size_t i = 0; i < countof(network) + pass->len; i++) {
        const char *name = i < countof(network) ? network[i] : pass->items[i - countof(network)];
        const char *value = getenv(name);
        if (value)
            strv_addf(out, "%s=%s", name, value);
    }
    strv_add_all(out, &command->env);
}

/* The cache folder for compilers that have none of their own: one for each language. */
static char *cache_folder(const struct engine_job *job, const struct work *work, struct error *err)
{
    autofree char *name = xasprintf("cache-%s", job->plan->template->language);
    autofree char *path = NULL;
    if (job->options->no_cache)
        path = path_join(work->path, "cache");
    else
        path = store_path(job->store, "objects", name, err);

    if (!path || fs_mkdirs(path, err) != 0)
        return NULL;
    return take(path);
}

/* Why the command failed, in the template's words where it has some. */
static int failed(const struct plan *plan, const char *name, const struct buf *output, int status,
                  struct error *err)
{
    const struct template_failure *failure =
        template_failure_find(plan->template, buf_text(output));

    if (failure)
        return error_set(err, template_failure_kind(failure), "'%s' failed: %s", name,
                         failure->help);
    if (status > 128)
        return error_set(err, ERROR_BUILD, "'%s' was killed by signal %d; is there enough memory?",
                         name, status - 128);
    return error_set(err, ERROR_BUILD, "'%s' failed with status %d; it says why above", name,
                     status);
}

static int run(const struct engine_job *job, struct plan_command *command, const struct work *work,
               struct error *err)
{
    AUTO(strv) env = {0};
    AUTO(buf) output = {0};
    struct process_result result;
    const struct plan *plan = job->plan;
    const char *name = command->argv.items[0];

    environment(job, command, work->path, &env);
    log_step("compile", "with %s for %s", name, arch_lambda(plan->arch));
    struct process process = {.argv = strv_argv(&command->argv),
                              .dir = plan->project_dir,
                              .env = strv_argv(&env),
                              .input = -1,
                              .errors = &output,
                              .deadline = job->deadline};

    if (job->waiting)
        job->waiting(job->data);
    if (process_run(&process, &result, err) != 0)
        return -1;
    log_output(plan->project_dir, buf_text(&output), output.len);
    return result.status == 0 ? 0 : failed(plan, name, &output, result.status, err);
}

/* Copies a program that lies elsewhere: nobody can replace the copy once it is proven. */
static int fetch(const char *from, const char *to, struct error *err)
{
    enum { CHUNK = 65536 };
    char bytes[CHUNK];
    struct stat st;
    autoclose int in = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK), out = -1;
    if (in < 0 || fstat(in, &st) != 0)
        return error_errno(err, ERROR_BUILD, "can't read the program '%s'", from);
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_BUILD, "'%s' is not a regular file, so it can't be the program",
                         from);

    out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    if (out < 0)
        return error_errno(err, ERROR_BUILD, "can't write '%s'", to);

    ssize_t length;
    while ((length = read(in, bytes, CHUNK)) > 0)
        if (fs_write_fd(out, to, bytes, (size_t)length, err) != 0)
            return -1;
    return length == 0 ? 0 : error_errno(err, ERROR_BUILD, "can't read the program '%s'", from);
}

/* For a program that may need a loader or an interpreter: the Lambda rules check later that the
 * image has it. */
static int prove_any(const struct plan *plan, const char *path, const char *name, struct error *err)
{
    AUTO(elf_facts) facts = {0};
    char start[2] = {0};
    int machine = plan->arch == ARCH_ARM64 ? 183 : 62, kind = elf_read_file(path, &facts, err);
    if (kind < 0)
        return -1;
    if (kind == 1 && (facts.machine != machine || !facts.executable))
        return error_set(
            err, ERROR_LAMBDA,
            "'%s' is not a program for %s; build it for that, or set 'arch' in [image]", name,
            arch_lambda(plan->arch));
    if (kind == 1)
        return 0;

    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && read(fd, start, 2) == 2 && memcmp(start, "#!", 2) == 0)
        return 0;
    return error_set(
        err, ERROR_LAMBDA,
        "'%s' is neither an ELF program nor a script with '#!', so Lambda can't start it", name);
}

static int prove(const struct plan *plan, const char *path, const char *name, struct error *err)
{
    /* scratch has no loader. */
    if (plan->template->compile.dynamic && plan->family != FAMILY_SCRATCH)
        return prove_any(plan, path, name, err);
    return elf_prove_static(path, name, plan->arch, err);
}

/* Adds the compiler's own file to the inputs: another compiler makes another program. */
static void watch(const struct engine_job *job, const struct plan_command *command)
{
    autofree char *tool =
        job->inputs && command->argv.len > 0 ? process_find(command->argv.items[0]) : NULL;
    autofree char *real = tool ? realpath(tool, NULL) : NULL;
    if (tool)
        strv_add(job->inputs, tool);
    if (real)
        strv_add(job->inputs, real);
}

/* Runs the command; its program is at `program` then, and proven. */
static int make(const struct engine_job *job, struct plan_command *command, const struct work *work,
                const char *program, struct error *err)
{
    const struct plan *plan = job->plan;
    if (command->argv.len > 0 && run(job, command, work, err) != 0)
        return -1;

    autofree char *from = command->result ? path_join(plan->project_dir, command->result) : NULL;
    if (from && fetch(from, program, err) != 0)
        return -1;
    if (!fs_exists(program))
        return error_set(err, ERROR_BUILD,
                         "'%s' produced no program; is the source a main program?",
                         command->argv.items[0]);
    return prove(plan, program, from ? command->result : path_base(plan->program), err);
}

int command_program(const struct engine_job *job, struct objects *objects, const struct work *work,
                    char **path, struct error *err)
{
    const struct plan *plan = job->plan;
    AUTO(plan_command) command = {0};
    AUTO(step) step = {.dir = plan->project_dir};
    autofree char *program = path_join(work->path, "program"),
                  *cache = cache_folder(job, work, err);
    if (!cache)
        return -1;

    const struct template_values values = {.program = program, .cache = cache};
    plan_command_make(plan, plan->template, &values, true, &command);
    watch(job, &command);
    int64_t started = objects_settle(objects, NULL);
    if (make(job, &command, work, program, err) != 0)
        return -1;

    struct done done = {.made = program, .started = started};
    if (objects_keep(objects, &done, &step, err) != 0)
        return -1;
    *path = objects_path(job->store, &step.output);
    return 0;
}
