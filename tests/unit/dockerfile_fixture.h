#ifndef LBUILD_TESTS_DOCKERFILE_FIXTURE_H
#define LBUILD_TESTS_DOCKERFILE_FIXTURE_H

#include "unit.h"

#include "dockerfile/dockerfile.h"
#include "support/own.h"

/* A plan as plan_make fills it, and the Dockerfile that it gives. */

static inline void add_pair(struct plan_pairs *pairs, const char *name, const char *value)
{
    static const struct origin origin = {"lbuild.ini", 7, 3};
    grow(pairs->items, pairs->len, pairs->cap);
    pairs->items[pairs->len++] = (struct plan_pair){xstrdup(name), xstrdup(value), origin};
}

static inline void fill(struct plan *plan)
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
    strv_add_all(&plan->runtime_flags, &plan->compile_flags);
    strv_add(&plan->link_flags, "-static");
    strv_add(&plan->libraries, "m");
    strv_add(&plan->cmd, "hello");
}

/* Adds the text to `out`. */
static inline int render_with(const struct plan *plan, const struct template *t,
                              enum dockerfile_kind kind, struct buf *out, struct error *err)
{
    AUTO(dockerfile) dockerfile = {0};
    int result = dockerfile_render(plan, t, kind, &dockerfile, err);
    buf_add(out, buf_text(&dockerfile.text), dockerfile.text.len);
    return result;
}

static inline void render(const struct plan *plan, struct buf *out)
{
    struct error err = {0};
    AUTO(template) t = {0};
    if (template_load("c", &t, &err) != 0 ||
        render_with(plan, &t, DOCKERFILE_IMAGE, out, &err) != 0)
        fail_msg("%s", err.text);
}

#endif
