#include "gate/rule.h"

#include "lambda/limits.h"

#include <ctype.h>
#include <string.h>

/* Lambda's limits (Lambda guide, "Lambda quotas", "Using Lambda environment variables"). */

static const uint64_t gib = UINT64_C(1) << 30;

static double gigabytes(uint64_t bytes)
{
    return (double)bytes / (double)gib;
}

void gate_size(struct gate *gate)
{
    uint64_t size = 0;
    for (size_t i = 0; i < gate->image->layer_count; i++)
        size += gate->image->layers[i].scan.content_size;

    if (size > LAMBDA_IMAGE_MAX)
        gate_add(gate, RULE_TOO_LARGE, 0, NULL,
                 "its layers are %.2f GB unpacked; Lambda allows 10 GB", gigabytes(size));
    else if (size > 8 * gib)
        gate_add(gate, RULE_NEARLY_TOO_LARGE, 0, NULL,
                 "its layers are %.2f GB unpacked; Lambda allows 10 GB", gigabytes(size));
    else if (size > gib)
        gate_add(gate, RULE_LARGE, 0, NULL, "its layers are %.2f GB unpacked", gigabytes(size));

    if (gate->options->budget > 0 && size > gate->options->budget)
        gate_add(gate, RULE_BUDGET, 0, NULL,
                 "its layers are %llu bytes unpacked; the budget is %llu", (unsigned long long)size,
                 (unsigned long long)gate->options->budget);
}

void gate_counts(struct gate *gate)
{
    const char *workdir = js_get_text(gate->config, "WorkingDir");
    size_t entrypoint = js_count(js_get(gate->config, "Entrypoint")),
           cmd = js_count(js_get(gate->config, "Cmd"));

    if (gate->image->layer_count > LAMBDA_LAYERS_MAX)
        gate_add(gate, RULE_MANY_LAYERS, 0, NULL, "it has %zu layers", gate->image->layer_count);
    if (entrypoint > LAMBDA_WORDS_MAX || cmd > LAMBDA_WORDS_MAX)
        gate_add(gate, RULE_PROCESS_LIMITS, 0, NULL, "ENTRYPOINT has %zu words, CMD %zu",
                 entrypoint, cmd);
    if (workdir && strlen(workdir) > LAMBDA_WORKDIR_MAX)
        gate_add(gate, RULE_PROCESS_LIMITS, 0, NULL, "WORKDIR has %zu characters", strlen(workdir));
}

/* AWS's own bases set some of these, to Lambda's values. */
static bool is_reserved(const char *name, const char *value)
{
    static const char *const names[] = {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_MAX_CONCURRENCY",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
    };

    if (strcmp(name, "LAMBDA_TASK_ROOT") == 0)
        return strcmp(value, "/var/task") != 0;
    if (strcmp(name, "LAMBDA_RUNTIME_DIR") == 0)
        return strcmp(value, "/var/runtime") != 0;
    for (size_t i = 0; i < countof(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool well_formed(const char *name)
{
    size_t length = strlen(name);
    bool fine = isalpha((unsigned char)name[0]) && length >= 2;
    for (size_t i = 0; i < length; i++)
        fine = fine && (isalnum((unsigned char)name[i]) || name[i] == '_');
    return fine;
}

void gate_environment(struct gate *gate)
{
    size_t sum = 0;
    for (size_t i = 0; i < gate->env.len; i++) {
        const char *text = gate->env.items[i], *equals = strchr(text, '=');
        autofree char *name = xstrndup(text, equals ? (size_t)(equals - text) : strlen(text));
        sum += strlen(text);

        if (!equals)
            gate_add(gate, RULE_VARIABLE_NAME, 0, NULL, "'%.100s' has no value", name);
        else if (is_reserved(name, equals + 1))
            gate_add(gate, RULE_RESERVED_VARIABLE, 0, NULL, "'%.100s' is Lambda's own", name);
        else if (!well_formed(name))
            gate_add(gate, RULE_VARIABLE_NAME, 0, NULL, "'%.100s' is not a valid name", name);
    }

    if (sum > LAMBDA_ENV_MAX)
        gate_add(gate, RULE_VARIABLES_SIZE, 0, NULL,
                 "its variables take %zu bytes; a function's may take %d", sum, LAMBDA_ENV_MAX);
}
