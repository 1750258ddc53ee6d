#ifndef LBUILD_TESTS_HOST_FIXTURE_H
#define LBUILD_TESTS_HOST_FIXTURE_H

#include "unit.h"

#include "engine/engine.h"
#include "support/fs.h"
#include "support/own.h"
#include "support/process.h"

#include <fcntl.h>
#include <unistd.h>

/* A project in a folder of its own, built by the host engine into a store of its own. A compiler
 * wrapper in front of the real one counts its starts. */
struct bench {
    char *folder, *project, *runtime, *log;
    struct store store;
    struct plan plan;
    struct tree tree;
    struct strv inputs;
    struct error err;
    struct engine_options options;
    int jobs;
    bool unlisted;
};

static inline void put(const char *folder, const char *name, const char *text)
{
    struct error err;
    autofree char *path = path_join(folder, name), *dir = path_dir(path);
    assert_int_equal(fs_mkdirs(dir, &err), 0);
    assert_int_equal(fs_write(path, text, strlen(text), 0644, &err), 0);
}

static inline void wrapper(struct bench *b, const char *real)
{
    struct error err;
    autofree char *path = path_join(b->folder, "cc"), *cc = process_find("cc");
    autofree char *script =
        xasprintf("#!/bin/sh\necho \"$@\" >>'%s'\nexec '%s' \"$@\"\n", b->log, real ? real : cc);
    assert_int_equal(fs_write(path, script, strlen(script), 0755, &err), 0);
    free(b->plan.compiler);
    b->plan.compiler = xasprintf("'%s'", path);
}

static inline void words(struct strv *list, const char *text)
{
    while (*text) {
        size_t length = strcspn(text, " ");
        strv_take(list, xstrndup(text, length));
        text += length + (text[length] == ' ');
    }
}

/* A short form of plan.c's flags. */
static inline void plan_init(struct bench *b)
{
    struct plan *plan = &b->plan;

    *plan = (struct plan){.arch = arch_native(), .libc = xstrdup("auto"), .epoch = 1000000000};
    plan->project_dir = b->project;
    plan->runtime_dir = xstrdup(b->runtime);
    plan->runtime_prefix = xstrdup(".lbuild/runtime/c");
    plan->program = xstrdup("var/runtime/bootstrap");

    words(&plan->sources, "main.c two.c");
    words(&plan->runtime_sources, "rt.c");
    words(&plan->include_dirs, "include");
    words(&plan->compile_flags,
          "-std=gnu11 -fno-pie -fstack-protector-strong -ffunction-sections -fdata-sections "
          "-fno-ident -O1");
    strv_add_all(&plan->runtime_flags, &plan->compile_flags);
    words(&plan->link_flags,
          "-static -no-pie -Wl,--gc-sections -Wl,-z,noexecstack -Wl,-z,relro -Wl,-z,now "
          "-Wl,--build-id=none -s");
}

static inline void bench_init(struct bench *b)
{
    *b = (struct bench){.folder = unit_folder(), .jobs = 2};
    b->project = path_join(b->folder, "project");
    b->runtime = path_join(b->folder, "runtime");
    b->log = path_join(b->folder, "log");
    autofree char *root = path_join(b->folder, "store");
    assert_int_equal(store_open(&b->store, root, &b->err), 0);

    put(b->project, "include/two.h", "int two(void);\n");
    put(b->project, "main.c",
        "#include \"two.h\"\n#include \"rt.h\"\n#include <stdio.h>\n"
        "int main(void) { printf(\"%d %s %s\\n\", two(), rt(), __FILE__); return 0; }\n");
    put(b->project, "two.c", "#include \"two.h\"\nint two(void) { return 2; }\n");
    put(b->runtime, "include/rt.h", "const char *rt(void);\n");
    put(b->runtime, "rt.c", "#include <rt.h>\nconst char *rt(void) { return __FILE__; }\n");

    plan_init(b);
    wrapper(b, NULL);
}

static inline void bench_release(struct bench *b)
{
    struct error err;

    tree_release(&b->tree);
    strv_release(&b->inputs);
    plan_release(&b->plan);
    store_release(&b->store);
    assert_int_equal(fs_remove(b->folder, &err), 0);
    free(b->folder);
    free(b->project);
    free(b->runtime);
    free(b->log);
}

/* Builds, and captures standard error. */
static inline int build(struct bench *b, struct buf *said)
{
    struct engine_job job = {.plan = &b->plan,
                             .store = &b->store,
                             .jobs = b->jobs,
                             .inputs = &b->inputs,
                             .unlisted = &b->unlisted,
                             .options = &b->options};
    autofree char *path = path_join(b->folder, "stderr");
    struct error err;

    tree_release(&b->tree);
    strv_release(&b->inputs);
    unlink(b->log);

    int saved = dup(STDERR_FILENO), fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2(fd, STDERR_FILENO);

    int result = engine_find("host")->build(&job, &b->tree, &b->err);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(fd);

    if (said) {
        buf_clear(said);
        assert_int_equal(fs_read(path, 1 << 20, said, &err), 0);
    }

    return result;
}

static inline void build_well(struct bench *b)
{
    if (build(b, NULL) != 0)
        fail_msg("%s", b->err.text);
}

/* How often the compiler ran to compile (or link). */
static inline int starts(struct bench *b, bool compiles)
{
    AUTO(buf) text = {0};
    struct error err;
    int count = 0;

    if (!fs_exists(b->log))
        return 0;

    assert_int_equal(fs_read(b->log, 1 << 20, &text, &err), 0);
    for (const char *line = buf_text(&text); *line; line = strchr(line, '\n') + 1) {
        autofree char *one = xstrndup(line, strcspn(line, "\n"));
        bool compile = strstr(one, " -c ") != NULL, link = strstr(one, "/program") != NULL;
        count += compiles ? compile : link;
    }
    return count;
}

static inline void run_program(struct bench *b, const char *expected)
{
    AUTO(buf) output = {0};
    struct process_result result;
    autofree char *copy = path_join(b->folder, "program");
    AUTO(buf) bytes = {0};
    autofree char *program = tree_source(b->tree.entries);

    assert_int_equal(fs_read(program, 1 << 26, &bytes, &b->err), 0);
    assert_int_equal(fs_write(copy, bytes.data, bytes.len, 0755, &b->err), 0);
    struct process process = {
        .argv = (const char *const[]){copy, NULL}, .input = -1, .output = &output};
    assert_int_equal(process_run(&process, &result, &b->err), 0);
    assert_string_equal(buf_text(&output), expected);
}

#endif
