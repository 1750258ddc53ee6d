#include "unit.h"

#include "support/buf.h"
#include "support/fs.h"
#include "support/gzip.h"
#include "support/tar.h"

#include <sys/stat.h>
#include <time.h>

static int collect(void *data, const void *bytes, size_t length, struct error *err)
{
    (void)err;
    buf_add(data, bytes, length);
    return 0;
}

struct memory {
    const char *bytes;
    size_t left, step;
};

static int64_t from_memory(void *data, void *bytes, size_t capacity, struct error *err)
{
    struct memory *memory = data;
    size_t part = memory->left < memory->step ? memory->left : memory->step;
    (void)err;
    part = part < capacity ? part : capacity;
    memcpy(bytes, memory->bytes, part);
    memory->bytes += part;
    memory->left -= part;
    return (int64_t)part;
}

/* Names of `length` bytes with a slash every `every` bytes; some bytes are not ASCII. */
static char *long_name(size_t length, size_t every)
{
    char *name = xmalloc(length + 1);
    for (size_t i = 0; i < length; i++)
        name[i] = i % every == every - 1 && i + 1 < length ? '/' : (char)('a' + i % 26);
    if (length > 4)
        memcpy(name, "\xc5\x91", 2);
    name[length] = '\0';
    return name;
}

static void write_one(struct tar_writer *writer, struct tar_entry entry, const char *content)
{
    struct error err = {0};
    entry.size = content ? (int64_t)strlen(content) : 0;
    assert_int_equal(tar_writer_entry(writer, &entry, &err), 0);
    if (content)
        assert_int_equal(tar_writer_data(writer, content, strlen(content), &err), 0);
}

static void what_is_written_is_read(void **state)
{
    static const size_t lengths[] = {1,   99,  100, 101, 155,  156, 200,
                                     255, 256, 257, 300, 1000, 4000};
    struct error err = {0};
    (void)state;

    for (size_t i = 0; i < countof(lengths) * 4; i++) {
        size_t every = (size_t[]){10, 99, 150, 5000}[i % 4];
        autofree char *name = long_name(lengths[i / 4], every);
        AUTO(buf) tar = {0};
        AUTOPTR(tar_writer) writer = tar_writer_open(collect, &tar, &err);
        write_one(writer,
                  (struct tar_entry){.path = name, .type = TAR_DIR, .mode = 01755, .mtime = 12},
                  NULL);
        write_one(writer,
                  (struct tar_entry){
                      .path = name, .type = TAR_FILE, .mode = 0644, .uid = 3000000, .mtime = -5},
                  "text");
        write_one(writer,
                  (struct tar_entry){.path = "l", .type = TAR_SYMLINK, .link = name, .mode = 0777},
                  NULL);
        write_one(writer,
                  (struct tar_entry){.path = "h", .type = TAR_HARDLINK, .link = name, .mode = 0755},
                  NULL);
        assert_int_equal(tar_writer_finish(writer, &err), 0);
        assert_int_equal(tar.len % 512, 0);

        struct memory memory = {tar.data, tar.len, 700};
        struct tar_entry entry;
        char text[10];
        AUTOPTR(tar_reader) reader = tar_reader_open(from_memory, &memory, "x.tar", &err);
        assert_non_null(reader);
        assert_int_equal(tar_reader_next(reader, &entry, &err), 1);
        autofree char *directory = xasprintf("%s/", name);
        assert_string_equal(entry.path, directory);
        assert_int_equal(entry.type, TAR_DIR);
        assert_int_equal(entry.mode, 01755);
        assert_int_equal(entry.mtime, 12);
        assert_int_equal(tar_reader_next(reader, &entry, &err), 1);
        assert_string_equal(entry.path, name);
        assert_int_equal(entry.size, 4);
        assert_int_equal(entry.uid, 3000000);
        assert_int_equal(entry.mtime, -5);
        assert_int_equal(tar_reader_read(reader, text, 10, &err), 4);
        assert_memory_equal(text, "text", 4);
        assert_int_equal(tar_reader_read(reader, text, 10, &err), 0);
        assert_int_equal(tar_reader_next(reader, &entry, &err), 1);
        assert_int_equal(entry.type, TAR_SYMLINK);
        assert_string_equal(entry.link, name);
        assert_int_equal(tar_reader_next(reader, &entry, &err), 1);
        assert_int_equal(entry.type, TAR_HARDLINK);
        assert_string_equal(entry.link, name);
        assert_int_equal(tar_reader_next(reader, &entry, &err), 0);
    }
}

