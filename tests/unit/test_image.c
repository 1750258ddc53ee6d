#include "unit.h"

#include "image/diff.h"
#include "image/image.h"
#include "registry/manifest.h"

#include "config.h"

/* The arguments of image_make, with the memory that they own. */
struct fixture {
    struct base base;
    struct plan plan;
    struct base_layer layers[3];
    struct layer own;
};

static struct digest digest_of(const char *text)
{
    struct digest digest;
    struct error err = {0};
    assert_int_equal(digest_bytes(text, strlen(text), &digest, &err), 0);
    return digest;
}

static void put(struct plan_pairs *pairs, const char *name, const char *value)
{
    grow(pairs->items, pairs->len, pairs->cap);
    pairs->items[pairs->len++] = (struct plan_pair){.name = xstrdup(name), .value = xstrdup(value)};
}

static void pairs_release(struct plan_pairs *pairs)
{
    for (size_t i = 0; i < pairs->len; i++) {
        free(pairs->items[i].name);
        free(pairs->items[i].value);
    }
    free(pairs->items);
}

static void fixture_release(struct fixture *fixture)
{
    js_free(fixture->base.config);
    pairs_release(&fixture->plan.env);
    pairs_release(&fixture->plan.labels);
    pairs_release(&fixture->plan.annotations);
    strv_release(&fixture->plan.tags);
    strv_release(&fixture->plan.entrypoint);
    strv_release(&fixture->plan.cmd);
}

/* `config` NULL: scratch. Else a base with two layers. */
static void set_up(struct fixture *fixture, const char *config)
{
    static char name[] = "host/base:1";
    struct error err = {0};

    memset(fixture, 0, sizeof *fixture);
    fixture->base.reference = name;
    fixture->base.scratch = config == NULL;
    if (config) {
        fixture->base.config = js_parse(config, strlen(config), "config", &err);
        assert_non_null(fixture->base.config);
        fixture->layers[0] = (struct base_layer){digest_of("l0"), digest_of("d0"), 100};
        fixture->layers[1] = (struct base_layer){digest_of("l1"), digest_of("d1"), 200};
        fixture->base.layers = fixture->layers;
        fixture->base.layer_count = 2;
        fixture->base.manifest = digest_of("base manifest");
        fixture->base.name = name;
        put(&fixture->plan.annotations, "org.opencontainers.image.base.name", name);
        put(&fixture->plan.annotations, "org.opencontainers.image.base.digest",
            fixture->base.manifest.text);
    }

    fixture->own = (struct layer){digest_of("own"), digest_of("own tar"), 300, 400};
    fixture->plan.arch = ARCH_ARM64;
    strv_add(&fixture->plan.tags, "localhost:5000/hello:v1");
}

static const char *const minimal = "{\"architecture\":\"arm64\",\"os\":\"linux\"}";

/* Makes the image, and reads its config back. */
static struct js *made(const struct fixture *fixture, struct image *image)
{
    struct error err = {0};
    if (image_make(&fixture->base, &fixture->own, 1, &fixture->plan, image, &err) != 0)
        fail_msg("%s", err.text);
    struct js *config = js_parse(buf_text(&image->config), image->config.len, "made", &err);
    assert_non_null(config);
    return config;
}

static void assert_json(const struct js *value, const char *expected)
{
    AUTO(buf) text = {0};
    js_dump(value, &text);
    assert_string_equal(buf_text(&text), expected);
}

