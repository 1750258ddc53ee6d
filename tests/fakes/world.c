#include "world.h"

#include "registry/pull.h"
#include "support/fs.h"
#include "support/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPOSITORY "/v2/lambda/provided/"
#define OCI "application/vnd.oci.image."

static void must(int result, const struct error *err)
{
    if (result == 0)
        return;
    fprintf(stderr, "world: %s\n", err->text);
    abort();
}

static const char *keep(struct world *world, char *text)
{
    strv_take(&world->texts, text);
    return text;
}

static void digest_of(const struct buf *bytes, struct digest *out)
{
    struct error err;
    must(digest_bytes(buf_text(bytes), bytes->len, out, &err), &err);
}

static void set_route(struct world *world, enum world_route route, const char *target,
                      const char *type, const struct buf *body)
{
    world->routes[route].target = target;
    world->routes[route].replies[0] =
        (struct fake_reply){.status = 200, .body = buf_text(body), .length = body->len};
    if (type)
        world->routes[route].replies[0].headers =
            keep(world, xasprintf("Content-Type: %s\r\n", type));
}

static void make_layers(struct world *world)
{
    uint32_t state = 1;

    for (size_t i = 0; i < 2; i++) {
        for (size_t n = 0; n < WORLD_LAYER; n++) {
            state = state * 1664525u + 1013904223u;
            buf_addc(&world->layers[i], (char)(state >> 24));
        }
        digest_of(&world->layers[i], &world->layer_digests[i]);
    }
}

static void make_documents(struct world *world)
{
    const char *a = world->layer_digests[0].text, *b = world->layer_digests[1].text;

    buf_addf(&world->config,
             "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{},"
             "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\",\"%s\"]}}",
             a, b);
    digest_of(&world->config, &world->config_digest);

    autofree char *manifest = xasprintf(
        "{\"schemaVersion\":2,\"mediaType\":\"" OCI
        "manifest.v1+json\",\"config\":{\"mediaType\":\"" OCI
        "config.v1+json\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[{\"mediaType\":\"" OCI
        "layer.v1.tar+gzip\",\"digest\":\"%s\",\"size\":%d},{\"mediaType\":\"" OCI
        "layer.v1.tar+gzip\",\"digest\":\"%s\",\"size\":%d}]}",
        world->config_digest.text, world->config.len, a, WORLD_LAYER, b, WORLD_LAYER);
    world_set_manifest(world, manifest);
}

void world_set_manifest(struct world *world, const char *body)
{
    buf_clear(&world->manifest);
    buf_clear(&world->index);
    buf_adds(&world->manifest, body);
    digest_of(&world->manifest, &world->manifest_digest);

    buf_addf(&world->index,
             "{\"schemaVersion\":2,\"mediaType\":\"" OCI
             "index.v1+json\",\"manifests\":[{\"mediaType\":\"" OCI
             "manifest.v1+json\",\"digest\":\"%s\",\"size\":%zu,\"platform\":{\"os\":\"linux\","
             "\"architecture\":\"amd64\"}},"
             "{\"mediaType\":\"" OCI
             "manifest.v1+json\",\"digest\":\"%s\",\"size\":%zu,\"platform\":{\"os\":\"unknown\","
             "\"architecture\":\"unknown\"},\"annotations\":{"
             "\"vnd.docker.reference.type\":\"attestation-manifest\"}}]}",
             world->manifest_digest.text, world->manifest.len, world->config_digest.text,
             world->config.len);
    digest_of(&world->index, &world->index_digest);

    set_route(world, ROUTE_TAG, "GET " REPOSITORY "manifests/al2023 ", OCI "index.v1+json",
              &world->index);
    set_route(world, ROUTE_MANIFEST,
              keep(world, xasprintf("GET " REPOSITORY "manifests/%s", world->manifest_digest.text)),
              OCI "manifest.v1+json", &world->manifest);
}

