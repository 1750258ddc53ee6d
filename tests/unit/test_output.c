#include "output_fixture.h"

#include "support/tar.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void check_docker_manifest(const struct fixture *fixture, const char *bytes, size_t length)
{
    const struct image *image = &fixture->image;
    autofree char *expected =
        xasprintf("[{\"Config\":\"blobs/sha256/%s\",\"RepoTags\":[\"localhost:5000/hello:v1\","
                  "\"hello:latest\"],\"Layers\":["
                  "\"blobs/sha256/%s\",\"blobs/sha256/%s\",\"blobs/sha256/%s\"]}]",
                  digest_hex(&image->config_digest), digest_hex(&image->layers[0].digest),
                  digest_hex(&image->layers[1].digest), digest_hex(&image->layers[0].digest));
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(bytes, expected, length);
}

/* Walks the archive: order, names, attributes, content. */
static void check_tar(const struct fixture *fixture, const char *path)
{
    struct error err = {0};
    struct tar_entry entry;
    AUTO(strv) seen = {0};
    AUTOPTR(tar_reader) reader = tar_reader_open_file(path, &err);

    assert_non_null(reader);
    for (int status = 0; (status = tar_reader_next(reader, &entry, &err)) != 0;) {
        assert_int_equal(status, 1);
        assert_int_equal(entry.mode, entry.type == TAR_DIR ? 0755 : 0644);
        assert_int_equal(entry.uid + entry.gid + entry.mtime, 0);
        strv_add(&seen, entry.path);
        AUTO(buf) content = {0};
        for (int64_t got = 1; got > 0;) {
            char *room = buf_reserve(&content, 100000);
            got = tar_reader_read(reader, room, 100000, &err);
            assert_true(got >= 0);
            content.len += (size_t)got;
        }
        if (strncmp(seen.items[seen.len - 1], "blobs/sha256/", 13) == 0 &&
            seen.items[seen.len - 1][13]) {
            struct digest digest;
            assert_int_equal(digest_bytes(content.data, content.len, &digest, &err), 0);
            assert_string_equal(digest_hex(&digest), seen.items[seen.len - 1] + 13);
        } else if (strcmp(seen.items[seen.len - 1], "index.json") == 0) {
            check_index(fixture, content.data, content.len);
        } else if (strcmp(seen.items[seen.len - 1], "manifest.json") == 0) {
            check_docker_manifest(fixture, content.data, content.len);
        }
    }

    assert_int_equal(seen.len, 2 + 4 + 3);
    assert_string_equal(seen.items[0], "blobs/");
    assert_string_equal(seen.items[1], "blobs/sha256/");

    const struct digest *order[] = {&fixture->image.layers[0].digest,
                                    &fixture->image.layers[1].digest, &fixture->image.config_digest,
                                    &fixture->image.manifest_digest};
    for (size_t i = 0; i < countof(order); i++)
        assert_string_equal(seen.items[2 + i] + strlen("blobs/sha256/"), digest_hex(order[i]));
    assert_string_equal(seen.items[6], "index.json");
    assert_string_equal(seen.items[7], "manifest.json");
    assert_string_equal(seen.items[8], "oci-layout");
}

static void a_tar_file(void **state)
{
    AUTO(fixture) fixture;
    struct error err = {0};
    struct stat st;
    AUTO(buf) first = {0}, second = {0};
    (void)state;

    set_up(&fixture);
    autofree char *path = path_join(fixture.folder, "out.tar");
    mode_t mask = umask(077);
    assert_int_equal(write_to(&fixture, "oci", path, &err), 0);
    umask(mask);
    check_tar(&fixture, path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600); /* D26 */
    assert_int_equal(fs_read(path, 10000000, &first, &err), 0);
    assert_int_equal(write_to(&fixture, "oci", path, &err), 0);
    assert_int_equal(fs_read(path, 10000000, &second, &err), 0);
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.data, second.data, first.len);
}

