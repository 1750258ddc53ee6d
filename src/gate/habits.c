#include "gate/rule.h"

#include "support/rfc3339.h"

#include <string.h>

/* Things that work elsewhere and not on Lambda, or not as it looks (Lambda guide, "Container image
 * settings", "Runtime support policy"). */

static bool is_set(const struct js *value)
{
    const char *text = js_text(value);
    if (text)
        return text[0] != '\0';
    return js_is_object(value) ? js_has_members(value) : js_count(value) > 0;
}

void gate_ignored(struct gate *gate)
{
    static const char *const keys[][2] = {{"User", "USER"},
                                          {"ExposedPorts", "EXPOSE"},
                                          {"Volumes", "VOLUME"},
                                          {"Healthcheck", "HEALTHCHECK"},
                                          {"StopSignal", "STOPSIGNAL"},
                                          {"OnBuild", "ONBUILD"}};

    for (size_t i = 0; i < countof(keys); i++)
        if (is_set(js_get(gate->config, keys[i][0])))
            gate_add(gate, RULE_IGNORED_SETTING, 0, NULL, "it sets %s", keys[i][1]);
}

void gate_caches(struct gate *gate)
{
    static const char *const names[] = {"HOME",
                                        "TMPDIR",
                                        "XDG_CACHE_HOME",
                                        "XDG_CONFIG_HOME",
                                        "XDG_DATA_HOME",
                                        "XDG_STATE_HOME",
                                        "PYTHONPYCACHEPREFIX",
                                        "NUMBA_CACHE_DIR",
                                        "MPLCONFIGDIR",
                                        "HF_HOME",
                                        "TRANSFORMERS_CACHE",
                                        "TORCH_HOME",
                                        "NLTK_DATA_DOWNLOAD_DIR",
                                        "NPM_CONFIG_CACHE",
                                        "npm_config_cache",
                                        "YARN_CACHE_FOLDER",
                                        "NODE_COMPILE_CACHE",
                                        "DENO_DIR",
                                        "BUN_INSTALL_CACHE_DIR",
                                        "PIP_CACHE_DIR",
                                        "GOCACHE",
                                        "DOTNET_BUNDLE_EXTRACT_BASE_DIR",
                                        "DOTNET_CLI_HOME"};

    for (size_t i = 0; i < countof(names); i++) {
        const char *value = gate_env(gate, names[i]);
        if (value && value[0] == '/' && strcmp(value, "/tmp") != 0 &&
            strncmp(value, "/tmp/", 5) != 0)
            gate_add(gate, RULE_CACHE_FOLDER, 0, NULL,
                     "%s is '%.200s', and only /tmp can be written to", names[i], value);
    }
}

/* Whether a line of os-release(5) has this value, in quotes or not. */
static bool says(const char *text, const char *key, const char *value)
{
    autofree char *plain = xasprintf("%s=%s\n", key, value),
                  *quoted = xasprintf("%s=\"%s\"\n", key, value);
    for (const char *line = text; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
        if (strncmp(line, plain, strlen(plain)) == 0 || strncmp(line, quoted, strlen(quoted)) == 0)
            return true;
    return false;
}

static void check_al2(struct gate *gate)
{
    static const int64_t end = 1782777600; /* 2026-06-30 */
    const struct rootfs_entry *entry = gate_follow(gate, "/etc/os-release");
    AUTO(program) program = {0};

    if (!entry || gate->options->now < end)
        return;

    program_read(entry->facts, &program);
    if (program.text && says(program.text, "ID", "amzn") && says(program.text, "VERSION_ID", "2"))
        gate_add(gate, RULE_AMAZON_LINUX_2, 0, NULL,
                 "Amazon Linux 2 reached the end of its support on 2026-06-30; fixes for Lambda's "
                 "bases end later");
}

void gate_age(struct gate *gate)
{
    enum { DAY = 86400 };
    static const int64_t real = 946684800; /* 2000: older dates mean a build without a clock */
    int64_t created = 0;
    const char *text = js_get_text(js_at(js_get(gate->image->config, "history"), 0), "created");
    check_al2(gate);

    if (gate->options->base_age <= 0 || !text || !rfc3339_read(text, &created) || created < real)
        return;

    int64_t days = (gate->options->now - created) / DAY;
    if (days > gate->options->base_age)
        gate_add(gate, RULE_OLD_BASE, 0, NULL, "its first layer was made %lld days ago, on %.10s",
                 (long long)days, text);
}
