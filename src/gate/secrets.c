#include "gate/rule.h"

#include "support/fs.h"

#include <fnmatch.h>
#include <string.h>

/* A small set of undoubted secrets: each has a fixed beginning and length, or a telling name. */

static bool from(const char *text, size_t length, const char *alphabet)
{
    return strspn(text, alphabet) >= length;
}

#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define WORD UPPER "abcdefghijklmnopqrstuvwxyz" DIGITS

/* What kind of secret a value is, or NULL. */
static const char *secret_value(const char *value)
{
    static const struct {
        const char *head, *what;
        size_t length; /* after the beginning */
        const char *alphabet;
    } kinds[] = {
        {"AKIA", "an AWS access key", 16, UPPER DIGITS},
        {"ghp_", "a GitHub token", 36, WORD},
        {"gho_", "a GitHub token", 36, WORD},
        {"ghs_", "a GitHub token", 36, WORD},
        {"github_pat_", "a GitHub token", 60, WORD "_"},
        {"glpat-", "a GitLab token", 20, WORD "_-"},
        {"npm_", "an npm token", 36, WORD},
        {"xoxb-", "a Slack token", 20, WORD "-"},
        {"xoxp-", "a Slack token", 20, WORD "-"},
        {"sk_live_", "a Stripe key", 24, WORD},
    };

    if (strstr(value, "-----BEGIN ") && strstr(value, "PRIVATE KEY-----"))
        return "a private key";
    for (size_t i = 0; i < countof(kinds); i++) {
        size_t head = strlen(kinds[i].head);
        if (strncmp(value, kinds[i].head, head) == 0 &&
            from(value + head, kinds[i].length, kinds[i].alphabet))
            return kinds[i].what;
    }
    return NULL;
}

static const char *secret_variable(const char *name, const char *value)
{
    static const char *const names[] = {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"};
    for (size_t i = 0; i < countof(names); i++)
        if (strcmp(name, names[i]) == 0 && value[0])
            return "AWS credentials";
    return secret_value(value);
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
    AUTO(program) program = {0};

    for (size_t i = 0; i < countof(patterns); i++) {
        const char *name = patterns[i][0] + 1;
        size_t tail = strlen(name), length = strlen(entry->path);
        if (entry->size > 0 && fnmatch(patterns[i][0], entry->path, 0) == 0 &&
            (length == tail || entry->path[length - tail - 1] == '/'))
            return patterns[i][1];
    }

    /* Distributions and languages bring keys for their own tests. */
    if (path_below(entry->path, "usr", NULL) || !entry->facts || !strstr(entry->facts, "key \n"))
        return NULL;
    program_read(entry->facts, &program);
    return program.key ? "a private key" : NULL;
}

/* Every layer counts, not the merged tree: a file that a later layer hides is
 * still in the image. */
void gate_entry(struct gate *gate, size_t layer, const struct listing_entry *entry)
{
    const char *what = entry->type == TAR_FILE ? secret_file(entry) : NULL;
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
