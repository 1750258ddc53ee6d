#include "listing.h"

#include "lambda/program.h"
#include "support/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The lists in the store, and making them from entries. (listing_scan.c reads layers.) */

enum {
    MOST_ENTRIES = 1000000,
    LONGEST_NAME = 4096,
    MOST_NAMES = 256 * 1024 * 1024, /* bytes of all names and facts of a layer */
    MOST_FACTS = 64 * 1024 * 1024,  /* of these, for facts: what comes then goes without */
};

/* The file: this head, `count` entries, `names` bytes of NUL-terminated names. In the byte order of this machine, whose
 * cache it is. */
struct head {
    char magic[16];
    uint64_t checksum; /* of all that comes behind it */
    uint64_t count, names, size, content_size, members;
    char diff_id[72];
};
static const char magic[16] = "lbuild-list 2\n";

static const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);

struct part {
    const void *bytes;
    size_t length; /* whole words, but for the last part's */
};

static uint64_t checksum(const struct part *parts, size_t count)
{
    uint64_t sum = 0, word;
    for (size_t i = 0; i < count; i++)
        sum += parts[i].length;
    for (size_t i = 0; i < count; i++) {
        const char *bytes = parts[i].bytes;
        size_t length = parts[i].length;
        for (; length >= sizeof word; bytes += sizeof word, length -= sizeof word) {
            memcpy(&word, bytes, sizeof word);
            sum = (sum ^ word) * factor;
            sum ^= sum >> 29;
        }
        if (i + 1 < count)
            continue;
        word = 0;
        if (length > 0) /* else there may be nothing to point to */
            memcpy(&word, bytes, length);
        sum = (sum ^ word) * factor;
    }
    return sum;
}

static const size_t unsummed = offsetof(struct head, count);

static bool valid_entry(const struct listing_entry *entry, const struct head *head)
{
    bool link = entry->type == TAR_SYMLINK || entry->type == TAR_HARDLINK;
    return entry->path < head->names && (entry->link == UINT32_MAX || entry->link < head->names) && entry->type <= TAR_OTHER &&
           (entry->facts == UINT32_MAX || entry->facts < head->names) && (entry->link != UINT32_MAX || !link);
}

