#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "dockerfile/dockerfile.h"
#include "plan/plan.h"
#include "project/project.h"
#include "support/fs.h"
#include "support/own.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char language[] =
    "[template]\nlanguage = c\n---\n"
    "FROM --platform={{platform}} {{builder}} AS build\n{{install}}\n{{compile}}\n{{files}}\n"
    "FROM --platform={{platform}} {{base}}\n{{workdir}}\n{{copy}}\n{{env}}\n{{labels}}\n"
    "{{entrypoint}}\nCMD {{cmd|json}}\n";

/* Each line must start an instruction of ours or continue the one above; otherwise a value has
 * escaped from its place. */
static void check_lines(const char *text)
{
    static const char *const words[] = {"FROM ",    "RUN ",         "COPY ", "ENV ", "LABEL ",
                                        "WORKDIR ", "ENTRYPOINT [", "CMD [", "\n"};
    bool continued = false;

    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        bool known = continued;
        for (size_t i = 0; i < countof(words); i++)
            known = known || strncmp(line, words[i], strlen(words[i])) == 0;
        if (!known)
            abort();
        continued = length > 0 && line[length - 1] == '\\';
        line += length + (line[length] == '\n');
    }
    if (continued)
        abort();
}

/* The Dockerfile of a project file that passes. */
static void render(const struct project *project)
{
    static const struct provenance provenance = {0};
    static const struct strv none = {0};
    struct error err = {0};
    AUTO(template) t = {0};
    AUTO(plan) plan = {0};
    AUTO(dockerfile) dockerfile = {0};
    AUTO(strv) files = {0};

    strv_add(&files, "main.c");
    if (template_parse(language, sizeof language - 1, "t", &t, &err) != 0)
        abort();

    const struct plan_facts facts = {.project = project,
                                     .provenance = &provenance,
                                     .template = &t,
                                     .project_files = &files,
                                     .runtime_files = &none,
                                     .tags = &none};
    if (plan_make(&facts, &plan, &err) != 0 ||
        dockerfile_render(&plan, &t, DOCKERFILE_FILES, &dockerfile, &err) != 0) {
        if (err.kind != ERROR_PROJECT && err.kind != ERROR_USAGE)
            abort();
        return;
    }
    check_lines(buf_text(&dockerfile.text));
}

/* A whole project file, every value read as words, and the Dockerfile that it makes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(project) project = {0};
    AUTO(strv) complaints = {0};
    struct error err = {0};
    autoclose int fd = memfd_create("project", MFD_CLOEXEC);
    autofree char *path = xasprintf("/proc/self/fd/%d", fd);
    if (fd < 0 || fs_write_fd(fd, path, data, size, &err) != 0)
        abort();

    const struct project_options options = {"/", path, "p", NULL}, plain = {"/", path, NULL, NULL};
    if (project_load(&options, &project, &complaints, &err) != 0 && err.kind != ERROR_PROJECT &&
        err.kind != ERROR_USAGE)
        abort();
    project_release(&project);

    if (project_load(&plain, &project, &complaints, &err) == 0) {
        for (int key = 0; key < KEY_COUNT; key++) {
            AUTO(strv) words = {0};
            if (project_words(&project, (enum key_id)key, &words, &err) == 0 &&
                words.len > size + sizeof "*.c src/*.c")
                abort();
        }
        render(&project);
    } else if (err.kind != ERROR_PROJECT && err.kind != ERROR_USAGE)
        abort();
    return 0;
}