static void scratch_byte_for_byte(void **state)
{
    AUTO(fixture) fixture;
    AUTO(image) image = {0};
    static char workdir[] = "/var/task";
    (void)state;

    set_up(&fixture, NULL);
    strv_add(&fixture.plan.entrypoint, "/var/task/hello");
    strv_add(&fixture.plan.cmd, "hello");
    put(&fixture.plan.env, "A", "1");
    put(&fixture.plan.labels, "z", "label");
    put(&fixture.plan.annotations, "org.opencontainers.image.version", "v1");
    fixture.plan.workdir = workdir;
    fixture.plan.epoch = 951782400;
    js_free(made(&fixture, &image));

    autofree char *expected = xasprintf(
        "{\"created\":\"2000-02-29T00:00:00Z\",\"architecture\":\"arm64\",\"os\":\"linux\","
        "\"config\":{\"Env\":[\"A=1\"],"
        "\"Entrypoint\":[\"/var/task/hello\"],\"Cmd\":[\"hello\"],\"WorkingDir\":\"/var/task\","
        "\"Labels\":{"
        "\"org.opencontainers.image.version\":\"v1\",\"z\":\"label\"}},"
        "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]},"
        "\"history\":[{\"created\":\"2000-02-29T00:00:00Z\",\"created_by\":\"lbuild %s\"}]}",
        fixture.own.diff_id.text, PACKAGE_VERSION);
    assert_string_equal(buf_text(&image.config), expected);

    autofree char *manifest = xasprintf(
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
        "\"config\":{\"mediaType\":"
        "\"application/vnd.oci.image.config.v1+json\",\"digest\":\"%s\",\"size\":%zu},"
        "\"layers\":[{\"mediaType\":"
        "\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"%s\",\"size\":300}],"
        "\"annotations\":{"
        "\"org.opencontainers.image.version\":\"v1\"}}",
        image.config_digest.text, image.config.len, fixture.own.digest.text);
    assert_string_equal(buf_text(&image.manifest), manifest);

    struct digest digest = digest_of(buf_text(&image.manifest));
    assert_true(digest_equal(&digest, &image.manifest_digest));
    assert_string_equal(image.name, "localhost:5000/hello");
}

static void the_base_is_carried_over(void **state)
{
    AUTO(fixture) fixture;
    AUTO(image) image = {0};
    (void)state;

    set_up(
        &fixture,
        "{\"future\":{\"x\":[1]},\"author\":\"A\",\"architecture\":\"arm64\",\"variant\":\"v8\","
        "\"os\":\"linux\",\"created\":"
        "\"2001-01-01T00:00:00Z\",\"config\":{\"Shell\":[\"/bin/sh\"],\"Cmd\":null,\"Entrypoint\":"
        "[\"/lambda-entrypoint.sh\"],\"WorkingDir\":\"/var/task\",\"OnBuild\":[\"RUN "
        "x\"],\"Volumes\":null},"
        "\"docker_version\":\"20\"}");
    strv_add(&fixture.plan.cmd, "app.handler");

    AUTOPTR(js) config = made(&fixture, &image);
    assert_json(js_get(config, "config"),
                "{\"Shell\":[\"/bin/sh\"],\"Cmd\":[\"app.handler\"],\"Entrypoint\":[\"/"
                "lambda-entrypoint.sh\"],"
                "\"WorkingDir\":\"/var/task\",\"Volumes\":null,"
                "\"Labels\":{\"org.opencontainers.image.base.digest\":\"sha256:"
                "29de6ae7260ab17cda315946a9325c32bc6ded91129eef7f2d10a2781f5b9bcc\","
                "\"org.opencontainers.image.base.name\":"
                "\"host/base:1\"}}");
    assert_json(js_get(config, "future"), "{\"x\":[1]}");
    assert_string_equal(js_get_text(config, "docker_version"), "20");
    assert_string_equal(js_get_text(config, "author"), "A");
    assert_string_equal(js_get_text(config, "created"), "1970-01-01T00:00:00Z");
    assert_string_equal(image.variant, "v8");
    assert_string_equal(js_get_text(config, "variant"), "v8");
}

static void a_new_entry_point_drops_the_bases_words(void **state)
{
    AUTO(fixture) fixture;
    AUTO(image) image = {0};
    (void)state;

    set_up(&fixture,
           "{\"architecture\":\"arm64\",\"os\":\"linux\",\"config\":{\"Entrypoint\":[\"a\"],"
           "\"Cmd\":[\"b\"]}}");
    strv_add(&fixture.plan.entrypoint, "/p");
    AUTOPTR(js) config = made(&fixture, &image);
    assert_json(js_get(js_get(config, "config"), "Entrypoint"), "[\"/p\"]");
    assert_null(js_get(js_get(config, "config"), "Cmd"));
}

