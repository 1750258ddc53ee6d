#include "fresh.h"

#include "support/outfile.h"
#include "support/own.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAGIC "lbuild-fresh 2\n"
#define END "end\n" /* the last line: a record without it was cut short */

/* With more files than this below the project, a closer look costs less than a record. */
enum { WALK_MAX = 5000, RECORD_MAX = 8 * 1024 * 1024 };

/* File times come from the kernel's coarse clock: two writes within one tick look the same. */
#define TICK_NS 20000000

static const char *const environment[] = {
    "SOURCE_DATE_EPOCH",
    "LBUILD_DATA",
    "LBUILD_TEMPLATES",
    "LBUILD_REGISTRY_MIRROR",
    "XDG_CACHE_HOME",
    "HOME",
    "PATH",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "TMPDIR",
};

int64_t fresh_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void fresh_result_release(struct fresh_result *result)
{
    free(result->name);
    free(result->output);
    strv_release(&result->tags);
    *result = (struct fresh_result){0};
}

static void add_word(struct buf *key, const char *text)
{
    buf_adds(key, text ? text : "\x02");
    buf_addc(key, '\x01');
}

static void add_words(struct buf *key, const struct strv *words)
{
    for (size_t i = 0; i < words->len; i++)
        add_word(key, words->items[i]);
    buf_addc(key, '\x03');
}

/* Everything besides files that the build depends on. -1 when it doesn't fit on one line. */
static int make_key(const struct pipeline_options *options, struct buf *key)
{
    autofree char *cwd = getcwd(NULL, 0);
    const char *const words[] = {cwd,
                                 options->dir,
                                 options->file,
                                 options->profile,
                                 options->platform,
                                 options->epoch,
                                 options->output,
                                 options->engine,
                                 options->depfile,
                                 options->stamp,
                                 options->arm64 ? "arm64" : NULL,
                                 options->x86_64 ? "x86_64" : NULL,
                                 options->locked ? "locked" : NULL};

    for (size_t i = 0; i < countof(words); i++)
        add_word(key, words[i]);
    add_words(key, &options->set);
    add_words(key, &options->tags);
    add_words(key, &options->mirrors);
    engine_options_key(&options->how, key);

    for (size_t i = 0; i < countof(environment); i++)
        add_word(key, getenv(environment[i]));
    return strchr(buf_text(key), '\n') ? -1 : 0;
}

static uint64_t fnv(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
    return hash;
}

/* One record for each folder and output. */
static char *record_path(const struct buf *key, struct error *err)
{
    AUTO(store) store = {0};
    char name[32];
    if (store_open(&store, NULL, err) != 0)
        return NULL;

    snprintf(name, sizeof name, "%016" PRIx64, fnv(buf_text(key)));
    return store_path(&store, "builds", name, err);
}

/* Whether `name` is one of `names`, each of which follows a tab. */
static bool is_named(const char *names, const char *name)
{
    size_t length = strlen(name);
    for (; *names; names += 1 + strcspn(names + 1, "\t"))
        if (strncmp(names + 1, name, length) == 0 &&
            (names[1 + length] == '\t' || names[1 + length] == '\0'))
            return true;
    return false;
}

/* "d SUM PATH<tab>OUTPUT...": a folder by its names, in any order. Our own output comes and goes in
 * the folder, so the folder's time says nothing. */
static bool add_folder(const char *path, const char *own, struct buf *line)
{
    uint64_t sum = 0;
    DIR *dir = opendir(path);
    if (!dir)
        return false;

    for (struct dirent *entry; (entry = readdir(dir));)
        if (!is_named(own, entry->d_name) && !fs_is_temporary(entry->d_name, NULL) &&
            strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            sum += fnv(entry->d_name);
    closedir(dir);
    buf_addf(line, "d %016" PRIx64 " %s%s\n", sum, path, own);
    return true;
}

/* "f SIZE INODE MODE MTIME CTIME PATH", or "- PATH" for a file that doesn't exist. *newest gets the
 * latest time seen. */
static void add_file(const char *path, struct buf *line, int64_t *newest)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        buf_addf(line, "- %s\n", path);
        return;
    }

    int64_t changed = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
    int64_t modified = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    buf_addf(line, "f %" PRIx64 " %" PRIx64 " %o %" PRIx64 " %" PRIx64 " %s\n",
             (uint64_t)st.st_size, (uint64_t)st.st_ino, (unsigned)st.st_mode, (uint64_t)modified,
             (uint64_t)changed, path);

    if (newest && changed > *newest)
        *newest = changed;
}

