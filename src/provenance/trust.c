#include "provenance/trust.h"

#include "support/fs.h"
#include "support/own.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool trust_flag(const char *variable)
{
    const char *text = getenv(variable);
    static const char *const no[] = {"", "0", "false", "no", "off"};
    for (size_t i = 0; text && i < countof(no); i++)
        if (strcasecmp(text, no[i]) == 0)
            return false;
    return text;
}

bool trust_ceiling(const char *path)
{
    const char *list = getenv("GIT_CEILING_DIRECTORIES");

    for (; list && *list; list += strcspn(list, ":"), list += *list == ':') {
        autofree char *one = xstrndup(list, strcspn(list, ":"));
        autofree char *real = one[0] == '/' ? realpath(one, NULL) : NULL;
        if (real && strcmp(real, path) == 0)
            return true;
    }
    return false;
}

bool trust_owned(const char *path)
{
    struct stat st;
    uid_t user = geteuid();
    const char *sudo = getenv("SUDO_UID");

    if (lstat(path, &st) != 0)
        return false;
    if (st.st_uid == user)
        return true;

    char *end = NULL;
    unsigned long caller = user == 0 && sudo ? strtoul(sudo, &end, 10) : 0;
    return end && end != sudo && *end == '\0' && st.st_uid == caller;
}

void trust_consider(struct trust *trust, const char *value)
{
    if (!value || !value[0]) {
        trust->listed = false;
        return;
    }

    if (strcmp(value, "*") == 0)
        trust->listed = true;

    const char *home = getenv("HOME"), *rest = NULL;
    bool in_home = home && strncmp(value, "~/", 2) == 0;
    autofree char *path = in_home ? path_join(home, value + 2) : xstrdup(value);
    size_t length = strlen(path);
    bool below = length > 2 && strcmp(path + length - 2, "/*") == 0;
    if (below)
        path[length - 2] = '\0';

    autofree char *real = path[0] == '/' ? realpath(path, NULL) : NULL;
    if (real && path_below(trust->root, real, &rest) && (below ? rest[0] != '\0' : rest[0] == '\0'))
        trust->listed = true;
}

void trust_consider_environment(struct trust *trust)
{
    const char *count = getenv("GIT_CONFIG_COUNT");
    unsigned long total = count ? strtoul(count, NULL, 10) : 0;

    for (unsigned long i = 0; i < total && i < 1000; i++) {
        autofree char *key = xasprintf("GIT_CONFIG_KEY_%lu", i),
                      *value = xasprintf("GIT_CONFIG_VALUE_%lu", i);
        if (getenv(key) && strcasecmp(getenv(key), "safe.directory") == 0)
            trust_consider(trust, getenv(value));
    }
}

void trust_config_files(struct strv *out)
{
    const char *system = getenv("GIT_CONFIG_SYSTEM"), *global = getenv("GIT_CONFIG_GLOBAL");
    const char *home = getenv("HOME"), *xdg = getenv("XDG_CONFIG_HOME");

    if (!trust_flag("GIT_CONFIG_NOSYSTEM"))
        strv_add(out, system ? system : "/etc/gitconfig");

    if (global) {
        strv_add(out, global);
    } else if (home && home[0]) {
        autofree char *fallback = path_join(home, ".config");
        strv_take(out, path_join(xdg && xdg[0] ? xdg : fallback, "git/config"));
        strv_take(out, path_join(home, ".gitconfig"));
    }
}

char *trust_parent(const char *path)
{
    struct stat here, above;
    if (strcmp(path, "/") == 0)
        return NULL;

    autofree char *parent = path_dir(path);
    if (trust_ceiling(parent))
        return NULL;
    if (!trust_flag("GIT_DISCOVERY_ACROSS_FILESYSTEM") &&
        (stat(path, &here) != 0 || stat(parent, &above) != 0 || here.st_dev != above.st_dev))
        return NULL;
    return take(parent);
}
