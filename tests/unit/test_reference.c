#include "unit.h"

#include "registry/challenge.h"
#include "registry/reference.h"
#include "support/own.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void names_become_full(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"debian", "docker.io/library/debian:latest"},
        {"debian:12-slim", "docker.io/library/debian:12-slim"},
        {"docker.io/debian", "docker.io/library/debian:latest"},
        {"index.docker.io/debian:1", "docker.io/library/debian:1"},
        {"registry-1.docker.io/a/b", "docker.io/a/b:latest"},
        {"user/app:1", "docker.io/user/app:1"},
        {"public.ecr.aws/lambda/provided:al2023", "public.ecr.aws/lambda/provided:al2023"},
        {"PUBLIC.ecr.AWS/lambda/provided:al2023", "public.ecr.aws/lambda/provided:al2023"},
        {"localhost/app", "localhost/app:latest"},
        {"localhost:5000/app:X", "localhost:5000/app:X"},
        {"[::1]:5000/app", "[::1]:5000/app:latest"},
        {"127.0.0.1:65535/a__b/c--d.e_f", "127.0.0.1:65535/a__b/c--d.e_f:latest"},
        {"h.example/app@sha256:" HEX, "h.example/app@sha256:" HEX},
        {"h.example/app:1@sha256:" HEX, "h.example/app:1@sha256:" HEX},
        {"h:1/a", "h:1/a:latest"},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        struct error err = {0};
        AUTO(reference) reference = {0};
        if (reference_parse(cases[i].in, &reference, &err) != 0)
            fail_msg("%s: %s", cases[i].in, err.text);
        autofree char *name = reference_name(&reference);
        assert_string_equal(name, cases[i].out);
    }
}

static void wrong_names_are_explained(void **state)
{
    static const struct {
        const char *in, *said;
    } cases[] = {
        {"", "empty"},
        {"https://public.ecr.aws/x", "leave 'https://' out"},
        {"docker://x", "leave 'docker://' out"},
        {"h.example/App", "upper-case"},
        {"h.example/a b", "space"},
        {"h.example/a\xc3\xa9", "isn't ASCII"},
        {"h.example/a//b", "empty"},
        {"h.example/", "empty"},
        {"h.example/a/", "empty"},
        {"/a", "empty"},
        {"h.example/a:", "tag after ':' is empty"},
        {"h.example/a:-x", "not a valid tag"},
        {"h.example/a:b:c", "not a valid tag"},
        {"h.example/a___b", "not a valid name"},
        {"h.example/a..b", "not a valid name"},
        {"h.example/-a", "not a valid name"},
        {"h.example/a_", "not a valid name"},
        {"h.example/../etc", "not a valid name"},
        {"h.example:0/a", "not a valid host"},
        {"h.example:70000/a", "not a valid host"},
        {"h.example:/a", "not a valid host"},
        {"-h.example/a", "not a valid host"},
        {"h..example/a", "not a valid host"},
        {"h.example./a", "not a valid host"},
        {"user@h.example/a", "digest"},
        {"[::1/a", "not a valid host"},
        {"[::g]:1/a", "not a valid host"},
        {"h.example/a@sha256:ABC", "64 lower-case hex"},
        {"h.example/a@sha256:" HEX "0", "64 lower-case hex"},
        {"h.example/a@sha512:" HEX, "sha256, the only one"},
        {"h.example/a@", "sha256, the only one"},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        struct error err = {0};
        AUTO(reference) reference = {0};
        assert_int_equal(reference_parse(cases[i].in, &reference, &err), -1);
        assert_int_equal(err.kind, ERROR_PROJECT);
        if (!strstr(err.text, cases[i].said))
            fail_msg("%s: %s", cases[i].in, err.text);
        assert_null(reference.host);
        assert_null(reference.repository);
    }
}

