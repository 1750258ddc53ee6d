#include "gates.h"

#include "gate/options.h"

#include <time.h>

/* Cases that the corpus (tests/corpus/) can't have: sizes too large for a test, names in
 * registries, dates; and how the gate reports. */

static const struct item app[] = {{"bin/", '5'},
                                  {"bin/app", '0', "#!/bin/app AWS_LAMBDA_RUNTIME_API\n", 0755}};

static void sizes(void **state)
{
    static const uint64_t gib = UINT64_C(1) << 30;
    const struct {
        uint64_t size, budget;
        const char *ids;
    } cases[] = {{10 * gib + 1, 0, "LB071"},
                 {10 * gib, 0, "LB072"},
                 {8 * gib + 1, 0, "LB072"},
                 {8 * gib, 0, "LB073"},
                 {gib + 1, 0, "LB073"},
                 {gib, 0, ""},
                 {gib, gib, ""},
                 {gib, gib - 1, "LB074"},
                 {11 * gib, 1, "LB071 LB074"}};
    AUTO_IMAGE image = an_image(app, countof(app));
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        image->layers[0].scan.content_size = cases[i].size;
        assert_ids(image, &(struct gate_options){.budget = cases[i].budget}, cases[i].ids);
    }
}

static void names(void **state)
{
    static const struct {
        const char *format, *name, *ids;
    } cases[] = {
        {"oci", "public.ecr.aws/lambda/x:v1", ""},
        {"registry", "public.ecr.aws/lambda/x:v1", "LB085"},
        {"registry", "docker.io/library/x:v1", "LB085"},
        {"registry", "123456789012.dkr.ecr.eu-central-1.amazonaws.com/x:v1", ""},
        {"registry", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/x:v1", ""},
        {"registry", "12345678901.dkr.ecr.eu-central-1.amazonaws.com/x:v1", "LB085"},
        {"registry", "123456789012.dkr.ecr.eu-central-1.amazonaws.com.example/x:v1", "LB085"},
        {"oci", "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/x:v1", "LB084"},
        {"registry", "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/x:v1", "LB084"},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        AUTO_IMAGE image = an_image(app, countof(app));
        image->format = cases[i].format;
        strv_add(&image->names, cases[i].name);
        assert_ids(image, &(struct gate_options){0}, cases[i].ids);
    }
}

static void dates(void **state)
{
    static const struct item al2[] = {{"bin/", '5'},
                                      {"bin/app", '0', "#!/bin/app AWS_LAMBDA_RUNTIME_API\n", 0755},
                                      {"etc/", '5'},
                                      {"etc/os-release", '0', "ID=\"amzn\"\nVERSION_ID=\"2\"\n"}};
    AUTO_IMAGE image = an_image(al2, countof(al2));
    (void)state;

    assert_ids(image, &(struct gate_options){.now = 1782777599}, "");
    assert_ids(image, &(struct gate_options){.now = 1782777600}, "LB083"); /* 2026-06-30 */
    struct js *history = js_array(), *entry = js_object();
    js_set_string(entry, "created", "2026-01-01T02:00:00.5+02:00");
    js_append(history, entry);
    js_set(image->config, "history", history);
    assert_ids(image, &(struct gate_options){.now = 1767225600 + 10 * 86400, .base_age = 10}, "");
    assert_ids(image, &(struct gate_options){.now = 1767225600 + 11 * 86400, .base_age = 10},
               "LB088");
    assert_ids(image, &(struct gate_options){.now = 1767225600 + 11 * 86400}, "");
}

/* A rule that is broken many times is listed a limited number of times, but counted in full. */
static void many_findings(void **state)
{
    enum { FILES = 300 };
    struct error err = {0};
    autofree struct item *items = xcalloc(FILES + 4, sizeof *items);
    AUTO(strv) paths = {0};

    memcpy(items, app, sizeof app);
    items[2] = (struct item){"var/", '5'};
    items[3] = (struct item){"var/task/", '5'};
    (void)state;
    for (size_t i = 0; i < FILES; i++)
        strv_addf(&paths, "var/task/f%zu", i);
    for (size_t i = 0; i < FILES; i++)
        items[4 + i] = (struct item){paths.items[i], '0', "x", 0600};

    AUTO_IMAGE image = an_image(items, FILES + 4);
    AUTO(gate_report) report = {0};
    AUTO(buf) text = {0}, json = {0};
    assert_int_equal(gate_check(image, &store, &(struct gate_options){0}, &report, &err), 0);
    assert_int_equal(report.len, GATE_LISTED);
    assert_int_equal(gate_count(&report, GATE_ERROR), FILES);
    gate_print_text(&report, &text);
    assert_non_null(strstr(buf_text(&text), "and 280 more"));
    assert_non_null(strstr(buf_text(&text), "image.tar: 300 errors"));
    gate_print_json(&report, &json);
    assert_non_null(strstr(buf_text(&json), "\"LB061\": 300"));
}

static void ignoring(void **state)
{
    struct error err = {0};
    AUTO(strv) words = {0}, ignore = {0};
    AUTO_IMAGE image = an_image(app, countof(app));
    (void)state;

    image->layers[0].scan.content_size = UINT64_C(9) << 30; /* a warning */
    for (int way = 0; way < 3; way++) {
        AUTO(gate_report) report = {0};
        const struct gate_options options = {.werror = way > 0,
                                             .ignore = way == 2 ? &ignore : NULL};
        if (way == 2) {
            strv_add(&words, "lb001,LB072,,LB090x");
            assert_int_equal(gate_take_ids(&words, "here", &ignore, &err), -1);
            assert_non_null(strstr(err.text, "here: there is no rule 'LB090x'"));
            strv_release(&words);
            strv_release(&ignore);
            words = ignore = (struct strv){0};
            strv_add(&words, "lb001,LB072");
            assert_int_equal(gate_take_ids(&words, "here", &ignore, &err), 0);
        }
        assert_int_equal(gate_check(image, &store, &options, &report, &err), 0);
        assert_int_equal(gate_count(&report, GATE_WARNING), way == 0);
        assert_int_equal(gate_count(&report, GATE_ERROR), way == 1);
        assert_int_equal(gate_verdict(&report, &err), way == 1 ? -1 : 0);
        assert_int_equal(report.len, 1);
        assert_int_equal(report.items[0].ignored, way == 2);
    }
}

static void sizes_as_people_write_them(void **state)
{
    static const struct {
        const char *text;
        uint64_t size;
    } good[] = {{"1", 1},           {"200MB", 200000000}, {"1.5GiB", 1610612736},
                {"10kb", 10000},    {"3KiB", 3072},       {"7B", 7},
                {"2gb", 2000000000}};
    static const char *const bad[] = {"",    "MB",   "1.2.3MB", "0",
                                      "-1",  "5 MB", "1XB",     "99999999999GB",
                                      "1e3", "0x10", "nan",     "inf"};
    struct error err = {0};
    uint64_t size = 0;
    (void)state;

    for (size_t i = 0; i < countof(good); i++) {
        assert_int_equal(gate_parse_size(good[i].text, "here", &size, &err), 0);
        assert_true(size == good[i].size);
    }

    for (size_t i = 0; i < countof(bad); i++)
        assert_int_equal(gate_parse_size(bad[i], "here", &size, &err), -1);
}

/* A program that can't start matters in the function's own folders. */
static void own_folders(void **state)
{
    static const struct {
        const char *folders[3], *file, *ids;
    } cases[] = {{{"opt/"}, "opt/x", "LB035"},
                 {{"var/", "var/task/"}, "var/task/x", "LB035"},
                 {{"var/", "var/lang/", "var/lang/python/"}, "var/lang/python/x", "LB035"},
                 {{"var/", "var/lang/"}, "var/lang/x", ""}};
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        size_t count = countof(app);
        struct item items[countof(app) + 4];
        memcpy(items, app, sizeof app);
        for (size_t j = 0; j < countof(cases[i].folders) && cases[i].folders[j]; j++)
            items[count++] = (struct item){cases[i].folders[j], '5'};
        items[count++] = (struct item){cases[i].file, '0', "#!/nowhere\n", 0755};
        AUTO_IMAGE image = an_image(items, count);
        assert_ids(image, &(struct gate_options){0}, cases[i].ids);
    }
}

