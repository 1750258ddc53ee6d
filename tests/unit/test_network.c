#include "unit.h"

#include "../fakes/world.h"

#include "registry/http.h"
#include "registry/proxy.h"

static int said(const struct error *err, const char *text)
{
    if (strstr(err->text, text))
        return 1;
    print_error("'%s' is not in: %s\n", text, err->text);
    return 0;
}

/* --- proxies --- */

/* C2: Go's rules (httpproxy) */
static void proxies_are_chosen_as_by_go(void **state)
{
    static const struct {
        const char *exceptions, *host, *port;
        bool direct;
    } cases[] = {
        {"", "r.example", "443", false},
        {"", "localhost", "5000", true},
        {"", "127.9.9.9", "443", true},
        {"", "[::1]", "443", true},
        {"", "[::ffff:127.0.0.1]", "443", true},
        {"", "10.0.0.1", "443", false},
        {"*", "r.example", "443", true},
        {"r.example", "r.example", "443", true},
        {"R.Example", "r.example", "443", true},
        {"r.example", "a.r.example", "443", true},
        {"r.example", "xr.example", "443", false},
        {".r.example", "r.example", "443", false},
        {".r.example", "a.r.example", "443", true},
        {"*.r.example", "r.example", "443", false},
        {"*.r.example", "a.b.r.example", "443", true},
        {"r.example:5000", "r.example", "5000", true},
        {"r.example:5000", "r.example", "443", false},
        {"a, r.example:5000 ,b", "r.example", "5000", true},
        {"10.0.0.0/8", "10.1.2.3", "443", true},
        {"10.0.0.0/9", "10.128.0.1", "443", false},
        {"10.0.0.0/33", "10.128.0.1", "443", false},
        {"10.0.0.0/8", "r.example", "443", false},
        {"10.1.2.3:1", "10.1.2.3", "1", true},
        {"10.1.2.3:1", "10.1.2.3", "2", false},
        {"fd00::/8", "[fd00::1]", "443", true},
        {"[fd00::1]:5000", "[fd00::1]", "5000", true},
        {"[fd00::1]:5000", "[fd00::1]", "443", false},
        {"fd00::1", "[fd00::1]", "443", true},
        {":443,,/,10.0.0.1/", "r.example", "443", false},
    };
    (void)state;

    setenv("HTTPS_PROXY", "http://me:pa%2Fss@proxy.example:3128/", 1);
    for (size_t i = 0; i < countof(cases); i++) {
        struct proxy proxy;
        setenv("NO_PROXY", cases[i].exceptions, 1);
        proxy_find(cases[i].host, cases[i].port, &proxy);
        if ((proxy.url == NULL) != cases[i].direct)
            fail_msg("'%s' for %s:%s", cases[i].exceptions, cases[i].host, cases[i].port);
        if (proxy.url) {
            assert_string_equal(proxy.server, "proxy.example:3128");
            assert_string_equal(proxy.username, "me");
            assert_string_equal(proxy.password, "pa/ss");
        }
        proxy_release(&proxy);
    }
}

/* D2: an unencoded '/' in the password */
static void a_proxy_with_an_odd_login_is_not_shown(void **state)
{
    struct world *world = *state;
    struct error err = {0};
    struct digest manifest;

    setenv("HTTPS_PROXY", "http://me:hunter/22@127.0.0.1:1", 1);
    assert_int_equal(world_pull(world, "registry.example/a:b", &manifest, &err), -1);
    assert_null(strstr(err.text, "hunter"));
}

/* C2: a registry on this machine needs no proxy, whatever it speaks. */
static void this_machine_needs_no_proxy(void **state)
{
    struct world *world = *state;
    struct error err = {0};
    struct http_reply reply = {0};
    const struct http_settings settings = {.timeout = 5};
    autofree char *url = xasprintf("https://localhost:%u/", world->server.port);
    struct http_request request = {.url = url};
    AUTOPTR(http) http = http_open(&settings, &err);

    setenv("HTTPS_PROXY", "http://127.0.0.1:1", 1);
    assert_non_null(http);
    assert_int_equal(http_perform(http, &request, &reply, &err), -1);
    assert_null(strstr(err.text, "port 1 ")); /* it spoke to the server, which has no TLS */
    http_reply_release(&reply);
}

