#include "engine/deps.h"

#include "dockerfile/read.h"
#include "layer/layer_note.h"
#include "support/data.h"
#include "support/fs.h"
#include "support/own.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

int64_t deps_epoch(int64_t epoch)
{
    enum { ZIP_STARTS = 315532800 };
    return epoch < ZIP_STARTS ? epoch : ZIP_STARTS;
}

/* The stage. */

static void words_of(const struct dockerfile_instruction *instruction, struct strv *words)
{
    for (size_t at = 0, length; at < instruction->length; at += length + 1) {
        length = 0;
        while (at + length < instruction->length &&
               !strchr(" \t\r\n\\", instruction->text[at + length]))
            length++;
        if (length > 0)
            strv_take(words, xstrndup(instruction->text + at, length));
    }
}

/* Length of the Dockerfile up to the end of the stage "deps". */
static size_t end_of_stage(const char *text)
{
    const char *at = text;
    int line = 1;
    bool inside = false;
    struct dockerfile_instruction instruction;

    while (dockerfile_next(&at, &line, &instruction)) {
        AUTO(strv) words = {0};
        if (!dockerfile_is(&instruction, "FROM"))
            continue;
        if (inside)
            return (size_t)(instruction.text - text);
        words_of(&instruction, &words);
        inside = words.len > 3 && strcasecmp(words.items[words.len - 1], "deps") == 0;
    }
    return strlen(text);
}

/* Whether a COPY or ADD takes something from the context whose digest isn't in the key. */
static bool takes_more(const struct dockerfile_instruction *instruction, const struct plan *plan)
{
    AUTO(strv) words = {0};
    words_of(instruction, &words);

    for (size_t i = 1; i + 1 < words.len; i++) {
        const char *word = words.items[i];
        if (strncmp(word, "--from=", 7) == 0)
            return false;
        if (strncmp(word, "--", 2) != 0 && !strv_contains(&plan->manifest, word) &&
            strncmp(word, ".lbuild/runtime/", 16) != 0)
            return true;
    }
    return false;
}

static bool takes_context(const char *text, const struct plan *plan)
{
    int line = 1;
    struct dockerfile_instruction instruction;
    while (dockerfile_next(&text, &line, &instruction))
        if ((dockerfile_is(&instruction, "COPY") || dockerfile_is(&instruction, "ADD")) &&
            takes_more(&instruction, plan))
            return true;
    return false;
}

/* The key. */

static int add_file(const char *path, const char *name, struct buf *key, struct error *err)
{
    struct digest digest;
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_errno(err, ERROR_BUILD, "can't read '%s'", path);
    if (digest_fd(fd, path, &digest, NULL, err) != 0)
        return -1;

    buf_addf(key, "file %s %s\n", digest.text, name);
    return 0;
}

static int add_files(const struct plan *plan, struct buf *key, struct error *err)
{
    AUTO(strv) runtime = {0};
    if (plan->runtime_dir && plan->runtime_dir[0] &&
        data_files(plan->runtime_dir, "", &runtime, err) != 0)
        return -1;

    for (size_t i = 0; i < runtime.len; i++) {
        autofree char *path = path_join(plan->runtime_dir, runtime.items[i]);
        if (add_file(path, runtime.items[i], key, err) != 0)
            return -1;
    }

    for (size_t i = 0; i < plan->manifest.len; i++) {
        autofree char *path = path_join(plan->project_dir, plan->manifest.items[i]);
        if (add_file(path, plan->manifest.items[i], key, err) != 0)
            return -1;
    }
    return 0;
}

static int hash(void *data, const void *bytes, size_t length, struct error *err)
{
    (void)err;
    digest_update(data, bytes, length);
    return 0;
}

static int add_context(const struct engine_job *job, struct buf *key, struct error *err)
{
    struct digest digest;
    struct digest_context context;
    if (digest_init(&context, err) != 0)
        return -1;
    if (context_write(job->plan, job->context, "", hash, &context, err) != 0) {
        digest_context_release(&context);
        return -1;
    }

    digest_final(&context, &digest);
    buf_addf(key, "context %s\n", digest.text);
    return 0;
}

