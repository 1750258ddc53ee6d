#include "engine/host/compile.h"

#include "engine/host/linker_output.h"
#include "lambda/elf.h"
#include "support/fs.h"
#include "support/log.h"
#include "support/own.h"
#include "support/process.h"

#include <string.h>
#include <unistd.h>

/* The linker's command line. Objects go by their digests for the key, else by their paths. */
static void link_command(const struct host_run *run, bool for_key, struct strv *argv)
{
    const struct plan *plan = run->job->plan;
    strv_add_all(argv, &run->toolchain.command);
    if (strcmp(run->toolchain.libc, "musl") == 0)
        strv_add(argv, PLAN_MUSL_STACK); /* first: a size of the project's comes later, and wins */
    strv_add_all(argv, &plan->link_flags);
    if (run->lto || compile_has_lto(&plan->link_flags) || compile_has_lto(&plan->link_inputs)) {
        compile_prefix_maps(run, argv);
        strv_add(argv, "-frandom-seed=link");
    }

    for (size_t i = 0; i < run->made.len; i++) {
        struct digest digest;
        if (for_key || !digest_parse(&digest, run->made.items[i]))
            strv_add(argv, run->made.items[i]);
        else
            strv_take(argv, objects_path(run->job->store, &digest));
    }

    strv_add_all(argv, &plan->link_inputs);
    for (size_t i = 0; i < plan->libraries.len; i++)
        strv_addf(argv, "-l%s", plan->libraries.items[i]);
}

/* Whether the linker can list what it read. A linker that the user chose was never tried. */
static bool has_depfile(const struct host_run *run)
{
    const struct plan *plan = run->job->plan;
    const struct strv *const lists[] = {&plan->link_flags, &plan->link_inputs};
    for (size_t k = 0; k < countof(lists); k++)
        for (size_t i = 0; i < lists[k]->len; i++)
            if (strncmp(lists[k]->items[i], "-fuse-ld=", 9) == 0)
                return false;
    return run->toolchain.link_depfile;
}

/* What to do about a function that loads shared libraries; NULL: it needs none. */
static const char *remedy_of(const struct toolchain *toolchain, const char *name)
{
    if (strcmp(name, "dlopen") == 0)
        return "link what it loads statically";
    /* From 2.34 on, looking names up in files and by DNS needs no shared library. */
    if (toolchain->glibc_minor >= 34)
        return NULL;
    if (strstr(name, "addrinfo") || strstr(name, "nameinfo") || strncmp(name, "gethost", 7) == 0)
        return "set [build] libc = musl, or use numeric addresses";
    return "set [build] libc = musl, or do without it";
}

static void warn_of(const struct toolchain *toolchain, const struct strv *functions)
{
    for (size_t i = 0; i < functions->len; i++) {
        const char *name = functions->items[i], *remedy = remedy_of(toolchain, name);
        if (strcmp(name, "iconv_open") == 0)
            log_warn("'iconv_open' knows only ASCII, UTF-8, UCS-2 and UCS-4 in a program linked "
                     "statically with glibc: it loads all others from glibc's shared libraries, "
                     "which the image doesn't have; set [build] libc = musl for others");
        else if (remedy)
            log_warn("'%s' can't work in a program linked statically with glibc: it loads glibc's "
                     "shared libraries, which the image doesn't have; %s",
                     name, remedy);
    }
}

static int link_failed(const struct host_run *run, const struct buf *output, int status,
                       struct error *err)
{
    const char *linker = run->toolchain.name;

    if (status > 128)
        return error_set(
            err, ERROR_BUILD,
            "the program did not link: %s was killed by signal %d; is there enough memory?", linker,
            status - 128);
    if (strstr(buf_text(output), "cannot find -l") ||
        strstr(buf_text(output), "unable to find library -l"))
        return error_set(
            err, ERROR_BUILD,
            "the program did not link: a static library (libNAME.a) is missing for %s; "
            "install its development package (%s says which above)",
            arch_lambda(run->job->plan->arch), linker);
    return error_set(err, ERROR_BUILD, "the program did not link; %s says why above", linker);
}

static int run_linker(struct host_run *run, struct strv *argv, struct strv *functions,
                      struct error *err)
{
    AUTO(buf) output = {0}, shown = {0};
    struct process_result result;
    struct process process = {.argv = strv_argv(argv),
                              .dir = run->job->plan->project_dir,
                              .input = -1,
                              .errors = &output,
                              .deadline = run->job->deadline,
                              .env = strv_argv(&run->environment)};
    if (process_run(&process, &result, err) != 0)
        return -1;

    linker_output_sift(buf_text(&output), functions, &shown);
    log_output(process.dir, buf_text(&shown), shown.len);
    return result.status == 0 ? 0 : link_failed(run, &output, result.status, err);
}

static int link_anew(struct host_run *run, struct step *step, struct error *err)
{
    const struct plan *plan = run->job->plan;
    AUTO(strv) argv = {0};
    autofree char *program = path_join(run->work.path, "program"),
                  *depfile = path_join(run->work.path, "program.d");
    int64_t started = objects_settle(&run->objects, NULL);
    for (size_t i = 0; i < step->named.len; i++)
        started = objects_settle(&run->objects, step->named.items[i]);

    link_command(run, false, &argv);
    if (has_depfile(run))
        strv_addf(&argv, "-Wl,--dependency-file=%s", depfile);
    if (has_depfile(run) && run->toolchain.glibc_minor > 0) /* a linker that knows that, too */
        strv_add(&argv, "-Wl,--trace-symbol=iconv_open");
    strv_add(&argv, "-o");
    strv_add(&argv, program);
    log_detail("link %s", path_base(plan->program));
    if (run_linker(run, &argv, &step->notes, err) != 0 ||
        elf_prove_static(program, path_base(plan->program), plan->arch, err) != 0)
        return -1;

    bool listed = has_depfile(run) && !run->unlisted;
    struct done done = {.made = program, .depfile = listed ? depfile : NULL, .started = started};
    return objects_keep(&run->objects, &done, step, err);
}

int link_program(struct host_run *run, char **path, struct error *err)
{
    AUTO(strv) words = {0}, all = {0};
    AUTO(step) step = {.dir = run->job->plan->project_dir};
    link_command(run, true, &words);
    if (compile_key(run, "link", &words, &step.key, err) != 0)
        return -1;
    step_words(&step, &words, &all);
    if (compile_refuse_native(run, &all, "link-flags", err) != 0)
        return -1;
    bool found = !run->unlisted && objects_find(&run->objects, &step) == 1;
    if (!found && link_anew(run, &step, err) != 0)
        return -1;

    warn_of(&run->toolchain, &step.notes);
    host_run_inputs(run, &step.inputs);
    *path = objects_path(run->job->store, &step.output);
    return 0;
}