/* The format itself, byte by byte, as POSIX describes a ustar header. */
static void headers_are_ustar(void **state)
{
    struct error err = {0};
    AUTO(buf) tar = {0};
    (void)state;

    AUTOPTR(tar_writer) writer = tar_writer_open(collect, &tar, &err);
    write_one(writer,
              (struct tar_entry){
                  .path = "var/runtime/bootstrap", .type = TAR_FILE, .mode = 0755, .mtime = 1},
              "!");
    assert_int_equal(tar_writer_finish(writer, &err), 0);

    assert_int_equal(tar.len, 4 * 512);
    assert_memory_equal(tar.data + 100,
                        "0000755\0000000000\0000000000\00000000000001\00000000000001\0", 48);
    assert_memory_equal(tar.data + 156, "0", 2);
    assert_memory_equal(tar.data + 257, "ustar\00000\0\0", 10);

    unsigned sum = 8 * ' ';
    for (size_t i = 0; i < 512; i++)
        sum += i < 148 || i >= 156 ? (unsigned char)tar.data[i] : 0;
    autofree char *checksum = xasprintf("%06o", sum);
    assert_memory_equal(tar.data + 148, checksum, 7);
    assert_int_equal(tar.data[155], ' ');
}

static void a_big_size_becomes_a_record(void **state)
{
    struct error err = {0};
    AUTO(buf) tar = {0};
    (void)state;

    AUTOPTR(tar_writer) writer = tar_writer_open(collect, &tar, &err);
    struct tar_entry entry = {.path = "big", .type = TAR_FILE, .mode = 0644, .size = 077777777777};
    assert_int_equal(tar_writer_entry(writer, &entry, &err), 0);
    assert_int_equal(tar.len, 512);
    tar_writer_free(take(writer));
    buf_clear(&tar);
    writer = tar_writer_open(collect, &tar, &err);
    entry.size = 0100000000000;
    assert_int_equal(tar_writer_entry(writer, &entry, &err), 0);
    assert_int_equal(tar.len, 3 * 512);
    assert_memory_equal(tar.data + 512, "19 size=8589934592\n", 20);
}

static void the_writer_counts(void **state)
{
    struct error err = {0};
    AUTO(buf) tar = {0};
    struct tar_entry file = {.path = "f", .type = TAR_FILE, .mode = 0644, .size = 3};
    (void)state;

    AUTOPTR(tar_writer) writer = tar_writer_open(collect, &tar, &err);
    assert_int_equal(tar_writer_entry(writer, &file, &err), 0);
    assert_int_equal(tar_writer_data(writer, "abcd", 4, &err), -1);
    assert_int_equal(tar_writer_entry(writer, &file, &err), -1);
    assert_int_equal(tar_writer_finish(writer, &err), -1);
    assert_int_equal(tar_writer_data(writer, "abc", 3, &err), 0);

    static const struct tar_entry wrong[] = {
        {.path = "/abs", .type = TAR_FILE},        {.path = "", .type = TAR_DIR},
        {.path = "d", .type = TAR_DIR, .size = 1}, {.path = "f", .type = TAR_FILE, .size = -1},
        {.path = "dev", .type = TAR_OTHER},        {.path = "file/", .type = TAR_FILE},
    };
    for (size_t i = 0; i < countof(wrong); i++) {
        assert_int_equal(tar_writer_entry(writer, &wrong[i], &err), -1);
        assert_int_equal(err.kind, ERROR_INTERNAL);
    }
    assert_int_equal(tar_writer_finish(writer, &err), 0);
}

static void make_sample(struct buf *tar)
{
    struct error err = {0};
    autofree char *name = long_name(300, 5000);
    AUTOPTR(tar_writer) writer = tar_writer_open(collect, tar, &err);
    write_one(writer, (struct tar_entry){.path = "dir", .type = TAR_DIR, .mode = 0755}, NULL);
    write_one(writer, (struct tar_entry){.path = name, .type = TAR_FILE, .mode = 0644},
              "some content");
    assert_int_equal(tar_writer_finish(writer, &err), 0);
}

/* Reads all of an archive: the number of entries, or -1. */
static int drain(const void *bytes, size_t length, struct error *err)
{
    struct memory memory = {bytes, length, 1000};
    struct tar_entry entry;
    char content[100];
    int count = 0;
    AUTOPTR(tar_reader) reader = tar_reader_open(from_memory, &memory, "x.tar", err);
    if (!reader)
        return -1;

    for (int status = 1; status != 0; count++) {
        status = tar_reader_next(reader, &entry, err);
        if (status < 0)
            return -1;
        for (int64_t got = status; got != 0;)
            if ((got = tar_reader_read(reader, content, sizeof content, err)) < 0)
                return -1;
    }
    return count - 1;
}

