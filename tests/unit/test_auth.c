#include "unit.h"

#include "../fakes/world.h"

#include "registry/auth.h"
#include "support/fs.h"

/* "user:pass" */
#define LOGIN "\"auth\":\"dXNlcjpwYXNz\""
#define BASIC "Authorization: Basic dXNlcjpwYXNz\r\n"

static void contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text);
}

static void works(struct world *world)
{
    struct error err = {0};
    struct digest manifest;
    if (world_pull(world, NULL, &manifest, &err) != 0)
        fail_msg("%s", err.text);
    assert_true(world_has_all(world));
}

static void fails(struct world *world, int kind, const char *text)
{
    struct error err = {0};
    struct digest manifest;
    assert_int_equal(world_pull(world, NULL, &manifest, &err), -1);
    contains(err.text, text);
    assert_int_equal(err.kind, kind);
    assert_null(strstr(err.text, "pass"));
    assert_null(strstr(err.text, "dXNlcjpwYXNz"));
}

static size_t count(struct world *world, const char *text, const char *other)
{
    return fake_count(&world->server, text, other);
}

static void set_token(struct world *world, size_t index, int status, const char *body)
{
    world->routes[ROUTE_TOKEN].replies[index] =
        (struct fake_reply){.status = status, .body = body, .length = strlen(body)};
}

static void anonymous_tokens(void **state)
{
    struct world *world = *state;

    world_need_token(world, "good");
    works(world);
    assert_int_equal(
        count(world, "GET /token?service=the%20service&scope=repository:lambda/provided:pull HTTP",
              NULL),
        1);
    assert_int_equal(count(world, "GET /token", "Authorization"), 0);
    assert_int_equal(count(world, "manifests/al2023", NULL), 2);
    assert_int_equal(count(world, "/blobs/", "Bearer good"), 3);
}

static void either_name_of_the_token_will_do(void **state)
{
    struct world *world = *state;
    world_need_token(world, "good");
    set_token(world, 0, 200, "{\"token\":\"\",\"access_token\":\"good\",\"expires_in\":5}");
    works(world);
}

static void tokens_that_run_out_are_renewed(void **state)
{
    struct world *world = *state;
    world_need_token(world, "good");
    set_token(world, 0, 200, "{\"token\":\"old\"}");
    set_token(world, 1, 200, "{\"token\":\"good\"}");
    world->routes[ROUTE_TAG].replies[0].need = "Authorization: Bearer old\r\n";
    works(world);
    assert_int_equal(count(world, "GET /token", NULL), 2);
}

static void a_token_that_never_fits_is_final(void **state)
{
    struct world *world = *state;
    world_need_token(world, "good");
    set_token(world, 0, 200, "{\"token\":\"bad\"}");
    fails(world, ERROR_REGISTRY, "not allowed (401); no login for '127.0.0.1:");
    assert_int_equal(count(world, "GET /token", NULL), 1);
    assert_int_equal(count(world, "manifests/al2023", NULL), 2);
}

static void odd_token_replies(void **state)
{
    static const char *const bodies[] = {"", "{}", "[]", "{\"token\":5}", "{\"token\":null}"};
    struct world *world = *state;

    world_need_token(world, "good");
    for (size_t i = 0; i < countof(bodies); i++) {
        set_token(world, 0, 200, bodies[i]);
        fails(world, ERROR_REGISTRY, "not JSON with a 'token'");
    }

    set_token(world, 0, 200, "{\"token\":\"a\\r\\nX-Evil: 1\"}");
    fails(world, ERROR_REGISTRY, "no header can hold");
    assert_int_equal(count(world, "X-Evil", NULL), 0);

    char *big = xmalloc(70001);
    strv_take(&world->texts, big);
    memset(big, ' ', 70000);
    big[70000] = '\0';
    set_token(world, 0, 200, big);
    fails(world, ERROR_REGISTRY, "larger than 65536 bytes");
    set_token(world, 0, 404, "");
    fails(world, ERROR_REGISTRY, "token server answered 404");
    set_token(world, 0, 503, "");
    fails(world, ERROR_RETRY, "token server answered 503");
}

