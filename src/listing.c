#include "listing.h"

#include "support/fs.h"
#include "support/gzip.h"
#include "support/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MOST_ENTRIES = 1000000,
    LONGEST_NAME = 4096,
    MOST_NAMES = 256 * 1024 * 1024, /* bytes of all names of a layer */
    PIECE = 32 * 1024,              /* deflate makes at most 1,032 times as much of it */
};
static const uint64_t largest_content = UINT64_C(16) << 30; /* Lambda takes 10 GB, so this is no image for it */

/* The file: this head, `count` entries, `names` bytes of NUL-terminated names. In the byte order of this machine, whose
 * cache it is. */
struct head {
    char magic[16];
    uint64_t checksum; /* of all that comes behind it */
    uint64_t count, names;
    char diff_id[72];
};
static const char magic[16] = "lbuild-list 1\n";

static uint64_t checksum(const char *bytes, size_t length)
{
    uint64_t sum = length, word;
    for (; length >= sizeof word; bytes += sizeof word, length -= sizeof word) {
        memcpy(&word, bytes, sizeof word);
        sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        sum ^= sum >> 29;
    }
    word = 0;
    memcpy(&word, bytes, length);
    return (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
}

static const size_t unsummed = offsetof(struct head, count);

static bool valid(const char *data, size_t length, struct listing *out)
{
    struct head head;
    if (length < sizeof head)
        return false;
    memcpy(&head, data, sizeof head);
    if (memcmp(head.magic, magic, sizeof magic) != 0 || head.count > MOST_ENTRIES || head.names > MOST_NAMES ||
        length != sizeof head + head.count * sizeof *out->entries + head.names ||
        head.checksum != checksum(data + unsummed, length - unsummed) || !memchr(head.diff_id, 0, sizeof head.diff_id) ||
        !digest_parse(&out->diff_id, head.diff_id) || (head.names > 0 && data[length - 1] != '\0'))
        return false;
    out->entries = (const struct listing_entry *)(const void *)(data + sizeof head);
    out->count = head.count;
    out->names = data + sizeof head + head.count * sizeof *out->entries;
    for (size_t i = 0; i < out->count; i++) {
        const struct listing_entry *entry = &out->entries[i];
        if (entry->path >= head.names || (entry->link != UINT32_MAX && entry->link >= head.names) || entry->type > TAR_OTHER ||
            (entry->link == UINT32_MAX && (entry->type == TAR_SYMLINK || entry->type == TAR_HARDLINK)))
            return false;
    }
    return true;
}

static char *list_path(const struct store *store, const struct digest *blob)
{
    return xasprintf("%s/lists/%s", store->root, digest_hex(blob));
}

int listing_load(const struct store *store, const struct digest *blob, struct listing *out)
{
    struct error ignored;
    AUTO(buf) data = {0};
    autofree char *path = list_path(store, blob);
    *out = (struct listing){0};
    if (fs_read(path, SIZE_MAX / 2, &data, &ignored) != 0)
        return 0;
    if (!valid(buf_text(&data), data.len, out)) {
        *out = (struct listing){0};
        unlink(path);
        return 0;
    }
    out->data = buf_detach(&data);
    return 1;
}

void listing_release(struct listing *listing)
{
    free(listing->data);
    *listing = (struct listing){0};
}

/* Whether there is a list for this content, going by its head alone: whoever loads it finds out when the rest is damaged. */
static bool known(const struct store *store, const struct digest *blob, const struct digest *diff_id)
{
    struct head head;
    autofree char *path = list_path(store, blob);
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return fd >= 0 && read(fd, &head, sizeof head) == (ssize_t)sizeof head && memcmp(head.magic, magic, sizeof magic) == 0 &&
           memcmp(head.diff_id, diff_id->text, sizeof head.diff_id) == 0;
}

/* A layer on its way from the blob to the tar reader: hashed before and after decompression. */
struct stream {
    int fd;
    struct digest_context packed, plain;
    struct gunzip *gunzip;
    struct buf ready; /* decompressed, from `taken` on not yet handed on */
    size_t taken;
    uint64_t total;
    bool begun, ended;
};

static void stream_release(struct stream *stream)
{
    autoclose_release(&stream->fd);
    digest_context_release(&stream->packed);
    digest_context_release(&stream->plain);
    gunzip_free(stream->gunzip);
    buf_release(&stream->ready);
}

static int plain_sink(void *data, const void *bytes, size_t length, struct error *err)
{
    struct stream *stream = data;
    static const unsigned char gzip[2] = {0x1f, 0x8b};
    if (stream->total == 0 && length >= 2 && memcmp(bytes, gzip, 2) == 0)
        return error_set(err, ERROR_REGISTRY, "it is compressed twice");
    stream->total += length;
    if (stream->total > largest_content)
        return error_set(err, ERROR_REGISTRY, "it holds more than 16 GiB");
    digest_update(&stream->plain, bytes, length);
    buf_add(&stream->ready, bytes, length);
    return 0;
}

/* Takes the next piece of the blob. */
static int advance(struct stream *stream, struct error *err)
{
    static const unsigned char zstd[4] = {0x28, 0xb5, 0x2f, 0xfd};
    char piece[PIECE];
    ssize_t got = read(stream->fd, piece, sizeof piece);
    if (process_check_interrupt(err) != 0)
        return -1;
    if (got < 0)
        return errno == EINTR ? 0 : error_errno(err, ERROR_BUILD, "can't read it");
    if (got == 0) {
        stream->ended = true;
        return gunzip_finish(stream->gunzip, err);
    }
    digest_update(&stream->packed, piece, (size_t)got);
    if (!stream->begun && got >= 4 && memcmp(piece, zstd, 4) == 0)
        return error_set(err, ERROR_REGISTRY,
                         "it is compressed by zstd, which Lambda doesn't take; convert the image to gzip, for example with "
                         "'skopeo copy --dest-compress-format gzip'");
    stream->begun = true;
    return gunzip_feed(stream->gunzip, piece, (size_t)got, err);
}

static int64_t source(void *data, void *bytes, size_t capacity, struct error *err)
{
    struct stream *stream = data;
    if (stream->taken == stream->ready.len) {
        buf_clear(&stream->ready);
        stream->taken = 0;
    }
    while (stream->ready.len == 0 && !stream->ended)
        if (advance(stream, err) != 0)
            return -1;
    size_t part = stream->ready.len - stream->taken;
    part = part < capacity ? part : capacity;
    if (part > 0)
        memcpy(bytes, stream->ready.data + stream->taken, part);
    stream->taken += part;
    return (int64_t)part;
}

struct maker {
    struct buf entries, names;
};

static void maker_release(struct maker *maker)
{
    buf_release(&maker->entries);
    buf_release(&maker->names);
}

static uint32_t add_name(struct maker *maker, const char *name)
{
    uint32_t at = (uint32_t)maker->names.len;
    buf_add(&maker->names, name, strlen(name) + 1);
    return at;
}

static int add(struct maker *maker, const struct tar_entry *from, struct error *err)
{
    struct listing_entry entry = {.uid = from->uid, .gid = from->gid, .mtime = from->mtime, .size = from->size,
                                  .link = UINT32_MAX, .mode = from->mode, .type = from->type};
    bool hard = from->type == TAR_HARDLINK;
    autofree char *path = path_clean(from->path), *target = hard ? path_clean(from->link) : NULL;
    if (!path || (from->path[0] == '/' && path[0] != '\0')) /* "/" alone is how some tools call the root */
        return error_set(err, ERROR_REGISTRY, "the name '%.200s' in it leads out of the image", from->path);
    if (hard && !target)
        return error_set(err, ERROR_REGISTRY, "the hard link '%.200s' in it leads out of the image", from->path);
    if (strlen(path) > LONGEST_NAME)
        return error_set(err, ERROR_REGISTRY, "the name '%.60s...' in it is longer than %d bytes", path, LONGEST_NAME);
    if (path[0] == '\0' && from->type != TAR_DIR)
        return error_set(err, ERROR_REGISTRY, "the root of it is not a directory");
    if (strcmp(path_base(path), ".wh.") == 0)
        return error_set(err, ERROR_REGISTRY, "the whiteout '%.200s' in it names nothing", path);
    if (maker->entries.len / sizeof entry >= MOST_ENTRIES)
        return error_set(err, ERROR_REGISTRY, "it has more than %d entries", MOST_ENTRIES);
    if (maker->names.len > MOST_NAMES - 3 * LONGEST_NAME)
        return error_set(err, ERROR_REGISTRY, "its names take more than %d bytes", MOST_NAMES);
    entry.path = add_name(maker, path);
    if (hard || from->type == TAR_SYMLINK)
        entry.link = add_name(maker, hard ? target : from->link);
    buf_add(&maker->entries, &entry, sizeof entry);
    return 0;
}

static int read_entries(struct stream *stream, struct maker *maker, struct error *err)
{
    struct tar_entry entry;
    int more = 0;
    AUTOPTR(tar_reader) reader = tar_reader_open(source, stream, "the layer", err);
    if (!reader)
        return -1;
    while ((more = tar_reader_next(reader, &entry, err)) == 1)
        if (add(maker, &entry, err) != 0)
            return -1;
    return more;
}

/* Padding behind the archive's end counts for the digests. */
static int read_rest(struct stream *stream, struct error *err)
{
    while (!stream->ended) {
        buf_clear(&stream->ready);
        if (advance(stream, err) != 0)
            return -1;
    }
    return 0;
}

/* Content that can't be read may be so because the disk damaged it: then the digest is wrong as well, and that is what the
 * user should hear. */
static int check_blob(struct stream *stream, const struct store *store, const struct digest *blob, int result,
                      struct error *err)
{
    char piece[PIECE];
    struct digest actual;
    ssize_t got = 0;
    if (result != 0 && err->kind != ERROR_REGISTRY)
        return error_wrap(err, "the layer '%s'", blob->text);
    while (!stream->ended && ((got = read(stream->fd, piece, sizeof piece)) > 0 || (got < 0 && errno == EINTR)))
        digest_update(&stream->packed, piece, got > 0 ? (size_t)got : 0);
    digest_final(&stream->packed, &actual);
    if (!digest_equal(&actual, blob)) {
        store_discard(store, blob);
        return error_set(err, ERROR_REGISTRY, "the layer '%s' was damaged on disk and has been removed from the cache; build again",
                         blob->text);
    }
    return result == 0 ? 0 : error_wrap(err, "the layer '%s' can't be used", blob->text);
}

static int write_list(const struct store *store, const struct digest *blob, const struct digest *diff_id,
                      const struct maker *maker, struct error *err)
{
    AUTO(buf) out = {0};
    struct head head = {.count = maker->entries.len / sizeof(struct listing_entry), .names = maker->names.len};
    memcpy(head.magic, magic, sizeof magic);
    memcpy(head.diff_id, diff_id->text, sizeof head.diff_id);
    buf_add(&out, &head, sizeof head);
    buf_add(&out, maker->entries.data, maker->entries.len);
    buf_add(&out, maker->names.data, maker->names.len);
    head.checksum = checksum(out.data + unsummed, out.len - unsummed);
    memcpy(out.data, &head, sizeof head);
    autofree char *path = store_path(store, "lists", digest_hex(blob), err);
    return path ? fs_write(path, out.data, out.len, 0644, err) : -1;
}

static int check_content(const struct digest *blob, const struct digest *found, struct digest *diff_id, struct error *err)
{
    if (diff_id->text[0] && !digest_equal(diff_id, found))
        return error_set(err, ERROR_REGISTRY, "the layer '%s' holds '%s', but the image's config says '%s'", blob->text,
                         found->text, diff_id->text);
    *diff_id = *found;
    return 0;
}

int listing_make(const struct store *store, const struct digest *blob, struct digest *diff_id, struct error *err)
{
    struct digest found;
    uint64_t size = 0;
    AUTO(stream) stream = {.fd = -1};
    AUTO(maker) maker = {0};
    AUTO(listing) listing = {0};
    if (diff_id->text[0] && known(store, blob, diff_id))
        return 0;
    if (listing_load(store, blob, &listing) == 1)
        return check_content(blob, &listing.diff_id, diff_id, err);
    stream.fd = store_open_blob(store, blob, &size, err);
    if (stream.fd < 0 || digest_init(&stream.packed, err) != 0 || digest_init(&stream.plain, err) != 0)
        return -1;
    stream.gunzip = gunzip_open(plain_sink, &stream, true, err);
    if (!stream.gunzip)
        return -1;
    int result = read_entries(&stream, &maker, err);
    if (result == 0)
        result = read_rest(&stream, err);
    if (check_blob(&stream, store, blob, result, err) != 0)
        return -1;
    digest_final(&stream.plain, &found);
    if (check_content(blob, &found, diff_id, err) != 0)
        return -1;
    return write_list(store, blob, &found, &maker, err);
}
