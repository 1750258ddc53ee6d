#include "dockerfile/dockerfile.h"
#include "support/own.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A template that passes is also rendered, with a minimal plan. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    AUTO(template) t = {0};
    AUTO(dockerfile) image = {0}, files = {0};
    char base[] = "scratch", manager[] = "dnf", prefix[] = ".lbuild/runtime/x", program[] = "p",
         handler[] = "h\n\"";
    const struct plan plan = {.handler = handler,
                              .base_reference = base,
                              .builder_reference = base,
                              .package_manager = manager,
                              .runtime_prefix = prefix,
                              .program = program};
    if (template_parse((const char *)data, size, "input", &t, &err) != 0)
        return 0;

    if (dockerfile_render(&plan, &t, DOCKERFILE_IMAGE, &image, &err) != 0 &&
        err.kind != ERROR_PROJECT)
        abort();
    if (dockerfile_render(&plan, &t, DOCKERFILE_FILES, &files, &err) != 0 &&
        err.kind != ERROR_PROJECT)
        abort();
    for (int line = 1; line <= files.line; line++)
        if (!dockerfile_where(&files, line))
            abort();
    return 0;
}
