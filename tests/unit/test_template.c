#include "unit.h"

#include "support/buf.h"
#include "support/data.h"
#include "support/fs.h"
#include "support/own.h"
#include "template/template.h"

#include <sys/resource.h>

#define HEAD "[template]\nlanguage = x\n---\n"
#define REST                                                                                       \
    "{{install|block}}\n{{files|block}}\nFROM --platform={{platform}} {{base}}\n{{copy}}\n"        \
    "{{env}}\n{{labels}}\n"                                                                        \
    "{{workdir}}\n{{entrypoint}}\nCMD {{cmd|json}}\n"
#define FIRST "FROM --platform={{platform|plain}} {{builder|plain}} AS build\n"

static void fills_in_the_struct(void **state)
{
    struct error err = {0};
    AUTO(template) t = {0};
    static const char text[] =
        "\xef\xbb\xbf; about\r\n[template]\r\nlanguage = c++\r\ndescription = \"x ; y\"\r\n"
        "runtime = c\r\n"
        "[packages]\r\nal2023 = a 'b c'\r\n  d\r\nal2 = e\r\n--- \r\n" FIRST
        "RUN x {{sources|shell}}\r\n" REST;
    (void)state;

    if (template_parse(text, sizeof text - 1, "f", &t, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(t.language, "c++");
    assert_string_equal(t.description, "x ; y");
    assert_string_equal(t.runtime, "c");
    assert_int_equal(t.packages_dnf.len, 3);
    assert_string_equal(t.packages_dnf.items[1], "b c");
    assert_string_equal(t.packages_yum.items[0], "e");
    assert_int_equal(t.body.line, 11);
    assert_null(strchr(t.body.text, '\r'));
    assert_int_equal(t.body.placeholder_count, 13);
    const struct template_placeholder *p = &t.body.placeholders[2];
    assert_int_equal(p->id, PLACEHOLDER_SOURCES);
    assert_int_equal(p->line, 12);
    assert_int_equal(p->column, 7);
    assert_memory_equal(t.body.text + p->offset, "{{sources|shell}}", p->length);
}

/* A whole file, and the message that it must get. */
static const char *const wrong[][2] = {
    {"", "f:1:1: no line '---'"},
    {"[template]\nlanguage = x\n--- x\n", "f:1:1: no line '---'"},
    {"---\n" FIRST REST, "f:1:1: the head needs [template] language"},
    {"[template]\nlanguage = x\nlanguag = y\n---\n",
     "f:3:1: unknown key 'template.languag'; did you mean 'template.language'?"},
    {"[template]\nlanguage = x\nlanguage = y\n---\n", "f:3:1: 'template.language' is set twice"},
    {"[template]\nlanguage = ../x\n---\n", "f:2:12: expected a name"},
    {"[template]\nlanguage =\n---\n", "f:2:"},
    {"[template]\nlanguage = x\nruntime = a/b\n---\n", "f:3:11: expected a name"},
    {"[template]\nlanguage = x\n  y\n---\n", "expected one value on one line"},
    {"[template]\nlanguage = x\n[compile]\ncommand = {{cach}}\n---\n",
     "f:4:11: unknown placeholder 'cach'; allowed here: {{input:NAME}}, {{program}} and {{cache}}"},
    {"[template]\nlanguage = x\n[compile]\nstatic = perhaps\n---\n", "f:4:10: "},
    {"[template]\nlanguage = x\n[compile]\nresult = {{x}}\n---\n",
     "f:4:10: unknown placeholder 'x'"},
    {"[template]\nlanguage = x\n[compile]\ncross-arm64 = =1\n---\n", "f:4:15: expected NAME=VALUE"},
    {"[template]\nlanguage = x\n[failure:a]\nsays = b\n---\n",
     "f:3:1: a [failure:NAME] needs 'says' and 'help'"},
    {"[template]\nlanguage = x\n[failure:a]\nsays = b\nhelp = c\ntoolchain = 2x\n---\n",
     "f:6:13: "},
    {"[template]\nlanguage = x\n[failure:a]\nsays = b\nhelp = c\nlock = 2x\n---\n", "f:6:8: "},
    {"[template]\nlanguage = x\n[failure:A]\nsays = b\n---\n",
     "f:3:1: expected [failure:NAME], a name of lower-case letters"},
    {"[template]\nlanguage = x\n[failure:a]\nsays = b\nhelp = c\n[failure:a]\nhelp = d\n---\n",
     "f:6:1: this section exists already"},
    {"[template]\nlanguage = x\n[manifest]\nneeds = *.x\n---\n",
     "f:4:9: '*.x' is not a plain path in the project"},
    {"[template]\nlanguage = x\n[manifest]\ntakes = **/*.x ../*.y\n---\n",
     "f:4:9: '../*.y' is not a plain path in the project"},
    {"[template]\nlanguage = x\n[lock:a]\nopen = LATEST\n---\n",
     "f:3:1: a [lock:FILE] needs both of 'versions' and 'open', or neither"},
    {"[template]\nlanguage = x\n[lock:a]\nopen = x\nversions = a/b c\n---\n",
     "f:3:1: 'versions' of a [lock:FILE] must be words PARENT/ELEMENT"},
    {"[packages]\nal2 = 'a\n---\n", "f:2:7: a quote is not closed"},
    {"[template]\nlanguage = x\n---\n", "f:4:1: the body never uses {{platform|plain}}"},
    {HEAD FIRST REST "RUN {{zzzzzzzz}}\n",
     "f:14:5: unknown placeholder 'zzzzzzzz'; there are: platform, builder, install, "},
    {HEAD FIRST REST "RUN {{source|shell}}\n",
     "f:14:5: unknown placeholder 'source'; did you mean 'sources'?"},
    {HEAD FIRST REST "RUN {{}}\n", "f:14:5: unknown placeholder ''"},
    {HEAD FIRST REST "RUN {{|}}\n", "f:14:5: unknown placeholder ''"},
    {HEAD FIRST REST "RUN {{sources}}\n",
     "f:14:5: 'sources' stands for text that must be quoted as 'shell'; write {{sources|shell}}"},
    {HEAD FIRST REST "RUN {{sources|json}}\n", "must be quoted as 'shell'"},
    {HEAD FIRST REST "RUN {{sources|shell\n", "f:14:5: '{{' is not closed"},
    {HEAD FIRST REST "RUN {{\n", "f:14:5: '{{' is not closed"},
    {HEAD FIRST REST "# {{sources|shell}}\n", "f:14:3: a placeholder can't be in a comment"},
    {HEAD FIRST REST "RUN <<E\n{{sources|shell}}\nE\n",
     "f:15:1: a placeholder can't be in a here-document"},
    {HEAD FIRST REST "RUN <<E\nFROM x AS y\nE\nCMD {{sources|shell}}\n",
     "f:17:5: shell words must be between blanks on a RUN line"},
    {HEAD FIRST REST "RUN a \\\n\n{{install|block}}\n", "f:16:1: a block must be alone"},
    {HEAD FIRST REST "RUN a \\\n # {{sources|shell}}\n",
     "f:15:4: a placeholder can't be in a comment"},
    {HEAD FIRST REST "RUN '{{sources|shell}}'\n", "f:14:6: a placeholder can't be inside quotes"},
    {HEAD FIRST REST "RUN echo \"a \\\n  {{sources|shell}}\"\n",
     "f:15:3: a placeholder can't be inside quotes"},
    {HEAD FIRST REST "RUN x{{sources|shell}}\n", "f:14:6: shell words must be between blanks"},
    {HEAD FIRST REST "RUN {{sources|shell}}x\n", "f:14:5: shell words must be between blanks"},
    {HEAD FIRST REST "RUN {{sources|shell}}$(x)\n", "f:14:5: shell words must be between blanks"},
    {HEAD FIRST REST "ENV A={{sources|shell}}\n", "f:14:7: shell words must be between blanks"},
    {HEAD FIRST REST "RUN {{handler|env}}\n", "f:14:5: a quoted value must be one word on an ENV"},
    {HEAD FIRST REST "ENV A=x{{handler|env}}\n", "f:14:8: a quoted value must be one word"},
    {HEAD FIRST REST "RUN {{cmd|json}}\n", "f:14:5: a JSON array must be the whole"},
    {HEAD FIRST REST "CMD {{cmd|json}} x\n", "f:14:5: a JSON array must be the whole"},
    {HEAD FIRST REST "RUN {{base|plain}}\n",
     "f:14:5: an image or a platform can only be on a FROM line"},
    {HEAD FIRST REST " {{env}}\n", "f:14:2: a block must be alone"},
    {HEAD FIRST REST "{{env}} \n", "f:14:1: a block must be alone"},
    {HEAD FIRST REST "RUN a \\\n{{env}}\n", "f:15:1: a block must be alone"},
    {HEAD "# Escape = `\n" FIRST REST, "f:4:1: the escape directive is not allowed"},
    {HEAD "FROM {{base}} AS first\n" FIRST REST,
     "f:4:6: {{base}} must be on the last FROM line: Base image"},
    {HEAD "FROM --platform={{platform}} {{builder}} AS maker\n" REST,
     "f:4:1: no stage is called 'build', from which {{copy}}"},
    {HEAD FIRST REST "FROM scratch\n",
     "f:7:30: {{base}} must be on the last FROM line: Base image"},
    {HEAD "\xff\n", "'f' is not UTF-8 text"},
};

static void says_what_is_wrong_and_where(void **state)
{
    (void)state;
    for (size_t i = 0; i < countof(wrong); i++) {
        struct error err = {0};
        AUTO(template) t = {0};
        assert_int_equal(template_parse(wrong[i][0], strlen(wrong[i][0]), "f", &t, &err), -1);
        assert_int_equal(err.kind, ERROR_PROJECT);
        if (!strstr(err.text, wrong[i][1]))
            fail_msg("case %zu: %s", i, err.text);
    }
}

/* Leaving out any single mandatory placeholder is an error. */
static void mandatory_means_mandatory(void **state)
{
    static const char whole[] = HEAD FIRST REST;
    (void)state;

    for (int id = 0; id < PLACEHOLDER_COUNT; id++) {
        if (!placeholders[id].mandatory)
            continue;
        struct error err = {0};
        AUTO(template) t = {0};
        autofree char *copy = xstrdup(whole), *mark = xasprintf("{{%s", placeholders[id].name),
                      *at = NULL;
        for (char *next = copy; (at = strstr(next, mark)); next = at)
            memset(at, 'x', (size_t)(strstr(at, "}}") - at) + 2);
        assert_int_equal(template_parse(copy, strlen(copy), "f", &t, &err), -1);
        at = NULL;
        assert_non_null(strstr(err.text, "the body never uses"));
        assert_non_null(strstr(err.text, placeholders[id].name));
    }
}

static void has_caps(void **state)
{
    struct error err = {0};
    AUTO(template) t = {0}, u = {0};
    AUTO(buf) text = {0};
    (void)state;

    buf_adds(&text, HEAD FIRST REST "RUN");
    for (int i = 0; i < 1000; i++)
        buf_adds(&text, " {{flags|shell}}");
    assert_int_equal(template_parse(text.data, text.len, "f", &t, &err), -1);
    assert_non_null(strstr(err.text, "more than 1,000 placeholders"));
    while (text.len <= 65536)
        buf_adds(&text, "RUN a long line to make the file too large\n");
    assert_int_equal(template_parse(text.data, text.len, "f", &u, &err), -1);
    assert_non_null(strstr(err.text, "larger than"));
}

static void is_found_by_name_or_path(void **state)
{
    struct error err = {0};
    autofree char *folder = unit_folder(), *file = path_join(folder, "x.template"),
                  *list = xasprintf("/nowhere::%s", folder);
    (void)state;

    assert_int_equal(fs_write(file, HEAD FIRST REST, strlen(HEAD FIRST REST), 0644, &err), 0);
    setenv("LBUILD_TEMPLATES", list, 1);
    {
        AUTO(template) by_name = {0}, by_path = {0}, own = {0}, none = {0}, near = {0}, bad = {0};
        assert_int_equal(template_load("x", &by_name, &err), 0);
        assert_string_equal(by_name.path, file);
        assert_int_equal(template_load(file, &by_path, &err), 0);
        assert_int_equal(template_load("c", &own, &err), 0); /* lbuild's */
        assert_string_equal(own.runtime, "c");
        assert_int_equal(template_load("nope", &none, &err), -1);
        assert_int_equal(err.kind, ERROR_PROJECT);
        assert_non_null(strstr(err.text, "no template for the language 'nope'"));
        assert_non_null(strstr(err.text, "there are: "));
        assert_int_equal(template_load("pytho", &near, &err), -1);
        assert_non_null(strstr(err.text, "did you mean 'python'?"));
        assert_int_equal(template_load("..", &bad, &err), -1);
        assert_non_null(strstr(err.text, "no template for the language '..'"));
    }

    {
        AUTO(template) t = {0};
        autofree char *other = path_join(folder, "y.template");
        assert_int_equal(rename(file, other), 0);
        assert_int_equal(template_load("y", &t, &err), -1);
        assert_non_null(strstr(err.text, "is for 'x', not for 'y'"));
    }
    unsetenv("LBUILD_TEMPLATES");
    assert_int_equal(fs_remove(folder, &err), 0);
}

/* docs/templates.md has a row for each placeholder, with its quoting and whether it must be used;
 * its own example passes. */
static void the_page_says_the_same(void **state)
{
    struct error err = {0};
    AUTO(buf) page = {0}, example = {0};
    AUTO(template) t = {0};
    (void)state;
    autofree char *path = path_join(getenv("LBUILD_DATA"), "docs/templates.md");

    assert_int_equal(fs_read(path, 65536, &page, &err), 0);
    for (int id = 0; id < PLACEHOLDER_COUNT; id++) {
        autofree char *row = xasprintf("\n| `{{%s|%s}}` | %s | ", placeholders[id].name,
                                       template_quoting_name(placeholders[id].quoting),
                                       placeholders[id].mandatory ? "yes" : "no");
        if (!strstr(page.data, row))
            fail_msg("no%s", row);
    }

    for (const char *line = strstr(page.data, "## A template of your own"); line && *line;
         line = strchr(line, '\n'), line += !!line)
        if (strncmp(line, "    ", 4) == 0)
            buf_add(&example, line + 4, strcspn(line + 4, "\n") + 1);
    assert_true(example.len > 200);
    if (template_parse(example.data, example.len, "example", &t, &err) != 0)
        fail_msg("%s", err.text);
}

/* Cases D28: without a descriptor left, nothing is missing, and nothing is a bug of lbuild. */
static void no_descriptors_left(void **state)
{
    struct rlimit before, none;
    struct error template_error = {0}, files_error = {0}, missing = {0};
    AUTO(template) t = {0};
    AUTO(strv) files = {0};
    (void)state;
    autofree char *runtime = data_path("runtimes/c");

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){0, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int loaded = template_load("c", &t, &template_error);
    int listed = data_files(runtime, ".c", &files, &files_error);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);

    assert_int_equal(loaded, -1);
    assert_int_equal(template_error.kind, ERROR_BUILD);
    assert_int_equal(listed, -1);
    assert_int_equal(files_error.kind, ERROR_BUILD);
    assert_null(strstr(files_error.text, "install lbuild again"));

    assert_int_equal(data_files("/nonexistent", ".c", &files, &missing), -1);
    assert_int_equal(missing.kind, ERROR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_in_the_struct),       cmocka_unit_test(says_what_is_wrong_and_where),
        cmocka_unit_test(mandatory_means_mandatory), cmocka_unit_test(has_caps),
        cmocka_unit_test(is_found_by_name_or_path),  cmocka_unit_test(the_page_says_the_same),
        cmocka_unit_test(no_descriptors_left),
    };
    return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
