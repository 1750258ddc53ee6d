#include "engine/host/compile.h"

#include "engine/host/named.h"
#include "support/fs.h"
#include "support/log.h"
#include "support/own.h"
#include "support/process.h"

#include <stdlib.h>
#include <string.h>

/* One source file. */
struct unit {
    struct host_run *run;
    const char *name;                  /* relative to the project, or to the runtime's folder */
    char *path;                        /* as the compiler gets it */
    char *object, *depfile, *embedded; /* temporary; the last is the assembler's list, or NULL */
    struct strv argv;
    struct step step;
    int64_t started;
    struct buf output;
    bool of_runtime;   /* lbuild's own, and no source of the project */
    bool found;        /* made by an earlier build */
    bool blind;        /* nobody lists the files that it embeds */
    struct error *err; /* where the first failure goes */
    struct log_meter *meter;
};

struct units {
    struct unit *items;
    size_t len;
};

static void unit_release(struct unit *unit)
{
    free(unit->path);
    free(unit->object);
    free(unit->depfile);
    free(unit->embedded);
    strv_release(&unit->argv);
    step_release(&unit->step);
    buf_release(&unit->output);
}

static void units_release(struct units *units)
{
    for (size_t i = 0; i < units->len; i++)
        unit_release(&units->items[i]);
    free(units->items);
}

void host_run_inputs(struct host_run *run, const struct strv *inputs)
{
    if (run->job->inputs)
        strv_add_all(run->job->inputs, inputs);
}

int compile_key(const struct host_run *run, const char *kind, const struct strv *words,
                struct digest *key, struct error *err)
{
    AUTO(buf) text = {0};
    const char *const first[] = {"lbuild step 1", kind, run->toolchain.identity,
                                 run->job->plan->project_dir};
    for (size_t i = 0; i < countof(first); i++)
        buf_add(&text, first[i], strlen(first[i]) + 1);
    for (size_t i = 0; i < words->len; i++)
        buf_add(&text, words->items[i], strlen(words->items[i]) + 1);
    return digest_bytes(text.data, text.len, key, err);
}

void step_words(struct step *step, const struct strv *argv, struct strv *words)
{
    named_expand(argv, step->dir, words);
    named_files(words, step->dir, &step->named);
    shadows_folders(words, step->dir, &step->folders);
}

int compile_refuse_native(const struct host_run *run, const struct strv *words, const char *setting,
                          struct error *err)
{
    const char *word = plan_native_word(words);
    if (!word)
        return 0;
    autofree char *help = plan_native_help(word, run->job->plan->arch);
    return error_set(err, ERROR_PROJECT, "an option file of [build] %s: %s", setting, help);
}

void compile_prefix_maps(const struct host_run *run, struct strv *argv)
{
    const struct plan *plan = run->job->plan;
    const char *const options[] = {"-ffile-prefix-map", "-fdebug-prefix-map"};
    const char *option = options[run->toolchain.prefix_map ? 0 : 1];
    strv_addf(argv, "%s=%s=.", option, plan->project_dir);
    if (plan->runtime_dir && plan->runtime_dir[0])
        strv_addf(argv, "%s=%s=%s", option, plan->runtime_dir, plan->runtime_prefix);
}

/* Words that the object doesn't depend on: where it goes. */
static void add_places(struct unit *unit, size_t number)
{
    unit->object = xasprintf("%s/%zu.o", unit->run->work.path, number);
    unit->depfile = xasprintf("%s/%zu.d", unit->run->work.path, number);

    /* -pipe: the assembler starts while the compiler works. */
    const char *const words[] = {"-pipe", "-MD",         "-MT", "o",
                                 "-MF",   unit->depfile, "-o",  unit->object};
    for (size_t i = 0; i < countof(words); i++)
        strv_add(&unit->argv, words[i]);
    if (log_colors())
        strv_add(&unit->argv, "-fdiagnostics-color=always");

    if (unit->blind)
        return;
    unit->embedded = xasprintf("%s/%zu.as", unit->run->work.path, number);
    const char *const list[] = {"-Xassembler", "--MD", "-Xassembler", unit->embedded};
    for (size_t i = 0; i < countof(list); i++)
        strv_add(&unit->argv, list[i]);
}

