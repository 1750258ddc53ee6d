#include "images.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static void scratch(void **state)
{
    struct error err = {0};
    AUTO(base) base = {0};
    const struct base_request request = request_for("scratch");
    (void)state;

    assert_int_equal(base_peek(&request, &store, &base, &err), 1);
    assert_true(base.scratch);
    assert_null(base.config);
    assert_int_equal(base.layer_count, 0);
    assert_string_equal(base.manifest.text, "");
    base_release(&base);
    assert_int_equal(base_load(&request, &store, &base, &err), 0);
    assert_true(base.scratch);
}

static void a_layout(void **state)
{
    static const struct image images[] = {
        {.arch = NULL},
        {.docker = true},
        {.history = "null"},
        {.history = "[{\"created_by\":\"a\"},{\"created_by\":\"b\"},{\"empty_layer\":true}]"},
        {.history = "[]"},
        {.plain = true},
        {.plain = true, .docker = true},
        {.plain = true, .layer_type = MEDIA_OCI_LAYER_GZIP}};
    struct error err = {0};
    AUTO(base) base = {0};
    (void)state;

    for (size_t i = 0; i < countof(images); i++) {
        assert_int_equal(fs_remove(layout, &err), 0);
        struct digest digest = make_layout(&images[i]);
        assert_loads("oci:layout", &digest);
    }

    autofree char *absolute = xasprintf("oci:%s", layout);
    assert_loads(absolute, NULL);

    const struct base_request wrong = request_for("oci:nowhere");
    assert_int_equal(base_peek(&wrong, &store, &base, &err), -1);
    assert_int_equal(err.kind, ERROR_REGISTRY);
    assert_non_null(strstr(err.text, "nowhere"));
}

static void a_layout_that_changes(void **state)
{
    struct error err = {0};
    AUTO(base) base = {0};
    const struct base_request request = request_for("oci:layout");
    (void)state;
    struct digest first = make_layout(&(struct image){.history = "null"});

    assert_int_equal(base_peek(&request, &store, &base, &err), 0);
    assert_loads("oci:layout", &first);

    struct digest second = make_layout(&(struct image){.history = "[]"});
    assert_int_equal(base_peek(&request, &store, &base, &err), 0);
    assert_loads("oci:layout", &second);

    /* Once the image is in the store, its blobs are no longer needed in the layout. */
    autofree char *blobs = path_join(layout, "blobs");
    assert_int_equal(fs_remove(blobs, &err), 0);
    assert_loads("oci:layout", &second);

    /* Unless a blob is damaged in the store; then it is asked for again. */
    assert_int_equal(base_load(&request, &store, &base, &err), 0);

    autofree char *layer = store_blob_path(&store, &base.layers[0].digest);
    base_release(&base);
    assert_int_equal(truncate(layer, 5), 0);
    assert_int_equal(base_peek(&request, &store, &base, &err), 0);
    assert_refused("oci:layout", "lacks a blob");
    make_layout(&(struct image){.history = "[]"});
    assert_loads("oci:layout", &second);
}

static void tags(void **state)
{
    size_t size = 0;
    AUTO(buf) list = {0};
    (void)state;
    struct digest one = make_image(&(struct image){.history = "null"}, &size);

    add_entry(&list, &one, size, "\"annotations\":{\"org.opencontainers.image.ref.name\":\"v1\"}");
    write_index(&list);
    assert_loads("oci:layout", &one);
    assert_loads("oci:layout:v1", &one);
    struct digest two = make_image(&(struct image){.history = "[]"}, &size);
    add_entry(&list, &two, size,
              "\"annotations\":{\"org.opencontainers.image.ref.name\":\"v2\","
              "\"io.containerd.image.name\":\"h/n:v2\"}");
    write_index(&list);
    assert_loads("oci:layout:v2", &two);
    assert_loads("oci:layout:h/n:v2", &two);
    assert_refused("oci:layout", "one of: v1, v2");
    assert_refused("oci:layout:v3", "there is: v1, v2");
}

/* A3: two repositories with one tag, as `docker save` writes them, are two images; two names of one
 * image aren't. */
static void same_tags(void **state)
{
    size_t size = 0;
    AUTO(buf) list = {0};
    (void)state;

    struct digest one = make_image(&(struct image){.history = "null"}, &size);
    add_entry(&list, &one, size,
              "\"annotations\":{\"org.opencontainers.image.ref.name\":\"1\","
              "\"io.containerd.image.name\":\"docker.io/library/app:1\"}");
    add_entry(&list, &one, size,
              "\"annotations\":{\"org.opencontainers.image.ref.name\":\"1\","
              "\"io.containerd.image.name\":\"docker.io/x/app:1\"}");
    write_index(&list);
    assert_loads("oci:layout:1", &one);

    struct digest two = make_image(&(struct image){.history = "[]"}, &size);
    add_entry(&list, &two, size,
              "\"annotations\":{\"org.opencontainers.image.ref.name\":\"1\","
              "\"io.containerd.image.name\":\"docker.io/y/app:1\"}");
    write_index(&list);
    assert_loads("oci:layout:y/app:1", &two);
    assert_loads("oci:layout:app:1", &one);
    assert_refused("oci:layout:1", "several images are called '1'; write one of: "
                                   "docker.io/library/app:1, docker.io/x/app:1, docker.io/y/app:1");
    assert_refused("oci:layout", "one of: docker.io/library/app:1, docker.io/x/app:1");
    assert_refused("oci:layout:p:1", "no image is called 'p:1'");
}