/* Gives the first `count` layers to an output that is begun at `path`. */
static struct output_begun *begin_at(const struct fixture *fixture, const char *path, size_t count)
{
    struct digest digests[3];
    struct verify_sink sink = {0};
    struct output_begun *begun = output_find("oci")->begin(&fixture->store, path, &sink);

    for (size_t i = 0; i < count; i++)
        digests[i] = fixture->image.layers[i].digest;
    if (!begun)
        return NULL;
    AUTOPTR(verify) verify = verify_start(&fixture->store, digests, count, &sink);
    assert_true(verify_finish(verify));
    return begun;
}

static void what_was_begun_ends_with_the_same_bytes(void **state)
{
    AUTO(fixture) fixture;
    const struct output *output = output_find("oci");
    struct error err = {0};
    (void)state;

    set_up(&fixture);
    const struct blob_source from = {.store = &fixture.store};
    autofree char *whole = path_join(fixture.folder, "whole.tar"),
                  *path = path_join(fixture.folder, "out.tar"),
                  *other = path_join(fixture.folder, "other.tar");
    assert_int_equal(write_to(&fixture, "oci", whole, &err), 0);

    AUTO(buf) expected = {0};
    assert_int_equal(fs_read(whole, 10000000, &expected, &err), 0);
    for (size_t count = 0; count <= 3; count++) {
        AUTO(buf) got = {0};
        struct output_begun *begun = begin_at(&fixture, path, count);
        assert_non_null(begun);
        assert_true(count > 0 || !fs_exists(path));
        assert_int_equal(output->write(&fixture.image, &from, begun, path, &err), 0);
        output->abandon(begun);
        assert_int_equal(fs_read(path, 10000000, &got, &err), 0);
        assert_int_equal(got.len, expected.len);
        assert_memory_equal(got.data, expected.data, got.len);
    }

    /* An output that was begun for another image or another place isn't continued. */
    fixture.image.layers[0] = fixture.image.layers[1];

    struct output_begun *begun = begin_at(&fixture, path, 1);
    fixture.image.layers[0] = fixture.image.layers[2];
    for (int i = 0; i < 2; i++) {
        AUTO(buf) got = {0};
        const char *place = i == 0 ? path : other;
        assert_int_equal(output->write(&fixture.image, &from, begun, place, &err), 0);
        assert_int_equal(fs_read(place, 10000000, &got, &err), 0);
        assert_int_equal(got.len, expected.len);
        assert_memory_equal(got.data, expected.data, got.len);
    }

    output->abandon(begun);
}

/* The second layer is written while it is made; a layer that doesn't end, or isn't the next one, is
 * copied from the store as usual. */
static void a_layer_goes_on_with_what_was_begun(void **state)
{
    AUTO(fixture) fixture;
    const struct output *output = output_find("oci");
    struct error err = {0};
    AUTO(buf) expected = {0}, blob = {0};
    uint64_t size = 0;
    (void)state;

    set_up(&fixture);
    const struct blob_source from = {.store = &fixture.store};
    autofree char *path = path_join(fixture.folder, "out.tar");
    const struct image_blob *layer = &fixture.image.layers[1];
    autoclose int fd = store_open_blob(&fixture.store, &layer->digest, &size, &err);
    assert_int_equal(fs_read_fd(fd, "the blob", 10000000, &blob, &err), 0);
    assert_int_equal(write_to(&fixture, "oci", path, &err), 0);
    assert_int_equal(fs_read(path, 10000000, &expected, &err), 0);
    for (int ends = 0; ends < 2; ends++) {
        AUTO(buf) got = {0};
        struct layer_sink sink;
        struct output_begun *begun = begin_at(&fixture, path, 1);
        assert_false(output->layer(begun, 0, &sink));
        assert_false(output->layer(begun, 2, &sink));
        assert_true(output->layer(begun, 1, &sink));
        assert_int_equal(sink.bytes(sink.data, blob.data, 1000, &err), 0);
        assert_int_equal(sink.bytes(sink.data, blob.data + 1000, blob.len - 1000, &err), 0);
        if (ends)
            assert_int_equal(sink.done(sink.data, &layer->digest, size, &err), 0);
        else
            assert_false(output->layer(begun, 2, &sink));
        assert_int_equal(output->write(&fixture.image, &from, begun, path, &err), 0);
        output->abandon(begun);
        assert_int_equal(fs_read(path, 10000000, &got, &err), 0);
        assert_int_equal(got.len, expected.len);
        assert_memory_equal(got.data, expected.data, got.len);
    }
}

