#include "layer/listing.h"

#include "lambda/program.h"
#include "lambda/secret.h"
#include "support/fs.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The lists in the store, and how they are made from entries. */

enum {
    MOST_ENTRIES = 1000000,
    LONGEST_NAME = 4096,
    MOST_NAMES = 256 * 1024 * 1024, /* bytes of all names and facts of a layer */
    MOST_FACTS = 64 * 1024 * 1024,  /* of these, for facts: later entries go without */
    PIECE = 64 * 1024,
};

/* A checksum of bytes that come in pieces of any size. It can be forged. */
struct sum {
    uint64_t sum, word; /* of the whole words so far, and the bytes of an unfinished one */
    unsigned held;      /* bytes in `word` */
};

static void add_word(struct sum *sum, uint64_t word)
{
    sum->sum = (sum->sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    sum->sum ^= sum->sum >> 29;
}

static void sum_add(struct sum *sum, const void *data, size_t length)
{
    const unsigned char *bytes = data;
    for (; sum->held > 0 && length > 0; bytes++, length--) {
        sum->word |= (uint64_t)*bytes << (8 * sum->held);
        if (++sum->held < 8)
            continue;
        add_word(sum, sum->word);
        sum->word = sum->held = 0;
    }

    for (; length >= 8; bytes += 8, length -= 8) {
        uint64_t word;
        memcpy(&word, bytes, sizeof word);
        add_word(sum, word);
    }
    for (; length > 0; bytes++, length--)
        sum->word |= (uint64_t)*bytes << (8 * sum->held++);
}

static uint64_t sum_end(struct sum *sum)
{
    add_word(sum, sum->word);
    return sum->sum;
}

/* The file: this head, then `count` records, each followed by its strings. Native byte order: the
 * cache never leaves this machine. */
struct head {
    char magic[16];
    uint64_t checksum; /* of the records, then of the fields below */
    uint64_t count, bytes, size, content_size, members; /* bytes: of all records */
    char diff_id[72];
    char odd_header[STRICT_NOTE], odd_type[STRICT_NOTE];
};
static const char magic[16] = "lbuild-list 4\n";

struct record {
    int64_t uid, gid, mtime, size;
    uint64_t print;
    uint32_t facts, mode;
    uint16_t path,
        link; /* bytes of each string with its NUL, in the order path, link, facts; 0: none */
    uint8_t type, flags;
    uint16_t unused;
};

static uint64_t head_sum(struct sum *sum, const struct head *head)
{
    sum_add(sum, &head->count, sizeof *head - offsetof(struct head, count));
    return sum_end(sum);
}

/* Reading. */

struct listing_reader {
    FILE *file;
    uint64_t left; /* records */
    struct buf strings;
};

static bool read_head(FILE *file, struct head *head, struct listing *about)
{
    if (fread(head, sizeof *head, 1, file) != 1 || memcmp(head->magic, magic, sizeof magic) != 0 ||
        !memchr(head->diff_id, 0, sizeof head->diff_id) ||
        !memchr(head->odd_header, 0, STRICT_NOTE) || !memchr(head->odd_type, 0, STRICT_NOTE) ||
        !digest_parse(&about->diff_id, head->diff_id))
        return false;

    about->count = head->count;
    about->size = head->size;
    about->content_size = head->content_size;
    about->members = head->members;
    memcpy(about->odd_header, head->odd_header, STRICT_NOTE);
    memcpy(about->odd_type, head->odd_type, STRICT_NOTE);
    return true;
}

/* Whether the records are undamaged. */
static bool is_sound(FILE *file, const struct head *head)
{
    struct sum sum = {0};
    uint64_t bytes = 0;
    autofree char *piece = xmalloc(PIECE);
    for (size_t got; (got = fread(piece, 1, PIECE, file)) > 0; bytes += got)
        sum_add(&sum, piece, got);
    return !ferror(file) && bytes == head->bytes && head_sum(&sum, head) == head->checksum;
}

/* NULL: there is no list. */
static FILE *open_list(const struct store *store, const struct digest *blob, char **path)
{
    *path = xasprintf("%s/lists/%s", store->root, digest_hex(blob));
    int fd = open(*path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (fd >= 0 && !file)
        close(fd);
    return file;
}

struct listing_reader *listing_reader_open(const struct store *store, const struct digest *blob,
                                           struct listing *about)
{
    struct head head;
    autofree char *path = NULL;
    autofclose FILE *file = open_list(store, blob, &path);
    if (!file)
        return NULL;
    if (!read_head(file, &head, about) || !is_sound(file, &head) ||
        fseek(file, sizeof head, SEEK_SET) != 0) {
        unlink(path);
        return NULL;
    }

    struct listing_reader *reader = xcalloc(1, sizeof *reader);
    reader->file = take(file);
    reader->left = head.count;
    return reader;
}

void listing_reader_free(struct listing_reader *reader)
{
    if (!reader)
        return;
    fclose(reader->file);
    buf_release(&reader->strings);
    free(reader);
}

/* The next string of a record, `length` bytes with its NUL. */
static const char *string_at(const char **at, size_t length)
{
    const char *text = length > 0 ? *at : NULL;
    *at += length;
    return text;
}

/* The next record, its strings in reader->strings. */
static bool read_record(struct listing_reader *reader, struct record *record)
{
    if (fread(record, sizeof *record, 1, reader->file) != 1 || record->path == 0 ||
        record->type > TAR_OTHER || record->facts > MOST_FACTS)
        return false;

    size_t length = (size_t)record->path + record->link + record->facts;
    buf_clear(&reader->strings);
    char *strings = buf_reserve(&reader->strings, length);
    bool linked = record->type == TAR_SYMLINK || record->type == TAR_HARDLINK;
    if ((linked && record->link == 0) || fread(strings, length, 1, reader->file) != 1)
        return false;

    strings[length] = '\0';
    return true;
}

int listing_reader_next(struct listing_reader *reader, struct listing_entry *entry,
                        struct error *err)
{
    struct record record;
    if (reader->left == 0)
        return 0;
    if (!read_record(reader, &record))
        return error_set(err, ERROR_BUILD,
                         "a layer's list in the cache changed while it was read; try again");

    reader->left--;
    const char *at = reader->strings.data;
    *entry = (struct listing_entry){.uid = record.uid,
                                    .gid = record.gid,
                                    .mtime = record.mtime,
                                    .size = record.size,
                                    .print = record.print,
                                    .mode = record.mode,
                                    .type = (enum tar_type)record.type,
                                    .flags = record.flags};

    entry->path = string_at(&at, record.path);
    entry->link = string_at(&at, record.link);
    entry->facts = string_at(&at, record.facts);
    return 1;
}

bool listing_known(const struct store *store, const struct digest *blob, struct listing *out)
{
    struct head head;
    autofree char *path = NULL;
    autofclose FILE *file = open_list(store, blob, &path);
    *out = (struct listing){0};
    return file && read_head(file, &head, out);
}

/* Writing. */

struct listing_writer {
    const struct store *store;
    struct atomic file;
    struct buf ready; /* records that are not written yet */
    struct sum sum;   /* of all records */
    uint64_t count, bytes;
    size_t names, facts; /* bytes of all names and facts, and of facts */
    struct program_scan *scan;
    bool open;          /* the entry below waits for its content */
    struct record last; /* that entry */
    struct buf strings; /* its path and link, and finally its facts */
    struct sum print;   /* of its content */
};

struct listing_writer *listing_writer_new(const struct store *store)
{
    struct listing_writer *writer = xcalloc(1, sizeof *writer);
    writer->store = store;
    writer->file = (struct atomic)ATOMIC_INIT;
    writer->scan = program_scan_new();
    return writer;
}

void listing_writer_free(struct listing_writer *writer)
{
    if (!writer)
        return;
    atomic_release(&writer->file);
    buf_release(&writer->ready);
    buf_release(&writer->strings);
    program_scan_free(writer->scan);
    free(writer);
}

/* A list may be large, so it isn't collected in memory. The head is written last, once everything
 * is known. */
static int flush(struct listing_writer *writer, struct error *err)
{
    static const struct head none;
    if (writer->file.fd < 0) {
        autofree char *path = store_path(writer->store, "lists", "new", err);
        if (!path || atomic_open(&writer->file, path, 0644, err) != 0 ||
            fs_write_fd(writer->file.fd, path, &none, sizeof none, err) != 0)
            return -1;
    }

    sum_add(&writer->sum, writer->ready.data, writer->ready.len);
    writer->bytes += writer->ready.len;
    int result =
        fs_write_fd(writer->file.fd, writer->file.path, writer->ready.data, writer->ready.len, err);
    buf_clear(&writer->ready);
    return result;
}

/* Adds a string to the record; the length includes its NUL. */
static size_t add_string(struct listing_writer *writer, const char *text)
{
    size_t length = strlen(text) + 1;
    buf_add(&writer->strings, text, length);
    writer->names += length;
    return length;
}

/* The facts that the complete content tells. */
static void add_facts(struct listing_writer *writer)
{
    AUTO(buf) facts = {0};
    writer->last.print = sum_end(&writer->print);
    program_scan_end(writer->scan, &facts);
    if (facts.len == 0 || writer->facts + facts.len >= MOST_FACTS)
        return;
    writer->facts += facts.len;
    writer->last.facts = (uint32_t)add_string(writer, buf_text(&facts));
}

/* Completes the last entry, whose content is complete. */
static int close_file(struct listing_writer *writer, struct error *err)
{
    if (!writer->open)
        return 0;

    writer->open = false;
    if (writer->last.size > 0)
        add_facts(writer);
    buf_add(&writer->ready, &writer->last, sizeof writer->last);
    buf_add(&writer->ready, writer->strings.data, writer->strings.len);
    writer->count++;
    return writer->ready.len < PIECE ? 0 : flush(writer, err);
}

/* Small files whose content tells how programs start. */
static bool keeps_text(const char *path)
{
    static const char *const patterns[] = {"etc/ld.so.conf",     "etc/ld.so.conf.d/*",
                                           "etc/ld-musl-*.path", "etc/os-release",
                                           "usr/lib/os-release", "lambda-entrypoint.sh"};
    for (size_t i = 0; i < countof(patterns); i++)
        if (fnmatch(patterns[i], path, FNM_PATHNAME) == 0)
            return true;
    return false;
}

static enum program_want wanted_of(const char *path)
{
    if (keeps_text(path))
        return PROGRAM_TEXT;
    return secret_settings(path) ? PROGRAM_SECRET : PROGRAM_FACTS;
}

static int add_names(struct listing_writer *writer, const struct tar_entry *from, struct error *err)
{
    struct record *record = &writer->last;
    bool hard = from->type == TAR_HARDLINK;
    autofree char *path = path_clean(from->path), *target = hard ? path_clean(from->link) : NULL;
    const char *link = hard && target ? target : from->link;
    if (strlen(path ? path : from->path) > LONGEST_NAME || (link && strlen(link) > LONGEST_NAME))
        return error_set(err, ERROR_REGISTRY, "the name '%.60s...' is longer than %d bytes",
                         from->path, LONGEST_NAME);

    if (!path)
        record->flags |= LISTING_ESCAPES;
    else if (from->path[0] == '/' && path[0] != '\0') /* some tools call the root "/" */
        record->flags |= LISTING_ABSOLUTE;
    if (hard && !target)
        record->flags |= LISTING_LINK_ESCAPES;

    record->path = (uint16_t)add_string(writer, path ? path : from->path);
    if (hard || from->type == TAR_SYMLINK)
        record->link = (uint16_t)add_string(writer, link);
    return 0;
}

int listing_writer_entry(struct listing_writer *writer, const struct tar_entry *from,
                         struct error *err)
{
    if (close_file(writer, err) != 0)
        return -1;
    if (writer->count >= MOST_ENTRIES)
        return error_set(err, ERROR_REGISTRY, "it has more than %d entries", MOST_ENTRIES);
    if (writer->names > (size_t)MOST_NAMES - MOST_FACTS - 3 * LONGEST_NAME + writer->facts)
        return error_set(err, ERROR_REGISTRY, "its names take more than %d bytes",
                         MOST_NAMES - MOST_FACTS);

    writer->last = (struct record){.uid = from->uid,
                                   .gid = from->gid,
                                   .mtime = from->mtime,
                                   .size = from->size,
                                   .mode = from->mode,
                                   .type = (uint8_t)from->type};
    buf_clear(&writer->strings);
    if (add_names(writer, from, err) != 0)
        return -1;

    writer->open = true;
    writer->print = (struct sum){.sum = (uint64_t)from->size};
    if (from->size > 0)
        program_scan_begin(writer->scan, (uint64_t)from->size, wanted_of(writer->strings.data));
    return 0;
}

void listing_writer_data(struct listing_writer *writer, const void *bytes, size_t length)
{
    sum_add(&writer->print, bytes, length);
    program_scan_feed(writer->scan, bytes, length);
}

int listing_writer_save(struct listing_writer *writer, const struct digest *blob,
                        const struct listing *about, struct error *err)
{
    autofree char *path = store_path(writer->store, "lists", digest_hex(blob), err);
    if (!path || close_file(writer, err) != 0 || flush(writer, err) != 0)
        return -1;

    struct head head = {.count = writer->count,
                        .bytes = writer->bytes,
                        .size = about->size,
                        .content_size = about->content_size,
                        .members = about->members};
    memcpy(head.magic, magic, sizeof magic);
    memcpy(head.diff_id, about->diff_id.text, sizeof head.diff_id);
    memcpy(head.odd_header, about->odd_header, STRICT_NOTE);
    memcpy(head.odd_type, about->odd_type, STRICT_NOTE);
    head.checksum = head_sum(&writer->sum, &head);

    if (lseek(writer->file.fd, 0, SEEK_SET) != 0)
        return error_errno(err, ERROR_BUILD, "can't write '%s'", path);
    if (fs_write_fd(writer->file.fd, path, &head, sizeof head, err) != 0)
        return -1;

    writer->file.lazy = true;
    atomic_move(&writer->file, path);
    return atomic_commit(&writer->file, err);
}
