#include "dockerfile_fixture.h"

#include "dockerfile/quote.h"
#include "support/json.h"
#include "support/process.h"

/* Values that users could write, or that could be smuggled in. None has a line break. */
static const char *const hostile[] = {
    "",
    " ",
    "a b",
    "'",
    "''",
    "a'b\"c`d",
    "\"",
    "\\",
    "\\\\",
    "ends in \\",
    "$(touch /tmp/x)",
    "`touch x`",
    "$HOME",
    "${HOME}",
    "${X:-y}",
    "$$",
    "\\$HOME",
    "#",
    "# escape=`",
    "-rf",
    "--flag",
    "a;b&c|d>e<f",
    "<<EOF",
    "3<<-EOF",
    "*",
    "~",
    "a\tb",
    "\r",
    "\x01\x1b[31m",
    "\x7f",
    "[\"a\", \"b\"]",
    "], \"x\"",
    "{{cmd|json}}",
    "}}",
    "%s%n",
    "=",
    "A=B",
    "!x",
    "\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80",
    "\xc2\xa0",
};

/* The logical line that starts with `word`, its continuations joined, without the
 * word. Caller frees. */
static char *logical_line(const char *text, const char *word)
{
    AUTO(buf) out = {0};
    size_t length = strlen(word);
    const char *line = text;

    while (strncmp(line, word, length) != 0) {
        line = strchr(line, '\n');
        if (!line)
            fail_msg("no %s in:\n%s", word, text);
        line++;
    }

    for (line += length;; line++) {
        size_t size = strcspn(line, "\n");
        bool more = size > 0 && line[size - 1] == '\\';
        buf_add(&out, line, size - more);
        line += size;
        if (!more)
            return buf_detach(&out);
    }
}

/* Runs a RUN line with a real shell; commands print their arguments, one a line in angle brackets.
 * Caller frees. */
static char *run_shell(const char *command)
{
    struct error err = {0};
    struct process_result result;
    AUTO(buf) output = {0};
    autofree char *script = xasprintf(
        "show() { for a in \"$@\"; do printf '<%%s>\\n' \"$a\"; done; }; mkdir() { :; }; chmod() "
        "{ :; }; rm() { :; };"
        "gcc() { show \"$@\"; }; dnf() { show \"$@\"; }; cp() { show \"$@\"; }; %s",
        command);
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    struct process process = {.argv = argv, .input = -1, .output = &output};

    if (process_run(&process, &result, &err) != 0)
        fail_msg("%s", err.text);
    if (result.status != 0)
        fail_msg("status %d: %s", result.status, command);
    return buf_detach(&output);
}

static void expect_word(const char *output, const char *word)
{
    autofree char *line = xasprintf("<%s>\n", word);
    if (!strstr(output, line))
        fail_msg("no %s in:\n%s", line, output);
}

static void compiler_gets_exactly_the_words(void **state)
{
    (void)state;

    for (size_t i = 0; i < countof(hostile); i++) {
        AUTO(plan) plan;
        AUTO(buf) text = {0};
        fill(&plan);
        autofree char *define = xasprintf("-DX=%s", hostile[i]),
                      *include = xasprintf("-I%s", hostile[i]);
        autofree char *source = xasprintf("-%s.c", hostile[i]),
                      *as_file = xasprintf("./%s", source);
        autofree char *library = xasprintf("-l%s", hostile[i]),
                      *package = xasprintf("x%s", hostile[i]);
        strv_add(&plan.compile_flags, define);
        strv_add(&plan.include_dirs, hostile[i]);
        strv_add(&plan.sources, source);
        strv_add(&plan.link_flags, hostile[i]);
        strv_add(&plan.libraries, hostile[i]);
        strv_add(&plan.packages, package);
        render(&plan, &text);

        autofree char *install = logical_line(text.data, "RUN "),
                      *compile = logical_line(strstr(text.data, "COPY . ."), "RUN ");
        autofree char *installed = run_shell(install), *compiled = run_shell(compile);

        expect_word(installed, package);
        expect_word(compiled, define);
        expect_word(compiled, include);
        expect_word(compiled, as_file);
        expect_word(compiled, hostile[i]);
        expect_word(compiled, library);
    }
}

