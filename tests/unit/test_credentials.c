#include "unit.h"

#include "registry/credentials.h"
#include "registry/helper.h"
#include "support/fs.h"
#include "support/json.h"
#include "support/own.h"

#include <sys/stat.h>
#include <unistd.h>

/* base64 of "user:pa:ss", "AWS:x", "u:p" */
#define USER "dXNlcjpwYTpzcw=="
#define AWS "QVdTOng="

static const char *const variables[] = {"DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "DOCKER_CONFIG",
                                        "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"};

static int set_up(void **state)
{
    char *folder = unit_folder();
    for (size_t i = 0; i < countof(variables); i++)
        unsetenv(variables[i]);
    setenv("HOME", folder, 1);
    setenv("XDG_RUNTIME_DIR", folder, 1); /* never /run/containers of this machine */
    *state = folder;
    return 0;
}

static int tear_down(void **state)
{
    struct error err;
    int result = fs_remove(*state, &err);
    free(*state);
    return result;
}

static void put(const char *folder, const char *name, const char *text, unsigned mode)
{
    struct error err = {0};
    autofree char *path = path_join(folder, name), *parent = path_dir(path);
    assert_int_equal(fs_mkdirs(parent, &err), 0);
    assert_int_equal(fs_write(path, text, strlen(text), mode, &err), 0);
}

static int find(const char *host, const char *repository, struct credentials *out)
{
    struct error err = {0};
    int result = credentials_find(host, repository, out, &err);
    assert_true(result >= 0);
    return result;
}

static void auths_are_matched(void **state)
{
    static const char config[] =
        "{\"auths\":{\"h.example\":{\"auth\":\"" USER
        "\"},\"h.example/ns\":{\"username\":\"ns\",\"password\":\"1\"},"
        "\"h.example/ns/deep\":{\"username\":\"deep\",\"password\":\"2\"},\"https://"
        "url.example/some/path\":{\"auth\":\"" AWS "\"},"
        "\"p.example:5000\":{\"identitytoken\":\"idt\"},\"v.example/v2/"
        "\":{\"registrytoken\":\"rt\"},\"empty.example\":{},"
        "\"https://index.docker.io/v1/\":{\"auth\":\"" USER
        "\"},\"H.Upper.example\":{\"auth\":\"" AWS "\"}}}";
    static const struct {
        const char *host, *repository, *username;
    } cases[] = {
        {"h.example", "x", "user"},         {"h.example", "ns/app", "ns"},
        {"h.example", "nsx/app", "user"},   {"h.example", "ns/deep", "deep"},
        {"h.example", "ns/deeper", "ns"},   {"url.example", "a", "AWS"},
        {"docker.io", "library/x", "user"}, {"h.upper.example", "a", "AWS"},
        {"h.example:1", "x", NULL},         {"empty.example", "x", NULL},
        {"other.example", "x", NULL},       {"example", "x", NULL},
    };
    struct error err = {0};
    (void)state;
    AUTOPTR(js) root = js_parse(config, strlen(config), "config", &err);

    assert_non_null(root);

    for (size_t i = 0; i < countof(cases); i++) {
        AUTO(credentials) found = {0};
        int result = credentials_from_auths(root, cases[i].host, cases[i].repository, &found, &err);
        assert_int_equal(result, cases[i].username != NULL);
        if (cases[i].username)
            assert_string_equal(found.username, cases[i].username);
    }

    AUTO(credentials) user = {0}, identity = {0}, bearer = {0};
    assert_int_equal(credentials_from_auths(root, "h.example", "x", &user, &err), 1);
    assert_string_equal(user.password, "pa:ss");
    assert_int_equal(credentials_from_auths(root, "p.example:5000", "x", &identity, &err), 1);
    assert_string_equal(identity.identity_token, "idt");
    assert_int_equal(credentials_from_auths(root, "v.example", "x", &bearer, &err), 1);
    assert_string_equal(bearer.registry_token, "rt");
}

/* B4 */
static void auth_is_read_as_docker_reads_it(void **state)
{
    static const struct {
        const char *auth, *username, *password;
    } cases[] = {
        {"dTpwAAAA", "u", "p"},
        {"dToAAHAA", "u", "p"},
        {"dXNlcjpwYTpzcw==\\n", "user", "pa:ss"},
        {"dXNl\\r\\ncjpw\\r\\nYTpzcw==\\r\\n", "user", "pa:ss"},
        {"QVdTOjAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEy\\n"
         "MzQ1Njc4OQ==\\n",
         "AWS", "012345678901234567890123456789012345678901234567890123456789"},
        {"AHU6cA==", NULL, NULL},      /* a NUL before the user name */
        {"dTpwAHA=", NULL, NULL},      /* within the password */
        {"dXNl cjpwYTpz", NULL, NULL}, /* a space */
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        struct error err = {0};
        AUTO(credentials) found = {0};
        autofree char *text =
            xasprintf("{\"auths\":{\"h.example\":{\"auth\":\"%s\"}}}", cases[i].auth);
        AUTOPTR(js) root = js_parse(text, strlen(text), "config", &err);
        int result = credentials_from_auths(root, "h.example", "x", &found, &err);
        assert_int_equal(result, cases[i].username ? 1 : -1);
        if (cases[i].username) {
            assert_string_equal(found.username, cases[i].username);
            assert_string_equal(found.password, cases[i].password);
        }
    }
}

