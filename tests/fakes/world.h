#ifndef LBUILD_TESTS_FAKES_WORLD_H
#define LBUILD_TESTS_FAKES_WORLD_H

#include "registry.h"

#include "registry/client.h"
#include "store/store.h"
#include "support/buf.h"

/* An image of two layers in a fake registry, a store to pull it into, and an environment without
 * any proxy, login or mirror of this machine. */
enum world_route {
    ROUTE_TOKEN,
    ROUTE_TAG,
    ROUTE_MANIFEST,
    ROUTE_CONFIG,
    ROUTE_LAYER0,
    ROUTE_LAYER1,
    ROUTE_OTHER,
    ROUTES
};
enum { WORLD_LAYER = 300000 };

struct world {
    char *folder;
    struct store store;
    struct buf layers[2], config, manifest, index;
    struct digest layer_digests[2], config_digest, manifest_digest, index_digest;
    struct fake_route routes[ROUTES];
    struct strv texts; /* the texts that the routes borrow */
    struct fake_server server;
    struct client_settings settings;
    char *name; /* "127.0.0.1:PORT/lambda/provided:al2023" */
};

/* The set-up and tear-down of a cmocka test; *state is the world. */
int world_set_up(void **state);
int world_tear_down(void **state);
/* Makes every route but the token's ask for "Bearer TOKEN", which /token gives out. */
void world_need_token(struct world *world, const char *token);
/* Pulls `name` (NULL: the world's) for x86_64. */
int world_pull(struct world *world, const char *name, struct digest *manifest, struct error *err);
/* Whether config, manifest and both layers are in the store. */
bool world_has_all(const struct world *world);
/* Replaces the manifest, and the index with it, and serves them; `body` is copied. */
void world_set_manifest(struct world *world, const char *body);
/* Writes a login for the world's host to docker's file. */
void world_log_in(struct world *world, const char *fields);

#endif
