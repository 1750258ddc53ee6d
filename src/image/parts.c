#include "image/parts.h"

#include "registry/pull.h"
#include "support/fs.h"
#include "support/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PARTS = 10000,
    TEXT = 4 * 1024 * 1024,
    ALL_TEXTS = 32 * 1024 * 1024,
    CHUNK = 64 * 1024,
    LINKS = 8
};
static const uint64_t largest = UINT64_C(32) << 30;

struct parts {
    char *path;
    bool folder;
    const struct store *store;
    struct client *client; /* for a registry, else NULL */
    struct part **list;
    size_t len, cap, texts;
    uint64_t content_size;
};

static void part_free(struct part *part)
{
    if (!part)
        return;
    free(part->path);
    free(part->link);
    buf_release(&part->text);
    listing_scan_release(&part->scan);
    free(part);
}
DEFINE_AUTOPTR(part)

void parts_free(struct parts *parts)
{
    if (!parts)
        return;
    for (size_t i = 0; i < parts->len; i++)
        part_free(parts->list[i]);
    client_free(parts->client);
    free(parts->list);
    free(parts->path);
    free(parts);
}

bool parts_is_folder(const struct parts *parts)
{
    return parts->folder;
}

/* A file that is being read: first the bytes that were read to see what it is, then the rest. */
struct intake {
    struct tar_reader *tar; /* or a file descriptor */
    int fd;
    const char *name;
    char *first;
    size_t held, given;
};

static void intake_release(struct intake *intake)
{
    free(intake->first);
}

static int64_t read_more(struct intake *intake, void *bytes, size_t capacity, struct error *err)
{
    if (intake->tar)
        return tar_reader_read(intake->tar, bytes, capacity, err);
    while (process_check_interrupt(err) == 0) {
        ssize_t got = read(intake->fd, bytes, capacity);
        if (got >= 0 || errno != EINTR)
            return got >= 0 ? got
                            : error_errno(err, ERROR_REGISTRY, "can't read '%s'", intake->name);
    }
    return -1;
}

static int64_t intake_bytes(void *data, void *bytes, size_t capacity, struct error *err)
{
    struct intake *intake = data;
    size_t left = intake->held - intake->given, part = left < capacity ? left : capacity;
    if (part == 0)
        return read_more(intake, bytes, capacity, err);
    memcpy(bytes, intake->first + intake->given, part);
    intake->given += part;
    return (int64_t)part;
}

static int fill_first(struct intake *intake, struct error *err)
{
    intake->first = xmalloc(CHUNK);
    while (intake->held < CHUNK) {
        int64_t got = read_more(intake, intake->first + intake->held, CHUNK - intake->held, err);
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        intake->held += (size_t)got;
    }
    return 0;
}

/* A tar begins with a name, which could be any text; its magic comes later (pax(1), "ustar
 * Interchange Format"). */
static bool is_text(const struct intake *intake)
{
    bool tar = intake->held >= 512 && memcmp(intake->first + 257, "ustar", 5) == 0;
    return intake->held > 0 && memchr("{[ \t\r\n", intake->first[0], 6) && !tar;
}

static int read_text(struct parts *parts, struct part *part, struct intake *intake,
                     struct error *err)
{
    int64_t got = 0;
    AUTO(digest_context) context = {0};
    autofree char *chunk = xmalloc(CHUNK);
    if (digest_init(&context, err) != 0)
        return -1;

    while ((got = intake_bytes(intake, chunk, CHUNK, err)) > 0) {
        digest_update(&context, chunk, (size_t)got);
        part->size += (uint64_t)got;
        if (part->size <= TEXT && parts->texts + part->size <= ALL_TEXTS) {
            buf_add(&part->text, chunk, (size_t)got);
        } else {
            buf_release(&part->text);
            part->text = (struct buf){0};
        }
    }

    parts->texts += part->text.len;
    digest_final(&context, &part->digest);
    return got < 0 ? -1 : 0;
}

/* The digest in a blob's path; empty for any other path. */
static struct digest named_by(const char *path)
{
    struct digest digest = {0};
    if (strncmp(path, "blobs/sha256/", 13) != 0)
        return digest;
    autofree char *text = xasprintf("sha256:%s", path + 13);
    digest_parse(&digest, text);
    return digest;
}

