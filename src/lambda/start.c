#include "lambda/start.h"

#include "lambda/limits.h"
#include "support/own.h"

#include <stdlib.h>
#include <string.h>

void start_words(const struct js *list, struct strv *out)
{
    for (size_t i = 0; i < js_count(list); i++) {
        const char *word = js_text(js_at(list, i));
        strv_add(out, word ? word : "");
    }
}

void start_find(const struct js *config, struct start *out)
{
    *out = (struct start){0};
    start_words(js_get(config, "Entrypoint"), &out->words);
    start_words(js_get(config, "Cmd"), &out->words);
    if (out->words.len == 0)
        return;

    out->stock = strcmp(out->words.items[0], LAMBDA_ENTRYPOINT) == 0;
    out->program = out->stock ? "/" LAMBDA_BOOTSTRAP : out->words.items[0];
}

void start_release(struct start *start)
{
    strv_release(&start->words);
    *start = (struct start){0};
}

char *start_function_name(const char *title)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t fine = title ? strspn(title, alphabet) : 0;
    return xstrdup(fine > 0 && fine <= 64 && !title[fine] ? title : "function");
}

static void set_variable(struct strv *env, const char *name, const char *value)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < env->len; i++) {
        if (strncmp(env->items[i], name, length) == 0 && env->items[i][length] == '=') {
            free(env->items[i]);
            env->items[i] = xasprintf("%s=%s", name, value);
            return;
        }
    }

    strv_addf(env, "%s=%s", name, value);
}

void start_environment(const struct js *config, const struct start *start, const char *function,
                       struct strv *out)
{
    static const char *const passed[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                                         "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"};
    autofree char *group = xasprintf("/aws/lambda/%s", function);
    const char *const fixed[][2] = {
        {"AWS_LAMBDA_FUNCTION_NAME", function},
        {"AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"},
        {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"},
        {"AWS_LAMBDA_LOG_STREAM_NAME", "local"},
        {"AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"},
        {"AWS_EXECUTION_ENV", "AWS_Lambda_Image"},
        {"LAMBDA_TASK_ROOT", "/var/task"},
        {"LAMBDA_RUNTIME_DIR", "/var/runtime"},
        {"AWS_REGION", "us-east-1"},
        {"AWS_DEFAULT_REGION", "us-east-1"},
        {"AWS_LAMBDA_LOG_GROUP_NAME", group},
    };

    start_words(js_get(config, "Env"), out);
    for (size_t i = 0; i < countof(fixed); i++)
        set_variable(out, fixed[i][0], fixed[i][1]);

    for (size_t i = 0; i < countof(passed); i++)
        if (getenv(passed[i]))
            set_variable(out, passed[i], getenv(passed[i]));

    if (start->stock && start->words.len > 1)
        set_variable(out, "_HANDLER", start->words.items[1]);
}