static void add_images(const struct engine_job *job, const char *text, struct buf *key)
{
    AUTO(dockerfile_images) images = {0};
    dockerfile_images_find(text, &images);
    for (size_t i = 0; i < images.len; i++)
        for (size_t j = 0; j < job->base_count; j++)
            if (strcmp(job->bases[j].reference, images.items[i].reference) == 0)
                buf_addf(key, "from %s\n", job->bases[j].base.manifest.text);
}

static void add_arguments(const struct engine_options *options, struct buf *key)
{
    for (size_t i = 0; i < options->build_args.len; i++) {
        const char *argument = options->build_args.items[i];
        const char *value = strchr(argument, '=') ? NULL : getenv(argument);
        buf_addf(key, "argument %zu %s=%s\n", strlen(argument) + (value ? strlen(value) : 0),
                 argument, value ? value : "");
    }
}

int deps_key(const struct engine_job *job, const struct base *base, struct digest *key,
             struct error *err)
{
    AUTO(buf) text = {0};
    const char *dockerfile = buf_text(&job->dockerfile->text);
    size_t length = end_of_stage(dockerfile);
    autofree char *stage = xstrndup(dockerfile, length);

    buf_addf(&text, "lbuild deps 2\n%s %" PRId64 " %s\n%zu\n%s\n", arch_oci(job->plan->arch),
             deps_epoch(job->plan->epoch), job->plan->compression, length, stage);
    if (add_files(job->plan, &text, err) != 0 ||
        (takes_context(stage, job->plan) && add_context(job, &text, err) != 0))
        return -1;

    add_images(job, stage, &text);
    for (size_t i = 0; i < base->layer_count; i++)
        buf_addf(&text, "base %s\n", base->layers[i].digest.text);
    add_arguments(job->options, &text);
    return digest_bytes(text.data, text.len, key, err);
}

/* The note of the layer. */

static char *note_name(const struct digest *key)
{
    return xasprintf("deps-%s", digest_hex(key));
}

int deps_find(const struct store *store, const struct digest *key, struct layer *layer)
{
    struct layer_note note;
    autofree char *name = note_name(key);
    if (!layer_note_read(store, name, &note))
        return 0;
    *layer = note.layer;
    return 1;
}

int deps_keep(const struct store *store, const struct digest *key, const struct layer *layer,
              struct error *err)
{
    const struct layer_note note = {.layer = *layer};
    autofree char *name = note_name(key);
    return layer_note_write(store, name, &note, err);
}

/* The two trees. */

/* The path below a top folder, or NULL. */
static const char *below(const char *path, const char *top)
{
    const char *rest = NULL;
    return path_below(path, top + 1, &rest) && rest[0] ? rest : NULL;
}

static void add_below(struct tree *tree, const struct tree_entry *entry, const char *path)
{
    autofree char *source = tree_source(entry);
    if (entry->type == TAR_DIR)
        tree_add_dir(tree, path);
    else if (entry->type == TAR_SYMLINK)
        tree_add_link(tree, path, entry->text);
    else if (source)
        tree_add_file(tree, path, source, entry->mode);
    else
        tree_add_text(tree, path, entry->text, entry->mode);
}

void deps_split(struct tree *tree, struct tree *deps)
{
    struct tree app = {0};
    for (size_t i = 0; i < tree->len; i++) {
        const struct tree_entry *entry = &tree->entries[i];
        const char *of_deps = below(entry->path, DOCKERFILE_DEPS_TOP),
                   *of_app = below(entry->path, DOCKERFILE_APP_TOP);
        if (of_deps)
            add_below(deps, entry, of_deps);
        else if (of_app)
            add_below(&app, entry, of_app);
    }

    tree_release(tree);
    *tree = app;
}