static void cut_archives_are_errors(void **state)
{
    struct error err = {0};
    AUTO(buf) tar = {0};
    (void)state;

    make_sample(&tar);
    assert_int_equal(drain(tar.data, tar.len, &err), 2);
    for (size_t cut = 0; cut < tar.len - 2 * 512; cut += 64) {
        int count = drain(tar.data, cut, &err);
        /* Nothing is lost silently: only an archive cut right after a whole entry may
         * count as complete. */
        assert_true(count == -1 || (cut % 512 == 0 && count < 2));
        if (count == -1) {
            assert_int_equal(err.kind, ERROR_REGISTRY);
            assert_non_null(strstr(err.text, "x.tar: "));
        }
    }
    assert_int_equal(drain("no archive at all", 17, &err), -1);
}

/* The form that umoci writes. One byte less is an error. */
static void the_last_block_may_lack_its_fill(void **state)
{
    struct error err = {0};
    AUTO(buf) tar = {0};
    (void)state;
    make_sample(&tar);
    size_t end = tar.len - 3 * 512 + strlen("some content");
    assert_int_equal(drain(tar.data, end, &err), 2);
    assert_int_equal(drain(tar.data, end - 1, &err), -1);
    assert_int_equal(drain(tar.data, end + 1, &err), -1);
}

static void damaged_headers_are_errors(void **state)
{
    struct error err = {0};
    AUTO(buf) tar = {0};
    (void)state;
    make_sample(&tar);
    tar.data[512 + 3] ^= 4;
    assert_int_equal(drain(tar.data, tar.len, &err), -1);
}

static void gzip_is_read_too(void **state)
{
    struct error err = {0};
    AUTO(buf) tar = {0}, packed = {0};
    (void)state;

    make_sample(&tar);
    for (size_t at = 0; at < tar.len; at += 1024) { /* several members */
        AUTOPTR(gzip_writer) writer = gzip_writer_open(collect, &packed, GZIP_DEFAULT, 0, &err);
        assert_int_equal(gzip_writer_write(writer, tar.data + at,
                                           tar.len - at < 1024 ? tar.len - at : 1024, &err),
                         0);
        assert_int_equal(gzip_writer_finish(writer, &err), 0);
    }
    assert_int_equal(drain(packed.data, packed.len, &err), 2);
    assert_int_equal(drain(packed.data, packed.len / 2, &err), -1);
}

static int64_t breaks(void *data, void *bytes, size_t capacity, struct error *err)
{
    (void)data;
    (void)bytes;
    (void)capacity;
    return error_set(err, ERROR_RETRY, "the line is cut");
}

static void the_sources_error_survives(void **state)
{
    struct error err = {0};
    (void)state;
    assert_null(tar_reader_open(breaks, NULL, "x.tar", &err));
    assert_int_equal(err.kind, ERROR_RETRY);
    assert_string_equal(err.text, "the line is cut");
}

static void long_names_are_refused(void **state)
{
    struct error err = {0};
    AUTO(buf) tar = {0};
    autofree char *name = long_name(4097, 20);
    (void)state;

    AUTOPTR(tar_writer) writer = tar_writer_open(collect, &tar, &err);
    write_one(writer, (struct tar_entry){.path = name, .type = TAR_FILE, .mode = 0644}, "");
    assert_int_equal(tar_writer_finish(writer, &err), 0);
    assert_int_equal(drain(tar.data, tar.len, &err), -1);
    assert_non_null(strstr(err.text, "longer than 4096 bytes"));
}

static void files_are_read(void **state)
{
    struct error err = {0};
    autofree char *folder = unit_folder(), *path = path_join(folder, "a.tar"),
                  *absent = path_join(folder, "b.tar");
    AUTO(buf) tar = {0};
    struct tar_entry entry;
    (void)state;

    make_sample(&tar);
    assert_int_equal(fs_write(path, tar.data, tar.len, 0600, &err), 0);
    {
        AUTOPTR(tar_reader) reader = tar_reader_open_file(path, &err);
        assert_non_null(reader);
        assert_int_equal(tar_reader_next(reader, &entry, &err), 1);
        assert_string_equal(entry.path, "dir/");
    }

    assert_null(tar_reader_open_file(absent, &err));
    assert_null(tar_reader_open_file(folder, &err));
    assert_int_equal(fs_remove(folder, &err), 0);
}

