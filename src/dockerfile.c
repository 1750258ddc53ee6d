#include "dockerfile.h"

#include "quote.h"
#include "support/own.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE_MAX_BYTES = 65535,     /* what the parsers read: bufio.MaxScanTokenSize less one */
    COMMAND_MAX_BYTES = 131071, /* one argument of a process on Linux: MAX_ARG_STRLEN less the NUL */
    COMMAND_SPLIT = 49152,      /* a compile that grows over this goes on in another RUN */
};

#define PROGRAM "/out/program"
#define FILES "/out/files"

/* A block is written into a buffer; the first value that can't be written there stays in *err. */
struct render {
    const struct plan *plan;
    struct buf *out;
    struct error *err;
    bool failed;
    size_t *gathering; /* see gather() */
};

typedef const char *(*quoter)(const char *value, struct buf *out);

static void fail(struct render *r, const struct origin *origin, const char *name, const char *value, const char *wrong)
{
    if (r->failed)
        return;
    r->failed = true;
    autofree char *place = origin && origin->file ? origin_text(origin) : xstrdup(name);
    error_set(r->err, ERROR_PROJECT, "%s: '%.200s' %s, and can't be written into a Dockerfile; change '%s'", place, value,
              wrong, name);
}

static void add_pair(struct render *r, quoter quote, const struct plan_pair *pair, const char *value, const char *section)
{
    const char *wrong = quote(value, r->out);
    if (wrong) {
        autofree char *name = xasprintf("%s.%s", section, pair->name);
        fail(r, &pair->origin, name, value, wrong);
    }
}

static void add_value(struct render *r, quoter quote, const char *value, enum key_id key)
{
    const char *wrong = quote(value, r->out);
    if (wrong)
        fail(r, r->plan->project ? &r->plan->project->values[key].origin : NULL, project_key_name(key), value, wrong);
}

/* " word" for each item. */
static void add_words(struct render *r, const struct strv *words, enum key_id key)
{
    for (size_t i = 0; i < words->len; i++) {
        buf_addc(r->out, ' ');
        add_value(r, quote_shell, words->items[i], key);
    }
}

/* " OPTIONvalue" as one word. */
static void add_option(struct render *r, const char *option, const char *value, enum key_id key)
{
    autofree char *word = xasprintf("%s%s", option, value);
    buf_addc(r->out, ' ');
    add_value(r, quote_shell, word, key);
}

/* A file name as an argument: never an option or a compiler's response file. */
static void add_path(struct render *r, const char *path, enum key_id key)
{
    add_option(r, path[0] == '-' || path[0] == '@' ? "./" : "", path, key);
}

/* Packages. */

static void add_install(struct render *r)
{
    const struct plan *plan = r->plan;
    if (plan->packages.len == 0)
        return;
    for (size_t i = 0; i < plan->packages.len; i++)
        if (plan->packages.items[i][0] == '-')
            fail(r, plan->project ? &plan->project->values[KEY_BUILD_PACKAGES].origin : NULL, "build.packages",
                 plan->packages.items[i], "would be read as an option");
    buf_addf(r->out, "RUN export LD_LIBRARY_PATH= \\\n    && %s install -y", plan->package_manager);
    add_words(r, &plan->packages, KEY_BUILD_PACKAGES);
    buf_addf(r->out, " \\\n    && %s clean all\n", plan->package_manager);
}

/* The compile. */

static void add_flags(struct render *r)
{
    const struct plan *plan = r->plan;
    add_words(r, &plan->compile_flags, KEY_BUILD_FLAGS);
    for (size_t i = 0; i < plan->include_dirs.len; i++)
        add_option(r, "-I", plan->include_dirs.items[i], KEY_BUILD_INCLUDE);
    if (plan->runtime_dir && plan->runtime_dir[0])
        buf_addf(r->out, " -I%s/include", plan->runtime_prefix);
}

/* The start of a RUN that compiles. gcc 7 of Amazon Linux 2 has no -ffile-prefix-map; with relative names the debug
 * information alone needs a map. */
static void add_run(struct render *r)
{
    buf_addf(r->out,
             "RUN export LD_LIBRARY_PATH= LC_ALL=C SOURCE_DATE_EPOCH=%" PRId64 " \\\n"
             "    && mkdir -p /out /obj \\\n    && compile() { gcc",
             r->plan->epoch);
    add_flags(r);
    buf_adds(r->out, " -fdebug-prefix-map=/src=. \"$@\"; }");
}

/* Begins one command of a RUN; `start` is where the RUN began, so that it doesn't become too long for one argument. */
static void add_command(struct render *r, size_t *start)
{
    if (r->out->len - *start > COMMAND_SPLIT) {
        buf_addc(r->out, '\n');
        *start = r->out->len;
        add_run(r);
    }
    buf_adds(r->out, " \\\n    && ");
}

