#include "dockerfile/builder.h"

#include "dockerfile/quote.h"
#include "support/own.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { COMMAND_SPLIT = 49152 /* bytes of a RUN after which a compile goes on in another one */ };

#define FILES "/out/files"

/* Packages. */

static const struct manager {
    const char *name, *before, *after;
} managers[] = {
    {"dnf", "dnf install -y", "dnf clean all"},
    {"yum", "yum install -y", "yum clean all"},
    {"apt",
     "apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends",
     "rm -rf /var/lib/apt/lists/*"},
    {"apk", "apk add --no-cache", NULL},
};

static const struct manager *find_manager(const char *name)
{
    for (size_t i = 0; name && i < countof(managers); i++)
        if (strcmp(managers[i].name, name) == 0)
            return &managers[i];
    return NULL;
}

static void refuse_packages(struct writer *w, const struct builder_packages *packages)
{
    autofree char *text = NULL;
    if (packages->manager)
        text = xasprintf(
            "'%.200s' has 'package-manager = none', which can't install '%s'; remove one of "
            "the two",
            packages->image, packages->key);
    else
        text = xasprintf("the package manager of '%.200s' isn't known; set 'package-manager', "
                         "to none if the image has all packages already",
                         packages->image);
    writer_refuse(w, packages->from, packages->key, text);
}

void builder_add_packages(struct writer *w, const struct builder_packages *packages)
{
    const struct manager *manager = find_manager(packages->manager);
    if (packages->names->len == 0)
        return;

    if (!manager) {
        refuse_packages(w, packages);
        return;
    }

    for (size_t i = 0; i < packages->names->len; i++)
        if (packages->names->items[i][0] == '-')
            writer_fail(w, packages->origin, packages->key, packages->names->items[i],
                        "would be read as an option");

    writer_from(w, packages->origin);
    buf_addf(w->out, "RUN export LD_LIBRARY_PATH= \\\n    && %s", manager->before);
    for (size_t i = 0; i < packages->names->len; i++) {
        buf_addc(w->out, ' ');
        writer_quoted(w, quote_shell, packages->names->items[i], packages->origin, packages->key);
    }
    if (manager->after)
        buf_addf(w->out, " \\\n    && %s", manager->after);
    buf_addc(w->out, '\n');
}

void builder_install(struct writer *w)
{
    const struct builder_packages packages = {&w->plan->packages,
                                              w->plan->package_manager,
                                              w->plan->builder_reference,
                                              writer_origin(w, KEY_BUILD_PACKAGES),
                                              writer_origin(w, KEY_BUILD_BUILDER),
                                              "build.packages"};
    builder_add_packages(w, &packages);
}

/* The compile. */

static void add_flags(struct writer *w, const struct strv *flags, const struct strv *folders)
{
    const struct plan *plan = w->plan;
    writer_words(w, flags, KEY_BUILD_FLAGS);
    for (size_t i = 0; i < folders->len; i++)
        writer_option(w, "-I", folders->items[i], KEY_BUILD_INCLUDE);
    if (plan->runtime_dir && plan->runtime_dir[0])
        buf_addf(w->out, " -I%s/include", plan->runtime_prefix);
}

void builder_flags(struct writer *w)
{
    add_flags(w, &w->plan->compile_flags, &w->plan->include_dirs);
}

/* Whether the runtime is compiled like the project's C, as it is by default. */
static bool same_flags(const struct plan *plan)
{
    const struct strv *ours = &plan->runtime_flags, *theirs = &plan->compile_flags;
    bool same = plan->include_dirs.len == 0 && ours->len == theirs->len;
    for (size_t i = 0; same && i < ours->len; i++)
        same = strcmp(ours->items[i], theirs->items[i]) == 0;
    return same;
}

static void add_function(struct writer *w, const char *name, const struct strv *flags,
                         const struct strv *folders)
{
    buf_addf(w->out, " \\\n    && %s() { gcc", name);
    add_flags(w, flags, folders);
    buf_adds(w->out, " -fdebug-prefix-map=/src=. \"$@\"; }");
}

/* The start of a RUN that compiles. gcc 7 of Amazon Linux 2 has no -ffile-prefix-map, but with
 * relative names only the debug information needs a map. */
