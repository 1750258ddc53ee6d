#include "support/tar.h"

#include "support/buf.h"

#include <stdlib.h>
#include <string.h>

/* The format is that of POSIX pax, "ustar Interchange Format" and "pax Extended Header". */
enum { BLOCK = 512 };

static const unsigned char zeros[2 * BLOCK];

struct tar_writer {
    byte_sink sink;
    void *data;
    uint64_t left, size; /* of the current file: bytes still to come, and in all */
};

struct ustar {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100],
        magic[6], version[2];
    char uname[32], gname[32], major[8], minor[8], prefix[155], fill[12];
};
_Static_assert(sizeof(struct ustar) == BLOCK, "a tar header is one block");

struct tar_writer *tar_writer_open(byte_sink sink, void *data, struct error *err)
{
    (void)err;
    struct tar_writer *writer = xcalloc(1, sizeof *writer);
    writer->sink = sink;
    writer->data = data;
    return writer;
}

void tar_writer_free(struct tar_writer *writer)
{
    free(writer);
}

/* Writes octal digits and a final NUL; false when the number doesn't fit. */
static bool put_octal(char *field, size_t width, int64_t number)
{
    uint64_t rest = (uint64_t)number;
    for (size_t i = width - 1; i-- > 0; rest >>= 3)
        field[i] = (char)('0' + (rest & 7));
    field[width - 1] = '\0';
    return number >= 0 && rest == 0;
}

/* Stores a path in `name`, or split at a slash in `prefix` and `name`; false
 * when it doesn't fit. */
static bool put_path(struct ustar *header, const char *path, size_t length)
{
    if (length <= sizeof header->name) {
        memcpy(header->name, path, length);
        return true;
    }

    if (length > sizeof header->prefix + 1 + sizeof header->name)
        return false;
    /* Find the first slash with few enough bytes after it. A directory's final
     * slash can't split. */
    for (size_t at = length - 1 - sizeof header->name;
         at < length - 1 && at <= sizeof header->prefix; at++) {
        if (path[at] != '/' || at == 0)
            continue;
        memcpy(header->prefix, path, at);
        memcpy(header->name, path + at + 1, length - at - 1);
        return true;
    }
    return false;
}

/* Adds "LENGTH KEY=VALUE\n", where LENGTH counts its own digits too. */
static void pax_record(struct buf *records, const char *key, const char *value)
{
    size_t rest = strlen(key) + strlen(value) + 3, length = rest + 1, digits = 1;
    for (size_t power = 10; length >= power; power *= 10)
        length = rest + ++digits;
    buf_addf(records, "%zu %s=%s\n", length, key, value);
}

static void pax_number(struct buf *records, const char *key, int64_t number)
{
    autofree char *value = xasprintf("%lld", (long long)number);
    pax_record(records, key, value);
}

/* Fills the header. A value that doesn't fit becomes a PAX record, and its field holds as much of
 * it as possible. */
static void make_header(struct ustar *header, const char *path, const struct tar_entry *entry,
                        struct buf *records)
{
    static const char types[] = {
        [TAR_FILE] = '0', [TAR_DIR] = '5', [TAR_SYMLINK] = '2', [TAR_HARDLINK] = '1'};
    size_t length = strlen(path);
    memset(header, 0, sizeof *header);

    if (!put_path(header, path, length)) {
        pax_record(records, "path", path);
        memcpy(header->name, path, length < sizeof header->name ? length : sizeof header->name);
    }
    if (entry->link && (entry->type == TAR_SYMLINK || entry->type == TAR_HARDLINK)) {
        length = strlen(entry->link);
        if (length > sizeof header->link)
            pax_record(records, "linkpath", entry->link);
        memcpy(header->link, entry->link,
               length < sizeof header->link ? length : sizeof header->link);
    }

    put_octal(header->mode, sizeof header->mode, entry->mode & 07777);
    if (!put_octal(header->uid, sizeof header->uid, entry->uid))
        pax_number(records, "uid", entry->uid);
    if (!put_octal(header->gid, sizeof header->gid, entry->gid))
        pax_number(records, "gid", entry->gid);
    if (!put_octal(header->size, sizeof header->size, entry->size))
        pax_number(records, "size", entry->size);
    if (!put_octal(header->mtime, sizeof header->mtime, entry->mtime))
        pax_number(records, "mtime", entry->mtime);