/* A bootstrap that is a shell script asks for events by curl or wget, unless something else in the
 * image does. */
static void script_client(void **state)
{
    static const struct {
        const char *file, *text, *ids;
    } cases[] = {{"bin/other", "x", "LB054 LB060"},
                 {"bin/curl", "x", "LB054"},
                 {"bin/wget", "x", "LB054"},
                 {"bin/other", "#!/bin/sh\nAWS_LAMBDA_RUNTIME_API\n", "LB054"},
                 {"bin/x.jar", "x", "LB054"}};
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        struct item items[] = {
            {"bin/", '5'},
            {"bin/sh", '0', "#!/bin/sh\n", 0755},
            {"var/", '5'},
            {"var/runtime/", '5'},
            {"var/runtime/bootstrap", '0', "#!/bin/sh\n$AWS_LAMBDA_RUNTIME_API\n", 0755},
            {"bin/app", '2', "/var/runtime/bootstrap"},
            {cases[i].file, '0', cases[i].text, 0644}};
        AUTO_IMAGE image = an_image(items, countof(items));
        assert_ids(image, &(struct gate_options){0}, cases[i].ids);
        items[5] = (struct item){"bin/app", '0', items[4].text, 0755};
        items[4].text = "x";
        AUTO_IMAGE entry = an_image(items, countof(items));
        assert_ids(entry, &(struct gate_options){0}, "");
    }
}

/* A program that is started later finds its interpreter in /var/lang/bin; the one that Lambda
 * starts, on PATH only. */
