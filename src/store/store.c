#include "store/store.h"

#include "support/fs.h"
#include "support/log.h"
#include "support/own.h"
#include "support/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* XDG Base Directory Specification: relative paths in the variable are invalid, to be ignored, and
 * new folders have the mode 0700. */
static char *default_root(bool *shared)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME"),
               *temporary = getenv("TMPDIR");
    *shared = false;

    if (cache && cache[0] == '/')
        return path_join(cache, "lbuild");
    if (home && home[0] == '/')
        return path_join(home, ".cache/lbuild");

    *shared = true;
    return xasprintf("%s/lbuild-%lu", temporary && temporary[0] == '/' ? temporary : "/tmp",
                     (unsigned long)geteuid());
}

/* In a folder that everybody may write to, someone else could have prepared a store. */
static int check_owner(const char *root, struct error *err)
{
    struct stat st;
    if (mkdir(root, 0700) != 0 && errno != EEXIST)
        return error_errno(err, ERROR_BUILD, "can't make the directory '%s'", root);
    if (lstat(root, &st) != 0)
        return error_errno(err, ERROR_BUILD, "can't look at '%s'", root);

    if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022))
        return error_set(err, ERROR_BUILD,
                         "'%s' is not a folder that this user alone can write to; "
                         "set HOME or XDG_CACHE_HOME to a place for the cache",
                         root);
    return 0;
}

/* Waits while another process prunes. A cache on a read-only file system is used as it is. */
static int lock_shared(struct store *store, struct error *err)
{
    autofree char *path = path_join(store->root, "lock");
    store->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (store->lock < 0)
        return errno == EROFS || errno == EACCES
                   ? 0
                   : error_errno(err, ERROR_BUILD, "can't open '%s'", path);

    /* Network file systems may lack locks: pruning then finds the store busy. */
    while (flock(store->lock, LOCK_SH) != 0)
        if (errno != EINTR)
            return errno == ENOLCK || errno == EOPNOTSUPP
                       ? 0
                       : error_errno(err, ERROR_BUILD, "can't lock '%s'", path);
    return 0;
}

int store_open(struct store *store, const char *root, struct error *err)
{
    bool shared = false;
    *store = (struct store){.lock = -1};
    if (root) {
        autofree char *here = root[0] == '/' ? NULL : getcwd(NULL, 0);
        if (root[0] != '/' && !here)
            return error_errno(err, ERROR_BUILD, "can't tell the current directory");
        store->root = path_join(here ? here : "", root);
    } else {
        store->root = default_root(&shared);
    }

    if ((shared ? check_owner(store->root, err) : fs_mkdirs_private(store->root, err)) != 0 ||
        lock_shared(store, err) != 0) {
        store_release(store);
        return error_wrap(err, "the cache can't be used (set XDG_CACHE_HOME to move it)");
    }
    return 0;
}

void store_release(struct store *store)
{
    /* A zeroed struct that was never opened must not close standard input. */
    if (store->root)
        autoclose_release(&store->lock);
    free(store->root);
    *store = (struct store){.lock = -1};
}

char *store_path(const struct store *store, const char *folder, const char *name, struct error *err)
{
    autofree char *path = path_join(store->root, folder);
    if (fs_mkdirs_private(path, err) != 0)
        return NULL;
    return path_join(path, name);
}

char *store_blob_path(const struct store *store, const struct digest *digest)
{
    return xasprintf("%s/blobs/sha256/%s", store->root, digest_hex(digest));
}

bool store_has(const struct store *store, const struct digest *digest)
{
    struct stat st;
    autofree char *path = store_blob_path(store, digest);
    return digest->text[0] && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* Sets the access time by hand, since some file systems don't record it (noatime). */
bool store_use(const struct store *store, const struct digest *digest, uint64_t size)
{
    static const struct timespec now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_OMIT}};
    struct stat st;
    autofree char *path = store_blob_path(store, digest);
    if (!digest->text[0] || stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return false;

    if ((uint64_t)st.st_size != size) {
        store_discard(store, digest);
        return false;
    }
    return utimensat(AT_FDCWD, path, now, 0) == 0 || errno != ENOENT;
}

