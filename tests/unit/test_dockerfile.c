#include "unit.h"

#include "dockerfile/dockerfile.h"
#include "dockerfile/quote.h"
#include "support/fs.h"
#include "support/json.h"
#include "support/own.h"
#include "support/process.h"

/* What users could write, or what could be smuggled in. None has a line break. */
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

static void add_pair(struct plan_pairs *pairs, const char *name, const char *value)
{
    static const struct origin origin = {"lbuild.ini", 7, 3};
    grow(pairs->items, pairs->len, pairs->cap);
    pairs->items[pairs->len++] = (struct plan_pair){xstrdup(name), xstrdup(value), origin};
}

static void fill(struct plan *plan)
{
    *plan = (struct plan){
        .handler = xstrdup("hello"),
        .family = FAMILY_AL2023,
        .base_reference = xstrdup("public.ecr.aws/lambda/provided:al2023"),
        .builder_reference = xstrdup("public.ecr.aws/amazonlinux/amazonlinux:2023"),
        .package_manager = xstrdup("dnf"),
        .runtime_dir = xstrdup("/data/runtimes/c"),
        .runtime_prefix = xstrdup(".lbuild/runtime/c"),
        .program = xstrdup("var/runtime/bootstrap"),
        .epoch = 1700000000,
    };
    strv_add(&plan->packages, "gcc");
    strv_add(&plan->packages, "glibc-static");
    strv_add(&plan->sources, "src/main.c");
    strv_add(&plan->runtime_sources, "loop.c");
    strv_add(&plan->include_dirs, "include");
    strv_add(&plan->compile_flags, "-std=gnu11");
    strv_add(&plan->compile_flags, "-O2");
    strv_add(&plan->link_flags, "-static");
    strv_add(&plan->libraries, "m");
    strv_add(&plan->cmd, "hello");
}

/* Adds the text to `out`. */
static int render_with(const struct plan *plan, const struct template *t, enum dockerfile_kind kind,
                       struct buf *out, struct error *err)
{
    AUTO(dockerfile) dockerfile = {0};
    int result = dockerfile_render(plan, t, kind, &dockerfile, err);
    buf_add(out, buf_text(&dockerfile.text), dockerfile.text.len);
    return result;
}

static void render(const struct plan *plan, struct buf *out)
{
    struct error err = {0};
    AUTO(template) t = {0};
    if (template_load("c", &t, &err) != 0 ||
        render_with(plan, &t, DOCKERFILE_IMAGE, out, &err) != 0)
        fail_msg("%s", err.text);
}

/* The logical line that starts with `word`, its continuations joined, without the word. Caller
 * frees. */
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

static void whole_text(void **state)
{
    AUTO(plan) plan;
    AUTO(buf) text = {0};
    (void)state;
    fill(&plan);
    add_pair(&plan.files, "assets", "opt/assets");
    add_pair(&plan.files, "a b", "opt/a b");
    add_pair(&plan.files, "x", "y z/x");
    add_pair(&plan.env, "STAGE", "prod $1");
    add_pair(&plan.env, "B", "");
    add_pair(&plan.annotations, "org.opencontainers.image.title", "hello");
    add_pair(&plan.annotations, "org.opencontainers.image.url", "ours");
    add_pair(&plan.labels, "org.opencontainers.image.url", "theirs");
    render(&plan, &text);
    static const char wanted[] =
        "# Made by 'lbuild render' from lbuild.ini.\n"
        "FROM --platform=linux/amd64 public.ecr.aws/amazonlinux/amazonlinux:2023 AS build\n"
        "RUN export LD_LIBRARY_PATH= \\\n"
        "    && dnf install -y gcc glibc-static \\\n"
        "    && dnf clean all\n"
        "WORKDIR /src\n"
        "COPY . .\n"
        "RUN export LD_LIBRARY_PATH= LC_ALL=C SOURCE_DATE_EPOCH=1700000000 \\\n"
        "    && mkdir -p /out /obj \\\n"
        "    && compile() { gcc -std=gnu11 -O2 -Iinclude -I.lbuild/runtime/c/include -fdebug-prefix-map=/src=. \"$@\"; } \\\n"
        "    && compile -frandom-seed=src/main.c -c src/main.c -o /obj/1.o \\\n"
        "    && compile -frandom-seed=loop.c -c .lbuild/runtime/c/loop.c -o /obj/2.o \\\n"
        "    && gcc -static /obj/1.o /obj/2.o -lm -o /out/program \\\n"
        "    && chmod 0755 /out/program\n"
        "RUN put() { \\\n"
        "        if [ -d \"$1\" ]; then mkdir -p \"$2\" && cp -RP \"$1/.\" \"$2\"; \\\n"
        "        else mkdir -p \"${2%/*}\" && cp \"$1\" \"$2\"; fi; \\\n"
        "    } \\\n"
        "    && put ./assets /out/files/1/assets \\\n"
        "    && put './a b' '/out/files/1/a b' \\\n"
        "    && put ./x /out/files/2/x \\\n"
        "    && chmod -R u=rwX,go=rX /out/files\n"
        "\n"
        "FROM --platform=linux/amd64 public.ecr.aws/lambda/provided:al2023\n"
        "COPY --from=build /out/program /var/runtime/bootstrap\n"
        "COPY --from=build /out/files/1/ /opt/\n"
        "COPY --from=build [\"/out/files/2/\", \"/y z/\"]\n"
        "ENV STAGE=\"prod \\$1\" \\\n"
        "    B=\"\"\n"
        "LABEL org.opencontainers.image.title=\"hello\" \\\n"
        "    org.opencontainers.image.url=\"theirs\"\n"
        "CMD [\"hello\"]\n";
    assert_string_equal(text.data, wanted);
}

