#include "engine/host/objects.h"

#include "support/fs.h"
#include "support/makerule.h"
#include "support/own.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    RECORD_MAX = 16 * 1024 * 1024,
    DEPFILE_MAX = 16 * 1024 * 1024,
    INPUT_MAX = 256 * 1024 * 1024,
    SETTLE_MS = 12, /* the clock of a kernel with HZ=100 steps by 10 ms */
};

/* One file as it is now. */
struct fact {
    char *path;
    bool exists, was_read, dated, embeds;
    struct stat_data {
        int64_t size, mtime, ctime;
        uint64_t inode;
    } data;
    struct digest digest;
};

static int compare_facts(const void *a, const void *b)
{
    return strcmp(((const struct fact *)a)->path, ((const struct fact *)b)->path);
}

static void fact_free(void *pointer)
{
    struct fact *fact = pointer;
    free(fact->path);
    free(fact);
}

static int64_t nanoseconds(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

static bool look_now(const char *path, struct stat_data *data)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    *data = (struct stat_data){st.st_size, nanoseconds(&st.st_mtim), nanoseconds(&st.st_ctim),
                               st.st_ino};
    return true;
}

static bool same_data(const struct stat_data *a, const struct stat_data *b)
{
    return a->size == b->size && a->mtime == b->mtime && a->ctime == b->ctime &&
           a->inode == b->inode;
}

static struct fact *look(struct objects *objects, const char *path)
{
    struct fact wanted = {.path = (char *)path};
    void *node = tfind(&wanted, &objects->seen, compare_facts);
    if (node)
        return *(struct fact **)node;

    struct fact *fact = xcalloc(1, sizeof *fact);
    fact->path = xstrdup(path);
    fact->exists = look_now(path, &fact->data);
    if (fact->exists && fact->data.ctime > objects->newest)
        objects->newest = fact->data.ctime;
    tsearch(fact, &objects->seen, compare_facts);
    return fact;
}

static bool has_word(const struct buf *text, const char *const *words)
{
    for (; *words; words++)
        if (text->len > 0 && memmem(text->data, text->len, *words, strlen(*words)))
            return true;
    return false;
}

/* Whether a text may have a directive of the assembler: its name and no longer one, as in
 * "config.include_dirs", and not a call. */
static bool has_directive(const struct buf *text, const char *name)
{
    const char *at = buf_text(text), *end = at + text->len;
    for (; (at = memmem(at, (size_t)(end - at), name, strlen(name)));) {
        at += strlen(name);
        if (!isalnum((unsigned char)*at) && *at != '_' && *at != '(')
            return true;
    }
    return false;
}

/* Reads a file for its digest, and checks whether it uses the date, or may embed files. */
static bool study(struct fact *fact)
{
    static const char *const clocks[] = {"__DATE__", "__TIME__", NULL};
    struct error ignored;
    AUTO(buf) text = {0};
    if (fact->was_read || !fact->exists)
        return fact->exists;
    if (fs_read(fact->path, INPUT_MAX, &text, &ignored) != 0 ||
        digest_bytes(buf_text(&text), text.len, &fact->digest, &ignored) != 0)
        return false;

    fact->dated = has_word(&text, clocks);
    fact->embeds = has_directive(&text, ".incbin") || has_directive(&text, ".include");
    return fact->was_read = true;
}

void objects_release(struct objects *objects)
{
    tdestroy(objects->seen, fact_free);
    objects->seen = NULL;
    shadows_release(&objects->shadows);
}

void step_release(struct step *step)
{
    strv_release(&step->folders);
    strv_release(&step->inputs);
    strv_release(&step->notes);
    strv_release(&step->named);
}

/* The kernel stamps files with the coarse clock. */
static int64_t now_coarse(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return nanoseconds(&now);
}

int64_t objects_settle(struct objects *objects, const char *path)
{
    if (path)
        look(objects, path);
    /* Don't wait for a time stamp from the future. */
    for (int i = 0; i < SETTLE_MS && now_coarse() <= objects->newest; i++)
        usleep(1000);
    return now_coarse();
}

char *objects_path(const struct store *store, const struct digest *digest)
{
    return xasprintf("%s/objects/c-%s", store->root, digest_hex(digest));
}

static char *record_name(const struct digest *key)
{
    return xasprintf("s-%s", digest_hex(key));
}

int objects_write(const struct store *store, const char *name, const struct buf *text,
                  struct error *err)
{
    autofree char *path = store_path(store, "objects", name, err);
    if (!path)
        return -1;
    autofree char *temporary = xasprintf("%s.XXXXXX", path);
    autoclose int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, ERROR_BUILD, "can't write '%s'", path);

    if (fs_write_fd(fd, path, buf_text(text), text->len, err) != 0) {
        unlink(temporary);
        return -1;
    }
    if (rename(temporary, path) == 0)
        return 0;
    error_errno(err, ERROR_BUILD, "can't write '%s'", path);
    unlink(temporary);
    return -1;
}

