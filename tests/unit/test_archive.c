#include "images.h"

#include "base/docker_names.h"
#include "image/imagefile.h"

static void archives(void **state)
{
    AUTO(strv) names = {0};
    AUTO(strv) backwards = {0};
    AUTO(strv) lacking = {0};
    AUTO(strv) blobs = {0};
    struct error err = {0};
    (void)state;
    struct digest digest = make_layout(&(struct image){.history = "null"});

    layout_files(&names);
    for (size_t i = names.len; i-- > 0;)
        strv_add(&backwards, names.items[i]);
    pack("a.tar", &names, false);
    assert_loads("oci-archive:a.tar", &digest);
    for (int compress = 0; compress < 2; compress++) {
        autofree char *cache = xasprintf("%s/cache%d", folder, compress);
        store_release(&store);
        assert_int_equal(store_open(&store, cache, &err), 0);
        pack("b.tar", &backwards, compress);
        assert_loads("oci-archive:b.tar", &digest);
    }

    assert_refused("oci-archive:a.tar:v1", "no image is called 'v1'");
    assert_refused("oci-archive:none.tar", "none.tar");

    autofree char *cache = xasprintf("%s/cache-empty", folder);
    store_release(&store);
    assert_int_equal(store_open(&store, cache, &err), 0);
    for (size_t i = 1; i < names.len; i++)
        strv_add(&lacking, names.items[i]);
    pack("lacking.tar", &lacking, false);
    assert_refused("oci-archive:lacking.tar", "the archive lacks");
    for (size_t i = 0; i < names.len - 2; i++)
        strv_add(&blobs, names.items[i]);
    pack("no-index.tar", &blobs, false);
    assert_refused("oci-archive:no-index.tar", "no index.json");
    strv_add(&backwards, "index.json");
    pack("twice.tar", &backwards, false);
    assert_refused("oci-archive:twice.tar", "two index.json");

    autofree char *cut = path_join(folder, "twice.tar");
    assert_int_equal(truncate(cut, 700), 0);
    assert_refused("oci-archive:twice.tar", "twice.tar");
    assert_int_equal(truncate(cut, 0), 0);
    assert_refused("oci-archive:twice.tar", "twice.tar");
    assert_refused("oci-archive:layout", "regular file");
}

static void hostile_archives(void **state)
{
    static const struct {
        struct item item;
        const char *why;
    } cases[] = {
        {{"../index.json", '0', "{}"}, "leads out of the archive"},
        {{"blobs/sha256/00000000000000000000000000000000000000000000000000000000000000aa", '0',
          "x"},
         "changed or damaged"},
        {{"blobs/sha256/../../../x", '0', "x"}, "leads out of the archive"},
        {{"index.json", '2', "/etc/passwd"}, "no index.json"},
        {{"blobs/sha256/short", '0', "x"}, "no index.json"},
        {{"index.json", '0',
          "{\"manifests\":[{\"digest\":\"sha256:../../../etc/passwd\",\"size\":1}]}"},
         "not a sha256 digest"},
        {{"index.json", '0',
          "{\"manifests\":[{\"digest\":\"sha256:"
          "00000000000000000000000000000000000000000000000000000000000000aa\",\"size\":5000000}]}"},
         "larger than 4194304 bytes"},
    };
    struct error err = {0};
    autofree char *path = path_join(folder, "hostile.tar");
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        AUTO(buf) tar = {0};
        item_add(&tar, &cases[i].item);
        tar_end(&tar);
        assert_int_equal(fs_write(path, tar.data, tar.len, 0644, &err), 0);
        assert_refused("oci-archive:hostile.tar", cases[i].why);
    }

    AUTO(buf) huge = {0};
    AUTO(buf) tar = {0};
    memset(buf_reserve(&huge, 5000000), ' ', 5000000);
    item_add(&tar, &(struct item){"index.json", '0', huge.data, 0, 5000000});
    tar_end(&tar);
    assert_int_equal(fs_write(path, tar.data, tar.len, 0644, &err), 0);
    assert_refused("oci-archive:hostile.tar", "larger than 4194304 bytes");
    assert_refused("docker-archive:hostile.tar", "no manifest.json");
}

/* The two forms of `docker save`: the old one, in which a repeated layer is a link,
 * and the new one. */