static void scratch_and_arm64(void **state)
{
    AUTO(plan) plan;
    AUTO(buf) text = {0}, pinned = {0};
    (void)state;
    fill(&plan);
    plan.arch = ARCH_ARM64;
    free(plan.base_reference);
    plan.base_reference = xstrdup("scratch");
    plan.workdir = xstrdup("/var/task");
    strv_add(&plan.entrypoint, "/var/runtime/bootstrap");
    strv_release(&plan.packages);
    render(&plan, &text);
    assert_non_null(strstr(
        text.data,
        "\nFROM --platform=linux/arm64 scratch\nWORKDIR /var/task\nCOPY --from=build /out/program "
        "/var/runtime/bootstrap\nENTRYPOINT [\"/var/runtime/bootstrap\"]\nCMD [\"hello\"]\n"));
    assert_null(strstr(text.data, "dnf"));

    free(plan.base_reference);
    plan.base_reference = xstrdup("localhost:5000/a/b:tag");
    plan.base_digest = xasprintf("sha256:%064d", 7);
    render(&plan, &pinned);
    autofree char *from =
        xasprintf("FROM --platform=linux/arm64 localhost:5000/a/b@%s\n", plan.base_digest);
    assert_non_null(strstr(pinned.data, from));
}

/* Runs a RUN line with a real shell; commands print their arguments, one a line in angle brackets.
 * Caller frees. */