bool compile_has_lto(const struct strv *words)
{
    bool lto = false;
    for (size_t i = 0; i < words->len; i++) {
        if (strncmp(words->items[i], "-flto", 5) == 0)
            lto = true;
        else if (strcmp(words->items[i], "-fno-lto") == 0)
            lto = false;
    }
    return lto;
}

static void add_project_flags(const struct plan *plan, const char *source, struct strv *argv)
{
    strv_add_all(argv, plan_is_cxx(source) ? &plan->cxx_flags : &plan->compile_flags);
    for (size_t i = 0; i < plan->include_dirs.len; i++)
        strv_addf(argv, "-I%s", plan->include_dirs.items[i]);
}

/* First the words that the object depends on, which make the key; then the others. */
static int unit_command(struct unit *unit, size_t number, struct error *err)
{
    struct host_run *run = unit->run;
    const struct plan *plan = run->job->plan;
    AUTO(strv) words = {0};

    strv_add_all(&unit->argv, &run->toolchain.command);
    if (unit->of_runtime)
        strv_add_all(&unit->argv, &plan->runtime_flags);
    else
        add_project_flags(plan, unit->name, &unit->argv);
    if (plan->runtime_dir && plan->runtime_dir[0])
        strv_addf(&unit->argv, "-I%s/include", plan->runtime_dir);
    compile_prefix_maps(run, &unit->argv);
    strv_addf(&unit->argv, "-frandom-seed=%s", unit->name);
    strv_add(&unit->argv, "-c");
    strv_add(&unit->argv, unit->path);

    if (compile_key(run, "compile", &unit->argv, &unit->step.key, err) != 0)
        return -1;
    unit->step.dir = plan->project_dir;
    step_words(&unit->step, &unit->argv, &words);
    if (compile_refuse_native(run, &words, "flags", err) != 0)
        return -1;
    bool lto = compile_has_lto(&words); /* then the linker assembles, and lists nothing */
    unit->blind = lto || !run->toolchain.as_depfile;
    run->lto = run->lto || lto;
    add_places(unit, number);
    return 0;
}

/* gcc without its C++ half says "gcc: fatal error: cannot execute 'cc1plus': execvp: No such file
 * or directory". The name alone is in other messages, e.g. "cc1plus: all warnings being treated as
 * errors". */
static bool lacks_cxx(const char *output)
{
    const char *name = strstr(output, "'cc1plus': ");
    autofree char *line = name ? xstrndup(name, strcspn(name, "\n")) : NULL;
    return line && strstr(line, "No such file");
}

static void unit_failed(const struct unit *unit, int status, struct error *err)
{
    const struct toolchain *toolchain = &unit->run->toolchain;
    if (status > 128)
        error_set(err, ERROR_BUILD,
                  "'%s' did not compile: %s was killed by signal %d; is there enough memory?",
                  unit->name, toolchain->name, status - 128);
    else if (lacks_cxx(buf_text(&unit->output)))
        error_set(err, ERROR_ENGINE,
                  "'%s' did not compile: %s has no C++ compiler here; install g++ for %s, "
                  "or use an engine with containers",
                  unit->name, toolchain->name, arch_lambda(unit->run->job->plan->arch));
    else
        error_set(err, ERROR_BUILD, "'%s' did not compile; %s says why above", unit->name,
                  toolchain->name);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), rest = strlen(end);
    return length >= rest && strcmp(text + length - rest, end) == 0;
}

static void unit_ended(void *data, const struct process *process, int status)
{
    struct unit *unit = data;
    /* The compiler lists nothing for a .s file, which goes to the assembler as it is. */
    bool plain = ends_with(unit->name, ".s");
    autofree char *source = path_join(process->dir, unit->path);
    struct done done = {.made = unit->object,
                        .depfile = plain ? NULL : unit->depfile,
                        .source = plain ? source : NULL,
                        .embedded = unit->embedded,
                        .blind = unit->blind,
                        .started = unit->started,
                        .by_content = true};
    struct error err = {0};

    log_output(process->dir, buf_text(&unit->output), unit->output.len);
    log_meter_set(unit->meter, unit->meter->done + 1);

    if (status == 0 && objects_keep(&unit->run->objects, &done, &unit->step, &err) == 0)
        return;
    if (status != 0)
        unit_failed(unit, status, &err);
    if (!unit->err->kind)
        *unit->err = err;
}