/* "c HASH PATH": a small file by its content, for files whose times say nothing. */
static void add_content(const char *path, struct buf *line)
{
    enum { LARGEST = 64 * 1024 };
    AUTO(buf) text = {0};
    struct error ignored;
    if (fs_read(path, LARGEST, &text, &ignored) != 0)
        buf_clear(&text);
    buf_addf(line, "c %016" PRIx64 " %s\n", fnv(buf_text(&text)), path);
}

struct walk {
    struct buf *lines;
    const struct strv *own; /* absolute paths of our own output, which is no input */
    int64_t newest;
    size_t count;
};

/* The names of our own output in a folder, each after a tab. Caller frees. */
static char *own_names(const struct strv *own, const char *path)
{
    AUTO(buf) names = {0};
    for (size_t i = 0; i < own->len; i++) {
        autofree char *dir = path_dir(own->items[i]);
        if (strcmp(dir, path) == 0)
            buf_addf(&names, "\t%s", path_base(own->items[i]));
    }
    return buf_detach(&names);
}

/* Some file systems don't say in the listing what an entry is. */
static bool is_folder(const struct dirent *entry, const char *path)
{
    struct stat st;
    return entry->d_type == DT_DIR ||
           (entry->d_type == DT_UNKNOWN && lstat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

static bool walk(struct walk *w, const char *path)
{
    autofree char *own = own_names(w->own, path);
    if (!add_folder(path, own, w->lines))
        return false;
    DIR *dir = opendir(path);
    if (!dir)
        return false;

    bool good = true;
    for (struct dirent *entry; good && (entry = readdir(dir));) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, ".git") == 0 ||
            is_named(own, name) || fs_is_temporary(name, NULL))
            continue;
        autofree char *child = path_join(path, name);
        good = ++w->count <= WALK_MAX && !strpbrk(name, "\n\t");
        if (good && is_folder(entry, child))
            good = walk(w, child);
        else if (good)
            add_file(child, w->lines, &w->newest);
    }

    closedir(dir);
    return good;
}

/* Whether one line of a record still holds. */
static bool line_holds(const char *line, size_t length)
{
    AUTO(buf) now = {0};
    autofree char *copy = xstrndup(line, length);
    const char *path = copy;

    int skip = 2;
    if (copy[0] == 'f')
        skip = 6;
    else if (copy[0] == '-')
        skip = 1;
    for (int i = 0; i < skip && path; i++) {
        path = strchr(path, ' ');
        path = path ? path + 1 : NULL;
    }
    if (!path)
        return false;

    if (copy[0] == 'd') {
        size_t end = strcspn(path, "\t");
        autofree char *folder = xstrndup(path, end);
        if (!add_folder(folder, path + end, &now))
            return false;
    } else if (copy[0] == 'c') {
        add_content(path, &now);
    } else {
        add_file(path, &now, NULL);
    }
    return now.len == length + 1 && memcmp(now.data, copy, length) == 0;
}

/* Reads the record's lines "tag TAG" and "output PATH". Returns the text after them, or NULL. */
static const char *read_names(const char *text, struct fresh_result *result)
{
    for (;; text += strcspn(text, "\n") + 1) {
        bool last = strncmp(text, "output ", 7) == 0;
        size_t length = strcspn(text, "\n");
        if (text[length] != '\n' || (!last && strncmp(text, "tag ", 4) != 0))
            return NULL;
        if (last) {
            result->output = xstrndup(text + 7, length - 7);
            return text + length + 1;
        }
        strv_take(&result->tags, xstrndup(text + 4, length - 4));
    }
}

/* The record's head: the key, "result NAME MANIFEST CONFIG SIZE", then the names. Returns the text
 * after it, or NULL. */
static const char *read_head(const char *text, const struct buf *key, struct fresh_result *result)
{
    char name[512], manifest[80], config[80];
    if (strncmp(text, MAGIC, strlen(MAGIC)) != 0)
        return NULL;
    text += strlen(MAGIC);
    if (strncmp(text, buf_text(key), key->len) != 0 || text[key->len] != '\n')
        return NULL;
    text += key->len + 1;
    if (sscanf(text, "result %511s %79s %79s %" SCNu64, name, manifest, config,
               &result->manifest_size) != 4 ||
        !digest_parse(&result->manifest, manifest) || !digest_parse(&result->config, config))
        return NULL;

    result->name = xstrdup(name);
    text = strchr(text, '\n');
    return text ? read_names(text + 1, result) : NULL;
}

/* Whether the last build's depfile is there for make to read: what went through a FIFO or a
 * descriptor is gone, and whoever reads it waits for another one. */
static bool is_kept(const char *depfile)
{
    autofree char *real = outfile_regular(depfile);
    return real && fs_exists(real);
}

