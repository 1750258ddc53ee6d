#include "engine/secrets.h"

#include "support/fs.h"
#include "support/own.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void secrets_release(struct secrets *secrets)
{
    for (size_t i = 0; i < secrets->len; i++) {
        free(secrets->items[i].id);
        free(secrets->items[i].env);
        free(secrets->items[i].file);
    }
    for (size_t i = 0; i < secrets->ssh_len; i++) {
        free(secrets->ssh[i].id);
        free(secrets->ssh[i].paths);
    }

    free(secrets->items);
    free(secrets->ssh);
    *secrets = (struct secrets){0};
}

static struct secret *find(const struct secrets *secrets, const char *id)
{
    for (size_t i = 0; i < secrets->len; i++)
        if (strcmp(secrets->items[i].id, id) == 0)
            return &secrets->items[i];
    return NULL;
}

static struct secret_ssh *find_ssh(const struct secrets *secrets, const char *id)
{
    for (size_t i = 0; i < secrets->ssh_len; i++)
        if (strcmp(secrets->ssh[i].id, id) == 0)
            return &secrets->ssh[i];
    return NULL;
}

/* An engine may work in another folder. Caller frees. */
static char *absolute(const char *path)
{
    autofree char *cwd = getcwd(NULL, 0);
    return path_join(cwd ? cwd : "/", path);
}

/* Options. */

/* One "key=value" of --secret. */
static int read_part(const char *part, struct secret *secret, struct error *err)
{
    const char *value = strchr(part, '=');
    size_t length = value ? (size_t)(value - part) : strlen(part);
    autofree char *key = xstrndup(part, length);
    bool type = strcmp(key, "type") == 0 && value &&
                (strcmp(value, "=file") == 0 || strcmp(value, "=env") == 0);
    if (type)
        return 0;

    char **field = NULL;
    if (strcmp(key, "id") == 0)
        field = &secret->id;
    else if (strcmp(key, "src") == 0 || strcmp(key, "source") == 0)
        field = &secret->file;
    else if (strcmp(key, "env") == 0)
        field = &secret->env;
    if (!field || !value || !value[1] || *field)
        return error_set(
            err, ERROR_USAGE,
            "--secret takes id=NAME[,src=FILE][,env=VARIABLE]; %s%.40s%s is not understood",
            value ? "'" : "", value ? key : "a part without a '='", value ? "'" : "");

    *field = field == &secret->file ? absolute(value + 1) : xstrdup(value + 1);
    return 0;
}

static int read_secret(const char *option, struct secrets *given, struct error *err)
{
    grow(given->items, given->len, given->cap);
    struct secret *secret = &given->items[given->len++];
    *secret = (struct secret){0};

    for (const char *at = option; *at;) {
        size_t length = strcspn(at, ",");
        autofree char *part = xstrndup(at, length);
        if (read_part(part, secret, err) != 0)
            return -1;
        at += length + (at[length] == ',');
    }

    autofree char *wrong =
        secret->id ? value_check_secret(secret->id, "env:X") : xstrdup("it has no id=NAME");
    if (wrong || (secret->env && secret->file))
        return error_set(err, ERROR_USAGE, "--secret: %s",
                         wrong ? wrong : "give one of src= and env=");
    if (find(given, secret->id) != secret)
        return error_set(err, ERROR_USAGE, "--secret: '%s' is given twice", secret->id);

    /* As buildx does: a variable of that name, else a file. */
    if (!secret->env && !secret->file && getenv(secret->id))
        secret->env = xstrdup(secret->id);
    if (!secret->env && !secret->file)
        secret->file = absolute(secret->id);
    return 0;
}

/* "PATH[,PATH]" of --ssh, made absolute. */
static int read_paths(const char *id, const char *list, struct buf *paths, struct error *err)
{
    for (const char *at = list; *at;) {
        size_t length = strcspn(at, ",");
        autofree char *part = xstrndup(at, length), *path = absolute(part);
        if (!fs_exists(path))
            return error_set(err, ERROR_USAGE, "--ssh %s: there is no '%s'", id, path);
        buf_addf(paths, "%s%s", paths->len > 0 ? "," : "", path);
        at += length + (at[length] == ',');
    }
    return 0;
}

static int read_ssh(const char *option, struct secrets *given, struct error *err)
{
    const char *equals = strchr(option, '=');
    autofree char *id = xstrndup(option, equals ? (size_t)(equals - option) : strlen(option));
    autofree char *wrong = value_check_secret(id, "env:X");
    AUTO(buf) paths = {0};

    if (wrong || (equals && !equals[1]))
        return error_set(err, ERROR_USAGE,
                         "--ssh takes default, ID or ID=SOCKET|KEY[,KEY], not '%.80s'", option);
    if (find_ssh(given, id))
        return error_set(err, ERROR_USAGE, "--ssh: '%s' is given twice", id);
    if (equals && read_paths(id, equals + 1, &paths, err) != 0)
        return -1;

    if (!equals && (!getenv("SSH_AUTH_SOCK") || !fs_exists(getenv("SSH_AUTH_SOCK"))))
        return error_set(
            err, ERROR_USAGE,
            "--ssh %s: no agent at $SSH_AUTH_SOCK; start ssh-agent, or name a key: --ssh %s=FILE",
            id, id);

    grow(given->ssh, given->ssh_len, given->ssh_cap);
    given->ssh[given->ssh_len++] =
        (struct secret_ssh){take(id), equals ? buf_detach(&paths) : NULL};
    return 0;
}

/* What is asked for. */