static void add_run(struct writer *w)
{
    const struct plan *plan = w->plan;
    buf_addf(w->out,
             "RUN export LD_LIBRARY_PATH= LC_ALL=C SOURCE_DATE_EPOCH=%" PRId64 " \\\n"
             "    && mkdir -p /out /obj",
             plan->epoch);
    add_function(w, "compile", &plan->compile_flags, &plan->include_dirs);
    if (plan->cxx_flags.len > 0)
        add_function(w, "compile_cxx", &plan->cxx_flags, &plan->include_dirs);
    if (plan->runtime_sources.len > 0 && !same_flags(plan))
        add_function(w, "compile_runtime", &plan->runtime_flags, &(struct strv){0});
}

/* Begins one command of a RUN. `start` is where the RUN began: before it gets too long for one
 * argument, another one begins. */
static void add_command(struct writer *w, size_t *start)
{
    if (w->out->len - *start > COMMAND_SPLIT) {
        buf_addc(w->out, '\n');
        *start = w->out->len;
        add_run(w);
    }
    buf_adds(w->out, " \\\n    && ");
}

static void add_compile_of(struct writer *w, const char *function, const char *source,
                           const char *seed, size_t number)
{
    buf_adds(w->out, function);
    writer_option(w, "-frandom-seed=", seed, KEY_BUILD_SOURCES);
    buf_adds(w->out, " -c");
    writer_path(w, source, KEY_BUILD_SOURCES);
    buf_addf(w->out, " -o /obj/%zu.o", number);
}

void builder_compile(struct writer *w)
{
    const struct plan *plan = w->plan;
    size_t start = w->out->len, count = 0;
    writer_from(w, writer_origin(w, KEY_BUILD_SOURCES));
    add_run(w);

    for (size_t i = 0; i < plan->sources.len; i++) {
        const char *source = plan->sources.items[i];
        add_command(w, &start);
        add_compile_of(w, plan_is_cxx(source) ? "compile_cxx" : "compile", source, source, ++count);
    }

    for (size_t i = 0; i < plan->runtime_sources.len; i++) {
        const char *seed = plan->runtime_sources.items[i];
        autofree char *source = xasprintf("%s/%s", plan->runtime_prefix, seed);
        add_command(w, &start);
        add_compile_of(w, same_flags(plan) ? "compile" : "compile_runtime", source, seed, ++count);
    }

    add_command(w, &start);
    buf_adds(w->out, "gcc");
    if (plan->package_manager && strcmp(plan->package_manager, "apk") == 0)
        buf_adds(w->out, " " PLAN_MUSL_STACK); /* Alpine's gcc links with musl */
    writer_words(w, &plan->link_flags, KEY_BUILD_LINK_FLAGS);
    for (size_t i = 1; i <= count; i++)
        buf_addf(w->out, "%s/obj/%zu.o", i % 500 ? " " : " \\\n        ", i);
    writer_words(w, &plan->link_inputs, KEY_BUILD_LINK_FLAGS);
    for (size_t i = 0; i < plan->libraries.len; i++)
        writer_option(w, "-l", plan->libraries.items[i], KEY_BUILD_LIBRARIES);
    buf_adds(w->out, " -o " DOCKERFILE_PROGRAM " \\\n    && chmod 0755 " DOCKERFILE_PROGRAM "\n");
}

/* [files]. Those that go into one folder of the image are gathered in one folder of the builder
 * stage and copied at once. COPY of a folder's content keeps the mode of a target folder that is
 * there, and follows links to it; COPY of the folders above it would do neither. */

/* The folder that an entry goes into, without slashes at the ends; "" is the root. Caller frees. */
static char *target_folder(const struct plan_pair *pair)
{
    const char *slash = strrchr(pair->value, '/');
    return slash ? xstrndup(pair->value, (size_t)(slash - pair->value)) : xstrdup("");
}

/* For each entry the number, from 1, of its gathering folder, which entries with the same target
 * folder share. Caller frees. */
static size_t *gather(const struct plan_pairs *files)
{
    AUTO(strv) folders = {0};
    size_t *numbers = xcalloc(files->len + 1, sizeof *numbers);

    for (size_t i = 0; i < files->len; i++) {
        autofree char *folder = target_folder(&files->items[i]);
        size_t number = 0;
        while (number < folders.len && strcmp(folders.items[number], folder) != 0)
            number++;
        if (number == folders.len)
            strv_take(&folders, take(folder));
        numbers[i] = number + 1;
    }
    return numbers;
}