int fresh_check(const struct pipeline_options *options, struct fresh_result *result)
{
    struct error err = {0};
    AUTO(buf) key = {0}, record = {0};
    if (options->depfile && !is_kept(options->depfile))
        return 0;
    if (make_key(options, &key) != 0 || (options->pull && strcmp(options->pull, "always") == 0) ||
        options->how.no_cache || options->how.target)
        return 0;

    autofree char *path = record_path(&key, &err);
    if (!path || !fs_exists(path) || fs_read(path, RECORD_MAX, &record, &err) != 0)
        return 0;

    const char *at = read_head(buf_text(&record), &key, result);
    while (at && strcmp(at, END) != 0) {
        size_t length = strcspn(at, "\n");
        if (at[length] != '\n' || !line_holds(at, length))
            at = NULL;
        else
            at += length + 1;
    }

    if (at)
        return 1;
    fresh_result_release(result);
    return 0;
}

/* What read_head reads. */
static void write_head(const struct pipeline *p, const struct buf *key, struct buf *record)
{
    buf_addf(record, MAGIC "%s\nresult %s %s %s %zu\n", buf_text(key), p->image.name,
             p->image.manifest_digest.text, p->image.config_digest.text, p->image.manifest.len);
    for (size_t i = 0; i < p->image.tags.len; i++)
        buf_addf(record, "tag %s\n", p->image.tags.items[i]);
    buf_addf(record, "output %s\n", p->plan.output_file);
}

/* Paths that the build writes. */
static void add_own(const struct pipeline *p, const char *output, struct strv *own)
{
    strv_add(own, output);
    for (size_t i = 0; i < p->facts.left_out.len; i++)
        if (p->facts.left_out.items[i][0])
            strv_take(own, path_join(p->facts.project.dir, p->facts.left_out.items[i]));
}

/* What the build read, the template and lbuild itself included. False when these can't be found. */
static bool add_inputs(const struct pipeline *p, struct walk *w)
{
    AUTO(strv) inputs = {0};
    autofree char *template = realpath(p->facts.template.path, NULL),
                  *self = realpath("/proc/self/exe", NULL);
    if (!template || !self)
        return false;

    strv_add_all(&inputs, &p->facts.inputs);
    strv_add_all(&inputs, &p->inputs);
    strv_add_all(&inputs, &p->facts.provenance.watched);
    strv_add(&inputs, p->facts.project.file);
    strv_add(&inputs, template);
    strv_add(&inputs, self);
    strv_sort(&inputs);
    strv_unique(&inputs);

    for (size_t i = 0; i < inputs.len; i++)
        add_file(inputs.items[i], w->lines, &w->newest);
    return true;
}

/* What registries answered about the base and the images that stages are FROM. */
static void add_answers(const struct pipeline *p, struct buf *record)
{
    if (p->facts.base.answer)
        add_content(p->facts.base.answer, record);
    for (size_t i = 0; i < p->execution.base_count; i++)
        if (p->execution.bases[i].base.answer)
            add_content(p->execution.bases[i].base.answer, record);
}

/* What was written through a FIFO, a device or a descriptor is not there to be found again. */
static bool stays(const char *output)
{
    struct stat st;
    autofree char *real = outfile_regular(output);
    return real || (stat(output, &st) == 0 && S_ISDIR(st.st_mode));
}

static void add_output(const char *output, struct walk *w)
{
    struct stat st;
    if (stat(output, &st) == 0 && S_ISDIR(st.st_mode))
        walk(w, output);
    else
        add_file(output, w->lines, NULL);
}

void fresh_record(const struct pipeline_options *options, const struct pipeline *p, int64_t started)
{
    struct error err = {0};
    AUTO(buf) key = {0}, record = {0};
    AUTO(strv) own = {0};
    autofree char *cwd = getcwd(NULL, 0);
    if (make_key(options, &key) != 0 || !cwd || strcmp(p->plan.output_file, "-") == 0 ||
        p->facts.context_files > WALK_MAX)
        return;
    autofree char *path = record_path(&key, &err), *output = path_join(cwd, p->plan.output_file);
    if (!path || !stays(output))
        return;
    if (p->unlisted) {
        unlink(path);
        return;
    }

    write_head(p, &key, &record);
    add_own(p, output, &own);
    struct walk w = {.lines = &record, .own = &own};
    if (!walk(&w, p->facts.project.dir) || !add_inputs(p, &w))
        return;
    add_answers(p, &record);
    /* Something changed during the build: what was read may differ from what is there now. */
    if (w.newest >= started - TICK_NS)
        return;
    add_output(output, &w);
    buf_adds(&record, END);

    if (memchr(record.data, '\0', record.len) == NULL &&
        fs_keep(path, record.data, record.len, &err) != 0)
        unlink(path);
}