static void save_archive(const char *name, bool old, bool compress_layer, const char *arch)
{
    struct error err = {0};
    struct digest diff_id, config_digest;
    AUTO(buf) tar = {0};
    AUTO(buf) layer = {0};
    AUTO(buf) config = {0};
    AUTO(buf) manifest = {0};

    layer_bytes(&(struct image){.plain = !compress_layer}, &layer, &diff_id);
    buf_addf(
        &config,
        "{\"architecture\":\"%s\",\"os\":\"linux\",\"x-own\":1,\"rootfs\":{\"type\":\"layers\","
        "\"diff_ids\":[\"%s\",\"%s\"]}}",
        arch, diff_id.text, diff_id.text);
    assert_int_equal(digest_bytes(config.data, config.len, &config_digest, &err), 0);

    autofree char *config_name =
        xasprintf(old ? "%s.json" : "blobs/sha256/%s", digest_hex(&config_digest));
    const char *one = old ? "aaaa/layer.tar" : "blobs/sha256/aaaa",
               *two = old ? "bbbb/layer.tar" : "blobs/sha256/aaaa";
    buf_addf(&manifest,
             "[{\"Config\":\"%s\",\"RepoTags\":[\"docker.io/library/img:v1\"],\"Layers\":[\"%s\","
             "\"%s\"]}]",
             config_name, one, two);
    item_add(&tar, &(struct item){one, '0', layer.data, 0, layer.len});
    if (old) {
        item_add(&tar, &(struct item){"bbbb/", '5'});
        item_add(&tar, &(struct item){"bbbb/layer.tar", '2', "../aaaa/layer.tar"});
    }

    item_add(&tar, &(struct item){config_name, '0', config.data, 0, config.len});
    item_add(&tar, &(struct item){"manifest.json", '0', manifest.data, 0, manifest.len});
    tar_end(&tar);

    autofree char *path = path_join(folder, name);
    assert_int_equal(fs_write(path, tar.data, tar.len, 0644, &err), 0);
}

static void docker_archives(void **state)
{
    struct error err = {0};
    struct digest first = {0};
    (void)state;

    for (int how = 0; how < 4; how++) {
        AUTO(base) base = {0};
        AUTO(base) peeked = {0};
        autofree char *cache = xasprintf("%s/cache%d", folder, how);
        store_release(&store);
        assert_int_equal(store_open(&store, cache, &err), 0);
        save_archive("saved.tar", how & 1, how & 2, "amd64");
        struct base_request request =
            request_for(how ? "docker-archive:saved.tar:img:v1" : "docker-archive:saved.tar");
        if (base_load(&request, &store, &base, &err) != 0)
            fail_msg("%s", err.text);
        assert_int_equal(base.layer_count, 2);
        assert_string_equal(base.layers[0].digest.text, base.layers[1].digest.text);
        assert_int_equal(base_peek(&request, &store, &peeked, &err), 1);
        assert_string_equal(peeked.manifest.text, base.manifest.text);
        /* The same content gives the same manifest, whatever the form of the archive. */
        if (how == 0)
            first = base.manifest;
        else
            assert_string_equal(base.manifest.text, first.text);
        base_release(&base);
        save_archive("saved.tar", how & 1, how & 2,
                     "amd64"); /* another file, with nothing new in it */
        assert_int_equal(base_load(&request, &store, &base, &err), 0);
        assert_string_equal(base.manifest.text, first.text);
    }

    assert_refused("docker-archive:saved.tar:mg:v1", "no image in it has this name");
    assert_refused("docker-archive:saved.tar:other:v1", "one of: docker.io/library/img:v1");
    assert_refused("oci-archive:saved.tar", "docker-archive:");
    save_archive("arm.tar", true, false, "arm64");
    assert_refused("docker-archive:arm.tar", "linux/arm64");

    autofree char *cut = path_join(folder, "saved.tar");
    assert_int_equal(truncate(cut, 1500), 0);
    assert_refused("docker-archive:saved.tar", "saved.tar");
}

static void hostile_docker_archives(void **state)
{
    static const struct {
        const char *manifest, *why;
    } cases[] = {
        {"[{\"Config\":\"c.json\",\"Layers\":[\"../l\"]}]", "leads out of the archive"},
        {"[{\"Config\":\"../c.json\",\"Layers\":[]}]", "leads out of the archive"},
        {"[{\"Config\":\"none.json\",\"Layers\":[]}]", "is missing"},
        {"[{\"Config\":\"c.json\",\"Layers\":[\"gone\"]}]", "is missing"},
        {"[{\"Config\":\"c.json\",\"Layers\":[\"loop\"]}]", "is missing"},
        {"[{\"Config\":\"c.json\",\"Layers\":[]}]", "names 1 layers, the manifest 0"},
        {"[{\"Config\":\"c.json\",\"Layers\":[\"layer\"]}]", "the image's config says"},
        {"[{\"Config\":\"00000000000000000000000000000000000000000000000000000000000000aa.json\","
         "\"Layers\":[]}]",
         "damaged"},
        {"[{\"Layers\":[]}]", "names no config"},
        {"[]", "names no image"},
        {"{}", "names no image"},
        {"[", "not valid JSON"},
        {"[{\"Config\":\"c.json\",\"RepoTags\":[\"a:1\"]},{\"Config\":\"c.json\","
         "\"RepoTags\":[\"b:2\"]}]",
         "one of: a:1, b:2"},
        {"{\"schemaVersion\":2,\"layers\":[]}", "skopeo's 'dir:'"}, /* C26 */
    };
    static const char config[] =
        "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"diff_ids\":[\"sha256:"
        "00000000000000000000000000000000000000000000000000000000000000aa\"]}}";
    struct error err = {0};
    autofree char *path = path_join(folder, "d.tar");
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        AUTO(buf) tar = {0};
        AUTO(buf) layer = {0};
        struct digest diff_id;
        layer_bytes(&(struct image){.plain = true}, &layer, &diff_id);
        item_add(&tar, &(struct item){"manifest.json", '0', cases[i].manifest});
        item_add(&tar, &(struct item){"c.json", '0', config});
        item_add(&tar, &(struct item){
                           "00000000000000000000000000000000000000000000000000000000000000aa.json",
                           '0', config});
        item_add(&tar, &(struct item){"layer", '0', layer.data, 0, layer.len});
        item_add(&tar, &(struct item){"loop", '2', "pool"});
        item_add(&tar, &(struct item){"pool", '2', "loop"});
        tar_end(&tar);
        assert_int_equal(fs_write(path, tar.data, tar.len, 0644, &err), 0);
        assert_refused("docker-archive:d.tar", cases[i].why);
    }
}