/* A call of the function "put" with its two arguments, source and target. */
static void add_put(struct writer *w, const struct plan_pair *pair, size_t number)
{
    const char *slash = strrchr(pair->value, '/'), *name = slash ? slash + 1 : pair->value;
    const char *held = dockerfile_holds(pair->name) ? DOCKERFILE_HELD "/" : "";
    autofree char *from = pair->name[0] ? xasprintf("./%s%s", held, pair->name) : xstrdup(".");
    autofree char *to = xasprintf(FILES "/%zu%s%s", number, name[0] ? "/" : "", name);

    buf_adds(w->out, " \\\n");
    writer_from(w, &pair->origin);
    buf_adds(w->out, "    && put ");
    writer_pair(w, quote_shell, pair, from, "files");
    buf_addc(w->out, ' ');
    writer_pair(w, quote_shell, pair, to, "files");
    if (pair->name[0])
        return;

    /* The whole project, without the files that lbuild added to the context. */
    buf_adds(w->out, " \\\n    && if [ -d " DOCKERFILE_HELD " ]; then put " DOCKERFILE_HELD " ");
    writer_pair(w, quote_shell, pair, to, "files");
    buf_adds(w->out, "; fi \\\n    && rm -rf");
    static const char *const ours[] = {".lbuild", DOCKERFILE_NAME};
    for (size_t i = 0; i < countof(ours); i++) {
        autofree char *path = xasprintf("%s/%s", to, ours[i]);
        buf_addc(w->out, ' ');
        writer_pair(w, quote_shell, pair, path, "files");
    }
}

void builder_files(struct writer *w)
{
    const struct plan_pairs *files = &w->plan->files;
    if (files->len == 0)
        return;

    autofree size_t *numbers = gather(files);
    writer_from(w, &files->items[0].origin);
    buf_adds(w->out,
             "RUN put() { \\\n"
             "        if [ -d \"$1\" ]; then mkdir -p \"$2\" && cp -RP \"$1/.\" \"$2\"; \\\n"
             "        else mkdir -p \"${2%/*}\" && cp \"$1\" \"$2\"; fi; \\\n"
             "    }");
    for (size_t i = 0; i < files->len; i++)
        add_put(w, &files->items[i], numbers[i]);
    buf_adds(w->out, " \\\n    && chmod -R u=rwX,go=rX " FILES "\n");
}

const char *builder_top(const struct writer *w)
{
    return w->on_scratch && w->t->deps ? DOCKERFILE_APP_TOP : "";
}

/* The template's results. The dependencies come first, so that layers which change more often lie
 * above them. */
static void copy_made(struct writer *w)
{
    const struct template *t = w->t;
    if (t->deps && !w->without_deps)
        buf_addf(w->out, "COPY --from=deps " DOCKERFILE_DEPS "/ %s/\n",
                 w->on_scratch ? DOCKERFILE_DEPS_TOP : "");
    if (t->app)
        buf_addf(w->out, "COPY --from=build " DOCKERFILE_APP "/ %s/\n", builder_top(w));
    if (!t->no_program)
        buf_addf(w->out, "COPY --from=build " DOCKERFILE_PROGRAM " %s/%s\n", builder_top(w),
                 w->plan->program);
}

void builder_copy(struct writer *w)
{
    const struct plan *plan = w->plan;
    autofree size_t *numbers = gather(&plan->files);
    copy_made(w);

    for (size_t i = 0, copied = 0; i < plan->files.len; i++) {
        const struct plan_pair *pair = &plan->files.items[i];
        size_t number = numbers[i];
        if (!w->t->no_program && strcmp(pair->value, plan->program) == 0)
            writer_fail(w, &pair->origin, "files", pair->value, "is the program's own place");
        if (number <= copied)
            continue;
        copied = number;
        writer_from(w, &pair->origin);

        autofree char *folder = target_folder(pair);
        autofree char *target = xasprintf("%s/%s%s", builder_top(w), folder, folder[0] ? "/" : "");
        if (quote_is_safe_path(target)) {
            buf_addf(w->out, "COPY --from=build " FILES "/%zu/ %s\n", number, target);
            continue;
        }
        buf_addf(w->out, "COPY --from=build [\"" FILES "/%zu/\", ", number);
        writer_pair(w, quote_copy_json, pair, target, "files");
        buf_adds(w->out, "]\n");
    }
}

void builder_sources(struct writer *w)
{
    for (size_t i = 0; i < w->plan->sources.len; i++)
        writer_path(w, w->plan->sources.items[i], KEY_BUILD_SOURCES);
}
