#include "layer/rootfs.h"
#include "support/fs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A blob as the only layer of an image, and on top of itself. It is either listed or refused
 * with a reason; the list can be loaded, and makes a tree in which all paths are clean and
 * every entry is found. */
struct memory {
    const uint8_t *bytes;
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

static void on_fault(void *data, enum rootfs_fault fault, size_t layer, const char *path,
                     const char *text)
{
    (void)data;
    if (fault >= ROOTFS_NO_FAULT || layer < 1 || layer > 2 || !path || !text[0])
        abort();
}

static void on_entry(void *data, size_t layer, const struct listing_entry *entry)
{
    uint64_t *count = data;
    *count += layer == 1;
    if (!entry->path || entry->type > TAR_OTHER || (entry->type == TAR_SYMLINK && !entry->link))
        abort();
}

static void check_tree(const struct store *store, const struct digest *blob)
{
    struct error err = {0};
    struct listing about;
    uint64_t count = 0;
    const struct rootfs_judge judge = {on_fault, on_entry, &count};
    const struct digest twice[] = {*blob, *blob};
    AUTOPTR(rootfs) tree = rootfs_judge(store, twice, 2, &judge, &err);

    if (!listing_known(store, blob, &about) || (tree && count != about.count))
        abort();
    for (size_t i = 0; tree && i < rootfs_count(tree); i++) {
        const struct rootfs_entry *entry = rootfs_at(tree, i);
        autofree char *clean = path_clean(entry->path);
        if (!clean || strcmp(clean, entry->path) != 0 || rootfs_find(tree, entry->path) != entry ||
            entry->type == TAR_HARDLINK)
            abort();
        autofree char *real = rootfs_resolve(tree, entry->path, &err);
        if (!real || strcmp(real, entry->path) != 0)
            abort();
    }
}

/* Whether the blob has a sparse file: its header alone makes as many zeros as the reader allows,
 * and that takes too long for one case. */
static bool is_lengthy(const uint8_t *data, size_t size)
{
    enum { ENOUGH = 16 * 1024 * 1024 };
    struct error err = {0};
    struct memory memory = {data, size};
    struct tar_entry entry;
    int64_t content = 0;
    AUTOPTR(tar_reader) reader = tar_reader_open(from_memory, &memory, "a layer", &err);

    while (reader && content < ENOUGH && tar_reader_next(reader, &entry, &err) == 1)
        content += entry.size < ENOUGH ? entry.size : ENOUGH;
    return content >= ENOUGH;
}

static void try(const struct store *store, const uint8_t *data, size_t size)
{
    struct error err = {0};
    struct memory memory = {data, size};

    if (is_lengthy(data, size))
        return;

    AUTO(listing_scan) scan = {0};
    if (listing_scan(store, from_memory, &memory, NULL, &scan, &err) != 0)
        abort();
    if (scan.size != size || scan.listed == (scan.trouble != NULL))
        abort();
    if (scan.listed)
        check_tree(store, &scan.digest);
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
    struct error err = {0};
    char folder[] = "/tmp/lbuild-fuzz.XXXXXX";
    AUTO(store) store = {.lock = -1};

    if (!mkdtemp(folder) || store_open(&store, folder, &err) != 0)
        return 0;

    try(&store, data, size);
    buf_add(&mended, data, size);
    mend(mended.data, mended.len);
    try(&store, (const uint8_t *)buf_text(&mended), mended.len);
    (void)!fs_remove(folder, &err);
    return 0;
}