static void env_is_merged_in_place(void **state)
{
    AUTO(fixture) fixture;
    AUTO(image) image = {0};
    (void)state;

    set_up(&fixture,
           "{\"architecture\":\"arm64\",\"os\":\"linux\",\"config\":{\"Env\":[\"PATH=/a:/b\","
           "\"LANG=C\",\"PATHS=x\","
           "\"EMPTY\",\"LANG=twice\"]}}");
    put(&fixture.plan.env, "NEW", "a=b");
    put(&fixture.plan.env, "LANG", "en");
    put(&fixture.plan.env, "PATHS", "");
    put(&fixture.plan.env, "NEW", "last");
    AUTOPTR(js) config = made(&fixture, &image);
    assert_json(js_get(js_get(config, "config"), "Env"),
                "[\"PATH=/a:/b\",\"LANG=en\",\"PATHS=\",\"EMPTY\",\"NEW=last\"]");
}

static void labels_and_annotations(void **state)
{
    AUTO(fixture) fixture;
    AUTO(image) image = {0};
    struct error err = {0};
    (void)state;

    set_up(&fixture,
           "{\"architecture\":\"arm64\",\"os\":\"linux\",\"config\":{\"Labels\":{\"z\":\"base\","
           "\"own\":\"base\","
           "\"org.opencontainers.image.base.name\":\"the base's base\"}}}");
    put(&fixture.plan.labels, "own", "mine");
    put(&fixture.plan.annotations, "org.opencontainers.image.revision", "abc");

    AUTOPTR(js) config = made(&fixture, &image);
    AUTOPTR(js) manifest = js_parse(buf_text(&image.manifest), image.manifest.len, "m", &err);
    const struct js *labels = js_get(js_get(config, "config"), "Labels"),
                    *annotations = js_get(manifest, "annotations");
    assert_string_equal(js_get_text(labels, "own"), "mine");
    assert_string_equal(js_get_text(labels, "z"), "base");
    assert_string_equal(js_get_text(labels, "org.opencontainers.image.base.name"), "host/base:1");
    assert_string_equal(js_get_text(labels, "org.opencontainers.image.revision"), "abc");
    assert_string_equal(js_get_text(annotations, "org.opencontainers.image.revision"), "abc");
    assert_string_equal(js_get_text(annotations, "org.opencontainers.image.base.digest"),
                        fixture.base.manifest.text);
    assert_null(js_get(annotations, "own"));

    AUTO(buf) text = {0};
    js_dump(labels, &text);
    assert_true(strstr(buf_text(&text), "base.digest") < strstr(buf_text(&text), "\"own\""));
    assert_true(strstr(buf_text(&text), "\"own\"") < strstr(buf_text(&text), "\"z\""));
}

/* As many entries for layers as there are layers, whatever the base says. */
static void history_matches(void **state)
{
    static const char *const histories[] = {
        "null",
        "[]",
        "7",
        "[null,{}]",
        "[{\"created_by\":\"a\"}]",
        "[{},{},{},{}]",
        "[{\"empty_layer\":true},{},{\"empty_layer\":true},{}]",
        "[{\"empty_layer\":false},{\"empty_layer\":null}]",
    };
    static const size_t lengths[] = {3, 3, 3, 3, 3, 5, 5, 3};
    (void)state;

    for (size_t i = 0; i < countof(histories); i++) {
        AUTO(fixture) fixture;
        AUTO(image) image = {0};
        autofree char *text =
            xasprintf("{\"architecture\":\"arm64\",\"os\":\"linux\",\"history\":%s}", histories[i]);
        set_up(&fixture, text);
        AUTOPTR(js) config = made(&fixture, &image);
        const struct js *history = js_get(config, "history");
        size_t layers = 0;
        for (size_t k = 0; k < js_count(history); k++)
            layers += !js_is_true(js_get(js_at(history, k), "empty_layer"));
        if (i < 3)
            assert_non_null(js_get(js_at(history, 0), "created"));
        assert_int_equal(layers, 3);
        assert_int_equal(js_count(history), lengths[i]);
        assert_string_equal(js_get_text(js_at(history, lengths[i] - 1), "created_by"),
                            "lbuild " PACKAGE_VERSION);
        assert_int_equal(js_count(js_get(js_get(config, "rootfs"), "diff_ids")), 3);
    }
}

static void a_plain_base_layer_says_so(void **state)
{
    AUTO(fixture) fixture;
    AUTO(image) image = {0};
    (void)state;

    set_up(&fixture, minimal);
    fixture.layers[1].diff_id = fixture.layers[1].digest;
    js_free(made(&fixture, &image));
    assert_non_null(
        strstr(buf_text(&image.manifest), "\"application/vnd.oci.image.layer.v1.tar\""));
    assert_int_equal(image.layer_count, 3);
    assert_int_equal(image.layers[1].size, 200);
}