/* C3 */
static void a_proxy_that_refuses_is_named(void **state)
{
    static const struct {
        int status, kind;
        const char *login, *said;
    } cases[] = {
        {407, ERROR_REGISTRY, "", "HTTPS_PROXY, without a login) asks for a login (407); write it"},
        {407, ERROR_REGISTRY, "me:hunter22@",
         "HTTPS_PROXY, with the login of 'me') asks for another login (407); write it"},
        {403, ERROR_REGISTRY, "me:hunter22@", "doesn't allow this connection (403); ask its owner"},
        {502, ERROR_RETRY, "me:hunter22@", "can't connect now (502)"},
    };
    struct world *world = *state;

    for (size_t i = 0; i < countof(cases); i++) {
        size_t before = fake_count(&world->server, "CONNECT ", NULL);
        struct error err = {0};
        struct digest manifest;
        autofree char *proxy =
            xasprintf("http://%s127.0.0.1:%u", cases[i].login, world->server.port);
        setenv("HTTPS_PROXY", proxy, 1);
        world->routes[ROUTE_OTHER] = (struct fake_route){.target = "CONNECT registry.example:443 ",
                                                         .replies = {{.status = cases[i].status}}};
        assert_int_equal(world_pull(world, "registry.example/a:b", &manifest, &err), -1);
        assert_int_equal(err.kind, cases[i].kind);
        assert_true(said(&err, cases[i].said));
        assert_true(said(&err, "registry.example: the proxy '127.0.0.1:"));
        assert_null(strstr(err.text, "hunter22"));
        assert_int_equal(fake_count(&world->server, "CONNECT ", NULL) - before,
                         cases[i].kind == ERROR_RETRY ? 3 : 1);
    }
}

/* --- addresses --- */

/* D13 */
static void addresses_are_in_zones(void **state)
{
    static const struct {
        const char *host;
        enum zone zone;
    } cases[] = {
        {"8.8.8.8", ZONE_PUBLIC},
        {"10.1.2.3", ZONE_PRIVATE},
        {"172.15.0.1", ZONE_PUBLIC},
        {"172.16.0.1", ZONE_PRIVATE},
        {"192.168.1.1", ZONE_PRIVATE},
        {"100.64.0.1", ZONE_PRIVATE},
        {"127.1.2.3", ZONE_LOOPBACK},
        {"0.0.0.0", ZONE_LOOPBACK},
        {"169.254.169.254", ZONE_LINK},
        {"2130706433", ZONE_LOOPBACK},
        {"0x7f.1", ZONE_LOOPBACK},
        {"017700000001", ZONE_LOOPBACK},
        {"0xa9fea9fe", ZONE_LINK},
        {"localhost", ZONE_LOOPBACK},
        {"[::1]", ZONE_LOOPBACK},
        {"[::]", ZONE_LOOPBACK},
        {"::1", ZONE_LOOPBACK},
        {"[fe80::1]", ZONE_LINK},
        {"[fe80::1%25eth0]", ZONE_LINK},
        {"[fd00::1]", ZONE_PRIVATE},
        {"[::ffff:10.0.0.1]", ZONE_PRIVATE},
        {"[::ffff:7f00:1]", ZONE_LOOPBACK},
        {"[::10.0.0.1]", ZONE_PRIVATE},
        {"[64:ff9b::7f00:1]", ZONE_LOOPBACK},
        {"[64:ff9b::8.8.8.8]", ZONE_PUBLIC},
        {"[2002:a00:1::]", ZONE_PRIVATE},
        {"[2001:db8::1]", ZONE_PUBLIC},
        {"r.example", ZONE_PUBLIC},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++)
        if (address_zone_of_host(cases[i].host) != cases[i].zone)
            fail_msg("%s: %d", cases[i].host, address_zone_of_host(cases[i].host));
}

/* D13: what a registry elsewhere sends us to, in each form. libcurl itself knows where names below
 * "localhost" lead. */
static void no_registry_reaches_into_this_network(void **state)
{
    static const char *const hosts[] = {"127.0.0.1",      "localhost", "evil.localhost",
                                        "2130706433",     "0x7f.1",    "[::ffff:127.0.0.1]",
                                        "[::ffff:7f00:1]"};
    struct world *world = *state;
    const struct http_settings settings = {.timeout = 5};

    for (size_t i = 0; i < countof(hosts); i++) {
        struct error err = {0};
        struct http_reply reply = {0};
        autofree char *url = xasprintf("https://%s:%u/token", hosts[i], world->server.port);
        struct http_request request = {.url = url};
        AUTOPTR(http) http = http_open(&settings, &err);
        assert_non_null(http);
        assert_true(http_set_home(http, "https://registry.example"));
        assert_int_equal(http_perform(http, &request, &reply, &err), -1);
        http_reply_release(&reply);
        if (strcmp(hosts[i], "evil.localhost") == 0 && strcasestr(err.text, "resolv"))
            continue; /* an older libcurl asks the resolver */
        assert_true(said(&err, "registry.example: the registry sends lbuild on to '"));
        assert_int_equal(err.kind, ERROR_REGISTRY);
    }
}