static void files_keep_their_names(void **state)
{
    (void)state;

    for (size_t i = 0; i < countof(hostile); i++) {
        if (hostile[i][0] == '\0' || strchr(hostile[i], '/'))
            continue;
        AUTO(plan) plan;
        AUTO(buf) text = {0};
        fill(&plan);
        autofree char *dest = xasprintf("opt/%s/%s", hostile[i], hostile[i]);
        autofree char *from = xasprintf("./%s", hostile[i]),
                      *to = xasprintf("/out/files/1/%s", hostile[i]);
        add_pair(&plan.files, hostile[i], dest);
        render(&plan, &text);
        autofree char *run = logical_line(strstr(text.data, "chmod 0755"), "RUN "),
                      *output = run_shell(run);
        expect_word(output, from);
        expect_word(output, to);

        /* The target of COPY, as a builder reads it. */
        autofree char *copy = logical_line(strstr(text.data, "var/runtime/bootstrap"), "COPY ");
        const char *target = strstr(copy, " /");
        autofree char *wanted = xasprintf("/opt/%s/", hostile[i]);
        if (copy[strlen("--from=build ")] != '[') {
            assert_string_equal(target + 1 + strcspn(target + 1, " ") + 1, wanted);
            continue;
        }

        struct error err = {0};
        AUTOPTR(js) array = js_parse(strchr(copy, '['), strlen(strchr(copy, '[')), "copy", &err);
        assert_int_equal(js_count(array), 2);
        AUTO(buf) read = {0};
        for (const char *c = js_text(js_at(array, 1)); *c; c++) {
            assert_null(strchr("'\"$", *c));
            buf_addc(&read, *c == '\\' ? *++c : *c);
        }
        assert_string_equal(buf_text(&read), wanted);
    }
}

/* Reads NAME="value" as the lexers of BuildKit and buildah do: a backslash counts before \ " and $
 * alone, $ expands. */
static char *read_env(const char *line, const char *name)
{
    AUTO(buf) out = {0};
    autofree char *start = xasprintf("%s=\"", name);
    const char *at = strstr(line, start);

    assert_non_null(at);

    for (at += strlen(start); *at != '"'; at++) {
        assert_true(*at != '\0' && *at != '$');
        if (*at == '\\' && strchr("\\\"$", at[1]))
            at++;
        buf_addc(&out, *at);
    }
    return buf_detach(&out);
}

static void values_of_the_image_are_exact(void **state)
{
    (void)state;

    for (size_t i = 0; i < countof(hostile); i++) {
        AUTO(plan) plan;
        AUTO(buf) text = {0};
        struct error err = {0};
        fill(&plan);
        add_pair(&plan.env, "LONG_NAME", hostile[i]);
        add_pair(&plan.labels, "the label", hostile[i]);
        plan.workdir = xasprintf("/w/%s", hostile[i]);
        strv_add(&plan.cmd, hostile[i]);
        strv_add(&plan.entrypoint, hostile[i]);
        render(&plan, &text);

        autofree char *env = logical_line(text.data, "ENV "),
                      *label = logical_line(text.data, "LABEL ");
        autofree char *env_value = read_env(env, "LONG_NAME"),
                      *label_value = read_env(label, "\"the label\"");
        assert_string_equal(env_value, hostile[i]);
        assert_string_equal(label_value, hostile[i]);

        if (!quote_is_safe_path(plan.workdir)) {
            autofree char *workdir =
                logical_line(strstr(strstr(text.data, " AS build"), "\nFROM "), "WORKDIR ");
            autofree char *line = xasprintf("W=%s", workdir);
            autofree char *path = read_env(line, "W");
            assert_string_equal(path, plan.workdir);
        }

        autofree char *cmd = logical_line(text.data, "CMD "),
                      *entry = logical_line(text.data, "ENTRYPOINT ");
        AUTOPTR(js) cmd_array = js_parse(cmd, strlen(cmd), "cmd", &err);
        AUTOPTR(js) entry_array = js_parse(entry, strlen(entry), "entrypoint", &err);
        assert_string_equal(js_text(js_at(cmd_array, 1)), hostile[i]);
        assert_string_equal(js_text(js_at(entry_array, 0)), hostile[i]);
    }
}