/* Whether "input SIZE MTIME CTIME INODE DIGEST|- PATH", without its first word, still holds. */
static bool input_unchanged(struct objects *objects, char *line, struct step *step)
{
    char *at = line;
    struct stat_data then = {0};
    then.size = strtoll(at, &at, 10);
    then.mtime = strtoll(at, &at, 10);
    then.ctime = strtoll(at, &at, 10);
    then.inode = strtoull(at, &at, 10);
    char *digest = at + (*at == ' '), *path = strchr(digest, ' ');
    if (!path)
        return false;
    *path++ = '\0';

    struct fact *now = look(objects, path);
    strv_add(&step->inputs, path);
    if (now->exists && same_data(&now->data, &then))
        return true;
    return digest[0] != '-' && study(now) && strcmp(now->digest.text, digest) == 0;
}

/* Whether the other files with an input's name are the same as in the record (`then`). */
static bool same_beside(struct objects *objects, const struct step *step, const struct strv *then)
{
    AUTO(strv) now = {0};
    shadows_find(&objects->shadows, &step->folders, step->dir, &step->inputs, &now);
    bool same = now.len == then->len;
    for (size_t i = 0; i < now.len; i++) {
        look(objects, now.items[i]); /* a new one will be read: objects_settle waits for it */
        same = same && strcmp(now.items[i], then->items[i]) == 0;
    }
    return same;
}

static const char *after(const char *line, const char *word)
{
    size_t length = strlen(word);
    return strncmp(line, word, length) == 0 ? line + length : NULL;
}

/* Whether one line of a record holds; a line "beside PATH" is only added to `beside`. */
static bool line_holds(struct objects *objects, char *line, struct step *step, struct strv *beside)
{
    const char *value = NULL;
    if ((value = after(line, "output ")))
        return digest_parse(&step->output, value);
    if ((value = after(line, "epoch ")))
        return strtoll(value, NULL, 10) == objects->epoch;
    if (after(line, "input "))
        return input_unchanged(objects, line + strlen("input "), step);

    if ((value = after(line, "note ")))
        strv_add(&step->notes, value);
    else if ((value = after(line, "beside ")))
        strv_add(beside, value);
    return true;
}

/* The lines of a record; it is whole when its last line is "end". */
static bool record_holds(struct objects *objects, char *text, struct step *step)
{
    AUTO(strv) beside = {0};
    bool first = true, whole = false;

    for (char *line = text, *next; !whole && *line; line = next, first = false) {
        char *end = strchr(line, '\n');
        if (!end)
            return false;
        *end = '\0';
        next = end + 1;
        if (first ? strcmp(line, "lbuild step 2") != 0 : !line_holds(objects, line, step, &beside))
            return false;
        whole = strcmp(line, "end") == 0;
    }
    return whole && same_beside(objects, step, &beside);
}

static bool output_present(const struct store *store, const struct digest *digest)
{
    struct error ignored;
    struct digest now;
    autofree char *path = objects_path(store, digest);
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || digest_fd(fd, path, &now, NULL, &ignored) != 0 || !digest_equal(&now, digest))
        return false;
    futimens(fd, NULL); /* in use: keeps it from being pruned by age */
    return true;
}

int objects_find(struct objects *objects, struct step *step)
{
    struct error ignored;
    AUTO(buf) text = {0};
    autofree char *name = record_name(&step->key);
    autofree char *path = xasprintf("%s/objects/%s", objects->store->root, name);
    if (!objects->anew && fs_read(path, RECORD_MAX, &text, &ignored) == 0 && text.len > 0 &&
        record_holds(objects, text.data, step) && output_present(objects->store, &step->output)) {
        utimensat(AT_FDCWD, path, NULL, 0);
        return 1;
    }

    strv_release(&step->inputs);
    strv_release(&step->notes);
    return 0;
}

/* Moves a file that was made into the store. */
static int keep_output(const struct store *store, const char *made, struct digest *digest,
                       struct error *err)
{
    struct stat old, new;
    autoclose int fd = open(made, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &new) != 0)
        return error_errno(err, ERROR_BUILD, "can't read '%s'", made);
    /* A compiler's umask may let others write, and later builds trust what is here. Where modes
     * aren't kept (vfat), this fails and changes nothing. */
    if (new.st_mode & 022)
        (void)fchmod(fd, new.st_mode & 0755);
    if (digest_fd(fd, made, digest, NULL, err) != 0)
        return -1;
    autofree char *path = objects_path(store, digest);

    /* Renaming over an old file waits for the disk on some file systems; the same
     * bytes need no rename. */
    struct digest there;
    autoclose int present = open(path, O_RDONLY | O_CLOEXEC);
    if (present >= 0 && fstat(present, &old) == 0 && old.st_size == new.st_size &&
        digest_fd(present, path, &there, NULL, err) == 0 && digest_equal(&there, digest)) {
        futimens(present, NULL);
        return 0;
    }

    return rename(made, path) == 0 ? 0 : error_errno(err, ERROR_BUILD, "can't write '%s'", path);
}

