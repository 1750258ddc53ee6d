#include "dockerfile_fixture.h"

#include "support/fs.h"

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
        "    && compile() { gcc -std=gnu11 -O2 -Iinclude -I.lbuild/runtime/c/include "
        "-fdebug-prefix-map=/src=. \"$@\"; } \\\n"
        "    && compile_runtime() { gcc -std=gnu11 -O2 -I.lbuild/runtime/c/include "
        "-fdebug-prefix-map=/src=. \"$@\"; } \\\n"
        "    && compile -frandom-seed=src/main.c -c src/main.c -o /obj/1.o \\\n"
        "    && compile_runtime -frandom-seed=loop.c -c .lbuild/runtime/c/loop.c -o /obj/2.o \\\n"
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

/* Cases C16. */
static void archives_go_after_the_objects(void **state)
{
    AUTO(plan) plan;
    AUTO(buf) text = {0};
    (void)state;

    fill(&plan);
    strv_add(&plan.link_inputs, "lib/a b.a");
    render(&plan, &text);
    assert_null(strstr(text.data, "stack-size"));
    assert_non_null(strstr(text.data, "gcc -static /obj/1.o /obj/2.o 'lib/a b.a' -lm -o /out/"));
}

/* Cases C8: Alpine's gcc links with musl. */
static void stacks_of_musl(void **state)
{
    AUTO(plan) plan;
    AUTO(buf) text = {0};
    (void)state;

    fill(&plan);
    free(plan.package_manager);
    plan.package_manager = xstrdup("apk");
    render(&plan, &text);
    assert_non_null(strstr(text.data, "gcc -Wl,-z,stack-size=8388608 -static /obj/1.o"));
}

/* Realistic numbers of files, and the limits of docker's line reader and the kernel's arguments. */
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

/* For exporting files: the same text with another base. */
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
    assert_non_null(strstr(err.text, "own:12:1: lbuild makes the final stage itself"));
}

/* Lines are looked up by the words that they start with. */
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
        "[project]\nname = x\n[image]\nbase = al2\nworkdir = /w\n[build]\nbuilder = b\n"
        "packages = p\n";
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
        cmocka_unit_test(archives_go_after_the_objects),
        cmocka_unit_test(stacks_of_musl),
        cmocka_unit_test(sizes_stay_within_limits),
        cmocka_unit_test(the_whole_project_goes_without_our_files),
        cmocka_unit_test(own_templates_get_words),
        cmocka_unit_test(files_kind_is_on_scratch),
        cmocka_unit_test(lines_know_where_they_come_from),
    };
    return cmocka_run_group_tests_name("dockerfile", tests, NULL, NULL);
}
