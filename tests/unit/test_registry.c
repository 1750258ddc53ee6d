#include "unit.h"

#include "../fakes/world.h"

#include "base/base.h"
#include "registry/pull.h"
#include "support/fs.h"
#include "support/process.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int said(const struct error *err, const char *text)
{
    if (strstr(err->text, text))
        return 1;
    print_error("'%s' is not in: %s\n", text, err->text);
    return 0;
}

/* Pulls, and expects this failure. */
static void fails(struct world *world, int kind, const char *text)
{
    struct error err = {0};
    struct digest manifest;
    assert_int_equal(world_pull(world, NULL, &manifest, &err), -1);
    assert_true(said(&err, text));
    assert_int_equal(err.kind, kind);
}

static void works(struct world *world)
{
    struct error err = {0};
    struct digest manifest = {""};
    if (world_pull(world, NULL, &manifest, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(manifest.text, world->manifest_digest.text);
    assert_true(world_has_all(world));
}

static void an_image_comes_whole(void **state)
{
    struct world *world = *state;

    works(world);
    assert_int_equal(fake_count(&world->server, "GET /v2/", "User-Agent: lbuild/"), 5);
    assert_int_equal(
        fake_count(&world->server, "manifests/al2023", "application/vnd.oci.image.index.v1+json"),
        1);
    assert_int_equal(fake_count(&world->server, "manifests/al2023",
                                "application/vnd.docker.distribution.manifest.v2+json"),
                     1);
    assert_int_equal(fake_count(&world->server, "Authorization", NULL), 0);
    works(world); /* again: the blobs are there */
    assert_int_equal(fake_count(&world->server, "/blobs/", NULL), 3);
}

static void a_digest_is_held_to(void **state)
{
    struct world *world = *state;
    struct error err = {0};
    struct digest manifest;
    autofree char *good = xasprintf("127.0.0.1:%u/lambda/provided:gone@%s", world->server.port,
                                    world->manifest_digest.text);

    assert_int_equal(world_pull(world, good, &manifest, &err), 0);
    assert_string_equal(manifest.text, world->manifest_digest.text);
    world->routes[ROUTE_MANIFEST].replies[0].body = world->config.data;
    world->routes[ROUTE_MANIFEST].replies[0].length = world->config.len;
    assert_int_equal(world_pull(world, good, &manifest, &err), -1);
    assert_int_equal(err.kind, ERROR_REGISTRY);
    assert_true(said(&err, "changed or damaged"));
}

static void lies_are_found(void **state)
{
    struct world *world = *state;
    struct fake_reply *tag = world->routes[ROUTE_TAG].replies,
                      *layer = world->routes[ROUTE_LAYER1].replies;
    const char *headers = tag->headers;
    autofree char *wrong =
        xasprintf("%sDocker-Content-Digest: %s\r\n", headers, world->config_digest.text);

    tag->headers = wrong;
    fails(world, ERROR_REGISTRY, "changed or damaged");
    tag->headers = "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n";
    fails(world, ERROR_REGISTRY, "says it is");
    tag->headers = headers;
    layer->body = world->layers[0].data;
    fails(world, ERROR_REGISTRY, "changed or damaged");
    layer->body = world->layers[1].data;
    layer->length = WORLD_LAYER - 1;
    fails(world, ERROR_REGISTRY, "299999 bytes there, not 300000");
    layer->body = world->index.data;
    layer->length = world->index.len;
    layer->chunked = true;
    fails(world, ERROR_RETRY, "ended after");

    char *more = xcalloc(1, WORLD_LAYER + 1);
    strv_take(&world->texts, more);
    layer->body = more;
    layer->length = WORLD_LAYER + 1;
    fails(world, ERROR_REGISTRY, "more than the 300000 bytes");
    assert_false(store_has(&world->store, &world->layer_digests[1]));
    assert_false(store_has(&world->store, &world->manifest_digest));
}

static void vague_types_are_taken(void **state)
{
    struct world *world = *state;
    world->routes[ROUTE_TAG].replies[0].headers =
        "Content-Type: application/JSON; charset=utf-8\r\nDocker-Content-Digest: sha512:00\r\n";
    world->routes[ROUTE_MANIFEST].replies[0].headers = NULL;
    works(world);
}

static void a_cut_goes_on(void **state)
{
    struct world *world = *state;
    struct fake_reply *layer = world->routes[ROUTE_LAYER0].replies;

    layer[1] = layer[2] = layer[0];
    layer[0].cut = 100000;
    layer[1].ranges = layer[2].ranges = true;
    layer[1].cut = 50000;
    works(world);
    assert_int_equal(fake_count(&world->server, "Range: bytes=100000-", NULL), 1);
    assert_int_equal(fake_count(&world->server, "Range: bytes=150000-", NULL), 1);
}

static void a_web_page_discards_nothing(void **state)
{
    struct world *world = *state;
    struct fake_reply *layer = world->routes[ROUTE_LAYER0].replies;

    layer[2] = layer[0];
    layer[0].cut = 100000;
    layer[1] = (struct fake_reply){
        .status = 200, .body = "<html>", .length = 6, .headers = "Content-Type: text/html\r\n"};
    layer[2].ranges = true;
    fails(world, ERROR_REGISTRY, "a web page");
    works(world);
    assert_int_equal(fake_count(&world->server, "Range: bytes=100000-", NULL), 2);
}

static void a_server_without_ranges_starts_over(void **state)
{
    struct world *world = *state;
    struct fake_reply *layer = world->routes[ROUTE_LAYER0].replies;
    layer[1] = layer[0];
    layer[0].cut = 100000;
    works(world);
    assert_int_equal(fake_count(&world->server, "Range: bytes=100000-", NULL), 1);
}

static void a_refused_range_starts_over(void **state)
{
    struct world *world = *state;
    struct fake_reply *layer = world->routes[ROUTE_LAYER0].replies;
    layer[2] = layer[0];
    layer[0].cut = 100000;
    layer[1] = (struct fake_reply){.status = 416};
    works(world);
}

static void a_wrong_range_starts_over(void **state)
{
    struct world *world = *state;
    struct fake_reply *layer = world->routes[ROUTE_LAYER0].replies;

    layer[2] = layer[0];
    layer[0].cut = 100000;
    layer[1].status = 206;
    layer[1].headers = "Content-Range: bytes 7-99/300000\r\n";
    layer[1].body = world->layers[1].data;
    layer[1].length = 93;
    works(world);
}

static void the_next_run_goes_on(void **state)
{
    struct world *world = *state;
    struct fake_reply *layer = world->routes[ROUTE_LAYER1].replies;

    layer->ranges = true;
    layer->cut = 60000;
    fails(world, ERROR_RETRY, "after 3 tries");
    assert_int_equal(fake_count(&world->server, "Range: bytes=120000-", NULL), 1);
    layer->cut = 0;
    works(world);
    assert_int_equal(fake_count(&world->server, "Range: bytes=180000-", NULL), 1);
}

static void damage_of_an_earlier_run_is_repaired(void **state)
{
    struct world *world = *state;
    struct fake_reply *layer = world->routes[ROUTE_LAYER1].replies;
    struct error err = {0};

    layer->ranges = true;
    layer->cut = 60000;
    fails(world, ERROR_RETRY, "tries");
    layer->cut = 0;
    autofree char *folder = path_join(world->store.root, "partial");
    autofree char *partial = path_join(folder, digest_hex(&world->layer_digests[1]));
    autofree char *zeros = xcalloc(1, 1000);
    assert_int_equal(fs_write(partial, zeros, 1000, 0644, &err), 0);
    works(world);
    assert_int_equal(fake_count(&world->server, "Range: bytes=1000-", NULL), 1);
}

static void trouble_is_tried_again(void **state)
{
    static const int statuses[] = {408, 429, 500, 502, 503, 504, -1};
    struct world *world = *state;
    struct fake_route *tag = &world->routes[ROUTE_TAG];
    struct fake_reply good = tag->replies[0];

    for (size_t i = 0; i < countof(statuses); i++) {
        size_t before = fake_count(&world->server, "manifests/al2023", NULL);
        tag->used = 0;
        tag->replies[0] = tag->replies[1] =
            (struct fake_reply){.status = statuses[i], .headers = "Retry-After: 2\r\n"};
        tag->replies[2] = good;
        works(world);
        assert_int_equal(fake_count(&world->server, "manifests/al2023", NULL), before + 3);
        tag->used = 0;
        tag->replies[2] = tag->replies[0];
        fails(world, ERROR_RETRY, statuses[i] == 429 ? "too many requests (429" : "3 tries");
        assert_int_equal(fake_count(&world->server, "manifests/al2023", NULL), before + 6);
    }
}

static void refusals_are_final(void **state)
{
    static const struct {
        int status;
        const char *body, *said;
    } cases[] = {
        {404,
         "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"no such \\u001b[31mtag\"}]}",
         "there is no image 'lambda/provided:al2023' (404 MANIFEST_UNKNOWN: no such ?[31mtag); "
         "check"},
        {404, "<html>", "(404)"},
        {401, "{\"errors\":[{\"code\":\"UNAUTHORIZED\"}]}",
         "not allowed (401 UNAUTHORIZED); no login for '127.0.0.1:"},
        {403, "{\"errors\":[]}", "not allowed (403)"},
        {400, "[", "unexpected answer (400)"},
        {304, "", "unexpected answer (304)"},
        {204, "", "unexpected answer (204)"},
    };
    struct world *world = *state;

    for (size_t i = 0; i < countof(cases); i++) {
        size_t before = fake_count(&world->server, "manifests/al2023", NULL);
        world->routes[ROUTE_TAG].replies[0] = (struct fake_reply){
            .status = cases[i].status, .body = cases[i].body, .length = strlen(cases[i].body)};
        fails(world, ERROR_REGISTRY, cases[i].said);
        assert_int_equal(fake_count(&world->server, "manifests/al2023", NULL), before + 1);
    }
}

static void a_missing_blob_is_named(void **state)
{
    struct world *world = *state;
    world->routes[ROUTE_LAYER1].replies[0].status = 404;
    fails(world, ERROR_REGISTRY, world->layer_digests[1].text);
}

static void stalls_end(void **state)
{
    struct world *world = *state;
    setenv("LBUILD_HTTP_TIMEOUT", "1", 1);
    world->routes[ROUTE_LAYER0].replies[0].stall = true;
    world->routes[ROUTE_LAYER0].replies[0].cut = 1000;
    world->routes[ROUTE_LAYER0].replies[1] = world->routes[ROUTE_LAYER0].replies[0];
    world->routes[ROUTE_LAYER0].replies[1].stall = false;
    world->routes[ROUTE_LAYER0].replies[1].cut = 0;
    works(world);
}

static void nobody_listens(void **state)
{
    struct world *world = *state;
    struct error err = {0};
    struct digest manifest;
    struct fake_server other;

    fake_start(&other, NULL, 0);
    autofree char *name = xasprintf("127.0.0.1:%u/lambda/provided:al2023", other.port);
    fake_stop(&other);
    assert_int_equal(world_pull(world, name, &manifest, &err), -1);
    assert_int_equal(err.kind, ERROR_RETRY);
    assert_true(said(&err, "can't connect"));
    setenv("LBUILD_HTTP_TIMEOUT", "1", 1);
    assert_int_equal(world_pull(world, "no-such-host.invalid/a:b", &manifest, &err), -1);
    assert_int_equal(err.kind, ERROR_RETRY);
}

static void sizes_are_capped(void **state)
{
    struct world *world = *state;
    struct fake_reply *tag = world->routes[ROUTE_TAG].replies, good = *tag;
    char *big =
        xmalloc(4 * 1024 * 1024 + 1); /* the server may still be sending it when this returns */

    strv_take(&world->texts, big);
    memset(big, ' ', 4 * 1024 * 1024 + 1);
    tag->body = big;
    tag->length = 4 * 1024 * 1024 + 1;
    fails(world, ERROR_REGISTRY, "larger than 4194304 bytes");
    *tag = good;

    struct buf headers = {0};
    for (int i = 0; i < 3000; i++)
        buf_addf(&headers,
                 "X-%d: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n",
                 i);
    tag->headers = headers.data;
    strv_take(&world->texts, headers.data);
    fails(world, ERROR_REGISTRY, "bytes of headers");
    *tag = (struct fake_reply){.status = 404, .body = big, .length = 4 * 1024 * 1024};
    fails(world, ERROR_REGISTRY, "there is no image");
}

static void documents_are_checked(void **state)
{
    static const struct {
        const char *manifest, *said;
    } cases[] = {
        {"{\"schemaVersion\":2,\"config\":{},\"layers\":[],\"manifests\":[]}", "is an index too"},
        {"{\"schemaVersion\":1}", "schema 1"},
        {"[]", "not a JSON object"},
        {"{\"schemaVersion\":2,\"a\":1,\"a\":2}", "not valid JSON"},
        {"{\"schemaVersion\":2,\"manifests\":[]}", "index"},
    };
    struct world *world = *state;

    for (size_t i = 0; i < countof(cases); i++) {
        world_set_manifest(world, cases[i].manifest);
        world->routes[ROUTE_MANIFEST].replies[0].headers = NULL;
        fails(world, ERROR_REGISTRY, cases[i].said);
    }
}

static void the_platform_must_be_there(void **state)
{
    struct world *world = *state;
    struct error err = {0};
    struct digest manifest;
    AUTO(reference) reference = {0};

    assert_int_equal(reference_parse(world->name, &reference, &err), 0);
    assert_int_equal(
        pull_image(&reference, ARCH_ARM64, &world->store, &world->settings, &manifest, &err), -1);
    assert_int_equal(err.kind, ERROR_REGISTRY);
    assert_true(said(&err, "it has: linux/amd64"));

    /* A manifest without an index, for the wrong machine: found out before any layer comes. */
    autofree char *pinned = xasprintf("127.0.0.1:%u/lambda/provided@%s", world->server.port,
                                      world->manifest_digest.text);
    AUTO(reference) digest = {0};
    assert_int_equal(reference_parse(pinned, &digest, &err), 0);
    assert_int_equal(
        pull_image(&digest, ARCH_ARM64, &world->store, &world->settings, &manifest, &err), -1);
    assert_true(said(&err, "linux/amd64, not for linux/arm64"));
    assert_int_equal(fake_count(&world->server, world->layer_digests[0].text, NULL), 0);
}

static void mirrors_stand_in(void **state)
{
    struct world *world = *state;
    struct error err = {0};
    struct digest manifest;
    AUTO(strv) mirrors = {0};

    strv_add(&mirrors, "other.example=https://unused.example");
    strv_addf(&mirrors, "PUBLIC.ecr.aws=http://127.0.0.1:%u/lambda/", world->server.port);
    world->settings.mirrors = &mirrors;
    assert_int_equal(world_pull(world, "public.ecr.aws/provided:al2023", &manifest, &err), 0);
    assert_true(world_has_all(world));
    assert_int_equal(world_pull(world, "public.ecr.aws/none:al2023", &manifest, &err), -1);
    assert_true(said(&err, "(mirror of public.ecr.aws)"));
    world->settings.mirrors = NULL;
    autofree char *variable =
        xasprintf("a.example=https://b.example , public.ecr.aws=http://127.0.0.1:%u/lambda",
                  world->server.port);
    setenv("LBUILD_REGISTRY_MIRROR", variable, 1);
    assert_int_equal(world_pull(world, "public.ecr.aws/provided:al2023", &manifest, &err), 0);
}

static void wrong_mirrors_are_refused(void **state)
{
    static const char *const cases[][2] = {
        {"x", "is not HOST=URL"},
        {"=https://h", "is not HOST=URL"},
        {"a=ftp://h", "is not HOST=URL"},
        {"a=h.example", "is not HOST=URL"},
        {"a=http://h.example", "this machine only"},
        {"a=http://10.0.0.1", "this machine only"},
        {"a=https://h.example/?q", "no user, query"},
        {"a=https://me:secret@h.example", "holds a login"},
        {"a=ftp://me:secret@h.example", "may hold a login"}, /* D2 */
        {"a=https://me:secret@h.example:x/", "may hold a login"},
    };
    struct world *world = *state;

    for (size_t i = 0; i < countof(cases); i++) {
        struct error err = {0};
        struct digest manifest;
        setenv("LBUILD_REGISTRY_MIRROR", cases[i][0], 1);
        assert_int_equal(world_pull(world, NULL, &manifest, &err), -1);
        assert_int_equal(err.kind, ERROR_USAGE);
        assert_true(said(&err, cases[i][1]));
        assert_null(strstr(err.text, "secret"));
    }

    assert_int_equal(fake_count(&world->server, "GET", NULL), 0);
}

static void the_source_keeps_its_promises(void **state)
{
    extern const struct base_source base_source_registry;

    struct world *world = *state;
    struct error err = {0};
    struct digest manifest;
    autofree char *name = NULL, *key = NULL, *full = NULL, *again = NULL;
    struct base_request request = {
        .reference = world->name, .arch = ARCH_X86_64, .pull = PULL_NEVER};
    assert_int_equal(base_source_registry.identify(&request, &key, &full, &err), 0);
    assert_string_equal(key, world->name);
    assert_string_equal(full, world->name);
    assert_int_equal(base_source_registry.fetch(&request, &world->store, &manifest, &name, &err),
                     -1);
    assert_int_equal(err.kind, ERROR_LOCKED);
    assert_int_equal(fake_count(&world->server, "GET", NULL), 0);
    request.pull = PULL_MISSING;
    assert_int_equal(base_source_registry.fetch(&request, &world->store, &manifest, &name, &err),
                     0);
    assert_string_equal(name, world->name);

    /* A digest needs no network once it is there. */
    size_t before = fake_count(&world->server, "GET", NULL);
    autofree char *pinned = xasprintf("127.0.0.1:%u/lambda/provided@%s", world->server.port,
                                      world->manifest_digest.text);
    request.reference = pinned;
    request.pull = PULL_NEVER;
    assert_int_equal(base_source_registry.fetch(&request, &world->store, &manifest, &again, &err),
                     0);
    assert_int_equal(fake_count(&world->server, "GET", NULL), before);
}

/* In a child, since a caught signal stays caught. */
static void interrupt(struct world *world, const char *awaited)
{
    pid_t child = fork();

    if (child == 0) {
        struct error err = {0};
        struct digest manifest;
        process_catch_signals();
        int result = world_pull(world, NULL, &manifest, &err);
        _exit(result == -1 && err.kind == 128 + SIGTERM ? 0 : 1);
    }

    for (int i = 0; i < 1000 && fake_count(&world->server, awaited, NULL) == 0; i++)
        usleep(10000);
    usleep(50000);
    time_t before = time(NULL);
    int status = -1;
    assert_int_equal(kill(child, SIGTERM), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(time(NULL) - before <= 5);
}

static void a_signal_ends_a_download(void **state)
{
    struct world *world = *state;
    struct fake_reply *layer = world->routes[ROUTE_LAYER0].replies;
    layer[1] = layer[0];
    layer[0].stall = layer[1].ranges = true;
    layer[0].cut = 100000;
    interrupt(world, world->layer_digests[0].text);
    works(world);
    assert_int_equal(fake_count(&world->server, "Range: bytes=100000-", NULL), 1);
}

static void a_signal_ends_a_pause(void **state)
{
    struct world *world = *state;
    struct fake_reply *tag = world->routes[ROUTE_TAG].replies;
    tag[1] = tag[0];
    tag[0] = (struct fake_reply){.status = 503, .headers = "Retry-After: 60\r\n"};
    world->settings.second = 1000;
    interrupt(world, "manifests/al2023");
    world->settings.second = 1;
    works(world);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_image_comes_whole),
        TEST(a_digest_is_held_to),
        TEST(lies_are_found),
        TEST(vague_types_are_taken),
        TEST(a_cut_goes_on),
        TEST(a_web_page_discards_nothing),
        TEST(a_server_without_ranges_starts_over),
        TEST(a_refused_range_starts_over),
        TEST(a_wrong_range_starts_over),
        TEST(the_next_run_goes_on),
        TEST(damage_of_an_earlier_run_is_repaired),
        TEST(trouble_is_tried_again),
        TEST(refusals_are_final),
        TEST(a_missing_blob_is_named),
        TEST(stalls_end),
        TEST(a_signal_ends_a_download),
        TEST(a_signal_ends_a_pause),
        TEST(nobody_listens),
        TEST(sizes_are_capped),
        TEST(documents_are_checked),
        TEST(the_platform_must_be_there),
        TEST(mirrors_stand_in),
        TEST(wrong_mirrors_are_refused),
        TEST(the_source_keeps_its_promises),
    };

    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