/* A line break ends an instruction whatever quotes are open: only JSON has a way to write it. */
static void line_breaks_are_refused_with_their_place(void **state)
{
    (void)state;

    for (int where = 0; where < 12; where++) {
        for (int kind = 0; kind < 2; kind++) {
            const char *bad = kind == 0 ? "a\nRUN evil" : "\xff\xfe";
            struct error err = {0};
            AUTO(plan) plan;
            AUTO(template) t = {0};
            AUTO(buf) text = {0};
            struct strv *const lists[] = {
                &plan.packages,   &plan.sources,   &plan.include_dirs,   &plan.compile_flags,
                &plan.link_flags, &plan.libraries, &plan.runtime_sources};
            struct plan_pairs *const pairs[] = {&plan.env, &plan.labels, &plan.files};
            fill(&plan);

            if (where < 7)
                strv_add(lists[where], bad);
            else if (where < 10)
                add_pair(pairs[where - 7], where == 9 ? bad : "NAME", bad);
            else if (where == 10)
                plan.workdir = xasprintf("/%s", bad);
            else
                add_pair(&plan.labels, bad, "value");

            assert_int_equal(template_load("c", &t, &err), 0);
            assert_int_equal(render_with(&plan, &t, DOCKERFILE_IMAGE, &text, &err), -1);
            assert_int_equal(err.kind, ERROR_PROJECT);
            assert_non_null(strstr(err.text, kind == 0 ? "has a line break" : "not UTF-8"));
            if (where >= 7 && where != 10)
                assert_non_null(strstr(err.text, "lbuild.ini:7:3: "));
        }
    }
}

static void names_that_cannot_be_are_refused(void **state)
{
    struct error err = {0};
    AUTO(template) t = {0};
    (void)state;

    assert_int_equal(template_load("c", &t, &err), 0);
    static const char *const references[] = {"-x", "", "a b", "a$b", "a\nb", "oci:a,b", "a\"b"};
    for (size_t i = 0; i < 2 * countof(references); i++) {
        AUTO(plan) plan;
        AUTO(buf) text = {0};
        fill(&plan);
        char **field = i % 2 ? &plan.base_reference : &plan.builder_reference;
        free(*field);
        *field = xstrdup(references[i / 2]);
        assert_int_equal(render_with(&plan, &t, DOCKERFILE_IMAGE, &text, &err), -1);
        assert_int_equal(err.kind, ERROR_PROJECT);
        assert_non_null(strstr(err.text, i % 2 ? "image.base" : "build.builder"));
    }

    AUTO(plan) option, label;
    AUTO(buf) text = {0};
    fill(&option);
    strv_add(&option.packages, "--installroot=/");
    assert_int_equal(render_with(&option, &t, DOCKERFILE_IMAGE, &text, &err), -1);
    assert_non_null(strstr(err.text, "would be read as an option"));

    fill(&label);
    add_pair(&label.labels, "a=b", "c");
    assert_int_equal(render_with(&label, &t, DOCKERFILE_IMAGE, &text, &err), -1);
    assert_non_null(strstr(err.text, "lbuild.ini:7:3: 'a=b' has an '=' in its name"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiler_gets_exactly_the_words),
        cmocka_unit_test(files_keep_their_names),
        cmocka_unit_test(values_of_the_image_are_exact),
        cmocka_unit_test(line_breaks_are_refused_with_their_place),
        cmocka_unit_test(names_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests_name("dockerfile_quoting", tests, NULL, NULL);
}