/* The compiler of one unit, ready to start. */
static struct process unit_process(struct unit *unit)
{
    struct host_run *run = unit->run;
    autofree char *path = path_join(run->job->plan->project_dir, unit->path);
    unit->started = objects_settle(&run->objects, path);
    for (size_t i = 0; i < unit->step.named.len; i++)
        unit->started = objects_settle(&run->objects, unit->step.named.items[i]);
    log_detail("%s", unit->name);

    return (struct process){.argv = strv_argv(&unit->argv),
                            .dir = run->job->plan->project_dir,
                            .env = strv_argv(&run->environment),
                            .input = -1,
                            .deadline = run->job->deadline,
                            .errors = &unit->output,
                            .ended = unit_ended,
                            .data = unit};
}

/* Starts the compilers for the units that were not found. */
static int run_units(struct host_run *run, struct units *units, size_t missing, struct error *err)
{
    struct error failed = {0};
    struct log_meter meter = {0};
    autofree struct process *processes = xcalloc(missing, sizeof *processes);
    autofree struct process_result *results = xcalloc(missing, sizeof *results);
    size_t count = 0;
    log_step("compile", "%zu of %zu files with %s for %s (%s)", missing, units->len,
             run->toolchain.name, arch_lambda(run->job->plan->arch), run->toolchain.libc);

    for (size_t i = 0; i < units->len; i++) {
        struct unit *unit = &units->items[i];
        if (unit->found)
            continue;
        unit->err = &failed;
        unit->meter = &meter;
        processes[count++] = unit_process(unit);
    }

    if (run->job->waiting)
        run->job->waiting(run->job->data);
    log_meter_start(&meter, "compile", "files", 0, missing);
    int result =
        process_run_shared(processes, count, run->job->jobs, run->job->jobserver, results, err);
    log_meter_end(&meter);

    if (result != 0)
        return -1;
    return failed.kind ? error_set(err, failed.kind, "%s", failed.text) : 0;
}

static void collect(struct host_run *run, struct units *units)
{
    const struct plan *plan = run->job->plan;
    units->items = xcalloc(plan->sources.len + plan->runtime_sources.len, sizeof *units->items);

    for (size_t i = 0; i < plan->sources.len; i++) {
        const char *name = plan->sources.items[i];
        /* A name like "-x.c" or "@x.c" would be taken for an option. */
        bool odd = name[0] == '-' || name[0] == '@';
        units->items[units->len++] = (struct unit){
            .run = run, .name = name, .path = xasprintf("%s%s", odd ? "./" : "", name)};
    }

    for (size_t i = 0; i < plan->runtime_sources.len; i++) {
        const char *name = plan->runtime_sources.items[i];
        units->items[units->len++] = (struct unit){.run = run,
                                                   .name = name,
                                                   .path = path_join(plan->runtime_dir, name),
                                                   .of_runtime = true};
    }
}

int compile_all(struct host_run *run, struct error *err)
{
    AUTO(units) units = {0};
    size_t missing = 0;
    collect(run, &units);

    for (size_t i = 0; i < units.len; i++) {
        struct unit *unit = &units.items[i];
        if (unit_command(unit, i, err) != 0)
            return -1;
        unit->found = objects_find(&run->objects, &unit->step) == 1;
        missing += !unit->found;
    }

    if (missing > 0 && run_units(run, &units, missing, err) != 0)
        return -1;
    for (size_t i = 0; i < units.len; i++) {
        strv_add(&run->made, units.items[i].step.output.text);
        host_run_inputs(run, &units.items[i].step.inputs);
        run->unlisted = run->unlisted || units.items[i].step.unlisted;
    }
    return 0;
}