static void a_login_goes_to_the_token_server(void **state)
{
    struct world *world = *state;
    world_need_token(world, "good");
    world_log_in(world, LOGIN);
    world->routes[ROUTE_TOKEN].replies[0].need = BASIC;
    works(world);
    assert_int_equal(count(world, "GET /token?account=user&service=", BASIC), 1);
    assert_int_equal(count(world, "/v2/", BASIC), 0);
}

static void a_login_refused_there_is_set_aside(void **state)
{
    struct world *world = *state;
    world_need_token(world, "good");
    world_log_in(world, LOGIN);
    set_token(world, 0, 403, "{}");
    set_token(world, 1, 200, "{\"token\":\"good\"}");
    works(world);
    assert_int_equal(count(world, "GET /token", BASIC), 1);
    assert_int_equal(count(world, "GET /token", NULL), 2);
}

static void a_login_refused_here_is_set_aside(void **state)
{
    struct world *world = *state;
    struct fake_route *tag = &world->routes[ROUTE_TAG];

    world_need_token(world, "good");
    world_log_in(world, LOGIN);

    /* The stale login's token is good for a 403 only. */
    struct fake_reply ask = tag->replies[0], good = tag->replies[0];
    set_token(world, 0, 200, "{\"token\":\"stale\"}");
    set_token(world, 1, 200, "{\"token\":\"good\"}");
    tag->replies[0] = (struct fake_reply){
        .status = 403, .need = "Authorization: Bearer stale\r\n", .challenge = ask.challenge};
    tag->replies[1] = good;
    works(world);
    assert_int_equal(count(world, "GET /token", BASIC), 1);
    assert_int_equal(count(world, "GET /token", NULL), 2);
}

static void a_refused_login_is_named(void **state)
{
    struct world *world = *state;
    world_need_token(world, "good");
    world_log_in(world, LOGIN);
    set_token(world, 0, 401, "{}");
    fails(world, ERROR_REGISTRY,
          ".docker/config.json' was refused; log in again with 'docker login 127.0.0.1:");
    assert_int_equal(count(world, "GET /token", NULL), 2);
}

static void what_comes_back_hides_the_token(void **state)
{
    static const char echo[] =
        "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"got Bearer s3cr3t\"}]}";
    struct world *world = *state;
    struct error err = {0};
    struct digest manifest;

    world_need_token(world, "s3cr3t");
    world->routes[ROUTE_TAG].replies[0].status = 403;
    world->routes[ROUTE_TAG].replies[0].body = echo;
    world->routes[ROUTE_TAG].replies[0].length = strlen(echo);
    assert_int_equal(world_pull(world, NULL, &manifest, &err), -1);
    contains(err.text, "(403 DENIED: got Bearer [hidden])");
    assert_null(strstr(err.text, "s3cr3t"));
}

/* D2 */
static void secrets_are_found_in_any_form(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"it is hunter22/x.", "it is [hidden]."},
        {"HUNTER22/X", "[hidden]"},
        {"aHVudGVyMjIveA==", "[hidden]A=="},
        {"dXNlcjpodW50ZXIyMi94", "[hidden]"},        /* user:hunter22/x */
        {"bWU6aHVudGVyMjIveA==", "bWU6[hidden]A=="}, /* me:hunter22/x */
        {"hunter22%2fx hunter22%252Fx %68unter22/x", "[hidden] [hidden] [hidden]"},
        {"'hunter2' and hunter", "'[hidden]' and [hidden]"},
        {"hunters are fine", "hunters are fine"},
        {"a:b is short, YTpi too", "[hidden] is short, [hidden] too"},
        {"\033[1m\n\303\244", "?[1m?\303\244"},
        {"\303\244\303", "???"},
        {"", ""},
    };
    AUTO(censor) censor = {0};
    (void)state;

    censor_add_login(&censor, "user", "hunter22/x");
    censor_add_login(&censor, "a", "b");
    for (size_t i = 0; i < countof(cases); i++) {
        autofree char *said = censor_text(&censor, cases[i].text);
        assert_string_equal(said, cases[i].said);
    }
}

