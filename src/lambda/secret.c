#include "lambda/secret.h"

#include "support/fs.h"
#include "support/own.h"

#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define WORD UPPER LOWER DIGITS

const char *secret_kind_word(int kind)
{
    static const char *const words[] = {
        [SECRET_AWS_KEY] = "an AWS access key", [SECRET_AWS] = "AWS credentials",
        [SECRET_GITHUB] = "a GitHub token",     [SECRET_GITLAB] = "a GitLab token",
        [SECRET_NPM] = "an npm token",          [SECRET_SLACK] = "a Slack token",
        [SECRET_STRIPE] = "a Stripe key",       [SECRET_REGISTRY] = "a login of a package registry",
        [SECRET_PRIVATE_KEY] = "a private key"};
    return kind > 0 && (size_t)kind < countof(words) ? words[kind] : NULL;
}

static bool is_example(const char *value)
{
    static const char *const marks[] = {"example",     "xxxx",  "your", "changeme",
                                        "placeholder", "dummy", "fake", "1234567890"};
    for (size_t i = 0; i < countof(marks); i++)
        if (strcasestr(value, marks[i]))
            return true;
    return false;
}

enum secret_kind secret_value(const char *value)
{
    static const struct {
        const char *head;
        enum secret_kind kind;
        size_t length; /* after the head */
        const char *alphabet;
    } kinds[] = {
        {"AKIA", SECRET_AWS_KEY, 16, UPPER DIGITS},
        {"ghp_", SECRET_GITHUB, 36, WORD},
        {"gho_", SECRET_GITHUB, 36, WORD},
        {"ghs_", SECRET_GITHUB, 36, WORD},
        {"github_pat_", SECRET_GITHUB, 60, WORD "_"},
        {"glpat-", SECRET_GITLAB, 20, WORD "_-"},
        {"npm_", SECRET_NPM, 36, WORD},
        {"xoxb-", SECRET_SLACK, 20, WORD "-"},
        {"xoxp-", SECRET_SLACK, 20, WORD "-"},
        {"sk_live_", SECRET_STRIPE, 24, WORD},
    };

    if (strstr(value, "-----BEGIN ") && strstr(value, "PRIVATE KEY-----"))
        return SECRET_PRIVATE_KEY;
    for (size_t i = 0; i < countof(kinds); i++) {
        size_t head = strlen(kinds[i].head);
        if (strncmp(value, kinds[i].head, head) == 0 &&
            strspn(value + head, kinds[i].alphabet) >= kinds[i].length && !is_example(value))
            return kinds[i].kind;
    }
    return SECRET_NONE;
}

bool secret_settings(const char *path)
{
    static const char *const others[] = {"usr/lib/*",       "usr/share/*",      "usr/local/lib/*",
                                         "*node_modules/*", "*site-packages/*", "*dist-packages/*",
                                         "*.example",       "*.sample",         "*.template",
                                         "*.dist",          "*.defaults",       "*.tpl"};
    const char *name = path_base(path);
    size_t length = strlen(name);

    if (strcmp(name, ".npmrc") != 0 && strncmp(name, ".env.", 5) != 0 &&
        (length < 4 || strcmp(name + length - 4, ".env") != 0))
        return false;
    for (size_t i = 0; i < countof(others); i++)
        if (fnmatch(others[i], path, 0) == 0)
            return false;
    return true;
}

/* Random bytes in base64 have letters of both cases and digits, and what people write seldom. */
static bool is_random(const char *value, size_t least)
{
    size_t length = strlen(value);
    return length >= least && strspn(value, WORD "+/=._-") == length &&
           strpbrk(value, UPPER LOWER) && strpbrk(value, DIGITS) && !is_example(value);
}

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcasecmp(text + length - tail, end) == 0;
}

static enum secret_kind setting_kind(const char *name, const char *value)
{
    enum { SECRET_KEY = 40, SESSION = 100, TOKEN = 16 };
    static const char *const logins[] = {"_authToken", "_auth", "_password"};

    if (ends_in(name, "AWS_SECRET_ACCESS_KEY"))
        return strlen(value) == SECRET_KEY && is_random(value, SECRET_KEY) &&
                       strpbrk(value, UPPER) && strpbrk(value, LOWER)
                   ? SECRET_AWS
                   : SECRET_NONE;
    if (ends_in(name, "AWS_SESSION_TOKEN"))
        return is_random(value, SESSION) ? SECRET_AWS : SECRET_NONE;

    /* "//host.test/:_authToken=..." */
    for (size_t i = 0; i < countof(logins); i++) {
        size_t head = strlen(name) - (ends_in(name, logins[i]) ? strlen(logins[i]) : 0);
        if (name[head] && (head == 0 || name[head - 1] == ':') && is_random(value, TOKEN))
            return SECRET_REGISTRY;
    }
    return secret_value(value);
}

/* "NAME=VALUE", "export NAME='VALUE'" and the like, with any blanks around. Changes the line. */
static enum secret_kind line_kind(char *line)
{
    static const char blanks[] = " \t\r";
    char *name = line + strspn(line, blanks), *equals = strchr(name, '=');
    if (!equals || name[0] == '#' || name[0] == ';')
        return SECRET_NONE;
    if (strncmp(name, "export ", 7) == 0)
        name += 7 + strspn(name + 7, blanks);

    char *value = equals + 1 + strspn(equals + 1, blanks);
    *equals = '\0';
    name[strcspn(name, blanks)] = '\0';
    if (value[0] == '"' || value[0] == '\'') {
        char quote[2] = {value[0]};
        value++;
        value[strcspn(value, quote)] = '\0';
    } else {
        value[strcspn(value, blanks)] = '\0';
    }
    return setting_kind(name, value);
}

enum secret_kind secret_in_settings(const char *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t part = end ? (size_t)(end - text) - at : length - at;
        autofree char *line = xstrndup(text + at, part);
        enum secret_kind kind = line_kind(line);
        if (kind != SECRET_NONE)
            return kind;
        at += part + 1;
    }
    return SECRET_NONE;
}
