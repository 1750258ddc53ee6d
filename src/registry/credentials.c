#include "registry/credentials.h"

#include "registry/helper.h"
#include "support/fs.h"
#include "support/json.h"
#include "support/log.h"
#include "support/own.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { MAX_FILE = 1024 * 1024 };

/* Overwrites before freeing: freed memory may turn up in a core dump. */
static void forget(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

void credentials_release(struct credentials *credentials)
{
    free(credentials->username);
    forget(credentials->password);
    forget(credentials->identity_token);
    forget(credentials->registry_token);
    free(credentials->source);
    *credentials = (struct credentials){0};
}

/* --- auths --- */

/* Decodes standard base64 (RFC 4648 section 4), padding optional. Line breaks are skipped, as in
 * Go's decoder: `base64` wraps its output and ends it with one. Returns false for other text. */
static bool decode_base64(const char *text, struct buf *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = strlen(text), digits = 0;
    unsigned value = 0, bits = 0;

    while (length > 0 && strchr("=\r\n", text[length - 1]))
        length--;

    for (size_t i = 0; i < length; i++) {
        const char *found = strchr(alphabet, text[i]);
        if (text[i] == '\r' || text[i] == '\n')
            continue;
        if (!found)
            return false;
        digits++;
        value = (value << 6 | (unsigned)(found - alphabet)) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            buf_addc(out, (char)(value >> bits));
        }
    }

    return digits % 4 != 1;
}

/* The length of the repository's prefix that the key covers, plus one; 0 when the key is for
 * something else. A key with a scheme stands for its whole host (docker), one without may name a
 * namespace (containers tools). */
static size_t key_match(const char *key, const char *host, const char *repository)
{
    const char *scheme = strstr(key, "://"), *start = scheme ? scheme + 3 : key;
    size_t length = strcspn(start, "/"), host_length = strlen(host);
    if (length != host_length || strncasecmp(start, host, length) != 0)
        return 0;

    const char *path = start + length + strspn(start + length, "/");
    size_t path_length = strlen(path);
    if (scheme || path_length == 0 || strcmp(path, "v1/") == 0 || strcmp(path, "v2/") == 0 ||
        strcmp(path, "v1") == 0 || strcmp(path, "v2") == 0)
        return 1;

    if (strncmp(path, repository, path_length) != 0 ||
        (repository[path_length] != '/' && repository[path_length] != '\0'))
        return 0;
    return 1 + path_length;
}

struct search {
    const char *host, *repository;
    const struct js *found;
    size_t best;
};

static bool docker_hub(const char *host)
{
    return strcmp(host, "docker.io") == 0;
}

static void consider(void *data, const char *key, const struct js *value)
{
    struct search *search = data;
    size_t match = key_match(key, search->host, search->repository);
    if (match == 0 && docker_hub(search->host))
        match = key_match(key, "index.docker.io", search->repository);
    if (match == 0 && docker_hub(search->host))
        match = key_match(key, "registry-1.docker.io", search->repository);

    if (match > search->best && js_is_object(value)) {
        search->best = match;
        search->found = value;
    }
}

static char *copy_text(const struct js *object, const char *key)
{
    const char *text = js_get_text(object, key);
    return text && text[0] ? xstrdup(text) : NULL;
}

/* Splits USER:PASSWORD. NULs around the password are padding, which docker and skopeo drop; a NUL
 * elsewhere is damage. */
static bool split_login(const struct buf *plain, struct credentials *out)
{
    const char *colon = plain->len > 0 ? memchr(plain->data, ':', plain->len) : NULL;
    if (!colon || memchr(plain->data, '\0', (size_t)(colon - plain->data)))
        return false;

    const char *start = colon + 1, *end = plain->data + plain->len;
    while (end > start && end[-1] == '\0')
        end--;
    while (start < end && *start == '\0')
        start++;
    if (memchr(start, '\0', (size_t)(end - start)))
        return false;

    out->username = xstrndup(plain->data, (size_t)(colon - plain->data));
    out->password = xstrndup(start, (size_t)(end - start));
    return true;
}

static int read_auth(const char *host, const char *auth, struct credentials *out, struct error *err)
{
    AUTO(buf) plain = {0};
    bool valid = decode_base64(auth, &plain) && split_login(&plain, out);
    if (plain.data)
        explicit_bzero(plain.data, plain.cap);

    if (!valid)
        return error_set(err, ERROR_REGISTRY,
                         "the 'auth' of '%s' is not base64 of USER:PASSWORD; log in again", host);
    return 0;
}

int credentials_from_auths(const struct js *config, const char *host, const char *repository,
                           struct credentials *out, struct error *err)
{
    struct search search = {.host = host, .repository = repository};
    js_each(js_get(config, "auths"), consider, &search);
    const char *auth = js_get_text(search.found, "auth");
    *out = (struct credentials){0};
    if (!search.found)
        return 0;

    if (auth && auth[0] && read_auth(host, auth, out, err) != 0)
        return -1;
    if (!out->username) {
        out->username = copy_text(search.found, "username");
        out->password = copy_text(search.found, "password");
    }