/* D13: the address of each try counts, not the name that was judged before. */
static void the_address_connected_to_is_judged(void **state)
{
    struct world *world = *state;
    struct error err = {0};
    struct http_reply reply = {0};
    const struct http_settings settings = {.timeout = 5};
    autofree char *base = xasprintf("http://127.0.0.1:%u", world->server.port),
                  *url = xasprintf("%s/nothing", base);
    struct http_request request = {.url = url, .limit = 1000};
    AUTOPTR(http) http = http_open(&settings, &err);

    assert_non_null(http);
    assert_true(http_set_home(http, base));
    assert_false(http_allows(http, ZONE_LOOPBACK));
    assert_int_equal(http_perform(http, &request, &reply, &err), 0);
    assert_true(http_allows(http, ZONE_LOOPBACK));
    assert_false(http_allows(http, ZONE_PRIVATE));
    http_reply_release(&reply);
}

/* D13: a blob's redirect, from a registry on this machine. */
static void redirects_are_judged(void **state)
{
    static const char *const places[] = {"https://10.0.0.1/x", "https://0xa9fea9fe/latest",
                                         "https://[::ffff:192.168.0.1]/"};
    struct world *world = *state;

    for (size_t i = 0; i < countof(places); i++) {
        struct error err = {0};
        struct digest manifest;
        autofree char *location = xasprintf("Location: %s\r\n", places[i]);
        world->routes[ROUTE_LAYER0].replies[0] =
            (struct fake_reply){.status = 307, .headers = location};
        assert_int_equal(world_pull(world, NULL, &manifest, &err), -1);
        assert_true(said(&err, "inside of this network"));
        assert_int_equal(err.kind, ERROR_REGISTRY);
    }
}

/* --- replies --- */

/* D24 */
static void a_reply_cut_in_its_head_is_a_cut(void **state)
{
    static const enum world_route routes[] = {ROUTE_TAG, ROUTE_LAYER0};
    struct world *world = *state;

    for (size_t i = 0; i < countof(routes); i++) {
        struct fake_reply *reply = world->routes[routes[i]].replies, good = *reply;
        struct error err = {0};
        struct digest manifest;
        reply->cut_head = true;
        assert_int_equal(world_pull(world, NULL, &manifest, &err), -1);
        assert_true(said(&err, "cut within its head"));
        assert_true(said(&err, "after 3 tries"));
        assert_int_equal(err.kind, ERROR_RETRY);
        *reply = good;
    }
}

/* C5 */
static void a_web_page_is_named(void **state)
{
    static const char page[] =
        "<!DOCTYPE html>\n<html><head><style>b{}</style><TITLE lang=en>Guest "
        "Wi-Fi\n &amp; login</TITLE></head><body>Hi</body></html>";
    static const char plain[] = "\n<html><script>var a = 1;</script><!-- x > y --><h1>Please "
                                "<b>log in</b></h1></html>";
    struct world *world = *state;
    const struct {
        enum world_route route;
        struct fake_reply reply;
        const char *said;
    } cases[] = {
        {ROUTE_TAG,
         {.status = 200, .body = page, .headers = "Content-Type: text/html\r\n"},
         "web page (HTML) came instead of a manifest, 'Guest Wi-Fi & login'; something in"},
        {ROUTE_TAG,
         {.status = 200, .body = plain},
         "instead of a manifest, 'Please log in'; something"},
        {ROUTE_TAG, {.status = 200, .body = "<"}, "instead of a manifest; something"},
        {ROUTE_TAG, {.status = 403, .body = page}, "(403, a web page: 'Guest Wi-Fi & login')"},
        {ROUTE_LAYER0,
         {.status = 200, .body = page, .headers = "Content-Type: text/html\r\n"},
         "a web page (HTML) came instead of the blob, 'Guest Wi-Fi & login'; something"},
        {ROUTE_LAYER0,
         {.status = 200, .body = plain, .headers = "Content-Type: text/html\r\n"},
         "a web page (HTML) came instead of the blob, 'Please log in'; something"},
        {ROUTE_LAYER0,
         {.status = 200, .body = "", .headers = "Content-Type: text/html\r\n"},
         "has 0 bytes there, not 300000"},
    };

    for (size_t i = 0; i < countof(cases); i++) {
        struct fake_reply *reply = world->routes[cases[i].route].replies, good = *reply;
        struct error err = {0};
        struct digest manifest;
        *reply = cases[i].reply;
        reply->length = strlen(reply->body);
        assert_int_equal(world_pull(world, NULL, &manifest, &err), -1);
        assert_true(said(&err, cases[i].said));
        assert_int_equal(err.kind, ERROR_REGISTRY);
        *reply = good;
    }

    struct error err = {0};
    struct digest manifest;
    world_need_token(world, "good");
    world->routes[ROUTE_TOKEN].replies[0].body = page;
    world->routes[ROUTE_TOKEN].replies[0].length = sizeof page - 1;
    assert_int_equal(world_pull(world, NULL, &manifest, &err), -1);
    assert_true(said(&err, "a web page (HTML), 'Guest Wi-Fi & login', came instead of a token"));
}

