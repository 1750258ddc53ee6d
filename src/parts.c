#include "parts.h"

#include "support/fs.h"
#include "support/gzip.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PARTS = 10000, TEXT = 4 * 1024 * 1024, ALL_TEXTS = 32 * 1024 * 1024, CHUNK = 256 * 1024, LINKS = 8 };
static const uint64_t largest = UINT64_C(32) << 30;

struct parts {
    char *path;
    bool folder;
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
    free(part->trouble);
    buf_release(&part->text);
    free(part);
}
DEFINE_AUTOPTR(part)

void parts_free(struct parts *parts)
{
    if (!parts)
        return;
    for (size_t i = 0; i < parts->len; i++)
        part_free(parts->list[i]);
    free(parts->list);
    free(parts->path);
    free(parts);
}

bool parts_is_folder(const struct parts *parts)
{
    return parts->folder;
}

/* Reading one part: its bytes are hashed, and unpacked in order to be hashed again. */
struct intake {
    struct parts *parts;
    struct part *part;
    struct digest_context packed, plain;
    struct gunzip *gunzip;
};

static void intake_release(struct intake *intake)
{
    digest_context_release(&intake->packed);
    digest_context_release(&intake->plain);
    gunzip_free(intake->gunzip);
}

static int take_plain(void *data, const void *bytes, size_t length, struct error *err)
{
    struct intake *intake = data;
    intake->part->content_size += length;
    intake->parts->content_size += length;
    if (intake->parts->content_size > largest)
        return error_set(err, ERROR_REGISTRY, "it unpacks to more than 32 GiB; Lambda takes 10 GB");
    digest_update(&intake->plain, bytes, length);
    return 0;
}

static int begin(struct intake *intake, const char *bytes, size_t length, struct error *err)
{
    bool gzip = length >= 2 && memcmp(bytes, "\x1f\x8b", 2) == 0;
    if (digest_init(&intake->packed, err) != 0)
        return -1;
    if (!gzip)
        return 0;
    intake->gunzip = gunzip_open(take_plain, intake, false, err);
    return intake->gunzip ? digest_init(&intake->plain, err) : -1;
}

/* Damaged gzip data is remembered, for it may be in a file that nobody needs. */
static void unpack(struct intake *intake, const char *bytes, size_t length, bool end)
{
    struct error trouble = {0};
    if (!intake->gunzip || intake->part->trouble)
        return;
    if (end ? gunzip_finish(intake->gunzip, &trouble) != 0 : gunzip_feed(intake->gunzip, bytes, length, &trouble) != 0)
        intake->part->trouble = xstrdup(trouble.text);
}

static void keep_text(struct intake *intake, const char *bytes, size_t length)
{
    struct part *part = intake->part;
    bool json = part->size == 0 ? strchr("{[ \t\r\n", bytes[0]) != NULL && bytes[0] : part->text.len == part->size;
    if (json && part->size + length <= TEXT && intake->parts->texts + length <= ALL_TEXTS) {
        buf_add(&part->text, bytes, length);
        intake->parts->texts += length;
    } else if (part->text.len > 0) {
        intake->parts->texts -= part->text.len;
        buf_release(&part->text);
        part->text = (struct buf){0};
    }
}

static int feed(struct intake *intake, const char *bytes, size_t length, struct error *err)
{
    if (!intake->packed.state && begin(intake, bytes, length, err) != 0)
        return -1;
    keep_text(intake, bytes, length);
    digest_update(&intake->packed, bytes, length);
    unpack(intake, bytes, length, false);
    intake->part->size += length;
    return 0;
}

static int finish(struct intake *intake, struct error *err)
{
    struct part *part = intake->part;
    if (!intake->packed.state && begin(intake, "", 0, err) != 0)
        return -1;
    unpack(intake, NULL, 0, true);
    digest_final(&intake->packed, &part->digest);
    if (intake->gunzip && !part->trouble)
        digest_final(&intake->plain, &part->diff_id);
    if (!intake->gunzip) {
        part->diff_id = part->digest;
        part->content_size = part->size;
    }
    return 0;
}

static int64_t read_some(struct tar_reader *tar, int fd, const char *name, char *chunk, struct error *err)
{
    if (tar)
        return tar_reader_read(tar, chunk, CHUNK, err);
    for (;;) {
        ssize_t got = read(fd, chunk, CHUNK);
        if (got >= 0 || errno != EINTR)
            return got >= 0 ? got : error_errno(err, ERROR_REGISTRY, "can't read '%s'", name);
    }
}

/* From a tar, or from a descriptor. */
static int read_part(struct parts *parts, struct part *part, struct tar_reader *tar, int fd, struct error *err)
{
    AUTO(intake) intake = {.parts = parts, .part = part};
    autofree char *chunk = xmalloc(CHUNK);
    for (int64_t got = 1; got > 0;) {
        got = read_some(tar, fd, part->path, chunk, err);
        if (got < 0 || (got > 0 && feed(&intake, chunk, (size_t)got, err) != 0))
            return -1;
    }
    return finish(&intake, err);
}

static struct part *add(struct parts *parts, char *path, struct error *err)
{
    if (parts->len >= PARTS) {
        free(path);
        error_set(err, ERROR_REGISTRY, "%s: more than %d files; this is no image", parts->path, PARTS);
        return NULL;
    }
    grow(parts->list, parts->len, parts->cap);
    parts->list[parts->len] = xcalloc(1, sizeof **parts->list);
    parts->list[parts->len]->path = path;
    return parts->list[parts->len++];
}

/* A symbolic link's target counts from the link's own folder, a hard link's from the root. */
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
            return error_set(err, ERROR_REGISTRY, "%s: the name '%s' climbs out of the archive", parts->path, entry.path);
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

struct parts *parts_load(const char *path, struct error *err)
{
    struct stat st;
    AUTOPTR(parts) parts = xcalloc(1, sizeof *parts);
    parts->path = xstrdup(path);
    if (stat(path, &st) != 0) {
        error_errno(err, ERROR_REGISTRY, "can't read '%s'", path);
        return NULL;
    }
    parts->folder = S_ISDIR(st.st_mode);
    if (!parts->folder && read_tar(parts, err) != 0)
        return NULL;
    return take(parts);
}

/* The last one of a name counts, as it does for who unpacks the archive. */
static const struct part *find(const struct parts *parts, const char *path)
{
    for (size_t i = parts->len; i-- > 0;)
        if (strcmp(parts->list[i]->path, path) == 0)
            return parts->list[i];
    return NULL;
}

const struct part *parts_get(struct parts *parts, const char *path, struct error *err)
{
    const struct part *part = find(parts, path);
    for (int i = 0; i < LINKS && part && part->link; i++)
        part = find(parts, part->link);
    if (part && !part->link)
        return part;
    if (parts->folder)
        return read_file(parts, path, err);
    error_set(err, ERROR_REGISTRY, "%s: '%s' is missing in it", parts->path, path);
    return NULL;
}

bool parts_has(struct parts *parts, const char *path)
{
    autofree char *whole = path_join(parts->path, path);
    return parts->folder ? fs_exists(whole) : find(parts, path) != NULL;
}