int store_read(const struct store *store, const struct digest *digest, size_t max, struct buf *out,
               struct error *err)
{
    struct digest actual;
    autofree char *path = store_blob_path(store, digest);
    size_t start = out->len;
    if (fs_read(path, start + max, out, err) != 0 ||
        digest_bytes(buf_text(out) + start, out->len - start, &actual, err) != 0)
        return -1;
    if (digest_equal(digest, &actual))
        return 0;

    out->len = start;
    store_discard(store, digest);
    return error_set(err, ERROR_REGISTRY,
                     "'%s' was damaged on disk and has been removed from the cache; build again",
                     digest->text);
}

int store_open_blob(const struct store *store, const struct digest *digest, uint64_t *size,
                    struct error *err)
{
    struct stat st;
    autofree char *path = store_blob_path(store, digest);
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return error_set(err, ERROR_BUILD, "'%s' is not in the cache; build again", digest->text);
    if (fd < 0 || fstat(fd, &st) != 0)
        return error_errno(err, ERROR_BUILD, "can't read '%s'", path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_BUILD, "'%s' is not a regular file", path);

    *size = (uint64_t)st.st_size;
    return take_fd(fd);
}

void store_discard(const struct store *store, const struct digest *digest)
{
    autofree char *path = store_blob_path(store, digest);
    if (digest->text[0])
        unlink(path);
}

/* Names in partial/ of blobs whose digest is not known yet. */
#define NEW "new."
#define CHANCE "XXXXXX"

/* Writing a blob. The file in partial/ is locked as long as it is open here. A process that finds
 * it unlocked may continue (or prune) it; one that finds it locked waits. */

static int lock_file(int fd, const char *path, struct error *err)
{
    enum { PATIENCE = 50 };
    static const struct timespec moment = {.tv_nsec = 10 * 1000 * 1000};

    /* Most waits are over before anybody wonders. */
    for (int i = 0; i < PATIENCE; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return 0;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return error_errno(err, ERROR_BUILD, "can't lock '%s'", path);
        if (process_check_interrupt(err) != 0)
            return -1;
        (void)nanosleep(&moment, NULL);
    }

    log_step("wait", "another lbuild is writing '%s'", path_base(path));
    while (flock(fd, LOCK_EX) != 0) {
        if (errno != EINTR)
            return error_errno(err, ERROR_BUILD, "can't lock '%s'", path);
        if (process_check_interrupt(err) != 0)
            return -1;
    }
    return 0;
}

/* Hashes the bytes that are already there; writing goes on after them. */
static int take_up(struct store_writer *writer, struct error *err)
{
    enum { CHUNK = 256 * 1024 };
    autofree char *chunk = xmalloc(CHUNK);

    for (;;) {
        ssize_t got = read(writer->fd, chunk, CHUNK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_errno(err, ERROR_BUILD, "can't read '%s'", writer->path);
        if (got == 0)
            return 0;

        digest_update(&writer->context, chunk, (size_t)got);
        writer->offset += (uint64_t)got;
    }
}

/* Opens and locks partial/HEX. If its last owner has let the blob appear in the meantime, the file
 * we locked has lost its name (or another file has it): then look again. */
static int open_partial(struct store_writer *writer, struct error *err)
{
    for (;;) {
        struct stat ours, named;
        if (store_has(writer->store, &writer->expected)) {
            writer->done = true;
            return 0;
        }

        autoclose int fd = open(writer->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0 || fstat(fd, &ours) != 0)
            return error_errno(err, ERROR_BUILD, "can't write '%s'", writer->path);
        if (lock_file(fd, writer->path, err) != 0)
            return -1;
        if (lstat(writer->path, &named) != 0 || named.st_ino != ours.st_ino ||
            named.st_dev != ours.st_dev)
            continue;

        writer->fd = take_fd(fd);
        return take_up(writer, err);
    }
}

/* Removes what killed runs left under random names: nobody holds the lock, nor can continue it. */
static void sweep_new(const char *of)
{
    autofree char *folder = path_dir(of);
    DIR *dir = opendir(folder);

    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (strncmp(entry->d_name, NEW, strlen(NEW)) != 0)
            continue;
        autofree char *path = path_join(folder, entry->d_name);
        autoclose int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
            (void)unlink(path);
    }

    if (dir)
        closedir(dir);
}