static void need_basic(struct world *world)
{
    for (size_t i = ROUTE_TAG; i < ROUTE_OTHER; i++) {
        world->routes[i].replies[0].need = BASIC;
        world->routes[i].replies[0].challenge = "Basic realm=\"here\"";
    }
}

static void basic(void **state)
{
    struct world *world = *state;

    need_basic(world);
    fails(world, ERROR_REGISTRY, "no login for '127.0.0.1:");
    world_log_in(world, "\"username\":\"user\",\"password\":\"wrong\"");
    fails(world, ERROR_REGISTRY, ".docker/config.json' was refused");
    world_log_in(world, LOGIN);
    works(world);
    assert_int_equal(count(world, "/blobs/", BASIC), 3);
    assert_int_equal(count(world, "manifests/al2023", BASIC), 1);
}

static void basic_when_the_realm_is_of_no_use(void **state)
{
    struct world *world = *state;
    need_basic(world);
    for (size_t i = ROUTE_TAG; i < ROUTE_OTHER; i++)
        world->routes[i].replies[0].challenge =
            "Bearer realm=\"http://10.0.0.1/t\", Basic realm=\"here\"";
    world_log_in(world, LOGIN);
    works(world);
}

static void identity_tokens_are_traded(void **state)
{
    struct world *world = *state;
    static const char body[] = "{\"access_token\":\"good\"}";

    world_need_token(world, "good");
    world_log_in(world, "\"identitytoken\":\"id&1\"");
    world->routes[ROUTE_OTHER] =
        (struct fake_route){.target = "POST /token",
                            .replies = {{.status = 200, .body = body, .length = sizeof body - 1}}};
    works(world);
    assert_int_equal(count(world, "POST /token HTTP",
                           "grant_type=refresh_token&refresh_token=id%261&client_id=lbuild&service="
                           "the%20service&scope=repository:lambda/provided:pull"),
                     1);
}

static void identity_tokens_may_be_unknown(void **state)
{
    struct world *world = *state;
    world_need_token(world, "good"); /* POST: 404 */
    world_log_in(world, "\"identitytoken\":\"idt\"");
    works(world);
    assert_int_equal(count(world, "idt", NULL), 1);
}

static void registry_tokens_are_used_as_they_are(void **state)
{
    struct world *world = *state;
    world_need_token(world, "good");
    world_log_in(world, "\"registrytoken\":\"good\"");
    works(world);
    assert_int_equal(count(world, "/token", NULL), 0);
}

/* --- redirects --- */

static void redirect(struct world *world, enum world_route route, char *location)
{
    autofree char *owned = location;
    strv_addf(&world->texts, "Location: %s\r\n", owned);
    world->routes[route].replies[0].status = 307;
    world->routes[route].replies[0].headers = world->texts.items[world->texts.len - 1];
    world->routes[route].replies[0].length = 0;
}

static void logins_do_not_follow_to_another_port(void **state)
{
    struct world *world = *state;
    struct fake_server other;
    struct fake_route routes[] = {
        {.target = "GET /far",
         .replies = {{.status = 200, .body = world->layers[0].data, .length = WORLD_LAYER}}}};

    fake_start(&other, routes, 1);
    world_need_token(world, "good");
    redirect(world, ROUTE_LAYER0, xasprintf("http://127.0.0.1:%u/far?sig=1", other.port));
    works(world);
    assert_int_equal(fake_count(&other, "GET /far?sig=1", NULL), 1);
    assert_int_equal(fake_count(&other, "Authorization", NULL), 0);
    fake_stop(&other);
}