/* Where [secrets] of the project says that the secret is. False: it doesn't say. */
static bool of_project(const struct plan *plan, const char *id, struct secret *secret,
                       struct origin *origin)
{
    const struct setting *setting =
        plan->project ? settings_find(&plan->project->free[SECTION_SECRETS], id) : NULL;
    if (!setting)
        return false;

    *origin = setting->origin;
    *secret = (struct secret){.id = xstrdup(id)};
    if (strncmp(setting->value, "env:", 4) == 0)
        secret->env = xstrdup(setting->value + 4);
    else
        secret->file = path_join(plan->project->dir, setting->value + strlen("file:"));
    return true;
}

static int check_there(const struct secret *secret, const struct origin *origin, struct error *err)
{
    struct stat st;
    autofree char *place = origin->file ? origin_text(origin) : xstrdup("--secret");
    enum error_kind kind = origin->file ? ERROR_PROJECT : ERROR_USAGE;

    if (secret->env && getenv(secret->env))
        return 0;
    if (secret->env)
        return error_set(err, kind, "%s: the secret '%s' is expected in $%s, which isn't set",
                         place, secret->id, secret->env);

    if (stat(secret->file, &st) != 0 || !S_ISREG(st.st_mode) || access(secret->file, R_OK) != 0)
        return error_set(err, kind, "%s: the secret '%s' is expected in '%s', which can't be read",
                         place, secret->id, secret->file);
    if (st.st_size > SECRET_MAX)
        return error_set(err, kind, "%s: '%s' is larger than %d bytes, the maximum for a secret",
                         place, secret->file, SECRET_MAX);
    if (secret->file[strcspn(secret->file, ",\"\n")])
        return error_set(err, kind,
                         "%s: '%s' has a comma or a quote, which engines can't read; rename it",
                         place, secret->file);
    return 0;
}

static int add_asked(const struct plan *plan, const struct plan_pair *asked,
                     const struct secrets *given, struct secrets *out, struct error *err)
{
    const struct secret *option = find(given, asked->name);
    struct origin origin = {0};
    struct secret secret = {0};
    autofree char *place = origin_text(&asked->origin);
    if (find(out, asked->name))
        return 0;

    if (option)
        secret = (struct secret){xstrdup(option->id), option->env ? xstrdup(option->env) : NULL,
                                 option->file ? xstrdup(option->file) : NULL};
    else if (!of_project(plan, asked->name, &secret, &origin))
        return error_set(
            err, ERROR_USAGE,
            "%s: [stage:%s] asks for the secret '%s'; give it with --secret id=%s,src=FILE, or in "
            "[secrets]",
            place, asked->value, asked->name, asked->name);

    grow(out->items, out->len, out->cap);
    out->items[out->len++] = secret;
    return check_there(&secret, &origin, err);
}

static int add_asked_ssh(const struct plan_pair *asked, const struct secrets *given,
                         struct secrets *out, struct error *err)
{
    const struct secret_ssh *option = find_ssh(given, asked->name);
    autofree char *place = origin_text(&asked->origin);
    if (find_ssh(out, asked->name))
        return 0;
    if (!option)
        return error_set(err, ERROR_USAGE,
                         "%s: [stage:%s] asks for the SSH agent '%s'; give it with --ssh %s", place,
                         asked->value, asked->name, asked->name);

    grow(out->ssh, out->ssh_len, out->ssh_cap);
    out->ssh[out->ssh_len++] =
        (struct secret_ssh){xstrdup(option->id), option->paths ? xstrdup(option->paths) : NULL};
    return 0;
}

/* An option that no stage asks for would otherwise go unnoticed. */
static int check_asked(const struct secrets *given, const struct secrets *found, struct error *err)
{
    for (size_t i = 0; i < given->len; i++)
        if (!find(found, given->items[i].id))
            return error_set(
                err, ERROR_USAGE,
                "--secret: no stage asks for '%s'; name it in 'secrets' of a [stage:NAME]",
                given->items[i].id);

    for (size_t i = 0; i < given->ssh_len; i++)
        if (!find_ssh(found, given->ssh[i].id))
            return error_set(err, ERROR_USAGE,
                             "--ssh: no stage asks for '%s'; name it in 'ssh' of a [stage:NAME]",
                             given->ssh[i].id);
    return 0;
}

int secrets_find(const struct plan *plan, const struct strv *secret_options,
                 const struct strv *ssh_options, struct secrets *out, struct error *err)
{
    AUTO(secrets) given = {0};
    *out = (struct secrets){0};

    for (size_t i = 0; i < secret_options->len; i++)
        if (read_secret(secret_options->items[i], &given, err) != 0)
            return -1;
    for (size_t i = 0; i < ssh_options->len; i++)
        if (read_ssh(ssh_options->items[i], &given, err) != 0)
            return -1;

    for (size_t i = 0; i < plan->secrets.len; i++)
        if (add_asked(plan, &plan->secrets.items[i], &given, out, err) != 0)
            return -1;
    for (size_t i = 0; i < plan->ssh.len; i++)
        if (add_asked_ssh(&plan->ssh.items[i], &given, out, err) != 0)
            return -1;

    return check_asked(&given, out, err);
}

char *secret_option(const struct secret *secret)
{
    return secret->env ? xasprintf("id=%s,env=%s", secret->id, secret->env)
                       : xasprintf("id=%s,src=%s", secret->id, secret->file);
}

char *secret_ssh_option(const struct secret_ssh *ssh)
{
    return ssh->paths ? xasprintf("%s=%s", ssh->id, ssh->paths) : xstrdup(ssh->id);
}
