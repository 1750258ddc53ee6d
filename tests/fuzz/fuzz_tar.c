#include "support/buf.h"
#include "support/tar.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every entry keeps the promises of tar.h, and an archive that the writer makes of
 * them reads the same. */
enum { ENTRIES = 200, CONTENT = 1 << 20 };

struct memory {
    const char *bytes;
    size_t left;
};

static int64_t from_memory(void *data, void *bytes, size_t capacity, struct error *err)
{
    struct memory *memory = data;
    size_t part = memory->left < capacity ? memory->left : capacity;
    (void)err;
    memcpy(bytes, memory->bytes, part);
    memory->bytes += part;
    memory->left -= part;
    return (int64_t)part;
}

static int to_buf(void *data, const void *bytes, size_t length, struct error *err)
{
    (void)err;
    buf_add(data, bytes, length);
    return 0;
}

static void check(const struct tar_entry *entry)
{
    if (!entry->path[0] || strlen(entry->path) > 4096 ||
        (entry->link && strlen(entry->link) > 4096) || entry->size < 0 || entry->uid < 0 ||
        entry->gid < 0 || entry->mode > 07777 || (entry->size > 0 && entry->type != TAR_FILE) ||
        (entry->link && entry->link[0]) !=
            (entry->type == TAR_SYMLINK || entry->type == TAR_HARDLINK))
        abort();
}

/* "TYPE MODE UID GID MTIME SIZE PATH LINK" and the content. */
static void note(struct buf *out, const struct tar_entry *entry, const struct buf *content)
{
    size_t length = strlen(entry->path);
    while (entry->type == TAR_DIR && length > 0 && entry->path[length - 1] == '/')
        length--;
    buf_addf(out, "%d %o %lld %lld %lld %zu %.*s %s\n", (int)entry->type, entry->mode,
             (long long)entry->uid, (long long)entry->gid, (long long)entry->mtime, content->len,
             (int)length, entry->path, entry->link ? entry->link : "");
    buf_add(out, content->data, content->len);
}

/* Whether the writer accepts the entry, which must then come back unchanged. Exceptions:
 * libarchive reads the time -2^63 as one more, only a directory's name may end in a slash,
 * and a file that reaches the limit may be read whole the first time but not the second, in
 * pieces of other sizes. */
static bool comparable(const struct tar_entry *entry, const struct buf *content)
{
    size_t length = strlen(entry->path);
    return entry->path[0] != '/' && entry->type != TAR_OTHER &&
           (int64_t)content->len == entry->size && entry->size < CONTENT &&
           entry->mtime != INT64_MIN && (entry->type == TAR_DIR || entry->path[length - 1] != '/');
}

/* At most CONTENT bytes and a piece. */
static int read_content(struct tar_reader *reader, struct buf *content, struct error *err)
{
    int64_t got = 1;

    while (got > 0 && content->len < CONTENT) {
        got = tar_reader_read(reader, buf_reserve(content, 4096), 4096, err);
        content->len += got > 0 ? (size_t)got : 0;
    }
    return got < 0 ? -1 : 0;
}

/* Reads at most ENTRIES entries; those that can be written go to `tar` too. 0 if all went well. */
static int read_all(const char *bytes, size_t size, struct buf *notes, struct buf *tar)
{
    struct error err = {0};
    struct memory memory = {bytes, size};
    struct tar_entry entry;
    AUTOPTR(tar_writer) writer = tar_writer_open(to_buf, tar, &err);
    AUTOPTR(tar_reader) reader = tar_reader_open(from_memory, &memory, "input", &err);
    int status = reader ? 1 : -1;

    for (int i = 0; i < ENTRIES && reader && (status = tar_reader_next(reader, &entry, &err)) == 1;
         i++) {
        AUTO(buf) content = {0};
        check(&entry);
        if (read_content(reader, &content, &err) != 0) {
            status = -1;
            break;
        }

        if (!comparable(&entry, &content))
            continue;
        note(notes, &entry, &content);
        if (tar_writer_entry(writer, &entry, &err) != 0 ||
            tar_writer_data(writer, content.data, content.len, &err) != 0)
            abort();
    }

    if (tar_writer_finish(writer, &err) != 0)
        abort();
    if (status < 0 && !err.text[0])
        abort();
    return status < 0 ? -1 : 0;
}

static void try(const char *bytes, size_t size)
{
    AUTO(buf) notes = {0}, again = {0}, tar = {0}, rest = {0};
    (void)read_all(bytes, size, &notes, &tar);
    if (notes.len > 0 && read_all(tar.data, tar.len, &again, &rest) != 0)
        abort();
    if (notes.len != again.len || (notes.len > 0 && memcmp(notes.data, again.data, notes.len) != 0))
        abort();
}

/* Writes right checksums into everything that looks like a header: without them a changed archive
 * never gets far. */
static void mend(char *bytes, size_t size)
{
    for (size_t at = 0; at + 512 <= size; at += 512) {
        unsigned sum = 8 * ' ';
        if (memcmp(bytes + at + 257, "ustar", 5) != 0)
            continue;

        for (size_t i = 0; i < 512; i++)
            sum += i < 148 || i >= 156 ? (unsigned char)bytes[at + i] : 0;
        for (size_t i = 6; i-- > 0; sum >>= 3)
            bytes[at + 148 + i] = (char)('0' + (sum & 7));
        bytes[at + 154] = '\0';
        bytes[at + 155] = ' ';
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(buf) mended = {0};

    try((const char *)data, size);
    buf_add(&mended, data, size);
    mend(mended.data, mended.len);
    try(mended.data, mended.len);
    return 0;
}