/* False when the inputs prove nothing about the output: one changed meanwhile, or can't
 * be written down. */
static bool record_inputs(struct objects *objects, const struct done *done, const struct step *step,
                          struct buf *record)
{
    bool dated = false;
    for (size_t i = 0; i < step->inputs.len; i++) {
        const char *path = step->inputs.items[i];
        struct fact *fact = look(objects, path);
        struct stat_data now;
        if (!fact->exists || strchr(path, '\n') || (done->by_content && !study(fact)) ||
            !look_now(path, &now) || !same_data(&now, &fact->data) || now.ctime >= done->started)
            return false;
        dated = dated || fact->dated;
        buf_addf(record, "input %" PRId64 " %" PRId64 " %" PRId64 " %" PRIu64 " %s %s\n",
                 fact->data.size, fact->data.mtime, fact->data.ctime, fact->data.inode,
                 done->by_content ? fact->digest.text : "-", path);
    }

    if (dated)
        buf_addf(record, "epoch %" PRId64 "\n", objects->epoch);
    return true;
}

/* False when another file with an input's name appeared during the step: it may have been read. */
static bool record_beside(struct objects *objects, const struct done *done, const struct step *step,
                          struct buf *record)
{
    AUTO(strv) beside = {0};
    struct stat_data now;
    shadows_find(&objects->shadows, &step->folders, step->dir, &step->inputs, &beside);

    for (size_t i = 0; i < beside.len; i++) {
        if (strchr(beside.items[i], '\n') || !look_now(beside.items[i], &now) ||
            now.ctime >= done->started)
            return false;
        buf_addf(record, "beside %s\n", beside.items[i]);
    }
    return true;
}

/* Drops files of the cache: the step's key has their digests, and their times say nothing. */
static void drop_own(const struct store *store, struct strv *inputs)
{
    AUTO(strv) kept = {0};
    autofree char *own = xasprintf("%s/objects/", store->root);
    for (size_t i = 0; i < inputs->len; i++)
        if (strncmp(inputs->items[i], own, strlen(own)) != 0)
            strv_add(&kept, inputs->items[i]);

    struct strv all = *inputs;
    *inputs = kept;
    kept = all;
}

/* Adds the inputs of a make rule in a file. -1: there is none. */
static int read_rules(const char *path, const char *dir, struct strv *out)
{
    AUTO(buf) rules = {0};
    struct error ignored;
    if (!path || fs_read(path, DEPFILE_MAX, &rules, &ignored) != 0)
        return -1;
    return makerule_read(buf_text(&rules), dir, out);
}

/* The assembler's list. It also names its temporary source, and the source's own names of its
 * lines (#line, or mapped by -ffile-prefix-map), which need not be files. */
static int read_embedded(const char *path, struct step *step)
{
    AUTO(strv) names = {0};
    if (read_rules(path, step->dir, &names) != 0)
        return -1;
    for (size_t i = 0; i < names.len; i++)
        if (fs_exists(names.items[i]) && !strv_contains(&step->inputs, names.items[i]))
            strv_add(&step->inputs, names.items[i]);
    return 0;
}

/* Whether one of the inputs may embed a file. */
static bool embeds(struct objects *objects, const struct step *step)
{
    bool any = false;
    for (size_t i = 0; i < step->inputs.len; i++) {
        struct fact *fact = look(objects, step->inputs.items[i]);
        any = any || !study(fact) || fact->embeds;
    }
    return any;
}

/* Fills in step->inputs. False: they aren't all known. */
static bool find_inputs(struct objects *objects, const struct done *done, struct step *step)
{
    bool listed = done->source || read_rules(done->depfile, step->dir, &step->inputs) == 0;
    if (done->source)
        strv_add(&step->inputs, done->source);
    /* distcc, or a ccache that a script hides, may not have run the assembler here. */
    bool blind = done->embedded ? read_embedded(done->embedded, step) != 0 : done->blind;
    drop_own(objects->store, &step->inputs);
    step->unlisted = blind && (!listed || embeds(objects, step));

    for (size_t i = 0; i < step->named.len; i++)
        if (!strv_contains(&step->inputs, step->named.items[i]))
            strv_add(&step->inputs, step->named.items[i]);
    return listed && !step->unlisted;
}

int objects_keep(struct objects *objects, const struct done *done, struct step *step,
                 struct error *err)
{
    AUTO(buf) record = {0};
    if (keep_output(objects->store, done->made, &step->output, err) != 0)
        return -1;
    if ((!done->depfile && !done->source) || !find_inputs(objects, done, step))
        return 0;

    buf_addf(&record, "lbuild step 2\noutput %s\n", step->output.text);
    for (size_t i = 0; i < step->notes.len; i++)
        buf_addf(&record, "note %s\n", step->notes.items[i]);
    if (!record_inputs(objects, done, step, &record) ||
        !record_beside(objects, done, step, &record))
        return 0;

    buf_adds(&record, "end\n");
    autofree char *name = record_name(&step->key);
    return objects_write(objects->store, name, &record, err);
}