static bool valid(const char *data, size_t length, struct listing *out)
{
    struct head head;
    if (length < sizeof head)
        return false;
    memcpy(&head, data, sizeof head);
    if (memcmp(head.magic, magic, sizeof magic) != 0 || head.count > MOST_ENTRIES || head.names > MOST_NAMES ||
        length != sizeof head + head.count * sizeof *out->entries + head.names ||
        head.checksum != checksum(&(struct part){data + unsummed, length - unsummed}, 1) || !memchr(head.diff_id, 0, sizeof head.diff_id) ||
        !digest_parse(&out->diff_id, head.diff_id) || (head.names > 0 && data[length - 1] != '\0'))
        return false;
    out->entries = (const struct listing_entry *)(const void *)(data + sizeof head);
    out->count = head.count;
    out->names = data + sizeof head + head.count * sizeof *out->entries;
    out->size = head.size;
    out->content_size = head.content_size;
    out->members = head.members;
    for (size_t i = 0; i < out->count; i++)
        if (!valid_entry(&out->entries[i], &head))
            return false;
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

bool listing_known(const struct store *store, const struct digest *blob, struct listing *out)
{
    struct head head;
    autofree char *path = list_path(store, blob);
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *out = (struct listing){0};
    if (fd < 0 || read(fd, &head, sizeof head) != (ssize_t)sizeof head || memcmp(head.magic, magic, sizeof magic) != 0 ||
        !memchr(head.diff_id, 0, sizeof head.diff_id) || !digest_parse(&out->diff_id, head.diff_id))
        return false;
    out->size = head.size;
    out->content_size = head.content_size;
    out->members = head.members;
    return true;
}

struct listing_writer {
    struct buf entries, names, facts;
    size_t fact_bytes;
    struct program_scan *scan;
    struct listing_entry last; /* a file that waits for its content */
    bool open;
    uint64_t sum, word; /* of that content so far: whole words, and the bytes of an unfinished one */
    unsigned held;      /* bytes in `word` */
};

struct listing_writer *listing_writer_new(void)
{
    struct listing_writer *writer = xcalloc(1, sizeof *writer);
    writer->scan = program_scan_new();
    return writer;
}

void listing_writer_free(struct listing_writer *writer)
{
    if (!writer)
        return;
    buf_release(&writer->entries);
    buf_release(&writer->names);
    buf_release(&writer->facts);
    program_scan_free(writer->scan);
    free(writer);
}

static uint32_t add_name(struct listing_writer *writer, const char *name)
{
    uint32_t at = (uint32_t)writer->names.len;
    buf_add(&writer->names, name, strlen(name) + 1);
    return at;
}

static void mix(struct listing_writer *writer, uint64_t word)
{
    writer->sum = (writer->sum ^ word) * factor;
    writer->sum ^= writer->sum >> 29;
}

static void print_content(struct listing_writer *writer, const unsigned char *bytes, size_t length)
{
    for (; writer->held > 0 && length > 0; bytes++, length--) {
        writer->word |= (uint64_t)*bytes << (8 * writer->held);
        if (++writer->held < 8)
            continue;
        mix(writer, writer->word);
        writer->word = writer->held = 0;
    }
    for (; length >= 8; bytes += 8, length -= 8) {
        uint64_t word;
        memcpy(&word, bytes, sizeof word);
        mix(writer, word);
    }
    for (; length > 0; bytes++, length--)
        writer->word |= (uint64_t)*bytes << (8 * writer->held++);
}

/* Completes the file whose content has come. */
static void close_file(struct listing_writer *writer)
{
    if (!writer->open)
        return;
    writer->open = false;
    if (writer->last.size > 0) {
        mix(writer, writer->word);
        writer->last.print = writer->sum;
        buf_clear(&writer->facts);
        program_scan_end(writer->scan, &writer->facts);
        if (writer->facts.len > 0 && writer->fact_bytes + writer->facts.len < MOST_FACTS) {
            writer->last.facts = add_name(writer, buf_text(&writer->facts));
            writer->fact_bytes += writer->facts.len;
        }
    }
    buf_add(&writer->entries, &writer->last, sizeof writer->last);
}

/* Small files whose content tells how programs start. */
static bool keeps_text(const char *path)
{
    static const char *const patterns[] = {"etc/ld.so.conf", "etc/ld.so.conf.d/*", "etc/ld-musl-*.path", "etc/os-release",
                                           "usr/lib/os-release", "lambda-entrypoint.sh"};
    for (size_t i = 0; i < countof(patterns); i++)
        if (fnmatch(patterns[i], path, FNM_PATHNAME) == 0)
            return true;
    return false;
}

static int add_names(struct listing_writer *writer, const struct tar_entry *from, struct error *err)
{
    struct listing_entry *entry = &writer->last;
    bool hard = from->type == TAR_HARDLINK;
    autofree char *path = path_clean(from->path), *target = hard ? path_clean(from->link) : NULL;
    const char *link = hard && target ? target : from->link;
    if (strlen(path ? path : from->path) > LONGEST_NAME || (link && strlen(link) > LONGEST_NAME))
        return error_set(err, ERROR_REGISTRY, "the name '%.60s...' in it is longer than %d bytes", from->path, LONGEST_NAME);
    if (!path)
        entry->flags |= LISTING_ESCAPES;
    else if (from->path[0] == '/' && path[0] != '\0') /* "/" alone is how some tools call the root */
        entry->flags |= LISTING_ABSOLUTE;
    if (hard && !target)
        entry->flags |= LISTING_LINK_ESCAPES;
    entry->path = add_name(writer, path ? path : from->path);
    if (hard || from->type == TAR_SYMLINK)
        entry->link = add_name(writer, link);
    return 0;
}

int listing_writer_entry(struct listing_writer *writer, const struct tar_entry *from, struct error *err)
{
    close_file(writer);
    if (writer->entries.len / sizeof writer->last >= MOST_ENTRIES)
        return error_set(err, ERROR_REGISTRY, "it has more than %d entries", MOST_ENTRIES);
    if (writer->names.len > (size_t)MOST_NAMES - MOST_FACTS - 3 * LONGEST_NAME + writer->fact_bytes)
        return error_set(err, ERROR_REGISTRY, "its names take more than %d bytes", MOST_NAMES - MOST_FACTS);
    writer->last = (struct listing_entry){.uid = from->uid, .gid = from->gid, .mtime = from->mtime, .size = from->size,
                                          .link = UINT32_MAX, .facts = UINT32_MAX, .mode = from->mode, .type = from->type,
                                          .flags = from->xattrs ? LISTING_XATTRS : 0};
    if (add_names(writer, from, err) != 0)
        return -1;
    writer->open = true;
    writer->sum = (uint64_t)from->size;
    writer->word = writer->held = 0;
    if (from->size > 0)
        program_scan_begin(writer->scan, (uint64_t)from->size, keeps_text(writer->names.data + writer->last.path));
    return 0;
}

void listing_writer_data(struct listing_writer *writer, const void *bytes, size_t length)
{
    print_content(writer, bytes, length);
    program_scan_feed(writer->scan, bytes, length);
}

int listing_writer_save(struct listing_writer *writer, const struct store *store, const struct digest *blob,
                        const struct listing *about, struct error *err)
{
    AUTO(atomic) file = ATOMIC_INIT;
    close_file(writer);
    struct head head = {.count = writer->entries.len / sizeof(struct listing_entry), .names = writer->names.len,
                        .size = about->size, .content_size = about->content_size, .members = about->members};
    memcpy(head.magic, magic, sizeof magic);
    memcpy(head.diff_id, about->diff_id.text, sizeof head.diff_id);
    const struct part parts[] = {{(const char *)&head + unsummed, sizeof head - unsummed},
                                 {writer->entries.data, writer->entries.len},
                                 {writer->names.data, writer->names.len}};
    head.checksum = checksum(parts, countof(parts));
    autofree char *path = store_path(store, "lists", digest_hex(blob), err);
    /* What a large tree takes isn't copied once more. */
    if (!path || atomic_open(&file, path, 0644, err) != 0 || fs_write_fd(file.fd, path, &head, sizeof head, err) != 0 ||
        fs_write_fd(file.fd, path, parts[1].bytes, parts[1].length, err) != 0 ||
        fs_write_fd(file.fd, path, parts[2].bytes, parts[2].length, err) != 0)
        return -1;
    file.lazy = true;
    return atomic_commit(&file, err);
}
