#include "unit.h"

#include "support/fs.h"
#include "support/log.h"
#include "support/own.h"

#include <fcntl.h>
#include <regex.h>
#include <unistd.h>

/* Redirects standard error to a file while `say` runs, and returns what was written. */
static char *said(const char *form, enum log_level level, void (*say)(void))
{
    struct error err = {0};
    autofree char *folder = unit_folder(), *path = path_join(folder, "stderr");
    AUTO(buf) text = {0};
    autoclose int saved = dup(STDERR_FILENO), fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(saved >= 0 && fd >= 0 && dup2(fd, STDERR_FILENO) == STDERR_FILENO);

    log_set_level(level);
    int set = log_set_format(form, &err);
    if (set == 0)
        say();
    log_live(NULL);
    dup2(saved, STDERR_FILENO);

    assert_int_equal(set, 0);
    assert_int_equal(fs_read(path, 1 << 20, &text, &err), 0);
    assert_int_equal(fs_remove(folder, &err), 0);
    return buf_detach(&text);
}

static void lines(void)
{
    log_start("build");
    log_step("compile", "%d of %d files", 1, 2);
    log_line("as it\nis");
    log_detail("more");
    log_warn("mind %s", "this");
    log_output(NULL, "a.c: says\n  so", 14);
    log_error(&(struct error){.kind = ERROR_ENGINE, .text = "no gcc"});
}

static void plain_form(void **state)
{
    (void)state;

    autofree char *normal = said("plain", LOG_NORMAL, lines),
                  *quiet = said("plain", LOG_QUIET, lines);
    autofree char *verbose = said("plain", LOG_VERBOSE, lines),
                  *automatic = said("auto", LOG_NORMAL, lines);
    assert_string_equal(
        normal,
        "compile  1 of 2 files\nas it is\nwarning: mind this\na.c: says\n  so\nlbuild: no gcc\n");
    assert_string_equal(quiet, "as it is\nwarning: mind this\na.c: says\n  so\nlbuild: no gcc\n");
    assert_string_equal(
        verbose,
        "compile  1 of 2 files\nas it is\n         more\nwarning: mind this\na.c: says\n  so\n"
        "lbuild: no gcc\n");
    assert_string_equal(automatic, normal); /* a file is no terminal */
}

static void terminal_form(void **state)
{
    (void)state;

    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    autofree char *colored = said("tty", LOG_QUIET, lines);
    assert_string_equal(colored, "as it is\n\033[33mwarning: \033[0mmind this\na.c: says\n  so\n"
                                 "\033[31mlbuild: \033[0mno gcc\n");
    assert_true(log_colors());

    setenv("NO_COLOR", "1", 1);
    autofree char *bare = said("tty", LOG_QUIET, lines), *plain = said("plain", LOG_QUIET, lines);
    assert_string_equal(bare, plain);
    assert_false(log_colors());

    setenv("NO_COLOR", "", 1); /* empty counts as not set: no-color.org */
    autofree char *empty = said("tty", LOG_QUIET, lines);
    assert_string_equal(empty, colored);

    setenv("TERM", "dumb", 1);
    autofree char *dumb = said("tty", LOG_QUIET, lines);
    assert_string_equal(dumb, plain);
    assert_false(log_colors());
}

static void live(void)
{
    log_live("one\tlive line");
    log_live(
        "another, which is much longer than the eighty columns of a terminal whose size\xc3\xa9 is "
        "not known");
    log_warn("x");
    log_live("last");
}

static void live_line(void **state)
{
    (void)state;

    setenv("TERM", "xterm", 1);
    setenv("NO_COLOR", "1", 1);
    autofree char *tty = said("tty", LOG_NORMAL, live), *quiet = said("tty", LOG_QUIET, live);
    assert_string_equal(
        tty,
        "one live line"
        "\r\033[Kanother, which is much longer than the eighty columns of a terminal whose size"
        "\r\033[Kwarning: x\nlast\r\033[K");
    assert_string_equal(quiet, "warning: x\n");
    autofree char *plain = said("plain", LOG_NORMAL, live);
    assert_string_equal(plain, "warning: x\n");
}

/* A terminal is recognized, by means of a pseudo terminal. */
static void automatic(void **state)
{
    struct error err = {0};
    (void)state;

    autoclose int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0)
        skip();
    autoclose int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC),
                  saved = dup(STDERR_FILENO);
    assert_true(slave >= 0 && dup2(slave, STDERR_FILENO) >= 0);

    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    int set = log_set_format(NULL, &err);
    bool colors = log_colors();
    setenv("TERM", "dumb", 1);
    set |= log_set_format("auto", &err);
    bool dumb = log_colors();
    dup2(saved, STDERR_FILENO);

    assert_int_equal(set, 0);
    assert_true(colors);
    assert_false(dumb);
    assert_int_equal(log_set_format("pretty", &err), -1);
    assert_int_equal(err.kind, ERROR_USAGE);
    assert_non_null(strstr(err.text, "'pretty'"));
}