static char *run_shell(const char *command)
{
    struct error err = {0};
    struct process_result result;
    AUTO(buf) output = {0};
    autofree char *script = xasprintf(
        "show() { for a in \"$@\"; do printf '<%%s>\\n' \"$a\"; done; }; mkdir() { :; }; chmod() { :; }; rm() { :; };"
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

/* Real numbers of files, and what docker's line reader and the kernel's argument limit allow. */
static void sizes_stay_within_limits(void **state)
{
    AUTO(plan) many, large, huge;
    AUTO(buf) text = {0}, wide = {0}, value = {0};
    struct error err = {0};
    AUTO(template) t = {0};
    (void)state;
    assert_int_equal(template_load("c", &t, &err), 0);
    fill(&many);
    for (int i = 0; i < 3000; i++)
        strv_addf(&many.sources, "src/some/folder/file_number_%d.c", i);
    render(&many, &text);
    size_t runs = 0, objects = 0;
    for (const char *at = text.data; (at = strstr(at, "RUN export LD_LIBRARY_PATH= LC_ALL=C"));
         at++)
        runs++;
    for (const char *at = text.data; (at = strstr(at, " -o /obj/")); at++)
        objects++;
    assert_true(runs > 3);
    assert_int_equal(objects, 3002);
    assert_non_null(strstr(text.data, " /obj/3002.o -lm -o /out/program"));

    for (int i = 0; i < 10000; i++)
        buf_adds(&value, "'");
    fill(&large);
    add_pair(&large.env, "LARGE", value.data);
    strv_add(&large.compile_flags, value.data);
    render(&large, &wide);

    for (int i = 0; i < 10000; i++)
        buf_adds(&value, "''''''");
    fill(&huge);
    add_pair(&huge.env, "HUGE", value.data);
    buf_clear(&text);
    assert_int_equal(render_with(&huge, &t, DOCKERFILE_IMAGE, &text, &err), -1);
    assert_int_equal(err.kind, ERROR_PROJECT);
    assert_non_null(strstr(err.text, "more than docker's 65535"));
}

static void the_whole_project_goes_without_our_files(void **state)
{
    AUTO(plan) plan;
    AUTO(buf) text = {0};
    (void)state;
    fill(&plan);
    add_pair(&plan.files, "", "opt/all");
    add_pair(&plan.files, ".dockerignore", "opt/rules");
    add_pair(&plan.files, "etc", "");
    render(&plan, &text);
    assert_non_null(strstr(
        text.data, "    && put . /out/files/1/all \\\n"
                   "    && if [ -d .lbuild/held ]; then put .lbuild/held /out/files/1/all; fi \\\n"
                   "    && rm -rf /out/files/1/all/.lbuild /out/files/1/all/Dockerfile.lbuild \\\n"
                   "    && put ./.lbuild/held/.dockerignore /out/files/1/rules \\\n"
                   "    && put ./etc /out/files/2 \\\n"));
    assert_non_null(strstr(
        text.data, "COPY --from=build /out/files/1/ /opt/\nCOPY --from=build /out/files/2/ /\n"));
}

static void own_templates_get_words(void **state)
{
    struct error err = {0};
    AUTO(plan) plan;
    AUTO(template) t = {0};
    AUTO(buf) text = {0};
    static const char body[] =
        "[template]\nlanguage = x\n---\n"
        "FROM --platform={{platform}} {{builder}} AS build\n{{install}}\n"
        "RUN cc {{flags|shell}} {{sources|shell}}; mv a {{program|shell}}\n"
        "{{files}}\nFROM --platform={{platform}} {{base}}\n{{copy}}\n{{env}}\n"
        "ENV H={{handler|env}}\n{{labels}}\n{{workdir}}\n"
        "{{entrypoint}}\nCMD {{cmd|json}}\n# end\n";
    (void)state;
    fill(&plan);
    strv_add(&plan.sources, "b c.c");
    assert_int_equal(template_parse(body, sizeof body - 1, "own", &t, &err), 0);
    assert_int_equal(render_with(&plan, &t, DOCKERFILE_IMAGE, &text, &err), 0);
    assert_non_null(
        strstr(text.data,
               "\nRUN cc -std=gnu11 -O2 -Iinclude -I.lbuild/runtime/c/include src/main.c 'b c.c'; "
               "mv a /out/program\nFROM"));
    assert_non_null(strstr(text.data, "\nENV H=\"hello\"\nCMD [\"hello\"]\n# end\n"));
}

/* For exporting files: the same text but for the base. */
static void files_kind_is_on_scratch(void **state)
{
    struct error err = {0};
    AUTO(plan) plan;
    AUTO(template) t = {0}, own = {0};
    AUTO(buf) image = {0}, files = {0}, none = {0};
    (void)state;
    fill(&plan);
    plan.base_digest = xasprintf("sha256:%064d", 7);
    add_pair(&plan.files, "assets", "opt/assets");
    assert_int_equal(template_load("c", &t, &err), 0);
    assert_int_equal(render_with(&plan, &t, DOCKERFILE_IMAGE, &image, &err), 0);
    assert_int_equal(render_with(&plan, &t, DOCKERFILE_FILES, &files, &err), 0);
    autofree char *base = xasprintf("public.ecr.aws/lambda/provided@%s\n", plan.base_digest);
    const char *in_image = strstr(image.data, base), *in_files = strstr(files.data, "scratch\n");
    assert_non_null(in_image);
    assert_non_null(in_files);
    assert_int_equal(in_image - image.data, in_files - files.data);
    assert_memory_equal(image.data, files.data, (size_t)(in_image - image.data));
    assert_string_equal(in_image + strlen(base), in_files + strlen("scratch\n"));

    static const char body[] =
        "[template]\nlanguage = x\n---\n"
        "FROM --platform={{platform}} {{builder}} AS build\n{{install}}\n{{files}}\n"
        "FROM --platform={{platform}} {{base}}\n{{copy}}\n{{env}}\n{{labels}}\n{{workdir}}\n"
        "RUN ldconfig\n{{entrypoint}}\nCMD {{cmd|json}}\n";
    assert_int_equal(template_parse(body, sizeof body - 1, "own", &own, &err), 0);
    assert_int_equal(render_with(&plan, &own, DOCKERFILE_IMAGE, &none, &err), 0);
    assert_int_equal(render_with(&plan, &own, DOCKERFILE_FILES, &none, &err), -1);
    assert_int_equal(err.kind, ERROR_PROJECT);
    assert_non_null(strstr(err.text, "own:12:1: only an engine could run this in the final stage"));
}

/* Each line's place, by what the line starts with. */
static void expect_where(const struct dockerfile *dockerfile, const char *start, const char *where)
{
    int line = 1;
    const char *at = dockerfile->text.data;
    while (at && strncmp(at, start, strlen(start)) != 0) {
        at = strchr(at, '\n');
        at += at != NULL;
        line++;
    }
    if (!at || !dockerfile_where(dockerfile, line) ||
        strcmp(dockerfile_where(dockerfile, line), where) != 0)
        fail_msg("line %d, '%s', is from %s, not from %s", line, start,
                 at ? dockerfile_where(dockerfile, line) : "nowhere", where);
}

static void lines_know_where_they_come_from(void **state)
{
    struct error err = {0};
    autofree char *folder = unit_folder();
    autofree char *path = path_join(folder, "lbuild.ini");
    static const char text[] =
        "[project]\nname = x\n[image]\nbase = al2\nworkdir = /w\n[build]\nbuilder = b\npackages = p\n";
    AUTO(project) project = {0};
    AUTO(plan) plan;
    AUTO(template) t = {0};
    AUTO(dockerfile) d = {0}, plain = {0};
    struct project_options options = {.dir = folder};
    (void)state;
    assert_int_equal(fs_write(path, text, strlen(text), 0644, &err), 0);
    assert_int_equal(project_load(&options, &project, NULL, &err), 0);
    fill(&plan);
    plan.workdir = xstrdup("/w");
    add_pair(&plan.files, "assets", "opt/assets");
    add_pair(&plan.files, "b", "etc/b");
    plan.files.items[1].origin.line = 9;
    assert_int_equal(template_load("c", &t, &err), 0);
    assert_int_equal(dockerfile_render(&plan, &t, DOCKERFILE_IMAGE, &plain, &err), 0);
    assert_null(dockerfile_where(&plain, 0));
    expect_where(&plain, "# Made by", "c.template:16:1");
    expect_where(&plain, "FROM --platform=linux/amd64 public.ecr.aws/amazon", "c.template:17:1");
    expect_where(&plain, "RUN export LD_LIBRARY_PATH= \\", "c.template:18:1");
    expect_where(&plain, "    && dnf clean", "c.template:18:1");
    expect_where(&plain, "WORKDIR /src", "c.template:19:1");
    expect_where(&plain, "COPY . .", "c.template:20:1");
    expect_where(&plain, "RUN export LD_LIBRARY_PATH= LC_ALL", "c.template:21:1");
    expect_where(&plain, "RUN put", "lbuild.ini:7:3");
    expect_where(&plain, "    && put ./assets", "lbuild.ini:7:3");
    expect_where(&plain, "    && put ./b", "lbuild.ini:9:3");
    expect_where(&plain, "FROM --platform=linux/amd64 public.ecr.aws/lambda", "c.template:24:1");
    expect_where(&plain, "COPY --from=build /out/program", "c.template:26:1");
    expect_where(&plain, "COPY --from=build /out/files/1/", "lbuild.ini:7:3");
    expect_where(&plain, "COPY --from=build /out/files/2/", "lbuild.ini:9:3");
    expect_where(&plain, "CMD", "c.template:30:1");
    assert_string_equal(dockerfile_where(&plain, 1000000), "c.template:30:1");

    plan.project = &project;
    assert_int_equal(dockerfile_render(&plan, &t, DOCKERFILE_FILES, &d, &err), 0);
    autofree char *builder = xasprintf("%s:7:11", path), *packages = xasprintf("%s:8:12", path);
    autofree char *base = xasprintf("%s:4:8", path), *workdir = xasprintf("%s:5:11", path);
    expect_where(&d, "FROM --platform=linux/amd64 public.ecr.aws/amazon", builder);
    expect_where(&d, "RUN export LD_LIBRARY_PATH= \\", packages);
    expect_where(&d, "WORKDIR /src", "c.template:19:1");
    expect_where(&d, "FROM --platform=linux/amd64 scratch", base);
    expect_where(&d, "WORKDIR /w", workdir);
    assert_int_equal(fs_remove(folder, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_text),
        cmocka_unit_test(scratch_and_arm64),
        cmocka_unit_test(compiler_gets_exactly_the_words),
        cmocka_unit_test(files_keep_their_names),
        cmocka_unit_test(values_of_the_image_are_exact),
        cmocka_unit_test(line_breaks_are_refused_with_their_place),
        cmocka_unit_test(names_that_cannot_be_are_refused),
        cmocka_unit_test(sizes_stay_within_limits),
        cmocka_unit_test(the_whole_project_goes_without_our_files),
        cmocka_unit_test(own_templates_get_words),
        cmocka_unit_test(files_kind_is_on_scratch),
        cmocka_unit_test(lines_know_where_they_come_from),
    };
    return cmocka_run_group_tests_name("dockerfile", tests, NULL, NULL);
}
