#include "gate/rule.h"

#include "lambda/secret.h"
#include "support/fs.h"

#include <fnmatch.h>
#include <string.h>

static const char *secret_variable(const char *name, const char *value)
{
    static const char *const names[] = {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"};
    for (size_t i = 0; i < countof(names); i++)
        if (strcmp(name, names[i]) == 0 && value[0])
            return "AWS credentials";
    return secret_kind_word(secret_value(value));
}

/* Files whose name says that they hold credentials, at any depth. */
static const char *secret_file(const struct listing_entry *entry)
{
    static const char *const patterns[][2] = {
        {"*.aws/credentials", "AWS credentials"},
        {"*.ssh/id_rsa", "an SSH key"},
        {"*.ssh/id_ed25519", "an SSH key"},
        {"*.ssh/id_ecdsa", "an SSH key"},
        {"*.docker/config.json", "registry logins"},
        {"*.git-credentials", "git's passwords"},
        {"*.netrc", "passwords"},
        {"*.pypirc", "logins of a package index"},
    };

    for (size_t i = 0; i < countof(patterns); i++) {
        const char *name = patterns[i][0] + 1;
        size_t tail = strlen(name), length = strlen(entry->path);
        if (entry->size > 0 && fnmatch(patterns[i][0], entry->path, 0) == 0 &&
            (length == tail || entry->path[length - tail - 1] == '/'))
            return patterns[i][1];
    }

    return NULL;
}

/* Files whose content is one. Distributions and languages bring keys for their own tests. */
static const char *secret_content(const struct listing_entry *entry)
{
    AUTO(program) program = {0};
    if (!entry->facts || (!strstr(entry->facts, "key \n") && !strstr(entry->facts, "secret ")))
        return NULL;

    program_read(entry->facts, &program);
    if (program.key && !path_below(entry->path, "usr", NULL))
        return "a private key";
    return secret_kind_word(program.secret);
}

/* Every layer counts, not the merged tree: a file that a later layer hides is
 * still in the image. */
void gate_entry(struct gate *gate, size_t layer, const struct listing_entry *entry)
{
    const char *what = entry->type == TAR_FILE ? secret_file(entry) : NULL;
    if (!what && entry->type == TAR_FILE)
        what = secret_content(entry);
    if (what)
        gate_add(gate, RULE_SECRET_FILE, layer, entry->path, "it holds %s", what);
}

/* Secrets in the environment; those in files were found before. */
void gate_secrets(struct gate *gate)
{
    for (size_t i = 0; i < gate->env.len; i++) {
        const char *text = gate->env.items[i], *equals = strchr(text, '=');
        autofree char *name = xstrndup(text, equals ? (size_t)(equals - text) : strlen(text));
        const char *what = equals ? secret_variable(name, equals + 1) : NULL;
        if (what)
            gate_add(gate, RULE_SECRET_VARIABLE, 0, NULL, "%.100s holds %s", name, what);
    }
}