/* D1: every reader refuses a name that comes twice. */
static void names_that_come_twice(void **state)
{
    static const struct {
        struct item first, second;
        const char *why;
    } cases[] = {
        {{"manifest.json", '0', "[]"}, {"manifest.json", '0', "[]"}, "twice"},
        {{"blobs/sha256/aa", '0', "x"}, {"blobs/sha256/aa", '0', "y"}, "aa' twice"},
        {{"a/layer.tar", '2', "x"}, {"./a/layer.tar", '0', "y"}, "the name 'a/layer.tar' twice"},
    };
    struct error err = {0};
    autofree char *path = path_join(folder, "f.tar");
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        AUTO(buf) tar = {0};
        AUTO(imagefile) image = {0};
        item_add(&tar, &cases[i].first);
        item_add(&tar, &cases[i].second);
        tar_end(&tar);
        assert_int_equal(fs_write(path, tar.data, tar.len, 0644, &err), 0);
        assert_refused("docker-archive:f.tar", cases[i].why);
        assert_int_equal(imagefile_load(path, &(struct imagefile_choice){0}, &store, &image, &err),
                         -1);
        assert_non_null(strstr(err.text, cases[i].why));
        if (strncmp(cases[i].first.path, "blobs/", 6) == 0)
            assert_refused("oci-archive:f.tar", cases[i].why);
    }
}

/* A3, C26: which of the images, by the config's name; NULL: none. */
static void names_of_images(void **state)
{
    static const char list[] =
        "[{\"Config\":\"0\",\"RepoTags\":[\"team/app:1\"]},"
        "{\"Config\":\"1\",\"RepoTags\":[\"app:1\",\"app:latest\"]},"
        "{\"Config\":\"2\",\"RepoTags\":[\"docker.io/library/go:v1\"]},"
        "{\"Config\":\"3\",\"RepoTags\":[\"x/y:1\",\"localhost:5000/z/y:5\"]},"
        "{\"Config\":\"4\",\"RepoTags\":null},"
        "{\"Config\":\"5\",\"RepoTags\":[\"localhost/pod:7\",\"localhost/go:v1\"]}]";
    static const struct {
        const char *name, *config;
    } cases[] = {
        {"team/app:1", "0"},
        {"app:1", "1"},
        {"app", "1"},
        {"go:v1", "2"},
        {"library/go:v1", "2"},
        {"docker.io/library/app:1", "1"},
        {"localhost/go:v1", "5"},
        {"pod:7", "5"},
        {"team/pod:7", NULL},
        {"7", "5"},
        {"latest", "1"},
        {"v1", NULL},
        {"5", "3"},
        {"localhost:5000/z/y:5", "3"},
        {"1", NULL},
        {"y:1", NULL},
        {"p:1", NULL},
        {"", NULL},
        {"z/y:5", NULL},
        {NULL, NULL},
    };
    struct error err = {0};
    AUTOPTR(js) all = js_parse(list, strlen(list), "manifest.json", &err);
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        const struct js *found = docker_names_choose(all, cases[i].name, &err);
        assert_int_equal(found != NULL, cases[i].config != NULL);
        if (found)
            assert_string_equal(js_get_text(found, "Config"), cases[i].config);
        else
            assert_non_null(strstr(err.text, "one of: team/app:1, app:1, app:latest, docker.io/"));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(archives),        TEST(hostile_archives),
        TEST(docker_archives), TEST(hostile_docker_archives),
        TEST(names_of_images), TEST(names_that_come_twice),
    };
    return cmocka_run_group_tests_name("archive", tests, NULL, NULL);
}