static void lengths_are_capped(void **state)
{
    static const struct {
        size_t repository, tag;
        bool fine;
    } cases[] = {{255, 128, true}, {256, 1, false}, {1, 129, false}, {2000, 1, false}};
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        struct error err = {0};
        AUTO(reference) reference = {0};
        autofree char *repository = xmalloc(cases[i].repository + 1),
                      *tag = xmalloc(cases[i].tag + 1);
        memset(repository, 'a', cases[i].repository);
        memset(tag, 'T', cases[i].tag);
        repository[cases[i].repository] = tag[cases[i].tag] = '\0';
        autofree char *text = xasprintf("h.example/%s:%s", repository, tag);
        assert_int_equal(reference_parse(text, &reference, &err), cases[i].fine ? 0 : -1);
        assert_true(cases[i].fine || strstr(err.text, "longer than"));
    }
}

static void this_machine_is_known(void **state)
{
    static const char *const ours[] = {"localhost",    "LOCALHOST:5000", "127.0.0.1",
                                       "127.8.9.10:1", "[::1]",          "[::1]:443"};
    static const char *const others[] = {
        "localhost.example", "128.0.0.1", "127.0.0.1.example", "[::2]", "example", "127.1"};
    (void)state;

    for (size_t i = 0; i < countof(ours); i++)
        assert_true(reference_is_loopback(ours[i]));
    for (size_t i = 0; i < countof(others); i++)
        assert_false(reference_is_loopback(others[i]));
    assert_string_equal(reference_server("docker.io"), "registry-1.docker.io");
    assert_string_equal(reference_server("public.ecr.aws"), "public.ecr.aws");
}

static void challenges_are_read(void **state)
{
    static const struct {
        const char *in;
        size_t count;
        const char *realm, *service, *scope;
    } cases[] = {
        {"Bearer realm=\"https://public.ecr.aws/token/\",service=\"public.ecr.aws\",scope=\"aws\"",
         1, "https://public.ecr.aws/token/", "public.ecr.aws", "aws"},
        {"bearer REALM=https://h/t , Service = S", 1, "https://h/t", "S", NULL},
        {"Bearer realm=\"a\\\"b\\\\c\"", 1, "a\"b\\c", NULL, NULL},
        {"Basic realm=\"x, y=z\", Bearer realm=\"r\",scope=\"repository:lb:pull "
         "repository:lb:push\"",
         2, "r", NULL, "repository:lb:pull repository:lb:push"},
        {"Negotiate abcd==, Bearer realm=r", 2, "r", NULL, NULL},
        {"Bearer", 1, NULL, NULL, NULL},
        {"Bearer realm=\"never closed", 1, "never closed", NULL, NULL},
        {"Bearer realm=\"one\",realm=\"two\"", 1, "one", NULL, NULL},
        {",,,Bearer,,realm=\"r\"", 1, "r", NULL, NULL},
        {"Bearer realm=\"\"", 1, "", NULL, NULL},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        AUTO(challenges) list = {0};
        challenges_parse(&list, cases[i].in);
        assert_int_equal(list.len, cases[i].count);
        const struct challenge *bearer = challenges_find(&list, CHALLENGE_BEARER);
        assert_non_null(bearer);
        const char *const pairs[][2] = {{bearer->realm, cases[i].realm},
                                        {bearer->service, cases[i].service},
                                        {bearer->scope, cases[i].scope}};
        for (size_t j = 0; j < countof(pairs); j++) {
            if (pairs[j][1])
                assert_string_equal(pairs[j][0], pairs[j][1]);
            else
                assert_null(pairs[j][0]);
        }
    }
}

static void challenges_are_capped(void **state)
{
    AUTO(challenges) list = {0};
    (void)state;
    challenges_parse(&list, "=,\"\x01\xff");
    assert_int_equal(list.len, 0);
    for (int i = 0; i < 100; i++)
        challenges_parse(&list, "Basic realm=\"x\"");
    assert_int_equal(list.len, 16);
    assert_null(challenges_find(&list, CHALLENGE_BEARER));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_become_full),   cmocka_unit_test(wrong_names_are_explained),
        cmocka_unit_test(lengths_are_capped),  cmocka_unit_test(this_machine_is_known),
        cmocka_unit_test(challenges_are_read), cmocka_unit_test(challenges_are_capped),
    };
    return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
