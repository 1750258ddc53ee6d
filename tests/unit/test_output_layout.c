#include "output_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void a_folder(void **state)
{
    AUTO(fixture) fixture;
    struct error err = {0};
    struct stat st;
    (void)state;

    set_up(&fixture);
    autofree char *out = path_join(fixture.folder, "layout"), *slash = xasprintf("%s//", out);
    autofree char *marker = path_join(out, "oci-layout"), *index = path_join(out, "index.json");
    mode_t mask = umask(077);
    assert_int_equal(write_to(&fixture, "oci-layout", slash, &err), 0);
    umask(mask);
    assert_int_equal(stat(out, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700); /* D26 */

    AUTO(buf) text = {0}, mark = {0};
    assert_int_equal(fs_read(marker, 100, &mark, &err), 0);
    assert_string_equal(buf_text(&mark), "{\"imageLayoutVersion\":\"1.0.0\"}");
    assert_int_equal(fs_read(index, 10000, &text, &err), 0);
    check_index(&fixture, text.data, text.len);
    for (size_t i = 0; i < 2; i++) {
        autofree char *name =
            xasprintf("%s/blobs/sha256/%s", out, digest_hex(&fixture.image.layers[i].digest));
        struct digest digest;
        autoclose int fd = open(name, O_RDONLY);
        assert_int_equal(digest_fd(fd, name, &digest, NULL, &err), 0);
        assert_true(digest_equal(&digest, &fixture.image.layers[i].digest));
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }

    /* Again: replaced as a whole. */
    autofree char *blob = xasprintf("%s/blobs/sha256/%064d", out, 1);
    assert_int_equal(fs_write(blob, "", 0, 0644, &err), 0);
    assert_int_equal(write_to(&fixture, "oci-layout", out, &err), 0);
    assert_false(fs_exists(blob));
    assert_true(fs_exists(marker));
    assert_int_equal(names_in(fixture.folder), 2);
}

/* D7: whatever isn't a layout's stays, and the error names it. */
static void files_beside_a_layout_are_never_lost(void **state)
{
    static const char *const paths[] = {
        "notes.txt",        ".git/config",          "manifest.json",  "blobs/mine",
        "blobs/sha256/doc", "blobs/sha256/0/0",     "oci-layout.d/x", "blobs.txt",
        "blobs/.hidden/x",  "blobs/sha256/.partial"};
    AUTO(fixture) fixture;
    struct error err = {0};
    (void)state;

    set_up(&fixture);
    autofree char *out = path_join(fixture.folder, "checkout"),
                  *index = path_join(out, "index.json");
    assert_int_equal(write_to(&fixture, "oci-layout", out, &err), 0);

    for (size_t i = 0; i < countof(paths); i++) {
        AUTO(buf) before = {0}, after = {0};
        autofree char *path = path_join(out, paths[i]), *folder = path_dir(path),
                      *saved = path_join(fixture.folder, "saved");
        bool there = fs_exists(path);
        assert_int_equal(there ? rename(path, saved) : fs_mkdirs(folder, &err), 0);
        assert_int_equal(fs_write(path, "[]", 2, 0644, &err), 0);
        assert_int_equal(fs_read(index, 10000, &before, &err), 0);

        assert_int_equal(write_to(&fixture, "oci-layout", out, &err), -1);
        assert_int_equal(err.kind, ERROR_USAGE);
        autofree char *top = xstrndup(paths[i], strcspn(paths[i], "/"));
        assert_non_null(strstr(err.text, strncmp(top, "blobs", 6) == 0 ? "blobs" : top));
        assert_true(fs_exists(path));
        assert_int_equal(fs_read(index, 10000, &after, &err), 0);
        assert_string_equal(buf_text(&before), buf_text(&after));
        assert_int_equal(names_in(fixture.folder), there ? 3 : 2);

        assert_int_equal(there ? rename(saved, path) : unlink(path), 0);
        for (; !there && rmdir(folder) == 0; *strrchr(folder, '/') = '\0') {
        }
    }
    assert_int_equal(write_to(&fixture, "oci-layout", out, &err), 0);
}

/* D7: a link in a layout is followed neither to look nor to remove. */
static void links_in_a_layout_are_not_followed(void **state)
{
    AUTO(fixture) fixture;
    struct error err = {0};
    (void)state;

    set_up(&fixture);
    autofree char *out = path_join(fixture.folder, "out"), *blobs = path_join(out, "blobs"),
                  *away = path_join(fixture.folder, "away"), *kept = path_join(away, "sha256");
    assert_int_equal(write_to(&fixture, "oci-layout", out, &err), 0);
    assert_int_equal(rename(blobs, away), 0);
    assert_int_equal(symlink("../away", blobs), 0);
    assert_int_equal(write_to(&fixture, "oci-layout", out, &err), -1);
    assert_non_null(strstr(err.text, "out/blobs'"));
    assert_int_equal(names_in(kept), 4);
}

/* A1: a link to the folder stays, whether the folder is there or not. */
static void a_link_to_the_folder_stays(void **state)
{
    AUTO(fixture) fixture;
    struct error err = {0};
    struct stat st;
    (void)state;

    set_up(&fixture);
    autofree char *link = path_join(fixture.folder, "link"), *slash = xasprintf("%s/", link),
                  *index = path_join(fixture.folder, "real/index.json"),
                  *file = path_join(fixture.folder, "file");
    assert_int_equal(symlink("real", link), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(write_to(&fixture, "oci-layout", i == 1 ? slash : link, &err), 0);
        assert_int_equal(lstat(link, &st), 0);
        assert_true(S_ISLNK(st.st_mode));
        assert_true(fs_exists(index));
        assert_int_equal(names_in(fixture.folder), 3);
    }

    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink("file", link), 0);
    assert_int_equal(fs_write(file, "mine", 4, 0600, &err), 0);
    assert_int_equal(write_to(&fixture, "oci-layout", link, &err), -1);
    assert_int_equal(err.kind, ERROR_USAGE);
    assert_int_equal(lstat(file, &st), 0);
    assert_true(S_ISREG(st.st_mode));
}