static void add_compile_of(struct render *r, const char *source, const char *seed, size_t number, size_t *start)
{
    add_command(r, start);
    buf_adds(r->out, "compile");
    add_option(r, "-frandom-seed=", seed, KEY_BUILD_SOURCES);
    buf_adds(r->out, " -c");
    add_path(r, source, KEY_BUILD_SOURCES);
    buf_addf(r->out, " -o /obj/%zu.o", number);
}

/* The same commands as the host engine's, in the same order. */
static void add_compile(struct render *r)
{
    const struct plan *plan = r->plan;
    size_t start = r->out->len, count = 0;
    add_run(r);
    for (size_t i = 0; i < plan->sources.len; i++)
        add_compile_of(r, plan->sources.items[i], plan->sources.items[i], ++count, &start);
    for (size_t i = 0; i < plan->runtime_sources.len; i++) {
        autofree char *source = xasprintf("%s/%s", plan->runtime_prefix, plan->runtime_sources.items[i]);
        add_compile_of(r, source, plan->runtime_sources.items[i], ++count, &start);
    }
    add_command(r, &start);
    buf_adds(r->out, "gcc");
    add_words(r, &plan->link_flags, KEY_BUILD_LINK_FLAGS);
    for (size_t i = 1; i <= count; i++)
        buf_addf(r->out, "%s/obj/%zu.o", i % 500 ? " " : " \\\n        ", i);
    for (size_t i = 0; i < plan->libraries.len; i++)
        add_option(r, "-l", plan->libraries.items[i], KEY_BUILD_LIBRARIES);
    buf_adds(r->out, " -o " PROGRAM " \\\n    && chmod 0755 " PROGRAM "\n");
}

/* [files]. Those that go into one folder of the image are gathered in one of the builder stage and copied at once. COPY of a
 * folder's content leaves the mode of a target that is there as it is and follows links to it; COPY of the folders above
 * would do neither. */

bool dockerfile_holds(const char *path)
{
    return strcmp(path, ".dockerignore") == 0 || strcmp(path, ".containerignore") == 0;
}

/* The folder that an entry goes into, without slashes at the ends; the root itself for the root. Caller frees. */
static char *target_folder(const struct plan_pair *pair)
{
    const char *slash = strrchr(pair->value, '/');
    return slash ? xstrndup(pair->value, (size_t)(slash - pair->value)) : xstrdup("");
}

/* The number, from 1, of the gathering folder of each entry; entries with one target folder share it. */
static void gather(struct render *r)
{
    const struct plan_pairs *files = &r->plan->files;
    AUTO(strv) folders = {0};
    r->gathering = xcalloc(files->len + 1, sizeof *r->gathering);
    for (size_t i = 0; i < files->len; i++) {
        autofree char *folder = target_folder(&files->items[i]);
        size_t number = 0;
        while (number < folders.len && strcmp(folders.items[number], folder) != 0)
            number++;
        if (number == folders.len)
            strv_take(&folders, take(folder));
        r->gathering[i] = number + 1;
    }
}

/* The words behind "put": from where, to where. */
static void add_put(struct render *r, size_t index)
{
    const struct plan_pair *pair = &r->plan->files.items[index];
    const char *slash = strrchr(pair->value, '/'), *name = slash ? slash + 1 : pair->value;
    const char *held = dockerfile_holds(pair->name) ? DOCKERFILE_HELD "/" : "";
    autofree char *from = pair->name[0] ? xasprintf("./%s%s", held, pair->name) : xstrdup(".");
    autofree char *to = xasprintf(FILES "/%zu%s%s", r->gathering[index], name[0] ? "/" : "", name);
    buf_adds(r->out, " \\\n    && put ");
    add_pair(r, quote_shell, pair, from, "files");
    buf_addc(r->out, ' ');
    add_pair(r, quote_shell, pair, to, "files");
    if (pair->name[0])
        return;
    /* The whole project, without what lbuild added to the context. */
    buf_adds(r->out, " \\\n    && if [ -d " DOCKERFILE_HELD " ]; then put " DOCKERFILE_HELD " ");
    add_pair(r, quote_shell, pair, to, "files");
    buf_adds(r->out, "; fi \\\n    && rm -rf");
    static const char *const ours[] = {".lbuild", DOCKERFILE_NAME};
    for (size_t i = 0; i < countof(ours); i++) {
        autofree char *path = xasprintf("%s/%s", to, ours[i]);
        buf_addc(r->out, ' ');
        add_pair(r, quote_shell, pair, path, "files");
    }
}