static void clean_environment(const char *folder)
{
    static const char *const gone[] = {"DOCKER_AUTH_CONFIG",
                                       "REGISTRY_AUTH_FILE",
                                       "DOCKER_CONFIG",
                                       "XDG_CONFIG_HOME",
                                       "SSL_CERT_FILE",
                                       "http_proxy",
                                       "https_proxy",
                                       "HTTPS_PROXY",
                                       "ALL_PROXY",
                                       "all_proxy",
                                       "LBUILD_HTTP_TIMEOUT",
                                       "LBUILD_REGISTRY_MIRROR",
                                       "NO_PROXY",
                                       "no_proxy"};

    for (size_t i = 0; i < countof(gone); i++)
        unsetenv(gone[i]);
    setenv("HOME", folder, 1);
    setenv("XDG_RUNTIME_DIR", folder, 1);
}

int world_set_up(void **state)
{
    struct error err;
    struct world *world = xcalloc(1, sizeof *world);
    const char *base = getenv("TMPDIR");

    world->folder = xasprintf("%s/lbuild-test.XXXXXX", base && base[0] ? base : "/tmp");
    if (!mkdtemp(world->folder))
        abort();
    clean_environment(world->folder);
    autofree char *root = path_join(world->folder, "store");
    must(store_open(&world->store, root, &err), &err);

    make_layers(world);
    make_documents(world);
    world->routes[ROUTE_TOKEN] = (struct fake_route){.target = "GET /token?"};
    world->routes[ROUTE_OTHER] = (struct fake_route){.target = "GET /other"};
    for (size_t i = 0; i < 3; i++) {
        const struct digest *digest = i == 0 ? &world->config_digest : &world->layer_digests[i - 1];
        set_route(world, ROUTE_CONFIG + i,
                  keep(world, xasprintf("GET " REPOSITORY "blobs/%s", digest->text)), NULL,
                  i == 0 ? &world->config : &world->layers[i - 1]);
    }

    fake_start(&world->server, world->routes, ROUTES);
    world->settings.second = 1;
    world->name = xasprintf("127.0.0.1:%u/lambda/provided:al2023", world->server.port);
    *state = world;
    return 0;
}

int world_tear_down(void **state)
{
    struct error err;
    struct world *world = *state;

    fake_stop(&world->server);
    store_release(&world->store);
    must(fs_remove(world->folder, &err), &err);

    strv_release(&world->texts);
    for (size_t i = 0; i < 2; i++)
        buf_release(&world->layers[i]);
    buf_release(&world->config);
    buf_release(&world->manifest);
    buf_release(&world->index);
    free(world->folder);
    free(world->name);
    free(world);
    return 0;
}

void world_need_token(struct world *world, const char *token)
{
    const char *need = keep(world, xasprintf("Authorization: Bearer %s\r\n", token));
    const char *challenge =
        keep(world,
             xasprintf(
                 "Bearer realm=\"http://127.0.0.1:%u/token\",service=\"the service\",scope=\"aws\"",
                 world->server.port));
    const char *body = keep(world, xasprintf("{\"token\":\"%s\"}", token));

    for (size_t i = ROUTE_TAG; i < ROUTE_OTHER; i++) {
        world->routes[i].replies[0].need = need;
        world->routes[i].replies[0].challenge = challenge;
    }
    world->routes[ROUTE_TOKEN].replies[0] =
        (struct fake_reply){.status = 200, .body = body, .length = strlen(body)};
}

int world_pull(struct world *world, const char *name, struct digest *manifest, struct error *err)
{
    AUTO(reference) reference = {0};
    if (reference_parse(name ? name : world->name, &reference, err) != 0)
        return -1;
    return pull_image(&reference, ARCH_X86_64, &world->store, &world->settings, manifest, err);
}

bool world_has_all(const struct world *world)
{
    return store_has(&world->store, &world->manifest_digest) &&
           store_has(&world->store, &world->config_digest) &&
           store_has(&world->store, &world->layer_digests[0]) &&
           store_has(&world->store, &world->layer_digests[1]);
}

void world_log_in(struct world *world, const char *fields)
{
    struct error err;
    autofree char *text =
        xasprintf("{\"auths\":{\"127.0.0.1:%u\":{%s}}}", world->server.port, fields);
    autofree char *folder = path_join(world->folder, ".docker"),
                  *path = path_join(folder, "config.json");

    must(fs_mkdirs(folder, &err), &err);
    must(fs_write(path, text, strlen(text), 0600, &err), &err);
}
