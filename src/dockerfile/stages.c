#include "dockerfile/stages.h"

#include "dockerfile/builder.h"
#include "dockerfile/quote.h"
#include "support/own.h"

#include <string.h>
#include <strings.h>

/* A path for COPY that can't be taken for an option: a relative one gets "./" in
 * front. Caller frees. */
static char *operand(const char *path, const char *folder)
{
    return path[0] == '/' ? xstrdup(path)
                          : xasprintf("./%s%s", folder, strcmp(path, ".") == 0 ? "" : path);
}

void stages_copy(struct writer *w, const struct stage_copy *copy, const char *top)
{
    bool held = !copy->stage && dockerfile_holds(copy->source);
    autofree char *source = operand(copy->source, held ? DOCKERFILE_HELD "/" : ""),
                  *below = operand(copy->dest, "");
    autofree char *dest = xasprintf("%s%s", top, below);
    writer_from(w, &copy->origin);
    buf_adds(w->out, "COPY ");
    if (copy->stage)
        buf_addf(w->out, "--from=%s ", copy->stage);

    if (quote_is_safe_path(strchr(source, '/')) && quote_is_safe_path(strchr(dest, '/'))) {
        buf_addf(w->out, "%s %s\n", source, dest);
        return;
    }

    buf_addc(w->out, '[');
    writer_quoted(w, quote_copy_json, source, &copy->origin, "copy");
    buf_adds(w->out, ", ");
    writer_quoted(w, quote_copy_json, dest, &copy->origin, "copy");
    buf_adds(w->out, "]\n");
}

static void add_from(struct writer *w, const struct plan_stage *made)
{
    const struct origin *origin = &made->stage->values[STAGE_FROM].origin;
    writer_from(w, origin);
    buf_adds(w->out, "FROM ");
    if (!made->from_stage)
        buf_addf(w->out, "--platform=linux/%s ", arch_oci(w->plan->arch));
    writer_quoted(w, quote_plain, made->from, origin, "from");
    buf_addf(w->out, " AS %s\n", made->stage->name);
}

static void add_workdir(struct writer *w, const struct setting *workdir)
{
    if (!workdir->value || !workdir->value[0])
        return;
    writer_from(w, &workdir->origin);
    buf_adds(w->out, "WORKDIR ");
    if (quote_is_safe_path(workdir->value))
        buf_adds(w->out, workdir->value);
    else
        writer_quoted(w, quote_env, workdir->value, &workdir->origin, "workdir");
    buf_addc(w->out, '\n');
}

static void add_env(struct writer *w, const struct settings *env)
{
    for (size_t i = 0; i < env->len; i++) {
        writer_from(w, &env->items[i].origin);
        buf_addf(w->out, "%s%s=", i == 0 ? "ENV " : "    ", env->items[i].name);
        writer_quoted(w, quote_env, env->items[i].value, &env->items[i].origin, "env");
        buf_adds(w->out, i + 1 < env->len ? " \\\n" : "\n");
    }
}

static void add_run(struct writer *w, const struct stage *stage, const struct setting *command)
{
    const char *at = command->value;
    writer_from(w, &command->origin);
    buf_adds(w->out, "RUN ");
    for (size_t i = 0; i < stage->secrets.len; i++)
        buf_addf(w->out, "--mount=type=secret,id=%s ", stage->secrets.items[i]);
    for (size_t i = 0; i < stage->ssh.len; i++)
        buf_addf(w->out, "--mount=type=ssh,id=%s ", stage->ssh.items[i]);

    for (size_t i = 0; *at; i++) {
        size_t length = strcspn(at, "\n");
        struct origin origin = setting_line(command, i);
        if (i > 0)
            writer_from(w, &origin);
        buf_add(w->out, at, length);
        buf_addc(w->out, '\n');
        at += length + (at[length] == '\n');
    }
}

static void add_stage(struct writer *w, const struct plan_stage *made)
{
    const struct stage *stage = made->stage;
    const struct setting *packages = &stage->values[STAGE_PACKAGES];
    const struct builder_packages install = {&stage->packages,
                                             made->package_manager,
                                             made->from,
                                             &packages->origin,
                                             &stage->values[STAGE_FROM].origin,
                                             "packages"};

    add_from(w, made);
    add_workdir(w, &stage->values[STAGE_WORKDIR]);
    add_env(w, &stage->env);
    builder_add_packages(w, &install);
    for (size_t i = 0; i < stage->copies.len; i++)
        stages_copy(w, &stage->copies.items[i], "");
    for (size_t i = 0; i < stage->run.len; i++)
        add_run(w, stage, &stage->run.items[i]);
    buf_addc(w->out, '\n');
}

void stages_write(struct writer *w, const struct strv *taken)
{
    for (size_t i = 0; i < w->plan->stage_count; i++) {
        const struct plan_stage *made = &w->plan->stages[i];
        for (size_t j = 0; j < taken->len; j++)
            if (strcasecmp(taken->items[j], made->stage->name) == 0)
                writer_fail(w, &made->stage->origin, "stage", made->stage->name,
                            "is a stage of the template already");
        add_stage(w, made);
    }
}