static void what_was_begun_can_be_abandoned(void **state)
{
    AUTO(fixture) fixture;
    const struct output *output = output_find("oci");
    struct verify_sink sink = {0};
    struct error err = {0};
    (void)state;

    set_up(&fixture);
    autofree char *path = path_join(fixture.folder, "out.tar"),
                  *missing = path_join(fixture.folder, "missing/out.tar");
    size_t before = names_in(fixture.folder);
    output->abandon(begin_at(&fixture, path, 2));
    output->abandon(NULL);
    assert_int_equal(names_in(fixture.folder), before);

    /* If nothing can be begun, the final write says why. */
    assert_null(output->begin(&fixture.store, "-", &sink));
    assert_null(output->begin(&fixture.store, fixture.folder, &sink));
    assert_null(output->begin(&fixture.store, missing, &sink));
    autofree char *fifo = path_join(fixture.folder, "fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_null(output->begin(&fixture.store, fifo, &sink));
    assert_int_equal(write_to(&fixture, "oci", missing, &err), -1);
    assert_int_equal(err.kind, ERROR_BUILD);
}

/* A second name keeps the replaced file until the next build has time to free it. */
static void what_was_replaced_is_freed_later(void **state)
{
    AUTO(fixture) fixture;
    struct error err = {0};
    struct stat st;
    (void)state;

    set_up(&fixture);
    autofree char *path = path_join(fixture.folder, "out.tar"),
                  *replaced = path_join(fixture.store.root, "replaced");
    assert_int_equal(write_to(&fixture, "oci", path, &err), 0);
    assert_int_equal(names_in(replaced), 0);

    autoclose int old = open(path, O_RDONLY);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(write_to(&fixture, "oci", path, &err), 0);
        assert_int_equal(names_in(replaced), 1);
        assert_int_equal(fstat(old, &st), 0);
        assert_int_equal(st.st_nlink, i == 0 ? 1 : 0);
    }

    output_find("oci")->abandon(begin_at(&fixture, path, 1));
    assert_int_equal(names_in(replaced), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_nlink, 1);
}

static void links_stay_and_folders_are_refused(void **state)
{
    AUTO(fixture) fixture;
    struct error err = {0};
    struct stat st;
    (void)state;

    set_up(&fixture);
    autofree char *path = path_join(fixture.folder, "real.tar"),
                  *link = path_join(fixture.folder, "link.tar");
    assert_int_equal(fs_write(path, "old", 3, 0600, &err), 0);
    assert_int_equal(symlink("real.tar", link), 0);
    assert_int_equal(write_to(&fixture, "oci", link, &err), 0);
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    check_tar(&fixture, path);
    assert_int_equal(write_to(&fixture, "oci", fixture.folder, &err), -1);
    assert_int_equal(err.kind, ERROR_USAGE);

    autofree char *absent = path_join(fixture.folder, "no/such/folder.tar");
    assert_int_equal(write_to(&fixture, "oci", absent, &err), -1);
    assert_int_equal(err.kind, ERROR_BUILD);
}