static void damaged_auth_is_an_error_without_the_secret(void **state)
{
    static const char *const values[] = {"c2VjcmV0", "!!!", "dXNlcjpwYXNz*", "AAAA", "d"};
    (void)state;

    for (size_t i = 0; i < countof(values); i++) {
        struct error err = {0};
        AUTO(credentials) found = {0};
        autofree char *text = xasprintf("{\"auths\":{\"h.example\":{\"auth\":\"%s\"}}}", values[i]);
        AUTOPTR(js) root = js_parse(text, strlen(text), "config", &err);
        assert_int_equal(credentials_from_auths(root, "h.example", "x", &found, &err), -1);
        assert_null(strstr(err.text, values[i]));
    }
}

static void places_are_asked_in_order(void **state)
{
    const char *folder = *state;
    static const char form[] =
        "{\"auths\":{\"h.example\":{\"username\":\"%s\",\"password\":\"p\"}}}";
    autofree char *variable = xasprintf(form, "variable"), *file = xasprintf(form, "file"),
                  *docker = xasprintf(form, "docker");
    autofree char *run = xasprintf(form, "run"), *config = xasprintf(form, "config"),
                  *path = path_join(folder, "authfile");

    put(folder, "authfile", file, 0600);
    put(folder, ".docker/config.json", docker, 0600);
    put(folder, "containers/auth.json", run, 0600);
    put(folder, ".config/containers/auth.json", config, 0600);
    setenv("DOCKER_AUTH_CONFIG", variable, 1);
    setenv("REGISTRY_AUTH_FILE", path, 1);

    static const char *const names[] = {"variable", "file", "docker", "run", "config"};
    static const char *const removed[] = {NULL, NULL, ".docker/config.json", "containers/auth.json",
                                          ".config/containers/auth.json"};

    for (size_t i = 0; i < countof(names); i++) {
        AUTO(credentials) found = {0};
        assert_int_equal(find("h.example", "x", &found), 1);
        assert_string_equal(found.username, names[i]);
        assert_non_null(strstr(found.source, i == 0 ? "DOCKER_AUTH_CONFIG" : folder));
        if (i < 2)
            unsetenv(variables[i]);
        autofree char *gone = removed[i] ? path_join(folder, removed[i]) : NULL;
        assert_true(!gone || unlink(gone) == 0);
    }

    AUTO(credentials) none = {0};
    assert_int_equal(find("h.example", "x", &none), 0);
    setenv("DOCKER_CONFIG", folder, 1);
    put(folder, "config.json", docker, 0600);
    assert_int_equal(find("h.example", "x", &none), 1);
}

static void damage_never_stands_in_the_way(void **state)
{
    const char *folder = *state;
    AUTO(credentials) found = {0};
    autofree char *big = xmalloc(1024 * 1024 + 2);

    memset(big, ' ', 1024 * 1024 + 1);
    big[1024 * 1024 + 1] = '\0';
    put(folder, "containers/auth.json", big, 0600);
    put(folder, ".docker/config.json", "{\"auths\":", 0600);
    put(folder, ".config/containers/auth.json",
        "{\"auths\":{\"h.example\":{\"username\":\"u\",\"password\":\"p\"}}}", 0600);
    setenv("DOCKER_AUTH_CONFIG", "[1, \"auths\"]", 1);
    setenv("REGISTRY_AUTH_FILE", "/nonexistent/auth.json", 1);
    assert_int_equal(find("h.example", "x", &found), 1);
    assert_string_equal(found.username, "u");
}

#define HELPER(body) "#!/bin/sh\n" body