    header->type = types[entry->type];
    memcpy(header->magic, "ustar", 6);
    memcpy(header->version, "00", 2);
    put_octal(header->major, sizeof header->major, 0);
    put_octal(header->minor, sizeof header->minor, 0);
}

static int send_header(struct tar_writer *writer, struct ustar *header, struct error *err)
{
    unsigned sum = 0;
    memset(header->checksum, ' ', sizeof header->checksum);
    for (size_t i = 0; i < sizeof *header; i++)
        sum += ((const unsigned char *)header)[i];
    put_octal(header->checksum, 7, sum);
    return writer->sink(writer->data, header, sizeof *header, err);
}

static int send_padding(struct tar_writer *writer, uint64_t length, struct error *err)
{
    size_t padding = (size_t)(-length & (BLOCK - 1));
    return padding == 0 ? 0 : writer->sink(writer->data, zeros, padding, err);
}

/* Writes the extended header: an entry of type 'x' whose content is the records. Its name, which no
 * reader uses, is always the same. */
static int send_records(struct tar_writer *writer, const struct buf *records, struct error *err)
{
    static const struct tar_entry entry = {.type = TAR_FILE, .mode = 0644};
    struct ustar header;
    AUTO(buf) none = {0};
    make_header(&header, "PaxHeader/entry", &entry, &none);
    put_octal(header.size, sizeof header.size, (int64_t)records->len);
    header.type = 'x';

    if (send_header(writer, &header, err) != 0 ||
        writer->sink(writer->data, records->data, records->len, err) != 0)
        return -1;
    return send_padding(writer, records->len, err);
}

static int check(const struct tar_writer *writer, const struct tar_entry *entry, struct error *err)
{
    if (writer->left > 0)
        return error_set(err, ERROR_INTERNAL,
                         "tar: '%s' comes before the content of the file before it", entry->path);

    size_t length = strlen(entry->path);
    /* Most readers take any entry with a final slash for a directory. */
    bool slash = length > 0 && entry->path[length - 1] == '/';
    if (length == 0 || entry->path[0] == '/' || entry->type == TAR_OTHER ||
        (slash && entry->type != TAR_DIR))
        return error_set(err, ERROR_INTERNAL, "tar: '%s' can't be written", entry->path);
    if (entry->size < 0 || (entry->size > 0 && entry->type != TAR_FILE))
        return error_set(err, ERROR_INTERNAL, "tar: '%s' can't have %lld bytes", entry->path,
                         (long long)entry->size);
    return 0;
}

int tar_writer_entry(struct tar_writer *writer, const struct tar_entry *entry, struct error *err)
{
    AUTO(buf) records = {0};
    struct ustar header;
    if (check(writer, entry, err) != 0)
        return -1;

    bool slash = entry->type == TAR_DIR && entry->path[strlen(entry->path) - 1] != '/';
    autofree char *path = xasprintf("%s%s", entry->path, slash ? "/" : "");
    make_header(&header, path, entry, &records);
    if (records.len > 0 && send_records(writer, &records, err) != 0)
        return -1;

    writer->left = (uint64_t)entry->size;
    writer->size = (uint64_t)entry->size;
    return send_header(writer, &header, err);
}

int tar_writer_data(struct tar_writer *writer, const void *bytes, size_t length, struct error *err)
{
    if (length > writer->left)
        return error_set(err, ERROR_INTERNAL, "tar: more content than the header says");
    if (length == 0)
        return 0;
    writer->left -= length;
    if (writer->sink(writer->data, bytes, length, err) != 0)
        return -1;
    return writer->left == 0 ? send_padding(writer, writer->size, err) : 0;
}

int tar_writer_finish(struct tar_writer *writer, struct error *err)
{
    if (writer->left > 0)
        return error_set(err, ERROR_INTERNAL, "tar: the last file's content isn't complete");
    return writer->sink(writer->data, zeros, sizeof zeros, err);
}
