#include "store/store.h"

#include "support/fs.h"
#include "support/own.h"
#include "support/strv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* What `lbuild cache` shows and removes. */

/* The names in ROOT/FOLDER, sorted; a missing folder is empty. */
static int names(const struct store *store, const char *folder, struct strv *out, struct error *err)
{
    autofree char *path = path_join(store->root, folder);
    DIR *dir = opendir(path);
    if (!dir)
        return errno == ENOENT
                   ? 0
                   : error_errno(err, ERROR_BUILD, "can't read the directory '%s'", path);

    for (struct dirent *entry; (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            strv_add(out, entry->d_name);
    closedir(dir);
    strv_sort(out);
    return 0;
}

static int64_t last_use(const struct stat *st)
{
    return st->st_atim.tv_sec > st->st_mtim.tv_sec ? st->st_atim.tv_sec : st->st_mtim.tv_sec;
}

static struct js *report_blobs(const struct store *store, uint64_t *total, struct error *err)
{
    AUTO(strv) list = {0};
    if (names(store, "blobs/sha256", &list, err) != 0)
        return NULL;
    AUTOPTR(js) blobs = js_array();

    for (size_t i = 0; i < list.len; i++) {
        struct stat st;
        struct digest digest;
        autofree char *text = xasprintf("sha256:%s", list.items[i]);
        if (!digest_parse(&digest, text))
            continue;
        autofree char *path = store_blob_path(store, &digest);
        if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
            continue;

        struct js *blob = js_object();
        js_set_string(blob, "digest", digest.text);
        js_set_integer(blob, "size", st.st_size);
        js_set_integer(blob, "used", last_use(&st));
        js_append(blobs, blob);
        *total += (uint64_t)st.st_size;
    }
    return take(blobs);
}

/* Reduces a reference to the form that people know, without the mark that tells states of a file
 * apart. False for lbuild's internal notes. */
static bool shown(struct js *ref)
{
    const char *reference = js_get_text(ref, "reference");
    if (!reference || reference[0] == '=')
        return false;
    const char *state = strrchr(reference, '#');
    if (state) {
        autofree char *plain = xstrndup(reference, (size_t)(state - reference));
        js_set_string(ref, "reference", plain);
    }
    return true;
}

static struct js *report_refs(const struct store *store, struct error *err)
{
    AUTO(strv) list = {0};
    if (names(store, "refs", &list, err) != 0)
        return NULL;
    AUTOPTR(js) refs = js_array();

    for (size_t i = 0; i < list.len; i++) {
        struct error ignored;
        AUTO(buf) text = {0};
        autofree char *path = xasprintf("%s/refs/%s", store->root, list.items[i]);
        if (list.items[i][0] == '.' || fs_read(path, 65536, &text, &ignored) != 0)
            continue;

        struct js *ref = js_parse(buf_text(&text), text.len, path, &ignored);
        if (shown(ref))
            js_append(refs, ref);
        else
            js_free(ref);
    }
    return take(refs);
}

struct js *store_report(const struct store *store, struct error *err)
{
    uint64_t total = 0;
    AUTOPTR(js) blobs = report_blobs(store, &total, err);
    AUTOPTR(js) refs = blobs ? report_refs(store, err) : NULL;
    if (!refs)
        return NULL;

    struct js *report = js_object();
    js_set_string(report, "root", store->root);
    js_set(report, "blobs", take(blobs));
    js_set(report, "refs", take(refs));
    js_set_integer(report, "total", (int64_t)total);
    return report;
}

struct prune {
    const struct store *store;
    int64_t before; /* files used at this time or later stay */
    bool busy, dry_run;
    uint64_t freed;
};

static int discard(struct prune *prune, const char *path, const struct stat *st, struct error *err)
{
    if (!prune->dry_run && unlink(path) != 0 && errno != ENOENT)
        return error_errno(err, ERROR_BUILD, "can't remove '%s'", path);
    prune->freed += (uint64_t)st->st_size;
    return 0;
}

/* False when somebody writes to a partial file: it is locked then. Otherwise nobody begins to until
 * *lock is closed. */
static bool hold(const char *path, int *lock)
{
    *lock = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    return *lock < 0 || flock(*lock, LOCK_EX | LOCK_NB) == 0;
}

/* Decides by age alone; includes subfolders, which objects/ has. */
static int prune_folder(struct prune *prune, const char *folder, struct error *err)
{
    AUTO(strv) list = {0};
    if (names(prune->store, folder, &list, err) != 0)
        return -1;

    for (size_t i = 0; i < list.len; i++) {
        struct stat st;
        autofree char *inside = path_join(folder, list.items[i]),
                      *path = path_join(prune->store->root, inside);
        if (lstat(path, &st) != 0)
            continue;

        if (S_ISDIR(st.st_mode)) {
            if (prune_folder(prune, inside, err) != 0)
                return -1;
            /* A running build may be about to put something there. rmdir fails when something
             * stays, as it should. */
            if (!prune->dry_run && !prune->busy)
                (void)rmdir(path);
            continue;
        }

        bool partial = strcmp(folder, "partial") == 0,
             dead = partial && strncmp(list.items[i], "new.", 4) == 0; /* nobody continues it */
        autoclose int lock = -1;
        if ((last_use(&st) >= prune->before && !dead) || (partial && !hold(path, &lock)))
            continue;
        if (discard(prune, path, &st, err) != 0)
            return -1;
    }
    return 0;
}

/* A list is useful as long as its layer is there. */
static int prune_lists(struct prune *prune, struct error *err)
{
    AUTO(strv) list = {0};
    if (names(prune->store, "lists", &list, err) != 0)
        return -1;

    for (size_t i = 0; i < list.len; i++) {
        struct stat st, blob;
        autofree char *path = xasprintf("%s/lists/%s", prune->store->root, list.items[i]);
        autofree char *of = xasprintf("%s/blobs/sha256/%s", prune->store->root, list.items[i]);
        bool stays = stat(of, &blob) == 0 && (!prune->dry_run || last_use(&blob) >= prune->before);

        if (stays || lstat(path, &st) != 0 || (prune->busy && last_use(&st) >= prune->before))
            continue;
        if (discard(prune, path, &st, err) != 0)
            return -1;
    }
    return 0;
}

static int prune_all(struct prune *prune, struct error *err)
{
    struct prune all = *prune;
    all.before = INT64_MAX;
    if (prune_folder(&all, "replaced", err) != 0)
        return -1;
    prune->freed = all.freed;

    if (prune_folder(prune, "refs", err) != 0 || prune_folder(prune, "partial", err) != 0 ||
        prune_folder(prune, "blobs", err) != 0 || prune_lists(prune, err) != 0)
        return -1;

    if (prune->busy)
        return 0;
    return prune_folder(prune, "objects", err) != 0 ? -1 : prune_folder(prune, "builds", err);
}

/* If we have the store to ourselves, nobody else can open it until we are done. */
int store_prune(const struct store *store, unsigned days, bool dry_run, uint64_t *freed,
                struct error *err)
{
    enum { DAY = 24 * 60 * 60 };
    struct prune prune = {.store = store, .dry_run = dry_run};
    if (store->lock < 0 && !dry_run)
        return error_set(err, ERROR_BUILD,
                         "the cache '%s' can't be written, so nothing can be removed", store->root);

    prune.busy = store->lock < 0 || flock(store->lock, LOCK_EX | LOCK_NB) != 0;
    unsigned kept = prune.busy && days == 0 ? 1 : days;
    prune.before = kept == 0 ? INT64_MAX : time(NULL) - (time_t)kept * DAY;
    int result = prune_all(&prune, err);

    *freed += prune.freed;
    if (store->lock >= 0)
        (void)flock(store->lock, LOCK_SH);
    return result;
}