static void helpers_are_asked(void **state)
{
    const char *folder = *state, *path = getenv("PATH");
    autofree char *search = xasprintf("%s/bin:%s", folder, path ? path : "/usr/bin:/bin"),
                  *saved = xstrdup(path ? path : "");

    setenv("PATH", search, 1);
    put(folder, "bin/docker-credential-good",
        HELPER("read -r host\necho \"$1 $host\" >\"$HOME/asked\"\n"
               "echo '{\"ServerURL\":\"x\",\"Username\":\"hu\",\"Secret\":\"hs\"}'\n"),
        0755);
    put(folder, "bin/docker-credential-token",
        HELPER("echo '{\"ServerURL\":\"x\",\"Username\":\"<token>\",\"Secret\":\"idt\"}'\n"), 0755);
    put(folder, "bin/docker-credential-none",
        HELPER("echo 'credentials not found in native keychain'; exit 1\n"), 0755);
    put(folder, "bin/docker-credential-broken", HELPER("echo hs-leak; echo noise >&2\n"), 0755);
    put(folder, "bin/docker-credential-failing", HELPER("echo 'no daemon'; exit 3\n"), 0755);
    put(folder, ".docker/config.json",
        "{\"credHelpers\":{\"good.example\":\"good\",\"token.example\":\"token\","
        "\"missing.example\":\"is-missing\",\"broken.example\":\"broken\","
        "\"failing.example\":\"failing\",\"path.example\":\"../good\","
        "\"https://index.docker.io/v1/\":\"good\"},\"credsStore\":\"none\","
        "\"auths\":{\"good.example\":{\"auth\":\"" AWS "\"},\"broken.example\":{\"auth\":\"" AWS
        "\"}}}",
        0600);

    static const struct {
        const char *host;
        const char *username;
        const char *identity;
    } cases[] = {
        {"good.example", "hu", NULL},    {"token.example", NULL, "idt"},
        {"missing.example", NULL, NULL}, {"broken.example", "AWS", NULL},
        {"failing.example", NULL, NULL}, {"path.example", NULL, NULL},
        {"other.example", NULL, NULL},   {"docker.io", "hu", NULL},
    };

    for (size_t i = 0; i < countof(cases); i++) {
        AUTO(credentials) found = {0};
        assert_int_equal(find(cases[i].host, "x", &found), cases[i].username || cases[i].identity);
        if (cases[i].username)
            assert_string_equal(found.username, cases[i].username);
        if (cases[i].identity)
            assert_string_equal(found.identity_token, cases[i].identity);
    }

    AUTO(buf) asked = {0};
    struct error err = {0};
    autofree char *record = path_join(folder, "asked");
    assert_int_equal(fs_read(record, 1000, &asked, &err), 0);
    assert_string_equal(buf_text(&asked), "get https://index.docker.io/v1/\n");
    setenv("PATH", saved, 1);
}

/* C4, D2 */
static void a_failing_helper_gives_its_reason_and_no_secret(void **state)
{
    static const struct {
        const char *script, *said;
    } cases[] = {
        {"printf '\\033[31msession expired;\\n  run:\\tcorp login\\033[0m\\n' >&2; exit 1",
         "failed with status 1: session expired; run: corp login"},
        {"echo 'no daemon'; exit 3", "failed with status 3: no daemon"},
        {"exit 4", "failed with status 4 without a reason"},
        {"echo '{\"Username\":\"u\",\"Secret\":\"hunter22\"}'; exit 1", "without a reason"},
        {"echo '{\"Username\":\"u\",\"Secret\":\"hunter22\"}' >&2; exit 1", "without a reason"},
        {"echo '{\"Username\":\"u\",\"Secret\":\"hunter22'; echo got hunter22 >&2; exit 1",
         "status 1: got [hidden]"},
        {"echo '{\"Secret\":\"hunter22\"}'; echo got aHVudGVyMjI= hunter%322 >&2; exit 1",
         "status 1: got [hidden]"},
    };
    const char *folder = *state, *path = getenv("PATH");
    autofree char *search = xasprintf("%s/bin:%s", folder, path ? path : "/usr/bin:/bin"),
                  *saved = xstrdup(path ? path : "");

    setenv("PATH", search, 1);
    for (size_t i = 0; i < countof(cases); i++) {
        struct error err = {0};
        AUTO(credentials) found = {0};
        autofree char *script = xasprintf("#!/bin/sh\n%s\n", cases[i].script);
        put(folder, "bin/docker-credential-odd", script, 0755);
        assert_int_equal(helper_get("odd", "h.example", &found, &err), -1);
        if (!strstr(err.text, cases[i].said) || strstr(err.text, "unter") ||
            strstr(err.text, "aHVu"))
            fail_msg("%s: %s", cases[i].script, err.text);
    }
    setenv("PATH", saved, 1);
}

/* D2 */
static void damaged_files_are_never_quoted(void **state)
{
    static const char *const texts[] = {
        "{\"auths\":{\"h.example\":{\"auth\":\"dTpw\" \"hunter22\"}}}",
        "{\"auths\":{\"h.example\":{\"password\":hunter22}}}",
        "{\"hunter22\":1,\"hunter22\":2}",
        "{\"password\":\"hunter22\n\"}",
        "{\"credHelpers\":{\"h.example\":\"/hunter22\"}}",
        "hunter22",
    };
    (void)state;

    for (size_t i = 0; i < countof(texts); i++) {
        struct error err = {0};
        AUTO(credentials) found = {0};
        AUTOPTR(js) root = js_parse(texts[i], strlen(texts[i]), "file", &err);
        setenv("DOCKER_AUTH_CONFIG", texts[i], 1);
        assert_int_equal(credentials_find("h.example", "x", &found, &err), 0);
        assert_true(root || err.text[0]);
        assert_null(strstr(err.text, "hunter"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(auths_are_matched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(auth_is_read_as_docker_reads_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damaged_auth_is_an_error_without_the_secret, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(places_are_asked_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_never_stands_in_the_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(helpers_are_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failing_helper_gives_its_reason_and_no_secret, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(damaged_files_are_never_quoted, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("credentials", tests, NULL, NULL);
}