/* D27: the old folder can't be removed, but the new one is in place. */
static void an_old_folder_that_stays_is_only_a_warning(void **state)
{
    AUTO(fixture) fixture;
    struct error err = {0};
    (void)state;
    if (geteuid() == 0) /* root may remove everything */
        skip();

    set_up(&fixture);
    autofree char *out = path_join(fixture.folder, "out"), *index = path_join(out, "index.json"),
                  *old = path_join(out, "blobs/sha256");
    assert_int_equal(write_to(&fixture, "oci-layout", out, &err), 0);
    assert_int_equal(unlink(index), 0);
    assert_int_equal(fs_write(index, "{\"manifests\":[]}", 16, 0644, &err), 0);
    assert_int_equal(chmod(old, 0500), 0);
    assert_int_equal(write_to(&fixture, "oci-layout", out, &err), 0);

    AUTO(buf) text = {0};
    assert_int_equal(fs_read(index, 10000, &text, &err), 0);
    check_index(&fixture, text.data, text.len);
    assert_int_equal(names_in(fixture.folder), 3);
}

/* D15: a folder that a killed run left is removed, but only what lbuild can have put there. */
static void leftovers_are_swept(void **state)
{
    static const char *const names[] = {"manifest.json", "oci-layout", NULL};
    AUTO(fixture) fixture;
    struct error err = {0};
    (void)state;

    set_up(&fixture);
    autofree char *out = path_join(fixture.folder, "out"),
                  *dead = path_join(fixture.folder, ".out.lbuild-abc123"),
                  *odd = path_join(fixture.folder, ".out.lbuild-abc124"),
                  *mine = path_join(odd, "mine"), *blobs = path_join(dead, "blobs/sha256");
    assert_int_equal(fs_mkdirs(blobs, &err), 0);
    for (size_t i = 0; i < countof(names); i++) {
        autofree char *name = names[i] ? xstrdup(names[i]) : xasprintf("blobs/sha256/%064d", 7),
                      *path = path_join(dead, name);
        assert_int_equal(fs_write(path, "", 0, 0644, &err), 0);
    }
    assert_int_equal(fs_mkdirs(odd, &err), 0);
    assert_int_equal(fs_write(mine, "", 0, 0644, &err), 0);

    assert_int_equal(write_to(&fixture, "oci-layout", out, &err), 0);
    assert_false(fs_exists(dead));
    assert_true(fs_exists(mine));
    assert_int_equal(names_in(fixture.folder), 3);
}

static void other_folders_are_left_alone(void **state)
{
    AUTO(fixture) fixture;
    struct error err = {0};
    (void)state;

    set_up(&fixture);
    autofree char *out = path_join(fixture.folder, "photos"), *file = path_join(out, "index.json"),
                  *mark = path_join(out, "oci-layout");
    assert_int_equal(fs_mkdirs(out, &err), 0);
    assert_int_equal(fs_write(file, "{}", 2, 0644, &err), 0);
    assert_int_equal(write_to(&fixture, "oci-layout", out, &err), -1);
    assert_int_equal(err.kind, ERROR_USAGE);
    assert_int_equal(fs_write(mark, "{}", 2, 0644, &err), 0);
    assert_int_equal(fs_write(file, "{\"manifests\":[{},{}]}", 21, 0644, &err), 0);
    assert_int_equal(write_to(&fixture, "oci-layout", out, &err), -1);
    assert_non_null(strstr(err.text, "several images"));
    assert_int_equal(fs_write(file, "{\"manifests\":[{}]}", 18, 0644, &err), 0);
    assert_int_equal(write_to(&fixture, "oci-layout", out, &err), 0);
    assert_int_equal(fs_remove(out, &err), 0);
    assert_int_equal(fs_mkdirs(out, &err), 0);
    assert_int_equal(write_to(&fixture, "oci-layout", out, &err), 0);

    autofree char *plain = path_join(fixture.folder, "plain");
    assert_int_equal(fs_write(plain, "", 0, 0644, &err), 0);
    assert_int_equal(write_to(&fixture, "oci-layout", plain, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder),
        cmocka_unit_test(files_beside_a_layout_are_never_lost),
        cmocka_unit_test(links_in_a_layout_are_not_followed),
        cmocka_unit_test(a_link_to_the_folder_stays),
        cmocka_unit_test(an_old_folder_that_stays_is_only_a_warning),
        cmocka_unit_test(leftovers_are_swept),
        cmocka_unit_test(other_folders_are_left_alone),
    };

    return cmocka_run_group_tests_name("output_layout", tests, NULL, NULL);
}
