#include "unit.h"

#include "dockerfile/read.h"
#include "support/own.h"

static const char text[] = "# note\n"
                           "ARG version=1\n"
                           "FROM --platform=linux/amd64 example.com/builder:1 AS build\n"
                           "RUN a \\\n"
                           "    # inside\n"
                           "\n"
                           "    b\n"
                           "  copy --chown=0:0 --from=example.com/tools@sha256:00 /x /y\n"
                           "\n"
                           "from Build as again\n"
                           "COPY --from=0 /a /a\n"
                           "FROM other:$version\n"
                           "RUN echo example.com/builder:1\n"
                           "FROM \\\n"
                           "  example.com/builder:1\n"
                           "FROM scratch\n"
                           "COPY --from=again /x /x";

static void steps_are_counted_in_their_stage(void **state)
{
    (void)state;
    assert_int_equal(dockerfile_step(text, 1, 1), 3);
    assert_int_equal(dockerfile_step(text, 1, 2), 4);
    assert_int_equal(dockerfile_step(text, 1, 3), 8);
    assert_int_equal(dockerfile_step(text, 1, 4), 0);
    assert_int_equal(dockerfile_step(text, 3, 2), 13);
    assert_int_equal(dockerfile_step(text, 5, 2), 17);
    assert_int_equal(dockerfile_step(text, 6, 1), 0);
}

static void instructions_end_where_they_do(void **state)
{
    struct dockerfile_instruction instruction;
    const char *at = text;
    int line = 1, count = 0;
    (void)state;

    while (dockerfile_next(&at, &line, &instruction))
        if (++count == 3)
            assert_memory_equal(instruction.text + instruction.length - 2, " b", 2);
    assert_int_equal(count, 11);
    assert_int_equal(line, 18);
}

/* A letter for each line: n(ote), s(tart), m(ore), d(ocument). */
static void lines_are_told_apart(void **state)
{
    static const struct {
        const char *text, *kinds;
    } cases[] = {
        {"", ""},
        {"\n \n # a\nRUN a\n", "nnns"},
        {"RUN a \\\n# b\n\n  b\\ \n c\nRUN", "snnmms"},
        {"RUN a \\", "s"},
        {"RUN <<E\n# a\n\nRUN b \\\nE\nRUN", "sdddds"},
        {"run <<E\nE", "sd"},
        {"CMD <<E\na\nE", "sss"},
        {"RUN <<E\na", "ss"},
        {"RUN a <<-'E' && 3<<\"F\" b\n\tE\n\tF\nF\nRUN", "sddds"},
        {"RUN a \\\n# <<F\n <<E\nF\nE\nRUN", "snmdds"},
        {"COPY <<a <<b /x\na\nc\nb\nRUN", "sddds"},
        {"RUN a <<<E\nE", "ss"},
        {"RUN 'a <<E' \"b <<E\" c<<E $((1 << 2))\nE", "ss"},
    };
    (void)state;

    for (size_t i = 0; i < countof(cases); i++) {
        struct dockerfile_lines lines = {.at = cases[i].text};
        char kinds[20] = "";
        while (dockerfile_lines_next(&lines))
            kinds[lines.number - 1] = "nsmd"[lines.kind];
        assert_string_equal(kinds, cases[i].kinds);
    }
}

static void here_documents_belong_to_their_instruction(void **state)
{
    static const char with[] = "FROM a\nRUN <<E\nFROM b\nE\nCOPY --from=c /x /x\n";
    struct dockerfile_images images = {0};
    (void)state;
    assert_int_equal(dockerfile_step(with, 1, 3), 5);
    dockerfile_images_find(with, &images);
    assert_int_equal(images.len, 2);
    assert_string_equal(images.items[1].reference, "c");
    dockerfile_images_release(&images);
}

static void images_are_found_once(void **state)
{
    struct dockerfile_images images = {0};
    (void)state;

    dockerfile_images_find(text, &images);
    assert_int_equal(images.len, 2);
    assert_string_equal(images.items[0].reference, "example.com/builder:1");
    assert_string_equal(images.items[0].platform, "linux/amd64");
    assert_string_equal(images.items[1].reference, "example.com/tools@sha256:00");
    assert_null(images.items[1].platform);
    dockerfile_images_release(&images);
}

static void names_change_and_nothing_else(void **state)
{
    AUTO(strv) references = {0}, names = {0}, back = {0};
    AUTO(buf) out = {0}, again = {0};
    (void)state;

    strv_add(&references, "example.com/builder:1");
    strv_add(&names, "0123");
    strv_add(&back, "example.com/builder:1");
    dockerfile_rename(text, &references, &names, &out);
    assert_non_null(strstr(out.data, "FROM --platform=linux/amd64 0123 AS build\nRUN a"));
    assert_non_null(strstr(out.data, "RUN echo example.com/builder:1\n"));
    assert_non_null(strstr(out.data, "FROM \\\n  0123\nFROM scratch\n"));
    dockerfile_rename(out.data, &names, &back, &again);
    assert_string_equal(again.data, text);
}

static void odd_texts(void **state)
{
    static const char *const texts[] = {
        "",          "\n\n", "FROM", "FROM --platform=x", "COPY --from= a b", "COPY", "RUN \\",
        "FROM a AS", "\\\n", "#"};
    (void)state;

    for (size_t i = 0; i < countof(texts); i++) {
        struct dockerfile_images images = {0};
        AUTO(strv) references = {0}, names = {0};
        AUTO(buf) out = {0};
        dockerfile_images_find(texts[i], &images);
        assert_true(images.len <= 1);
        dockerfile_rename(texts[i], &references, &names, &out);
        assert_string_equal(buf_text(&out), texts[i]);
        dockerfile_images_release(&images);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_counted_in_their_stage),
        cmocka_unit_test(instructions_end_where_they_do),
        cmocka_unit_test(lines_are_told_apart),
        cmocka_unit_test(here_documents_belong_to_their_instruction),
        cmocka_unit_test(images_are_found_once),
        cmocka_unit_test(names_change_and_nothing_else),
        cmocka_unit_test(odd_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
