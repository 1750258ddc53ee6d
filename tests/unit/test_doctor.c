#include "unit.h"

#include "command/command.h"
#include "support/fs.h"
#include "support/json.h"
#include "support/log.h"
#include "support/own.h"
#include "support/process.h"

#include <unistd.h>

/* Runs `lbuild doctor --json` with only `folder` in PATH and a store in it. */
static struct js *doctor(const char *folder, int *result, struct error *err)
{
    AUTO(buf) out = {0};
    const char *argv[] = {"doctor", "--json", NULL};
    autofree char *path = xstrdup(getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin"),
                  *cache = path_join(folder, "cache");

    setenv("PATH", folder, 1);
    setenv("XDG_CACHE_HOME", cache, 1);
    *result = command_find("doctor")->run(argv, &out, err);
    setenv("PATH", path, 1);
    struct error ignored;
    struct js *report = js_parse(buf_text(&out), out.len, "doctor", &ignored);
    assert_non_null(report);
    return report;
}

static void nothing_here(void **state)
{
    struct error err = {0};
    int result = 0;
    autofree char *folder = unit_folder();
    (void)state;
    AUTOPTR(js) report = doctor(folder, &result, &err);

    assert_int_equal(result, -1);
    assert_int_equal(err.kind, ERROR_ENGINE);
    assert_non_null(strstr(err.text, "; install one: "));
    assert_int_equal(js_count(js_get(report, "compilers")), 0);
    assert_true(js_count(js_get(report, "missing")) >= 1);
    AUTO(buf) engine = {0};
    js_dump(js_at(js_get(report, "engines"), 0), &engine);
    assert_non_null(strstr(buf_text(&engine), "\"name\":\"host\""));
    assert_non_null(strstr(buf_text(&engine), "\"works\":false"));
    assert_int_equal(fs_remove(folder, &err), 0);
}

static void one_that_works_and_one_that_does_not(void **state)
{
    struct error err = {0};
    int result = 0;
    autofree char *folder = unit_folder(), *real = process_find("cc"),
                  *gcc = path_join(folder, "gcc"), *clang = path_join(folder, "clang");
    (void)state;

    if (!real)
        skip();

    autofree char *good =
        xasprintf("#!/bin/sh\nPATH=/usr/local/bin:/usr/bin:/bin exec '%s' \"$@\"\n", real);
    static const char bad[] = "#!/bin/sh\necho 'error: cannot find -lc' >&2\nexit 1\n";
    assert_int_equal(fs_write(gcc, good, strlen(good), 0755, &err), 0);
    assert_int_equal(fs_write(clang, bad, strlen(bad), 0755, &err), 0);

    AUTOPTR(js) report = doctor(folder, &result, &err);
    if (result != 0)
        fail_msg("%s", err.text);

    const struct js *compilers = js_get(report, "compilers");
    int good_ones = 0, bad_ones = 0;
    for (size_t i = 0; i < js_count(compilers); i++) {
        AUTO(buf) text = {0};
        js_dump(js_at(compilers, i), &text);
        good_ones += strstr(buf_text(&text), "\"command\":\"gcc\"") &&
                     strstr(buf_text(&text), "\"works\":true");
        bad_ones += strstr(buf_text(&text), "\"reason\":\"error: cannot find -lc\"") &&
                    strstr(buf_text(&text), "\"works\":false");
    }

    assert_int_equal(good_ones, 1);
    assert_true(bad_ones >= 1);

    uint64_t bytes = 0;
    assert_true(js_get_size(js_get(report, "store"), "free", &bytes));
    assert_int_equal(fs_remove(folder, &err), 0);
}

static void usage(void **state)
{
    struct error err = {0};
    AUTO(buf) out = {0};
    const char *argv[] = {"doctor", "please", NULL};
    (void)state;
    assert_int_equal(command_find("doctor")->run(argv, &out, &err), -1);
    assert_int_equal(err.kind, ERROR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_here),
        cmocka_unit_test(one_that_works_and_one_that_does_not),
        cmocka_unit_test(usage),
    };
    log_set_level(LOG_QUIET);
    return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