static void add_files(struct render *r)
{
    if (r->plan->files.len == 0)
        return;
    buf_adds(r->out, "RUN put() { \\\n"
                     "        if [ -d \"$1\" ]; then mkdir -p \"$2\" && cp -RP \"$1/.\" \"$2\"; \\\n"
                     "        else mkdir -p \"${2%/*}\" && cp \"$1\" \"$2\"; fi; \\\n"
                     "    }");
    for (size_t i = 0; i < r->plan->files.len; i++)
        add_put(r, i);
    buf_adds(r->out, " \\\n    && chmod -R u=rwX,go=rX " FILES "\n");
}

static void add_copy(struct render *r)
{
    const struct plan *plan = r->plan;
    buf_addf(r->out, "COPY --from=build " PROGRAM " /%s\n", plan->program);
    for (size_t i = 0, copied = 0; i < plan->files.len; i++) {
        const struct plan_pair *pair = &plan->files.items[i];
        size_t number = r->gathering[i];
        if (strcmp(pair->value, plan->program) == 0)
            fail(r, &pair->origin, "files", pair->value, "is the program's own place");
        if (number <= copied)
            continue;
        copied = number;
        autofree char *folder = target_folder(pair);
        autofree char *target = xasprintf("/%s%s", folder, folder[0] ? "/" : "");
        if (quote_is_safe_path(target)) {
            buf_addf(r->out, "COPY --from=build " FILES "/%zu/ %s\n", number, target);
            continue;
        }
        buf_addf(r->out, "COPY --from=build [\"" FILES "/%zu/\", ", number);
        add_pair(r, quote_copy_json, pair, target, "files");
        buf_adds(r->out, "]\n");
    }
}

/* What the image says. */

static void add_env(struct render *r)
{
    for (size_t i = 0; i < r->plan->env.len; i++) {
        const struct plan_pair *pair = &r->plan->env.items[i];
        buf_addf(r->out, "%s%s=", i == 0 ? "ENV " : " \\\n    ", pair->name);
        add_pair(r, quote_env, pair, pair->value, "env");
    }
    if (r->plan->env.len > 0)
        buf_addc(r->out, '\n');
}

static bool has_label(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->labels.len; i++)
        if (strcmp(plan->labels.items[i].name, name) == 0)
            return true;
    return false;
}