static void redirects_stay_in_safe_places(void **state)
{
    static const char *const places[] = {"http://example.invalid/x", "http://10.0.0.1/x",
                                         "ftp://127.0.0.1/x", "file:///etc/hosts",
                                         "//example.invalid/x"};
    struct world *world = *state;
    for (size_t i = 0; i < countof(places); i++) {
        redirect(world, ROUTE_LAYER0, xstrdup(places[i]));
        fails(world, ERROR_REGISTRY, "would leave HTTPS");
    }
}

/* "user:hunter22" */
#define KNOWN "Authorization: Basic dXNlcjpodW50ZXIyMg==\r\n"

static void need_login(struct world *world)
{
    world_log_in(world, "\"auth\":\"dXNlcjpodW50ZXIyMg==\"");
    for (size_t i = ROUTE_TAG; i < ROUTE_OTHER; i++) {
        world->routes[i].replies[0].need = KNOWN;
        world->routes[i].replies[0].challenge = "Basic realm=\"here\"";
    }
}

static void serve_manifest(struct world *world, const char *body)
{
    world_set_manifest(world, body);
    need_login(world);
    world->routes[ROUTE_MANIFEST].replies[0].headers = NULL;
}

/* D2: a redirect, an error, a document and a realm that repeat the login. */
static void nothing_repeats_the_login(void **state)
{
    static const char *const places[] = {
        "http://hunter22.invalid/dXNlcjpodW50ZXIyMg==", "https://hunter22.invalid/",
        "https://127.0.0.1:1/%68unter22"};
    static const char *const documents[] = {
        "{\"schemaVersion\":2,\"mediaType\":\"hunter22\"}",
        "{\"schemaVersion\":2,\"config\":{\"digest\":\"dXNlcjpodW50ZXIyMg==\"},\"layers\":[{}]}",
        "{\"a\":hunter22}",
    };
    struct world *world = *state;
    struct error err = {0};
    struct digest manifest;

    need_login(world);
    for (size_t i = 0; i < countof(places) + countof(documents); i++) {
        if (i < countof(places))
            redirect(world, ROUTE_LAYER0, xstrdup(places[i]));
        else
            serve_manifest(world, documents[i - countof(places)]);
        assert_int_equal(world_pull(world, NULL, &manifest, &err), -1);
        if (strstr(err.text, "unter22") || strstr(err.text, "b2h1bnRlcjIy") ||
            strstr(err.text, "podW50ZXIyMg"))
            fail_msg("%zu: %s", i, err.text);
    }
}

static void redirects_end(void **state)
{
    struct world *world = *state;
    world->routes[ROUTE_OTHER].target = "GET /loop";
    redirect(world, ROUTE_OTHER, xstrdup("/loop"));
    redirect(world, ROUTE_LAYER0, xstrdup("/loop"));
    fails(world, ERROR_REGISTRY, "more than 10 redirects");
    assert_int_equal(count(world, "GET /loop", NULL), 10);
}