/* D18, and standard output gets the same bytes as a file. */
static void fifos_and_streams(void **state)
{
    AUTO(fixture) fixture;
    struct error err = {0};
    struct stat st;
    (void)state;

    set_up(&fixture);
    autofree char *fifo = path_join(fixture.folder, "fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(write_to(&fixture, "oci", fifo, &err), -1);
    assert_non_null(strstr(err.text, "nobody reads the FIFO"));
    assert_int_equal(stat(fifo, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));

    autofree char *path = path_join(fixture.folder, "stdout.tar");
    fflush(stdout);

    int saved = dup(STDOUT_FILENO), fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(saved >= 0 && fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0);

    int result = write_to(&fixture, "oci", "-", &err);
    assert_true(dup2(saved, STDOUT_FILENO) >= 0);
    close(saved);
    close(fd);
    assert_int_equal(result, 0);
    check_tar(&fixture, path);
    assert_int_equal(write_to(&fixture, "oci-layout", "-", &err), -1);
    assert_int_equal(err.kind, ERROR_USAGE);
}

/* One bit of a blob flipped, or its end cut off, in the first or the last buffer. */
static void damage(const struct fixture *fixture, size_t layer, int kind)
{
    autofree char *path = store_blob_path(&fixture->store, &fixture->image.layers[layer].digest);
    off_t at = kind == 0 ? 5 : (off_t)fixture->image.layers[layer].size - 1;
    char byte = 0;

    assert_int_equal(chmod(path, 0600), 0);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(kind == 2 ? ftruncate(fd, at) : pwrite(fd, &byte, 1, at) - 1, 0);
    close(fd);
}

static void a_damaged_blob_ends_it(void **state)
{
    static const char *const types[] = {"oci", "oci-layout"};
    (void)state;

    for (int kind = 0; kind < 3; kind++) {
        for (size_t layer = 0; layer < 2; layer++) {
            for (size_t type = 0; type < 2; type++) {
                AUTO(fixture) fixture;
                struct error err = {0};
                AUTO(buf) old = {0};
                set_up(&fixture);
                autofree char *out = path_join(fixture.folder, "out"),
                              *marker = path_join(out, "oci-layout");
                if (type == 0)
                    assert_int_equal(fs_write(out, "old", 3, 0644, &err), 0);
                else
                    assert_int_equal(write_to(&fixture, types[type], out, &err), 0);
                damage(&fixture, layer, kind);
                assert_int_equal(write_to(&fixture, types[type], out, &err), -1);
                assert_int_equal(err.kind, ERROR_REGISTRY);
                assert_non_null(strstr(err.text, "build again"));
                assert_false(store_has(&fixture.store, &fixture.image.layers[layer].digest));
                if (type == 0) {
                    assert_int_equal(fs_read(out, 10, &old, &err), 0);
                    assert_string_equal(buf_text(&old), "old");
                } else {
                    assert_true(fs_exists(marker));
                    assert_int_equal(fs_remove(out, &err), 0);
                }
                /* Nothing half-written stays: only the store (and the old file) is left. */
                assert_int_equal(unlink(out) == 0, type == 0);
                store_release(&fixture.store);
                autofree char *root = path_join(fixture.folder, "store");
                assert_int_equal(fs_remove(root, &err), 0);
                assert_int_equal(rmdir(fixture.folder), 0);
            }
        }
    }
}

static void names(void **state)
{
    (void)state;
    assert_null(output_find("docker"));
    assert_string_equal(output_find("oci")->name, "oci");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tar_file),
        cmocka_unit_test(what_was_begun_ends_with_the_same_bytes),
        cmocka_unit_test(a_layer_goes_on_with_what_was_begun),
        cmocka_unit_test(what_was_begun_can_be_abandoned),
        cmocka_unit_test(what_was_replaced_is_freed_later),
        cmocka_unit_test(links_stay_and_folders_are_refused),
        cmocka_unit_test(fifos_and_streams),
        cmocka_unit_test(a_damaged_blob_ends_it),
        cmocka_unit_test(names),
    };

    return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