/* Reads a part from a tar, or from a file descriptor. */
static int read_part(struct parts *parts, struct part *part, struct tar_reader *tar, int fd,
                     struct error *err)
{
    AUTO(intake) intake = {.tar = tar, .fd = fd, .name = part->path};
    const struct digest named = named_by(part->path);

    if (fill_first(&intake, err) != 0)
        return -1;
    if (is_text(&intake))
        return read_text(parts, part, &intake, err);

    if (listing_scan(parts->store, intake_bytes, &intake, named.text[0] ? &named : NULL,
                     &part->scan, err) != 0)
        return -1;

    part->digest = part->scan.digest;
    part->size = part->scan.size;
    parts->content_size += part->scan.content_size;
    if (parts->content_size > largest)
        return error_set(err, ERROR_REGISTRY,
                         "%s: it unpacks to more than 32 GiB; Lambda allows 10 GB", parts->path);
    return 0;
}

static const struct part *find(const struct parts *parts, const char *path)
{
    for (size_t i = 0; i < parts->len; i++)
        if (strcmp(parts->list[i]->path, path) == 0)
            return parts->list[i];
    return NULL;
}

/* A name that an archive has twice is refused: tools disagree about which one counts, so what was
 * checked wouldn't be what another one runs. */
static struct part *add(struct parts *parts, char *path, struct error *err)
{
    if (parts->len >= PARTS) {
        free(path);
        error_set(err, ERROR_REGISTRY, "%s: more than %d files; this is not an image", parts->path,
                  PARTS);
        return NULL;
    }

    if (find(parts, path)) {
        error_set(err, ERROR_REGISTRY, "%s: it has the name '%.200s' twice", parts->path, path);
        free(path);
        return NULL;
    }

    grow(parts->list, parts->len, parts->cap);
    parts->list[parts->len] = xcalloc(1, sizeof **parts->list);
    parts->list[parts->len]->path = path;
    return parts->list[parts->len++];
}

/* A symbolic link's target is relative to the link's folder, a hard link's to the root. */
static char *link_target(const struct tar_entry *entry, const char *path)
{
    if (entry->type == TAR_HARDLINK || entry->link[0] == '/')
        return path_clean(entry->link);
    autofree char *dir = path_dir(path), *whole = path_join(dir, entry->link);
    return path_clean(whole);
}

static int read_tar(struct parts *parts, struct error *err)
{
    struct tar_entry entry;
    AUTOPTR(tar_reader) tar = tar_reader_open_file(parts->path, err);
    if (!tar)
        return -1;

    for (int status = 0; (status = tar_reader_next(tar, &entry, err)) != 0;) {
        if (status < 0)
            return -1;
        if (entry.type == TAR_DIR || entry.type == TAR_OTHER)
            continue;

        char *path = path_clean(entry.path);
        if (!path)
            return error_set(err, ERROR_REGISTRY, "%s: the name '%s' leads outside the archive",
                             parts->path, entry.path);

        struct part *part = add(parts, path, err);
        if (!part)
            return -1;

        if (entry.type != TAR_FILE)
            part->link = link_target(&entry, path);
        else if (read_part(parts, part, tar, -1, err) != 0)
            return -1;
    }
    return 0;
}

static const struct part *read_file(struct parts *parts, const char *path, struct error *err)
{
    struct stat st;
    autofree char *whole = path_join(parts->path, path);
    autoclose int fd = open(whole, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 || fstat(fd, &st) != 0) {
        error_errno(err, ERROR_REGISTRY, "can't read '%s'", whole);
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        error_set(err, ERROR_REGISTRY, "'%s' isn't a regular file", whole);
        return NULL;
    }

    AUTOPTR(part) part = xcalloc(1, sizeof *part);
    part->path = xstrdup(path);
    if (read_part(parts, part, NULL, fd, err) != 0)
        return NULL;
    grow(parts->list, parts->len, parts->cap);
    return parts->list[parts->len++] = take(part);
}

struct parts *parts_load(const char *path, const struct store *store, struct error *err)
{
    struct stat st;
    AUTOPTR(parts) parts = xcalloc(1, sizeof *parts);
    parts->path = xstrdup(path);
    parts->store = store;