static int open_new(struct store_writer *writer, struct error *err)
{
    enum { TRIES = 100 };
    sweep_new(writer->path);

    for (int tries = 0; tries < TRIES; tries++) {
        autoclose int fd = mkostemp(writer->path, O_CLOEXEC);
        if (fd < 0 || fchmod(fd, 0644) != 0)
            break;
        if (fs_lock(fd, writer->path)) {
            writer->fd = take_fd(fd);
            return 0;
        }
        /* Another process swept it away before it was locked. */
        memset(writer->path + strlen(writer->path) - strlen(CHANCE), 'X', strlen(CHANCE));
    }
    return error_errno(err, ERROR_BUILD, "can't write '%s'", writer->path);
}

int store_writer_open(struct store_writer *writer, const struct store *store,
                      const struct digest *expected, struct error *err)
{
    *writer = (struct store_writer){.store = store, .fd = -1, .resumable = expected != NULL};
    if (expected)
        writer->expected = *expected;
    writer->path = store_path(store, "partial", expected ? digest_hex(expected) : NEW CHANCE, err);

    if (!writer->path || digest_init(&writer->context, err) != 0 ||
        (expected ? open_partial(writer, err) : open_new(writer, err)) != 0) {
        store_writer_release(writer);
        return -1;
    }
    return 0;
}

int store_writer_write(struct store_writer *writer, const void *bytes, size_t length,
                       struct error *err)
{
    if (writer->done)
        return 0;
    if (fs_write_fd(writer->fd, writer->path, bytes, length, err) != 0)
        return -1;
    digest_update(&writer->context, bytes, length);
    writer->offset += length;
    return 0;
}

int store_writer_restart(struct store_writer *writer, struct error *err)
{
    if (writer->done)
        return 0;
    digest_context_release(&writer->context);
    writer->offset = 0;
    if (ftruncate(writer->fd, 0) != 0 || lseek(writer->fd, 0, SEEK_SET) != 0)
        return error_errno(err, ERROR_BUILD, "can't write '%s'", writer->path);
    return digest_init(&writer->context, err);
}

int store_writer_commit(struct store_writer *writer, struct digest *digest, struct error *err)
{
    struct digest actual;
    if (writer->done) {
        *digest = writer->expected;
        return 0;
    }

    digest_final(&writer->context, &actual);
    if (writer->expected.text[0] && !digest_equal(&actual, &writer->expected)) {
        unlink(writer->path);
        return error_set(err, ERROR_REGISTRY,
                         "'%s' was expected, but '%s' came: it was changed or damaged on its way",
                         writer->expected.text, actual.text);
    }

    if (!writer->lazy && fsync(writer->fd) != 0)
        return error_errno(err, ERROR_BUILD, "can't write '%s'", writer->path);
    autofree char *path = store_path(writer->store, "blobs/sha256", digest_hex(&actual), err);
    if (!path)
        return -1;
    if (rename(writer->path, path) != 0)
        return error_errno(err, ERROR_BUILD, "can't write '%s'", path);

    writer->done = true;
    writer->expected = actual;
    *digest = actual;
    return 0;
}

void store_writer_release(struct store_writer *writer)
{
    if (!writer->store)
        return;
    if (writer->path && writer->fd >= 0 && !writer->done &&
        (!writer->resumable || writer->offset == 0))
        unlink(writer->path);
    autoclose_release(&writer->fd);
    digest_context_release(&writer->context);
    free(writer->path);
    *writer = (struct store_writer){.fd = -1};
}