static void add_label(struct render *r, const struct plan_pair *pair, bool first)
{
    buf_adds(r->out, first ? "LABEL " : " \\\n    ");
    if (strchr(pair->name, '='))
        fail(r, &pair->origin, "labels", pair->name, "has an '=' in its name");
    if (pair->name[strspn(pair->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-")])
        add_pair(r, quote_env, pair, pair->name, "labels");
    else
        buf_adds(r->out, pair->name);
    buf_addc(r->out, '=');
    add_pair(r, quote_env, pair, pair->value, "labels");
}

/* The annotations, less those that the project sets as labels, then its labels. */
static void add_labels(struct render *r)
{
    const struct plan *plan = r->plan;
    bool first = true;
    for (size_t i = 0; i < plan->annotations.len; i++) {
        if (has_label(plan, plan->annotations.items[i].name))
            continue;
        add_label(r, &plan->annotations.items[i], first);
        first = false;
    }
    for (size_t i = 0; i < plan->labels.len; i++, first = false)
        add_label(r, &plan->labels.items[i], first);
    if (!first)
        buf_addc(r->out, '\n');
}

static void add_workdir(struct render *r)
{
    if (!r->plan->workdir)
        return;
    buf_adds(r->out, "WORKDIR ");
    if (quote_is_safe_path(r->plan->workdir))
        buf_adds(r->out, r->plan->workdir);
    else
        add_value(r, quote_env, r->plan->workdir, KEY_IMAGE_WORKDIR);
    buf_addc(r->out, '\n');
}

static void add_array(struct render *r, const struct strv *words)
{
    buf_addc(r->out, '[');
    for (size_t i = 0; i < words->len; i++) {
        buf_adds(r->out, i == 0 ? "" : ", ");
        add_value(r, quote_json, words->items[i], KEY_FUNCTION_HANDLER);
    }
    buf_addc(r->out, ']');
}

static void add_entrypoint(struct render *r)
{
    if (r->plan->entrypoint.len == 0)
        return;
    buf_adds(r->out, "ENTRYPOINT ");
    add_array(r, &r->plan->entrypoint);
    buf_addc(r->out, '\n');
}

/* The reference, by digest when it is known: the tag goes, since not every engine takes both. */
static void add_base(struct render *r)
{
    const char *reference = r->plan->base_reference, *slash = strrchr(reference, '/');
    const char *colon = strchr(slash ? slash : reference, ':');
    bool from_file = strncmp(reference, "oci:", 4) == 0 || strncmp(reference, "oci-archive:", 12) == 0 ||
                     strncmp(reference, "docker-archive:", 15) == 0;
    if (!r->plan->base_digest || from_file || strcmp(reference, "scratch") == 0 || strchr(reference, '@')) {
        add_value(r, quote_plain, reference, KEY_IMAGE_BASE);
        return;
    }
    int length = (int)(colon ? (size_t)(colon - reference) : strlen(reference));
    autofree char *pinned = xasprintf("%.*s@%s", length, reference, r->plan->base_digest);
    add_value(r, quote_plain, pinned, KEY_IMAGE_BASE);
}

static void add_sources(struct render *r)
{
    for (size_t i = 0; i < r->plan->sources.len; i++)
        add_path(r, r->plan->sources.items[i], KEY_BUILD_SOURCES);
}

static void add_placeholder(struct render *r, enum placeholder_id id)
{
    switch (id) {
    case PLACEHOLDER_PLATFORM:
        buf_addf(r->out, "linux/%s", arch_oci(r->plan->arch));
        return;
    case PLACEHOLDER_BUILDER:
        add_value(r, quote_plain, r->plan->builder_reference, KEY_BUILD_BUILDER);
        return;
    case PLACEHOLDER_BASE:
        add_base(r);
        return;
    case PLACEHOLDER_INSTALL:
        add_install(r);
        return;
    case PLACEHOLDER_COMPILE:
        add_compile(r);
        return;
    case PLACEHOLDER_FILES:
        add_files(r);
        return;
    case PLACEHOLDER_COPY:
        add_copy(r);
        return;
    case PLACEHOLDER_ENV:
        add_env(r);
        return;
    case PLACEHOLDER_LABELS:
        add_labels(r);
        return;
    case PLACEHOLDER_WORKDIR:
        add_workdir(r);
        return;
    case PLACEHOLDER_ENTRYPOINT:
        add_entrypoint(r);
        return;
    case PLACEHOLDER_CMD:
        add_array(r, &r->plan->cmd);
        return;
    case PLACEHOLDER_SOURCES:
        add_sources(r);
        return;
    case PLACEHOLDER_FLAGS:
        add_flags(r);
        return;
    case PLACEHOLDER_PROGRAM:
        buf_adds(r->out, PROGRAM);
        return;
    case PLACEHOLDER_HANDLER:
        add_value(r, quote_env, r->plan->handler, KEY_FUNCTION_HANDLER);
        return;
    case PLACEHOLDER_COUNT:
        return;
    }
}

/* What no parser would take, with the place in the text that was made. */
static int check_sizes(const char *text, struct error *err)
{
    size_t command = 0;
    int number = 1;
    for (const char *line = text; *line; number++) {
        size_t length = strcspn(line, "\n");
        command += length;
        if (length > LINE_MAX_BYTES)
            return error_set(err, ERROR_PROJECT,
                             "line %d of the Dockerfile would have %zu bytes, more than docker's %d; shorten the values: %.60s",
                             number, length, LINE_MAX_BYTES, line);
        if (command > COMMAND_MAX_BYTES)
            return error_set(err, ERROR_PROJECT,
                             "the command that ends in line %d of the Dockerfile would be longer than the %d bytes of one "
                             "argument; shorten [build] or [files]",
                             number, COMMAND_MAX_BYTES);
        if (length == 0 || line[length - 1] != '\\')
            command = 0;
        line += length + (line[length] == '\n');
    }
    return 0;
}

static void render_release(struct render *r)
{
    free(r->gathering);
}

int dockerfile_render(const struct plan *plan, const struct template *t, struct buf *out, struct error *err)
{
    AUTO(render) render = {.plan = plan, .out = out, .err = err};
    size_t at = 0;
    gather(&render);
    for (size_t i = 0; i < t->placeholder_count && !render.failed; i++) {
        const struct template_placeholder *p = &t->placeholders[i];
        buf_add(out, t->body + at, p->offset - at);
        size_t before = out->len;
        add_placeholder(&render, p->id);
        at = p->offset + p->length;
        /* A block brings its own line ends, or leaves no line at all. */
        if (placeholders[p->id].quoting == QUOTE_BLOCK && t->body[at] == '\n')
            at++;
        /* Words follow each other with blanks; the first one has its own in front. */
        if (placeholders[p->id].quoting == QUOTE_SHELL && out->len > before && out->data[before] == ' ') {
            memmove(out->data + before, out->data + before + 1, out->len - before);
            out->len--;
        }
    }
    if (render.failed)
        return -1;
    buf_adds(out, t->body + at);
    return check_sizes(buf_text(out), err);
}