    if (stat(path, &st) != 0) {
        error_errno(err, ERROR_REGISTRY, "can't read '%s'", path);
        return NULL;
    }

    parts->folder = S_ISDIR(st.st_mode);
    if (!parts->folder && read_tar(parts, err) != 0)
        return NULL;
    return take(parts);
}

struct parts *parts_fetch(const struct parts_registry *from, const struct store *store,
                          struct js **document, struct digest *digest, struct error *err)
{
    AUTO(http_reply) reply = {0};
    AUTOPTR(parts) parts = xcalloc(1, sizeof *parts);
    const struct client_settings settings = {.mirrors = from->mirrors, .ca_file = from->ca_file};
    const struct digest *pinned = from->reference->digest.text[0] ? &from->reference->digest : NULL;

    parts->path = reference_name(from->reference);
    parts->store = store;
    parts->client = client_open(from->reference, &settings, err);
    if (!parts->client)
        return NULL;

    *document =
        pull_document(&(struct pull_from){parts->client, parts->path},
                      pinned ? pinned->text : from->reference->tag, pinned, &reply, digest, err);
    return *document ? take(parts) : NULL;
}

int parts_censor(const struct parts *parts, struct error *err)
{
    return parts->client ? client_censor(parts->client, parts->path, err) : -1;
}

static int fetch_document(struct parts *parts, const struct descriptor *descriptor,
                          struct part *part, struct error *err)
{
    AUTO(http_reply) reply = {0};
    AUTOPTR(js)
    read = pull_document(&(struct pull_from){parts->client, parts->path}, descriptor->digest.text,
                         &descriptor->digest, &reply, &part->digest, err);
    if (!read)
        return -1;

    part->size = reply.body.len;
    buf_add(&part->text, reply.body.data, reply.body.len);
    return 0;
}

static int fetch_blob(struct parts *parts, const struct descriptor *descriptor, struct part *part,
                      struct error *err)
{
    uint64_t size = 0;
    struct listing known;
    if (listing_known(parts->store, &descriptor->digest, &known) &&
        known.size == descriptor->size) {
        part->digest = descriptor->digest;
        part->size = known.size;
        part->scan = listing_scan_known(&known, &part->digest);
        return 0;
    }

    if (pull_blob(&(struct pull_from){parts->client, parts->path}, parts->store, descriptor, "blob",
                  err) != 0)
        return -1;
    autoclose int fd = store_open_blob(parts->store, &descriptor->digest, &size, err);
    return fd < 0 ? -1 : read_part(parts, part, NULL, fd, err);
}

static const struct part *fetch(struct parts *parts, const struct descriptor *descriptor,
                                const char *path, bool document, struct error *err)
{
    AUTOPTR(part) part = xcalloc(1, sizeof *part);
    part->path = xstrdup(path);
    int result = document ? fetch_document(parts, descriptor, part, err)
                          : fetch_blob(parts, descriptor, part, err);
    if (result != 0)
        return NULL;
    grow(parts->list, parts->len, parts->cap);
    return parts->list[parts->len++] = take(part);
}

static const struct part *find_linked(const struct parts *parts, const char *path)
{
    const struct part *part = find(parts, path);
    for (int i = 0; i < LINKS && part && part->link; i++)
        part = find(parts, part->link);
    return part && !part->link ? part : NULL;
}

const struct part *parts_get(struct parts *parts, const char *path, struct error *err)
{
    const struct part *part = find_linked(parts, path);
    if (part)
        return part;
    if (parts->folder)
        return read_file(parts, path, err);
    error_set(err, ERROR_REGISTRY, "%s: the file '%s' is missing", parts->path, path);
    return NULL;
}

const struct part *parts_blob(struct parts *parts, const struct descriptor *descriptor,
                              bool document, struct error *err)
{
    autofree char *path = xasprintf("blobs/sha256/%s", digest_hex(&descriptor->digest));
    const struct part *part = find_linked(parts, path);
    if (part || !parts->client)
        return part ? part : parts_get(parts, path, err);
    return fetch(parts, descriptor, path, document, err);
}

bool parts_has(struct parts *parts, const char *path)
{
    autofree char *whole = path_join(parts->path, path);
    return parts->folder ? fs_exists(whole) : find(parts, path) != NULL;
}