static void wrong_bases_are_refused(void **state)
{
    static const struct {
        const char *config, *said;
    } wrong[] = {
        {"{\"architecture\":\"amd64\",\"os\":\"linux\"}", "is for 'amd64', not for 'arm64'"},
        {"{\"os\":\"linux\"}", "no architecture"},
        {"{\"architecture\":\"arm64\",\"os\":\"windows\"}", "is not for linux"},
        {"{\"architecture\":\"arm64\"}", "is not for linux"},
        {"{\"architecture\":\"arm64\",\"os\":\"linux\",\"config\":[]}",
         "'config' that isn't an object"},
        {"{\"architecture\":\"arm64\",\"os\":\"linux\",\"config\":{\"Env\":{}}}",
         "'Env' that isn't a list"},
        {"{\"architecture\":\"arm64\",\"os\":\"linux\",\"config\":{\"Env\":[1]}}", "isn't text"},
        {"{\"architecture\":\"arm64\",\"os\":\"linux\",\"config\":{\"Labels\":3}}",
         "'Labels' that isn't an object"},
    };
    (void)state;

    for (size_t i = 0; i < countof(wrong); i++) {
        AUTO(fixture) fixture;
        AUTO(image) image = {0};
        struct error err = {0};
        set_up(&fixture, wrong[i].config);
        assert_int_equal(image_make(&fixture.base, &fixture.own, 1, &fixture.plan, &image, &err),
                         -1);
        assert_int_equal(err.kind, ERROR_REGISTRY);
        assert_non_null(strstr(err.text, wrong[i].said));
    }
}

static void limits_hold(void **state)
{
    AUTO(fixture) fixture;
    AUTO(image) image = {0};
    struct error err = {0};
    (void)state;

    set_up(&fixture, minimal);
    fixture.base.layers = xcalloc(MANIFEST_LAYERS, sizeof *fixture.base.layers);
    fixture.base.layer_count = MANIFEST_LAYERS;
    assert_int_equal(image_make(&fixture.base, &fixture.own, 1, &fixture.plan, &image, &err), -1);
    assert_non_null(strstr(err.text, "exceed the maximum of 127"));
    free(fixture.base.layers);
    fixture.base.layer_count = 0;
    fixture.plan.epoch = -1;
    assert_int_equal(image_make(&fixture.base, &fixture.own, 1, &fixture.plan, &image, &err), -1);
    assert_non_null(strstr(err.text, "SOURCE_DATE_EPOCH"));
    fixture.plan.epoch = INT64_C(253402300799);
    AUTOPTR(js) config = made(&fixture, &image);
    assert_string_equal(js_get_text(config, "created"), "9999-12-31T23:59:59Z");
}

/* A5: docker save writes null for what is missing. */
static void null_equals_missing(void **state)
{
    static const char *const texts[] = {
        "{\"config\":{\"Volumes\":null,\"Cmd\":[\"a\"],\"Env\":null},\"history\":null}",
        "{\"config\":{\"Cmd\":[\"a\"],\"Labels\":null}}",
        "{\"config\":{\"Cmd\":[\"a\"],\"Volumes\":{}}}",
    };
    struct imagefile images[countof(texts)] = {{0}};
    struct error err = {0};
    (void)state;

    for (size_t i = 0; i < countof(texts); i++)
        images[i].config = js_parse(texts[i], strlen(texts[i]), "config", &err);
    for (size_t i = 0; i < countof(texts); i++)
        for (size_t j = 0; j < countof(texts); j++) {
            AUTOPTR(js) found = js_array();
            diff_settings(&images[i], &images[j], found);
            assert_int_equal(js_count(found), (i == 2) != (j == 2));
        }

    for (size_t i = 0; i < countof(texts); i++)
        js_free(images[i].config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scratch_byte_for_byte),
        cmocka_unit_test(the_base_is_carried_over),
        cmocka_unit_test(a_new_entry_point_drops_the_bases_words),
        cmocka_unit_test(env_is_merged_in_place),
        cmocka_unit_test(labels_and_annotations),
        cmocka_unit_test(history_matches),
        cmocka_unit_test(a_plain_base_layer_says_so),
        cmocka_unit_test(wrong_bases_are_refused),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(null_equals_missing),
    };

    return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