/* A simple server calls everything HTML. */
static void a_manifest_is_no_web_page(void **state)
{
    struct world *world = *state;
    struct error err = {0};
    struct digest manifest;
    autofree char *body =
        xasprintf("{\"schemaVersion\":2,\"config\":{\"digest\":\"%s\",\"size\":%zu},\"layers\":"
                  "[{\"digest\":\"%s\",\"size\":%d},{\"digest\":\"%s\",\"size\":%d}]}",
                  world->config_digest.text, world->config.len, world->layer_digests[0].text,
                  WORLD_LAYER, world->layer_digests[1].text, WORLD_LAYER);

    world->routes[ROUTE_TAG].replies[0].headers = "Content-Type: text/html\r\n";
    world->routes[ROUTE_CONFIG].replies[0].headers = "Content-Type: text/html\r\n";
    world->routes[ROUTE_TAG].replies[0].body = body;
    world->routes[ROUTE_TAG].replies[0].length = strlen(body);
    if (world_pull(world, NULL, &manifest, &err) != 0)
        fail_msg("%s", err.text);
}

/* --- time --- */

/* D14: the least rate */
static void slow_servers_are_left(void **state)
{
    struct world *world = *state;
    struct error err = {0};
    struct digest manifest;

    setenv("LBUILD_HTTP_TIMEOUT", "1", 1);
    world->routes[ROUTE_LAYER0].replies[0].pace = 30;
    assert_int_equal(world_pull(world, NULL, &manifest, &err), -1);
    assert_true(said(&err, "too slow"));
    assert_int_equal(err.kind, ERROR_RETRY);
}

/* D14: the limit of a whole request, for a server that is just fast enough */
static void requests_end(void **state)
{
    struct world *world = *state;
    struct error err = {0};
    struct http_reply reply = {0};
    const struct http_settings settings = {.timeout = 60, .whole = 1};
    autofree char *url = xasprintf("http://127.0.0.1:%u/v2/lambda/provided/blobs/%s",
                                   world->server.port, world->layer_digests[0].text);
    struct http_request request = {.url = url, .limit = WORLD_LAYER};
    AUTOPTR(http) http = http_open(&settings, &err);

    assert_non_null(http);
    world->routes[ROUTE_LAYER0].replies[0].pace = 500;
    assert_int_equal(http_perform(http, &request, &reply, &err), -1);
    assert_true(said(&err, "too slow"));
    assert_int_equal(err.kind, ERROR_RETRY);
    http_reply_release(&reply);
}

/* D14: Retry-After is capped. Pauses here last a thousandth. */
static void nobody_waits_for_hours(void **state)
{
    struct world *world = *state;
    struct error err = {0};
    struct http_reply reply = {0};
    const struct http_settings settings = {0};
    autofree char *url = xasprintf("http://127.0.0.1:%u/other", world->server.port);
    struct http_request request = {.url = url};
    AUTOPTR(http) http = http_open(&settings, &err);

    assert_non_null(http);
    world->routes[ROUTE_OTHER].replies[0] =
        (struct fake_reply){.status = 429, .headers = "Retry-After: 3600\r\n"};
    assert_int_equal(http_perform(http, &request, &reply, &err), 0);
    assert_int_equal(reply.retry_after, 60);
    http_reply_release(&reply);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(proxies_are_chosen_as_by_go),
        TEST(a_proxy_with_an_odd_login_is_not_shown),
        TEST(this_machine_needs_no_proxy),
        TEST(a_proxy_that_refuses_is_named),
        TEST(addresses_are_in_zones),
        TEST(no_registry_reaches_into_this_network),
        TEST(the_address_connected_to_is_judged),
        TEST(redirects_are_judged),
        TEST(a_reply_cut_in_its_head_is_a_cut),
        TEST(a_web_page_is_named),
        TEST(a_manifest_is_no_web_page),
        TEST(slow_servers_are_left),
        TEST(requests_end),
        TEST(nobody_waits_for_hours),
    };

    return cmocka_run_group_tests_name("network", tests, NULL, NULL);
}
