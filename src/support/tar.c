#include "support/tar.h"

#include "config.h"
#include "support/dl.h"
#include "support/process.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reading by libarchive, which knows every dialect there is and is fuzzed with hostile input. */

/* clang-format off */
#define ARCHIVE_FUNCTIONS(X) \
    X(archive_, read_new) X(archive_, read_free) \
    X(archive_, read_support_filter_gzip) X(archive_, read_support_format_tar) \
    X(archive_, read_open) X(archive_, read_next_header) X(archive_, read_data) \
    X(archive_, filter_code) X(archive_, filter_bytes) X(archive_, filter_count) \
    X(archive_, error_string) X(archive_, set_error) \
    X(archive_, entry_pathname) X(archive_, entry_pathname_utf8) \
    X(archive_, entry_hardlink) X(archive_, entry_hardlink_utf8) \
    X(archive_, entry_symlink) X(archive_, entry_symlink_utf8) \
    X(archive_, entry_filetype) X(archive_, entry_perm) \
    X(archive_, entry_uid) X(archive_, entry_gid) X(archive_, entry_mtime) \
    X(archive_, entry_size) X(archive_, entry_size_is_set)
/* clang-format on */
DL_TABLE(la, ARCHIVE_FUNCTIONS)

enum { CHUNK = 128 * 1024, BLOCK = 512, NAME_LIMIT = 4096 };

struct tar_reader {
    struct archive *archive;
    tar_source source;
    void *data;
    char *name;
    int fd;            /* from tar_reader_open_file, else -1 */
    struct error *err; /* for the source, while a call of ours runs */
    bool failed;       /* the source has set *err */
    char *chunk;
    uint64_t total, size;    /* bytes of archive read so far; of the current entry's content */
    uint64_t content, given; /* bytes of content given out so far; of the current entry */
    int64_t claimed;         /* bytes of content that the entries so far have by their headers */
};

/* umoci's insert stops right after the last file's content, without filling its block, and every
 * reader but libarchive accepts that. This adds the fill, but only where the content is complete:
 * contents start at whole blocks, so the bytes read then end where the entry's size says. */
static int64_t missing_fill(struct tar_reader *reader)
{
    uint64_t over = reader->total % BLOCK;
    if (over == 0 || over != reader->size % BLOCK ||
        la.filter_code(reader->archive, 0) != ARCHIVE_FILTER_NONE)
        return 0;
    memset(reader->chunk, 0, BLOCK);
    return (int64_t)(BLOCK - over);
}

static la_ssize_t pull(struct archive *archive, void *data, const void **bytes)
{
    struct tar_reader *reader = data;
    int64_t got = process_check_interrupt(reader->err) == 0
                      ? reader->source(reader->data, reader->chunk, CHUNK, reader->err)
                      : -1;
    *bytes = reader->chunk;

    if (got == 0)
        got = missing_fill(reader);
    reader->total += got > 0 ? (uint64_t)got : 0;
    if (got < 0) {
        reader->failed = true;
        la.set_error(archive, EIO, "the source failed");
    }
    return (la_ssize_t)got;
}

static int fail(struct tar_reader *reader, struct error *err)
{
    const char *reason = reader->archive ? la.error_string(reader->archive) : NULL;
    if (reader->failed)
        return -1;
    return error_set(err, ERROR_REGISTRY, "%s: not a readable tar archive: %s", reader->name,
                     reason ? reason : "no reason given");
}

static struct tar_reader *open_reader(struct tar_reader *made, struct error *err)
{
    AUTOPTR(tar_reader) reader = made;
    if (DL_LOAD(la, SONAME_ARCHIVE, err) != 0)
        return NULL;

    reader->chunk = xmalloc(CHUNK);
    reader->archive = la.read_new();
    reader->err = err;
    if (!reader->archive || la.read_support_filter_gzip(reader->archive) != ARCHIVE_OK ||
        la.read_support_format_tar(reader->archive) != ARCHIVE_OK ||
        la.read_open(reader->archive, reader, NULL, pull, NULL) != ARCHIVE_OK) {
        fail(reader, err);
        return NULL;
    }

    /* gzip in gzip expands a million times. */
    if (la.filter_count(reader->archive) > 2) {
        error_set(err, ERROR_REGISTRY, "%s: it is compressed twice; unpack it once", reader->name);
        return NULL;
    }
    return take(reader);
}

struct tar_reader *tar_reader_open(tar_source source, void *data, const char *name,
                                   struct error *err)
{
    struct tar_reader *reader = xcalloc(1, sizeof *reader);
    reader->source = source;
    reader->data = data;
    reader->name = xstrdup(name);
    reader->fd = -1;
    return open_reader(reader, err);
}

static int64_t read_file(void *data, void *bytes, size_t capacity, struct error *err)
{
    const struct tar_reader *reader = data;
    ssize_t got = -1;
    do
        got = read(reader->fd, bytes, capacity);
    while (got < 0 && errno == EINTR);
    return got >= 0 ? got : error_errno(err, ERROR_REGISTRY, "can't read '%s'", reader->name);
}