static void platforms(void **state)
{
    size_t arm_size = 0, amd_size = 0;
    AUTO(buf) list = {0};
    struct error err = {0};
    (void)state;
    struct digest arm = make_image(&(struct image){.arch = "arm64"}, &arm_size);
    struct digest amd = make_image(&(struct image){.arch = "amd64"}, &amd_size);

    add_entry(&list, &amd, amd_size,
              "\"platform\":{\"os\":\"unknown\",\"architecture\":\"unknown\"},"
              "\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\"}");
    add_entry(&list, &arm, arm_size,
              "\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\",\"variant\":\"v8\"}");
    add_entry(&list, &amd, amd_size, "\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}");
    write_index(&list);
    assert_loads("oci:layout", &amd);

    AUTO(base) base = {0};
    struct base_request request = request_for("oci:layout");
    request.arch = ARCH_ARM64;
    assert_int_equal(base_load(&request, &store, &base, &err), 0);
    assert_string_equal(base.manifest.text, arm.text);

    /* An index inside index.json, as buildx writes it, is followed; a third level isn't. */
    autofree char *inner =
        xasprintf("{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[%s]}", MEDIA_OCI_INDEX,
                  list.data);
    struct digest inner_digest = blob(inner, strlen(inner));
    autofree char *outer =
        xasprintf("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"%s\",\"digest\":\"%s\","
                  "\"size\":%zu}]}",
                  MEDIA_OCI_INDEX, inner_digest.text, strlen(inner));
    write_file("index.json", outer, strlen(outer));
    assert_loads("oci:layout", &amd);

    struct digest middle = blob(outer, strlen(outer));
    autofree char *deep =
        xasprintf("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"%s\",\"digest\":\"%s\","
                  "\"size\":%zu}]}",
                  MEDIA_OCI_INDEX, middle.text, strlen(outer));
    write_file("index.json", deep, strlen(deep));
    assert_refused("oci:layout", "index inside of the index");
}