int store_put(const struct store *store, const void *bytes, size_t length, struct digest *digest,
              struct error *err)
{
    if (digest_bytes(bytes, length, digest, err) != 0)
        return -1;
    if (store_use(store, digest, length))
        return 0;

    AUTO(store_writer) writer = {0};
    if (store_writer_open(&writer, store, NULL, err) != 0 ||
        store_writer_write(&writer, bytes, length, err) != 0)
        return -1;
    return store_writer_commit(&writer, digest, err);
}

void store_free_replaced(const struct store *store)
{
    autofree char *folder = path_join(store->root, "replaced");
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (entry->d_name[0] != '.' && unlinkat(dirfd(dir), entry->d_name, 0) != 0)
            continue; /* another build was quicker, or the file isn't ours */
    if (dir)
        closedir(dir);
}

void store_spare(const struct store *store, const char *path)
{
    struct error ignored;
    autofree char *name = xasprintf("%ld", (long)getpid());
    autofree char *second = store_path(store, "replaced", name, &ignored);
    store_free_replaced(store);
    if (second && link(path, second) != 0) {
        /* There is nothing to replace, or no way to keep it: then it is freed at once. */
    }
}

/* A file name for a reference: special characters are escaped, and a long name ends in a hash. Two
 * references may share a name, since the file says which one it is about. */
static char *ref_name(const char *reference, enum arch arch)
{
    enum { LONGEST = 180 };
    AUTO(buf) name = {0};
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

    for (const unsigned char *c = (const unsigned char *)reference; *c; c++) {
        hash = (hash ^ *c) * UINT64_C(1099511628211);
        if ((*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
            strchr(":@_-", *c) || (*c == '.' && c != (const unsigned char *)reference))
            buf_addc(&name, (char)*c);
        else
            buf_addf(&name, "%%%02X", *c);
    }

    if (name.len > LONGEST) {
        name.len = LONGEST;
        buf_addf(&name, "~%016llx", (unsigned long long)hash);
    }
    buf_addf(&name, "+%s", arch_oci(arch));
    return buf_detach(&name);
}

char *store_ref_path(const struct store *store, const char *reference, enum arch arch)
{
    autofree char *name = ref_name(reference, arch);
    return xasprintf("%s/refs/%s", store->root, name);
}

int store_ref_get(const struct store *store, const char *reference, enum arch arch,
                  struct digest *manifest, struct error *err)
{
    enum { LARGEST = 64 * 1024 };
    static const struct timespec now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_OMIT}};
    struct error ignored;
    AUTO(buf) text = {0};
    autofree char *path = store_ref_path(store, reference, arch);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    memset(manifest, 0, sizeof *manifest);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return error_errno(err, ERROR_BUILD, "can't read '%s'", path);

    int result = fs_read_fd(fd, path, LARGEST, &text, &ignored);
    close(fd);
    AUTOPTR(js) ref = result == 0 ? js_parse(buf_text(&text), text.len, path, &ignored) : NULL;
    const char *named = js_get_text(ref, "reference"), *for_arch = js_get_text(ref, "architecture");
    if (!named || strcmp(named, reference) != 0 || !for_arch ||
        strcmp(for_arch, arch_oci(arch)) != 0 ||
        !digest_parse(manifest, js_get_text(ref, "digest")))
        return 0;

    (void)utimensat(AT_FDCWD, path, now, 0);
    return 1;
}

int store_ref_set(const struct store *store, const char *reference, enum arch arch,
                  const struct digest *manifest, struct error *err)
{
    AUTO(buf) text = {0};
    AUTOPTR(js) ref = js_object();
    js_set_string(ref, "reference", reference);
    js_set_string(ref, "architecture", arch_oci(arch));
    js_set_string(ref, "digest", manifest->text);
    js_set_integer(ref, "time", (int64_t)time(NULL));
    js_dump(ref, &text);
    buf_addc(&text, '\n');

    autofree char *name = ref_name(reference, arch), *path = store_path(store, "refs", name, err);
    return path ? fs_write(path, text.data, text.len, 0644, err) : -1;
}