static void realms_are_judged(void **state)
{
    static const struct {
        const char *base, *realm;
        const char *said; /* NULL: fine */
    } cases[] = {
        {"https://public.ecr.aws", "https://public.ecr.aws/token/", NULL},
        {"https://registry-1.docker.io", "https://auth.docker.io/token", NULL},
        {"https://10.0.0.1:5000", "https://10.0.0.1/token", NULL},
        {"http://127.0.0.1:5000", "http://127.0.0.1:5001/token", NULL},
        {"http://localhost:5000", "http://127.0.0.1:5001/token", NULL},
        {"http://localhost:5000", "https://auth.example/token", NULL},
        {"https://h.example", "http://h.example/token", "plain HTTP"},
        {"http://127.0.0.1:5000", "http://h.example/token", "plain HTTP"},
        {"https://h.example", "http://127.0.0.1/token", "plain HTTP"},
        {"https://h.example", "https://127.0.0.1/token", "inside of this network"},
        {"https://h.example", "https://localhost/token", "inside of this network"},
        {"https://h.example", "https://2130706433/token", "inside of this network"},
        {"https://h.example", "https://0x7f.1/token", "inside of this network"},
        {"https://h.example", "https://169.254.169.254/latest", "inside of this network"},
        {"https://h.example", "https://10.1.2.3/", "inside of this network"},
        {"https://h.example", "https://172.31.0.1/", "inside of this network"},
        {"https://h.example", "https://192.168.0.1/", "inside of this network"},
        {"https://h.example", "https://100.64.0.1/", "inside of this network"},
        {"https://h.example", "https://0.0.0.0/", "inside of this network"},
        {"https://h.example", "https://[::1]/", "inside of this network"},
        {"https://h.example", "https://[::]/", "inside of this network"},
        {"https://h.example", "https://[fe80::1]/", "inside of this network"},
        {"https://h.example", "https://[fd00::1]/", "inside of this network"},
        {"https://h.example", "https://[::ffff:10.0.0.1]/", "inside of this network"},
        {"https://h.example", "https://[64:ff9b::10.0.0.1]/", "inside of this network"},
        {"https://h.example", "https://8.8.8.8/", NULL},
        {"https://h.example", "https://[2001:db8::1]/", NULL},
        {"https://h.example", "https://user@h.example/", "user name"},
        {"https://h.example", "ftp://h.example/", "not a URL"},
        {"https://h.example", "token", "not a URL"},
        {"https://h.example", "", "not a URL"},
    };
    const struct http_settings settings = {0};
    struct error err = {0};
    (void)state;
    AUTOPTR(http) http = http_open(&settings, &err);

    assert_non_null(http);
    for (size_t i = 0; i < countof(cases); i++) {
        int result = auth_check_realm(http, cases[i].base, cases[i].realm, &err);
        if ((result == 0) != (cases[i].said == NULL))
            fail_msg("%s for %s: %d", cases[i].realm, cases[i].base, result);
        if (cases[i].said)
            contains(err.text, cases[i].said);
    }
}

static void certificates_must_be_there(void **state)
{
    struct world *world = *state;
    struct error err = {0};
    const struct http_settings missing = {.ca_file = "/nonexistent/ca.pem"};
    autofree char *path = path_join(world->folder, "ca.pem");
    const struct http_settings nonsense = {.ca_file = path};

    assert_null(http_open(&missing, &err));
    assert_int_equal(err.kind, ERROR_REGISTRY);
    contains(err.text, "/nonexistent/ca.pem");
    assert_int_equal(fs_write(path, "nonsense", 8, 0644, &err), 0);
    AUTOPTR(http) http = http_open(&nonsense, &err); /* the system's certificates still count */
    assert_non_null(http);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(anonymous_tokens),
        TEST(either_name_of_the_token_will_do),
        TEST(tokens_that_run_out_are_renewed),
        TEST(a_token_that_never_fits_is_final),
        TEST(odd_token_replies),
        TEST(a_login_goes_to_the_token_server),
        TEST(a_login_refused_there_is_set_aside),
        TEST(a_login_refused_here_is_set_aside),
        TEST(a_refused_login_is_named),
        TEST(what_comes_back_hides_the_token),
        TEST(secrets_are_found_in_any_form),
        TEST(nothing_repeats_the_login),
        TEST(basic),
        TEST(basic_when_the_realm_is_of_no_use),
        TEST(identity_tokens_are_traded),
        TEST(identity_tokens_may_be_unknown),
        TEST(registry_tokens_are_used_as_they_are),
        TEST(logins_do_not_follow_to_another_port),
        TEST(redirects_stay_in_safe_places),
        TEST(redirects_end),
        TEST(realms_are_judged),
        TEST(certificates_must_be_there),
    };

    return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