/* Each line is one object with these members in this order; times are not compared. */
static void assert_events(const char *text, const char *const *expected, size_t count)
{
    size_t seen = 0;

    for (; *text; text += strcspn(text, "\n") + 1, seen++) {
        struct error err = {0};
        regex_t pattern;
        autofree char *line = xstrndup(text, strcspn(text, "\n")),
                      *whole = xasprintf("^%s$", expected[seen]);
        AUTOPTR(js) object = js_parse(line, strlen(line), "event", &err);
        assert_non_null(object);
        assert_true(seen < count);
        assert_int_equal(regcomp(&pattern, whole, REG_EXTENDED), 0);
        if (regexec(&pattern, line, 0, NULL, 0) != 0)
            fail_msg("%s\ndoes not match %s", line, whole);
        regfree(&pattern);
    }

    assert_int_equal(seen, count);
}

#define HEAD "\\{\"schema\":1,\"event\":"
#define MS "\"ms\":[0-9]+,"

static void json_form(void **state)
{
    static const char *const events[] = {
        HEAD "\"start\"," MS "\"command\":\"build\"\\}",
        HEAD "\"step\"," MS "\"step\":\"compile\",\"text\":\"1 of 2 files\"\\}",
        HEAD "\"line\"," MS "\"text\":\"as it\\\\nis\"\\}",
        HEAD "\"warning\"," MS "\"text\":\"mind this\"\\}",
        HEAD "\"output\"," MS "\"text\":\"a.c: says\\\\n  so\",\"dir\":\".\"\\}",
        HEAD "\"error\"," MS "\"status\":4,\"text\":\"no gcc\"\\}",
    };
    (void)state;

    autofree char *text = said("json", LOG_NORMAL, lines), *quiet = said("json", LOG_QUIET, lines);
    assert_events(text, events, countof(events));
    assert_events(quiet, events + 2, countof(events) - 2);
}

/* A meter reports when enough time has passed; here its clock is set back instead,
 * and forward again. */
static void metered(void)
{
    struct log_meter meter = {.what = "layer 1 of 2"};
    log_meter_start(&meter, "fetch", "bytes", 1000000, 3000000);
    meter.started -= 1100;
    meter.shown -= 1100;
    log_meter_set(&meter, 2000000);
    meter.shown += 600000;
    log_meter_set(&meter, 2500000); /* too soon */
    log_meter_set(&meter, 3000000);
    log_meter_end(&meter);
    log_meter_start(&meter, "compile", "files", 0, 2);
    log_meter_set(&meter, 2);
    log_meter_end(&meter); /* took no time: only JSON shows it */
}

static void meters(void **state)
{
    static const char *const events[] = {
        HEAD "\"progress\"," MS
             "\"step\":\"fetch\",\"what\":\"layer 1 of 2\",\"bytes\":2000000,\"total\":3000000,"
             "\"rate\":[0-9]+,\"took\":[0-9]+\\}",
        HEAD "\"done\"," MS
             "\"step\":\"fetch\",\"what\":\"layer 1 of 2\",\"bytes\":3000000,\"total\":3000000,"
             "\"rate\":[0-9]+,\"took\":[0-9]+\\}",
        HEAD
        "\"done\"," MS
        "\"step\":\"compile\",\"what\":\"layer 1 of 2\",\"files\":2,\"total\":2,\"took\":[0-9]+\\}",
    };
    (void)state;

    setenv("NO_COLOR", "1", 1);
    setenv("TERM", "xterm", 1);
    autofree char *json = said("json", LOG_NORMAL, metered),
                  *quiet = said("json", LOG_QUIET, metered);
    autofree char *plain = said("plain", LOG_NORMAL, metered),
                  *tty = said("tty", LOG_NORMAL, metered);

    assert_events(json, events, countof(events));
    assert_string_equal(quiet, "");
    assert_int_equal(strncmp(plain, "fetch    layer 1 of 2: 3.0 MB in ", 33), 0);
    assert_non_null(strstr(plain, " MB/s\n"));
    assert_int_equal(strncmp(tty, "fetch    layer 1 of 2: 2.0 of 3.0 MB, ", 38), 0);
    assert_non_null(strstr(tty, "\r\033[Kfetch    layer 1 of 2: 3.0 MB in "));
}

/* A plain log gets a sign of life every ten seconds. */
static void long_step(void)
{
    struct log_meter meter = {0};
    log_meter_start(&meter, "write", "bytes", 0, 4000000);
    log_meter_set(&meter, 1000000);
    meter.shown -= 5000;
    log_meter_set(&meter, 2000000);
    meter.shown -= 5000;
    log_meter_set(&meter, 3000000);
}