static void wrong_images(void **state)
{
    struct digest other;
    size_t size = 0;
    (void)state;

    assert_true(digest_parse(
        &other, "sha256:00000000000000000000000000000000000000000000000000000000000000aa"));
    make_layout(&(struct image){.arch = "arm64"});
    assert_refused("oci:layout", "linux/arm64, not for linux/amd64");
    make_layout(&(struct image){.os = "windows"});
    assert_refused("oci:layout", "windows");
    make_layout(&(struct image){.wrong_diff_id = other});
    assert_refused("oci:layout", "the image's config says");
    make_layout(
        &(struct image){.layer_type = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"});
    assert_refused("oci:layout", "foreign layer");
    make_layout(&(struct image){.layer_type = "application/vnd.oci.image.layer.v1.tar+zstd"});
    assert_refused("oci:layout", "zstd");

    AUTO(buf) list = {0};
    struct digest right = make_image(&(struct image){.history = "null"}, &size);
    add_entry(&list, &right, size + 1, "");
    write_index(&list);
    assert_refused("oci:layout", "bytes, but the image says");

    autofree char *path = xasprintf("blobs/sha256/%s", digest_hex(&other));
    AUTO(buf) false_list = {0};
    write_file(path, "false", 5);
    add_entry(&false_list, &other, 5, "");
    write_index(&false_list);
    assert_refused("oci:layout", "changed or damaged");
    write_file("index.json", "{\"manifests\":[]}", 16);
    assert_refused("oci:layout", "no image for linux/amd64");
    write_file("index.json", "{\"manifests\":", 13);
    assert_refused("oci:layout", "not valid JSON");
    write_file("index.json", "[]", 2);
    assert_refused("oci:layout", "no list of manifests");

    struct error err = {0};
    assert_int_equal(fs_remove(layout, &err), 0);
    assert_int_equal(fs_mkdirs(layout, &err), 0);
    assert_refused("oci:layout", "index.json");
}

static void a_tree_that_climbs_out(void **state)
{
    struct error err = {0};
    static const struct item items[2][2] = {{{"../etc/passwd", '0', "x"}, {"b", '0', "x"}},
                                            {{"b", '0', "x"}, {"h", '1', "../etc/passwd"}}};
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        struct digest diff_id;
        AUTO(buf) text = {0};
        AUTO(buf) config = {0};
        struct digest layer =
            put_layer(&store, items[i], 2, &diff_id); /* already there, but never looked at */
        config_text(&(struct image){.arch = NULL}, &diff_id, &config);
        struct digest config_digest = blob(config.data, config.len);
        uint64_t size = 0;
        autoclose int fd = store_open_blob(&store, &layer, &size, &err);
        assert_true(fd >= 0);
        buf_addf(&text,
                 "{\"schemaVersion\":2,\"config\":{\"digest\":\"%s\",\"size\":%zu},"
                 "\"layers\":[{\"digest\":\"%s\",\"size\":%llu}]}",
                 config_digest.text, config.len, layer.text, (unsigned long long)size);
        AUTO(buf) list = {0};
        struct digest manifest = blob(text.data, text.len);
        add_entry(&list, &manifest, text.len, "");
        write_index(&list);
        assert_refused("oci:layout", "leads out of the image");
    }
}

/* Two builds on one empty store, and builds that are killed at any instant, leave a
 * store that works. */
static void concurrent_and_killed(void **state)
{
    enum { ROUNDS = 12, AT_ONCE = 3 };
    struct error err = {0};
    (void)state;
    struct digest digest = make_layout(&(struct image){.plain = true});

    for (int round = 0; round < ROUNDS; round++) {
        autofree char *cache = xasprintf("%s/cache%d", folder, round);
        pid_t children[AT_ONCE];
        for (int i = 0; i < AT_ONCE; i++) {
            children[i] = fork();
            if (children[i] != 0)
                continue;
            struct store mine;
            struct base base;
            const struct base_request request = request_for("oci:layout");
            if (store_open(&mine, cache, &err) != 0 || base_load(&request, &mine, &base, &err) != 0)
                fprintf(stderr, "# %s\n", err.text), _exit(1);
            _exit(0);
        }
        bool kill_one = round % 2;
        if (kill_one) {
            usleep((useconds_t)(round * 1500));
            kill(children[0], SIGKILL);
        }
        for (int i = 0; i < AT_ONCE; i++) {
            int status = 0;
            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            if (i > 0 || !kill_one)
                assert_int_equal(status, 0);
        }
        store_release(&store);
        assert_int_equal(store_open(&store, cache, &err), 0);
        assert_loads("oci:layout", &digest);
    }
}

static void what_is_no_reference(void **state)
{
    struct error err = {0};
    AUTO(base) base = {0};
    const struct base_request request = request_for("");
    (void)state;

    assert_int_equal(base_load(&request, &store, &base, &err), -1);
    assert_int_equal(err.kind, ERROR_PROJECT);
    const struct base_request offline = request_for("public.ecr.aws/lambda/provided:al2023");
    assert_int_equal(base_peek(&offline, &store, &base, &err), 0);
    assert_int_equal(base_load(&offline, &store, &base, &err), -1);
    assert_int_equal(err.kind, ERROR_LOCKED);
}

/* A base that the store has costs no more than its JSON and a look at each blob. */
static void files(void **state)
{
    static const char *const files[] = {"oci:layout", "oci:/a/layout:v1",
                                        "oci:", "oci-archive:a.tar",
                                        "docker-archive:a.tar:name:tag"};
    static const char *const others[] = {"",
                                         "scratch",
                                         "oci",
                                         "oci/image",
                                         "my-oci:5000/debian:12",
                                         "the-docker-archive:5000/image",
                                         "host/oci:1"};
    (void)state;

    for (size_t i = 0; i < countof(files); i++)
        assert_true(base_is_file(files[i]));
    for (size_t i = 0; i < countof(others); i++)
        assert_false(base_is_file(others[i]));
}

static void peeking_is_quick(void **state)
{
    enum { TIMES = 200 };
    struct error err = {0};
    struct timespec start, end;
    const struct base_request request = request_for("oci:layout");
    (void)state;
    struct digest digest = make_layout(&(struct image){.history = "null"});

    assert_loads("oci:layout", &digest);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    for (int i = 0; i < TIMES; i++) {
        AUTO(base) base = {0};
        assert_int_equal(base_peek(&request, &store, &base, &err), 1);
    }

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    long each = ((end.tv_sec - start.tv_sec) * 1000000000L + end.tv_nsec - start.tv_nsec) / TIMES;
    print_message("# a peek: %ld us\n", each / 1000);
    assert_true(each < 20000000L);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(scratch),
        TEST(a_layout),
        TEST(a_layout_that_changes),
        TEST(tags),
        TEST(same_tags),
        TEST(platforms),
        TEST(wrong_images),
        TEST(a_tree_that_climbs_out),
        TEST(concurrent_and_killed),
        TEST(what_is_no_reference),
        TEST(files),
        TEST(peeking_is_quick),
    };

    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