struct tar_reader *tar_reader_open_file(const char *path, struct error *err)
{
    AUTOPTR(tar_reader) reader = xcalloc(1, sizeof *reader);
    reader->source = read_file;
    reader->data = reader;
    reader->name = xstrdup(path);
    reader->fd = open(path, O_RDONLY | O_CLOEXEC);

    if (reader->fd < 0) {
        error_errno(err, ERROR_REGISTRY, "can't read '%s'", path);
        return NULL;
    }
    return open_reader(take(reader), err);
}

void tar_reader_free(struct tar_reader *reader)
{
    if (!reader)
        return;
    if (reader->archive)
        la.read_free(reader->archive);
    autoclose_release(&reader->fd);
    free(reader->name);
    free(reader->chunk);
    free(reader);
}

/* libarchive has a name as bytes, as UTF-8 or as both, depending on the dialect and the locale. */
static const char *either(const char *bytes, const char *utf8)
{
    return bytes ? bytes : utf8;
}

static enum tar_type type_of(struct archive_entry *from)
{
    if (either(la.entry_hardlink(from), la.entry_hardlink_utf8(from)))
        return TAR_HARDLINK;
    switch (la.entry_filetype(from)) {
    case AE_IFREG:
        return TAR_FILE;
    case AE_IFDIR:
        return TAR_DIR;
    case AE_IFLNK:
        return TAR_SYMLINK;
    default:
        return TAR_OTHER;
    }
}

static int convert(struct tar_reader *reader, struct archive_entry *from, struct tar_entry *entry,
                   struct error *err)
{
    memset(entry, 0, sizeof *entry);
    entry->path = either(la.entry_pathname(from), la.entry_pathname_utf8(from));
    entry->type = type_of(from);
    if (entry->type == TAR_HARDLINK)
        entry->link = either(la.entry_hardlink(from), la.entry_hardlink_utf8(from));
    else if (entry->type == TAR_SYMLINK)
        entry->link = either(la.entry_symlink(from), la.entry_symlink_utf8(from));

    if (!entry->path || !entry->path[0])
        return error_set(err, ERROR_REGISTRY, "%s: an entry has no name", reader->name);
    if (strlen(entry->path) > NAME_LIMIT || (entry->link && strlen(entry->link) > NAME_LIMIT))
        return error_set(err, ERROR_REGISTRY, "%s: the name '%.60s...' is longer than %d bytes",
                         reader->name, strlen(entry->path) > NAME_LIMIT ? entry->path : entry->link,
                         NAME_LIMIT);
    if ((entry->type == TAR_SYMLINK || entry->type == TAR_HARDLINK) &&
        !(entry->link && entry->link[0]))
        return error_set(err, ERROR_REGISTRY, "%s: the link '%s' has no target", reader->name,
                         entry->path);

    entry->mode = la.entry_perm(from) & 07777;
    entry->uid = la.entry_uid(from);
    entry->gid = la.entry_gid(from);
    entry->mtime = la.entry_mtime(from);
    entry->size = entry->type == TAR_FILE && la.entry_size_is_set(from) ? la.entry_size(from) : 0;

    if (entry->size < 0 || entry->uid < 0 || entry->gid < 0)
        return error_set(err, ERROR_REGISTRY, "%s: '%s' has a negative size or owner", reader->name,
                         entry->path);
    if (entry->size > TAR_CONTENT_MAX - reader->claimed ||
        la.filter_bytes(reader->archive, 0) > 2 * TAR_CONTENT_MAX) /* headers without end */
        return error_set(err, ERROR_REGISTRY,
                         "%s: it unpacks to more than 32 GiB; Lambda accepts 10 GB", reader->name);
    reader->claimed += entry->size;
    return 0;
}

int tar_reader_next(struct tar_reader *reader, struct tar_entry *entry, struct error *err)
{
    struct archive_entry *from = NULL;
    reader->err = err;
    int status = la.read_next_header(reader->archive, &from);
    if (status == ARCHIVE_EOF)
        return 0;

    /* Warnings are about names that this locale can't show, or odd headers that were understood. */
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
        return fail(reader, err);
    if (convert(reader, from, entry, err) != 0)
        return -1;

    reader->size = (uint64_t)entry->size;
    reader->given = 0;
    return 1;
}

int64_t tar_reader_read(struct tar_reader *reader, void *bytes, size_t capacity, struct error *err)
{
    size_t most =
        reader->size - reader->given < capacity ? (size_t)(reader->size - reader->given) : capacity;
    la_ssize_t got = 0;
    reader->err = err;

    if (most > 0 && (got = la.read_data(reader->archive, bytes, most)) < 0)
        return fail(reader, err);
    /* libarchive stops at the last block of data: a hole after it is ours to fill. */
    if (got == 0) {
        memset(bytes, 0, most);
        got = (la_ssize_t)most;
    }

    reader->given += (uint64_t)got;
    reader->content += (uint64_t)got;
    /* Only holes give out more bytes than were read. */
    if (reader->content > (uint64_t)la.filter_bytes(reader->archive, 0) + TAR_HOLES_MAX)
        return error_set(err, ERROR_REGISTRY, "%s: its sparse files have more than 1 GiB of holes",
                         reader->name);
    return (int64_t)got;
}