    out->identity_token = copy_text(search.found, "identitytoken");
    out->registry_token = copy_text(search.found, "registrytoken");
    if ((out->username && out->password) || out->identity_token || out->registry_token)
        return 1;
    credentials_release(out); /* docker writes an empty entry when a helper holds the login */
    return 0;
}

/* --- places --- */

struct place {
    const char *name; /* for messages */
    bool store;       /* whether credsStore is read */
};

static const struct js *helper_for(const struct js *config, const char *host)
{
    const struct js *helpers = js_get(config, "credHelpers"), *helper = js_get(helpers, host);
    if (!helper && docker_hub(host))
        helper = js_get(helpers, HELPER_DOCKER_HUB);
    if (!helper && docker_hub(host))
        helper = js_get(helpers, "index.docker.io");
    return helper;
}

/* Does what helper_get does, but warns about a failure and returns 0, "not found". */
static int ask_helper(const struct place *place, const struct js *helper, const char *host,
                      struct credentials *out, struct error *err)
{
    const char *name = js_text(helper);
    if (!name || !name[0])
        return 0;

    int result = helper_get(name, host, out, err);
    if (result > 0)
        out->source = xasprintf("docker-credential-%s, named in %s", name, place->name);
    if (result >= 0 || err->kind > ERROR_SIGNAL)
        return result;

    log_warn("%s (named in %s); going on without it", err->text, place->name);
    return 0;
}

static int search_config(const struct place *place, const struct js *config, const char *host,
                         const char *repository, struct credentials *out, struct error *err)
{
    int result = ask_helper(place, helper_for(config, host), host, out, err);
    if (result == 0 && place->store)
        result = ask_helper(place, js_get(config, "credsStore"), host, out, err);
    if (result != 0)
        return result;

    result = credentials_from_auths(config, host, repository, out, err);
    if (result > 0)
        out->source = xstrdup(place->name);
    if (result >= 0)
        return result;

    log_warn("%s: %s; going on without it", place->name, err->text);
    return 0;
}

static int search_text(const struct place *place, const struct buf *text, const char *host,
                       const char *repository, struct credentials *out, struct error *err)
{
    AUTOPTR(js) config = js_parse(buf_text(text), text->len, place->name, err);
    if (config)
        return search_config(place, config, host, repository, out, err);
    log_warn("%s; going on without the logins in it", err->text);
    return 0;
}

static int search_file(const char *path, bool store, const char *host, const char *repository,
                       struct credentials *out, struct error *err)
{
    AUTO(buf) text = {0};
    autofree char *name = xasprintf("'%s'", path);
    struct place place = {name, store};

    if (!fs_exists(path))
        return 0;
    if (fs_read(path, MAX_FILE, &text, err) == 0)
        return search_text(&place, &text, host, repository, out, err);
    log_warn("%s; going on without the logins in it", err->text);
    return 0;
}

/* "$VARIABLE/BELOW", or "~/HOME_BELOW" when the variable isn't set, or NULL when HOME isn't set
 * either. Caller frees. */
static char *config_path(const char *variable, const char *below, const char *home_below)
{
    const char *folder = getenv(variable), *home = getenv("HOME");
    if (folder && folder[0])
        return path_join(folder, below);
    return home && home[0] ? path_join(home, home_below) : NULL;
}

static char *podman_path(void)
{
    const char *folder = getenv("XDG_RUNTIME_DIR");
    if (folder && folder[0])
        return path_join(folder, "containers/auth.json");
    return xasprintf("/run/containers/%lu/auth.json", (unsigned long)geteuid());
}

/* The places that variables name: 1 and 2 of credentials.h. */
static int search_variables(const char *host, const char *repository, struct credentials *out,
                            struct error *err)
{
    const char *text = getenv("DOCKER_AUTH_CONFIG"), *file = getenv("REGISTRY_AUTH_FILE");
    int result = 0;
    if (text && text[0]) {
        AUTO(buf) copy = {0};
        buf_adds(&copy, text);
        result = search_text(&(struct place){"DOCKER_AUTH_CONFIG", false}, &copy, host, repository,
                             out, err);
    }

    if (result == 0 && file && file[0]) {
        if (!fs_exists(file))
            log_warn("REGISTRY_AUTH_FILE names '%s', which does not exist", file);
        result = search_file(file, false, host, repository, out, err);
    }
    return result;
}

int credentials_find(const char *host, const char *repository, struct credentials *out,
                     struct error *err)
{
    struct {
        char *path;
        bool store;
    } files[] = {
        {config_path("DOCKER_CONFIG", "config.json", ".docker/config.json"), true},
        {podman_path(), false},
        {config_path("XDG_CONFIG_HOME", "containers/auth.json", ".config/containers/auth.json"),
         false},
    };

    *out = (struct credentials){0};
    int result = search_variables(host, repository, out, err);
    for (size_t i = 0; i < countof(files); i++) {
        if (result == 0 && files[i].path)
            result = search_file(files[i].path, files[i].store, host, repository, out, err);
        free(files[i].path);
    }
    return result;
}