static void signs_of_life(void **state)
{
    (void)state;
    autofree char *plain = said("plain", LOG_NORMAL, long_step),
                  *quiet = said("plain", LOG_QUIET, long_step);
    assert_int_equal(strncmp(plain, "write    3.0 of 4.0 MB, ", 24), 0);
    assert_ptr_equal(strchr(plain, '\n'), plain + strlen(plain) - 1);
    assert_string_equal(quiet, "");
}

static void container_line(void)
{
    log_place("/", "etc/passwd:3:5: error: no");
    log_place("/", "etc/passwd:3:5: note: there");
}

static void places_in_other_lines(void **state)
{
    (void)state;
    setenv("GITHUB_ACTIONS", "true", 1);
    autofree char *github = said("plain", LOG_NORMAL, container_line);
    unsetenv("GITHUB_ACTIONS");
    autofree char *elsewhere = said("plain", LOG_NORMAL, container_line);
    assert_string_equal(github, "::error file=/etc/passwd,line=3,col=5::no\n");
    assert_string_equal(elsewhere, "");
}

static char *source; /* a file that messages are about */

static void many_findings(void)
{
    AUTO(buf) text = {0};
    for (int i = 1; i <= 1500; i++)
        buf_addf(&text, "%s:%d: warning: unused\n", source, i);
    log_output(NULL, buf_text(&text), text.len);
    log_warn("%s:%d:1: one too many", source, 2000);
}

static void the_report_is_capped(void **state)
{
    struct error err = {0};
    autofree char *folder = unit_folder(), *report = path_join(folder, "report.json");
    AUTO(buf) text = {0};
    (void)state;

    source = path_join(folder, "a.c");
    assert_int_equal(fs_write(source, "x\n", 2, 0644, &err), 0);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    log_collect(report);
    autofree char *shown = said("tty", LOG_NORMAL, many_findings);

    assert_false(log_colors()); /* the compiler's escape sequences would hide the places */
    assert_non_null(strstr(shown, "a.c:1500: warning: unused\n"));
    assert_int_equal(log_end(0, &err), 0);
    assert_int_equal(fs_read(report, 1 << 22, &text, &err), 0);
    AUTOPTR(js) list = js_parse(buf_text(&text), text.len, report, &err);
    assert_int_equal(js_count(list), 1000);
    assert_true(log_colors());

    free(source);
    assert_int_equal(fs_remove(folder, &err), 0);
}

static void relay(const char *text)
{
    struct error err = {0};
    AUTOPTR(js) event = js_parse(text, strlen(text), "event", &err);
    log_relay("fn/a", event);
}

static void children(void)
{
    relay("{\"schema\":1,\"event\":\"start\",\"ms\":0}");
    relay("{\"schema\":1,\"event\":\"step\",\"ms\":1,\"step\":\"base\",\"text\":\"al2023\"}");
    relay("{\"schema\":1,\"event\":\"detail\",\"ms\":1,\"text\":\"a.c\"}");
    relay("{\"schema\":1,\"event\":\"warning\",\"ms\":2,\"text\":\"mind\"}");
    relay("{\"schema\":1,\"event\":\"output\",\"ms\":3,\"text\":\"a\\nb\\n\",\"dir\":\".\"}");
    relay("{\"schema\":1,\"event\":\"error\",\"ms\":4,\"text\":\"no\"}");
    relay("{\"event\":5}");
}

static void relayed(void **state)
{
    static const char *const events[] = {
        HEAD "\"warning\"," MS "\"text\":\"mind\",\"project\":\"fn/a\"\\}",
        HEAD "\"output\"," MS "\"text\":\"a\\\\nb\\\\n\",\"dir\":\".\",\"project\":\"fn/a\"\\}",
        HEAD "\"error\"," MS "\"text\":\"no\",\"project\":\"fn/a\"\\}",
    };
    (void)state;

    autofree char *plain = said("plain", LOG_NORMAL, children),
                  *json = said("json", LOG_QUIET, children);
    assert_string_equal(
        plain,
        "[fn/a] base     al2023\n[fn/a] warning: mind\n[fn/a] a\n[fn/a] b\n[fn/a] error: no\n");
    assert_events(json, events, countof(events));
    setenv("NO_COLOR", "1", 1);
    setenv("TERM", "xterm", 1);
    autofree char *tty = said("tty", LOG_NORMAL, children);
    assert_string_equal(tty, "[fn/a] warning: mind\n[fn/a] a\n[fn/a] b\n[fn/a] error: no\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_form),
        cmocka_unit_test(terminal_form),
        cmocka_unit_test(live_line),
        cmocka_unit_test(automatic),
        cmocka_unit_test(json_form),
        cmocka_unit_test(meters),
        cmocka_unit_test(places_in_other_lines),
        cmocka_unit_test(relayed),
        cmocka_unit_test(signs_of_life),
        cmocka_unit_test(the_report_is_capped),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