/* A header of GNU's sparse type, for a file of `size` bytes that is one hole. */
static void sparse_header(char *header, const char *size)
{
    unsigned sum = 8 * ' ';
    memset(header, 0, 512);
    memcpy(header, "hole", 4);
    memcpy(header + 100,
           "0000644\0"
           "0000000\0"
           "0000000\0"
           "00000000000\0"
           "00000000000",
           47);

    header[156] = 'S';
    memcpy(header + 257, "ustar  ", 8);
    memcpy(header + 386, size, 12); /* the only block: empty, at the end */
    memcpy(header + 398, "00000000000", 12);
    memcpy(header + 483, size, 12);

    for (size_t i = 0; i < 512; i++)
        sum += i < 148 || i >= 156 ? (unsigned char)header[i] : 0;
    snprintf(header + 148, 8, "%06o", sum);
    header[155] = ' ';
}

static int64_t read_hole(const char *size, struct error *err)
{
    char bytes[512 + 1024] = {0};
    struct memory memory = {bytes, sizeof bytes, sizeof bytes};
    struct tar_entry entry;
    size_t room = 1024 * 1024;
    int64_t got = 0, sum = 0;
    autofree char *content = xmalloc(room);

    sparse_header(bytes, size);
    AUTOPTR(tar_reader) reader = tar_reader_open(from_memory, &memory, "hole.tar", err);
    assert_int_equal(tar_reader_next(reader, &entry, err), 1);
    assert_int_equal(entry.size, strtoll(size, NULL, 8));

    while ((got = tar_reader_read(reader, content, room, err)) > 0)
        sum += got;
    return got < 0 ? -1 : sum;
}

static void holes_have_a_limit(void **state)
{
    struct error err = {0};
    (void)state;
    assert_int_equal(read_hole("00000400000", &err), 131072);
    assert_int_equal(read_hole("77777777777", &err), -1);
    assert_int_equal(err.kind, ERROR_REGISTRY);
    assert_string_equal(err.text, "hole.tar: its sparse files have more than 1 GiB of holes");
}

/* D9: gzip in gzip is refused before anything is unpacked, and so is a header that claims more than
 * an image can hold. */
static void floods_are_refused_at_once(void **state)
{
    struct error err = {0};
    AUTO(buf) tar = {0}, once = {0}, twice = {0};
    AUTOPTR(tar_writer) writer = tar_writer_open(collect, &tar, &err);
    struct buf *const from[] = {&tar, &once}, *const to[] = {&once, &twice};
    (void)state;

    for (int i = 0; i < 2; i++) {
        struct tar_entry large = {
            .path = "large", .type = TAR_FILE, .size = i == 0 ? 5 : INT64_C(1) << 40};
        assert_int_equal(tar_writer_entry(writer, &large, &err), 0);
        if (i == 0)
            assert_int_equal(tar_writer_data(writer, "bytes", 5, &err), 0);
    }
    for (int i = 0; i < 2; i++) {
        AUTOPTR(gzip_writer) packer = gzip_writer_open(collect, to[i], GZIP_DEFAULT, 0, &err);
        assert_int_equal(gzip_writer_write(packer, from[i]->data, from[i]->len, &err), 0);
        assert_int_equal(gzip_writer_finish(packer, &err), 0);
    }

    assert_int_equal(drain(once.data, once.len, &err), -1);
    assert_non_null(strstr(err.text, ": it unpacks to more than 32 GiB"));

    struct memory memory = {twice.data, twice.len, 512};
    assert_null(tar_reader_open(from_memory, &memory, "archive", &err));
    assert_string_equal(err.text, "archive: it is compressed twice; unpack it once");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(headers_are_ustar),
        cmocka_unit_test(a_big_size_becomes_a_record),
        cmocka_unit_test(the_writer_counts),
        cmocka_unit_test(cut_archives_are_errors),
        cmocka_unit_test(the_last_block_may_lack_its_fill),
        cmocka_unit_test(damaged_headers_are_errors),
        cmocka_unit_test(gzip_is_read_too),
        cmocka_unit_test(floods_are_refused_at_once),
        cmocka_unit_test(the_sources_error_survives),
        cmocka_unit_test(long_names_are_refused),
        cmocka_unit_test(holes_have_a_limit),
        cmocka_unit_test(files_are_read),
    };
    return cmocka_run_group_tests_name("tar", tests, NULL, NULL);
}