static void interpreter_of_the_client(void **state)
{
    static const char script[] = "#!/bin/env app AWS_LAMBDA_RUNTIME_API\n",
                      later[] = "#!/bin/env tool\n";
    struct item items[] = {{"bin/", '5'},
                           {"bin/env", '0', "#!/bin/env\n", 0755},
                           {"bin/app", '0', script, 0755},
                           {"var/", '5'},
                           {"var/lang/", '5'},
                           {"var/lang/bin/", '5'},
                           {"var/task/", '5'},
                           {"var/task/x", '0', later, 0755},
                           {"var/lang/bin/tool", '0', "#!/bin/env app\n", 0755}};
    (void)state;
    AUTO_IMAGE there = an_image(items, countof(items));

    assert_ids(there, &(struct gate_options){0}, "");
    items[8].path = "var/lang/bin/other";

    AUTO_IMAGE absent = an_image(items, countof(items));
    assert_ids(absent, &(struct gate_options){0}, "LB035");
    items[8].path = "var/lang/bin/app";
    items[2].text = "#!/bin/env other AWS_LAMBDA_RUNTIME_API\n";

    AUTO_IMAGE started = an_image(items, countof(items) - 1);
    assert_ids(started, &(struct gate_options){0}, "LB033 LB035");
}

/* The report has what scanners require (SARIF 2.1.0): for each result a rule, a level,
 * a place, a text. */
static void sarif(void **state)
{
    struct error err = {0};
    AUTO(buf) text = {0};
    AUTO(strv) ignore = {0};
    AUTO(gate_report) report = {0};
    static const struct item items[] = {
        {"bin/", '5'}, {"bin/app", '0', "#!/bin/app AWS_LAMBDA_RUNTIME_API\n", 0644}};
    AUTO_IMAGE image = an_image(items, countof(items));
    (void)state;

    image->layers[0].scan.content_size = UINT64_C(9) << 30;
    strv_add(&ignore, "LB072");
    free(image->path);
    image->path = xstrdup("a b/image.tar");
    assert_int_equal(
        gate_check(image, &store, &(struct gate_options){.ignore = &ignore}, &report, &err), 0);
    gate_print_sarif(&report, &text);

    AUTOPTR(js) sarif = js_parse(buf_text(&text), text.len, "sarif", &err);
    assert_non_null(sarif);
    assert_string_equal(js_get_text(sarif, "version"), "2.1.0");

    const struct js *run = js_at(js_get(sarif, "runs"), 0),
                    *driver = js_get(js_get(run, "tool"), "driver");
    const struct js *results = js_get(run, "results"), *rules = js_get(driver, "rules");
    assert_int_equal(js_count(rules), gate_rule_count);
    assert_int_equal(js_count(results), 2);
    for (size_t i = 0; i < 2; i++) {
        uint64_t index = 0;
        const struct js *result = js_at(results, i),
                        *place = js_get(js_at(js_get(result, "locations"), 0), "physicalLocation");
        assert_true(js_get_size(result, "ruleIndex", &index));
        assert_string_equal(js_get_text(js_at(rules, index), "id"), js_get_text(result, "ruleId"));
        assert_string_equal(js_get_text(js_get(place, "artifactLocation"), "uri"),
                            "a%20b/image.tar");
        assert_non_null(js_get_text(js_get(result, "message"), "text"));
        assert_string_equal(js_get_text(result, "ruleId"), i ? "LB072" : "LB055");
        assert_string_equal(js_get_text(result, "level"), i ? "warning" : "error");
        assert_int_equal(js_count(js_get(result, "suppressions")), i);
    }
}

/* For the record: the gate's cost on a base of the usual size. */
static void cost(void **state)
{
    enum { FILES = 5000, ROUNDS = 20 };
    autofree struct item *items = xcalloc(FILES + 3, sizeof *items);
    AUTO(strv) paths = {0};
    struct timespec start, end;
    (void)state;

    memcpy(items, app, sizeof app);
    items[2] = (struct item){"usr/", '5'};
    for (size_t i = 0; i < FILES; i++)
        strv_addf(&paths, "usr/share/some/folder%zu/file-%zu", i / 40, i);
    for (size_t i = 0; i < FILES; i++)
        items[3 + i] = (struct item){paths.items[i], '0', "x"};

    AUTO_IMAGE image = an_image(items, FILES + 3);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    for (int i = 0; i < ROUNDS; i++)
        free(ids(image, &(struct gate_options){0}));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    printf(
        "# gate over %d entries: %.1f ms\n", FILES,
        ((double)(end.tv_sec - start.tv_sec) * 1e3 + (double)(end.tv_nsec - start.tv_nsec) / 1e6) /
            ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sizes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(dates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_findings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ignoring, set_up, tear_down),
        cmocka_unit_test(sizes_as_people_write_them),
        cmocka_unit_test_setup_teardown(own_folders, set_up, tear_down),
        cmocka_unit_test_setup_teardown(script_client, set_up, tear_down),
        cmocka_unit_test_setup_teardown(interpreter_of_the_client, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sarif, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cost, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
