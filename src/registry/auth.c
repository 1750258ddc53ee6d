#include "registry/auth.h"

#include "registry/page.h"
#include "support/json.h"
#include "support/log.h"
#include "support/own.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_REPLY = 64 * 1024 };

void auth_init(struct auth *auth, const struct endpoint *endpoint)
{
    *auth = (struct auth){.endpoint = endpoint};
}

static void drop_token(struct auth *auth)
{
    if (auth->token)
        explicit_bzero(auth->token, strlen(auth->token));
    free(auth->token);
    auth->token = NULL;
}

void auth_release(struct auth *auth)
{
    credentials_release(&auth->credentials);
    drop_token(auth);
    *auth = (struct auth){0};
}

void auth_begin(struct auth *auth)
{
    auth->fresh = false;
}

void auth_apply(const struct auth *auth, struct http_request *request)
{
    request->bearer = auth->token;
    request->username = auth->basic ? auth->credentials.username : NULL;
    request->password = auth->basic ? auth->credentials.password : NULL;
}

/* --- realms --- */

/* `said` is the realm as a message may have it. */
static int judge_realm(const struct http *http, const char *said, const struct http_url *registry,
                       const struct http_url *url, struct error *err)
{
    enum zone zone = address_zone_of_host(url->host);
    bool same = strcmp(registry->host, url->host) == 0,
         local = reference_is_loopback(registry->server);

    if (url->user)
        return error_set(err, ERROR_REGISTRY,
                         "%s: the registry's token address holds a user name; that is not accepted",
                         registry->server);

    if (strcmp(url->scheme, "https") != 0 &&
        !(strcmp(registry->scheme, "http") == 0 && reference_is_loopback(url->server)))
        return error_set(err, ERROR_REGISTRY,
                         "%s: tokens would come over plain HTTP, from '%s'; that is not accepted",
                         registry->server, said);

    if (!same && !http_allows(http, zone) && !(local && zone == ZONE_LOOPBACK))
        return error_set(err, ERROR_REGISTRY,
                         "%s: tokens would come from an address inside of this network, '%s'; "
                         "that is not accepted",
                         registry->server, said);
    return 0;
}

int auth_check_realm(struct http *http, const char *base, const char *realm, struct error *err)
{
    autofree char *said = censor_text(http_censor(http), realm);
    struct http_url registry = {0}, url = {0};
    int result = -1;

    if (!http_url_parse(base, &registry))
        error_set(err, ERROR_INTERNAL, "'%.200s' is not a registry's address", base);
    else if (!http_url_parse(realm, &url))
        error_set(err, ERROR_REGISTRY, "%s: the registry's token address '%s' is not a URL",
                  registry.server, said);
    else
        result = judge_realm(http, said, &registry, &url, err);

    http_url_release(&registry);
    http_url_release(&url);
    return result;
}

/* --- tokens --- */

/* Percent-encodes all characters but RFC 3986's unreserved ones and ':' '/' ',', which are frequent
 * in scopes. */
static void add_escaped(struct buf *out, const char *text)
{
    static const char kept[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/,";
    for (; *text; text++)
        if (strchr(kept, *text))
            buf_addc(out, *text);
        else
            buf_addf(out, "%%%02X", (unsigned char)*text);
}

static void add_parameter(struct buf *out, const char *name, const char *value)
{
    if (!value || !value[0])
        return;
    if (out->len > 0 && out->data[out->len - 1] != '?' && out->data[out->len - 1] != '&')
        buf_addc(out, '&');
    buf_addf(out, "%s=", name);
    add_escaped(out, value);
}

/* Adds service and scope. The scope is our own: the challenge may have none, or one
 * for something else. */
static void add_parameters(const struct auth *auth, const struct challenge *challenge,
                           struct buf *out)
{
    autofree char *scope = xasprintf("repository:%s:pull", auth->endpoint->repository);
    add_parameter(out, "service", challenge->service);
    add_parameter(out, "scope", scope);
}

static int fetch_get(const struct auth *auth, struct http *http, const struct challenge *challenge,
                     struct http_reply *reply, struct error *err)
{
    AUTO(buf) url = {0};
    const struct credentials *login = auth->login == LOGIN_FOUND ? &auth->credentials : NULL;
    bool named = login && login->username && login->password;

    buf_adds(&url, challenge->realm);
    buf_addc(&url, strchr(challenge->realm, '?') ? '&' : '?');
    if (named)
        add_parameter(&url, "account", login->username);
    add_parameters(auth, challenge, &url);

    struct http_request request = {
        .url = buf_text(&url), .accept = "application/json", .limit = MAX_REPLY};
    if (named) {
        request.username = login->username;
        request.password = login->password;
    }
    return http_perform(http, &request, reply, err);
}

static int fetch_post(const struct auth *auth, struct http *http, const struct challenge *challenge,
                      struct http_reply *reply, struct error *err)
{
    AUTO(buf) form = {0};

    add_parameter(&form, "grant_type", "refresh_token");
    add_parameter(&form, "refresh_token", auth->credentials.identity_token);
    add_parameter(&form, "client_id", "lbuild");
    add_parameters(auth, challenge, &form);

    struct http_request request = {.url = challenge->realm,
                                   .form = buf_text(&form),
                                   .accept = "application/json",
                                   .limit = MAX_REPLY};

    int result = http_perform(http, &request, reply, err);
    explicit_bzero(form.data, form.cap);
    return result;
}

/* Asks the token server. Any status is a success. */
static int fetch(const struct auth *auth, struct http *http, const struct challenge *challenge,
                 struct http_reply *reply, struct error *err)
{
    if (auth->login != LOGIN_FOUND || !auth->credentials.identity_token)
        return fetch_get(auth, http, challenge, reply, err);

    int result = fetch_post(auth, http, challenge, reply, err);
    if (result == 0 && (reply->status == 404 || reply->status == 405))
        return fetch_get(auth, http, challenge, reply, err);
    return result;
}

static int read_token(struct auth *auth, struct http *http, const struct http_reply *reply,
                      struct error *err)
{
    struct error ignored; /* its text may quote the token */
    AUTOPTR(js) object = js_parse(buf_text(&reply->body), reply->body.len, "token", &ignored);
    const char *token = js_get_text(object, "token");
    if (!token || !token[0])
        token = js_get_text(object, "access_token");
    if ((!token || !token[0]) && page_is(reply)) {
        autofree char *title = page_title(http_censor(http), buf_text(&reply->body));
        return error_set(
            err, ERROR_REGISTRY,
            "%s: a web page (HTML), '%s', came instead of a token; something in between "
            "answers, e.g. a proxy or the login page of a network",
            auth->endpoint->host, title);
    }
    if (!token || !token[0])
        return error_set(err, ERROR_REGISTRY,
                         "%s: the token server's reply is not JSON with a 'token'",
                         auth->endpoint->host);

    drop_token(auth);
    auth->token = xstrdup(token);
    censor_add(http_censor(http), token);
    auth->used = auth->login == LOGIN_FOUND;
    return 0;
}

static void set_login_aside(struct auth *auth, long status)
{
    log_warn("%s: the login from %s was refused (%ld); trying without it. Renew or remove it",
             auth->endpoint->host, auth->credentials.source, status);
    auth->login = LOGIN_REFUSED;
    auth->used = false;
    drop_token(auth);
}

/* An expired identity token gets OAuth2's "invalid_grant", a 400 (RFC 6749 section 5.2). */
static bool login_refused(const struct auth *auth, long status)
{
    return status == 401 || status == 403 || (status == 400 && auth->credentials.identity_token);
}

static int answer_bearer(struct auth *auth, struct http *http, const struct challenge *challenge,
                         struct http_reply *out, struct error *err)
{
    struct http_reply reply = {0};
    int result = fetch(auth, http, challenge, &reply, err);
    if (result == 0 && auth->login == LOGIN_FOUND && login_refused(auth, reply.status)) {
        set_login_aside(auth, reply.status);
        result = fetch(auth, http, challenge, &reply, err);
    }

    if (result == 0 && reply.status == 200)
        result = read_token(auth, http, &reply, err) == 0 ? 1 : -1;
    else if (result == 0 && (reply.status == 408 || reply.status == 429 || reply.status >= 500))
        result = error_set(err, ERROR_RETRY, "%s: the token server answered %ld; try again later",
                           auth->endpoint->host, reply.status);
    else if (result == 0 && reply.status != 401 && reply.status != 403)
        result = error_set(err, ERROR_REGISTRY,
                           "%s: the token server answered %ld; ask the registry's owner",
                           auth->endpoint->host, reply.status);

    out->retry_after = reply.retry_after;
    if (reply.body.data)
        explicit_bzero(reply.body.data, reply.body.cap);
    http_reply_release(&reply);
    return result;
}

/* The name under which users log in: Docker Hub's isn't its server's. */
static const char *login_host(const struct auth *auth)
{
    const char *host = auth->endpoint->host;
    return strcmp(host, "registry-1.docker.io") == 0 ? "docker.io" : host;
}

static int find_login(struct auth *auth, struct http *http, struct error *err)
{
    if (auth->login != LOGIN_UNKNOWN)
        return 0;

    int found =
        credentials_find(login_host(auth), auth->endpoint->repository, &auth->credentials, err);
    if (found < 0)
        return -1;
    auth->login = found ? LOGIN_FOUND : LOGIN_NONE;

    const struct credentials *login = &auth->credentials;
    struct censor *censor = http_censor(http);
    censor_add_login(censor, login->username, login->password);
    censor_add(censor, login->identity_token);
    censor_add(censor, login->registry_token);
    return 0;
}

/* Meets the challenges of a reply: 1 when there is something new to send, 0 when not. */
static int meet(struct auth *auth, struct http *http, struct http_reply *reply, struct error *err)
{
    const struct challenge *bearer = challenges_find(&reply->challenges, CHALLENGE_BEARER);
    if (find_login(auth, http, err) != 0)
        return -1;

    bool basic = auth->login == LOGIN_FOUND && auth->credentials.username &&
                 auth->credentials.password &&
                 challenges_find(&reply->challenges, CHALLENGE_BASIC) != NULL;

    if (bearer && auth->login == LOGIN_FOUND && auth->credentials.registry_token) {
        auth->token = xstrdup(auth->credentials.registry_token);
        return auth->used = true;
    }
    if (bearer && bearer->realm) {
        if (auth_check_realm(http, auth->endpoint->base, bearer->realm, err) == 0)
            return answer_bearer(auth, http, bearer, reply, err);
        if (!basic)
            return -1;
    }

    if (!basic)
        return 0;
    auth->basic = auth->used = true;
    return 1;
}

int auth_answer(struct auth *auth, struct http *http, struct http_reply *reply, struct error *err)
{
    bool forbidden = reply->status == 403;
    if (auth->token && auth->used && (auth->fresh || forbidden)) {
        set_login_aside(auth, reply->status);
        auth->fresh = false;
        if (forbidden)
            return 1; /* a 403 brings no challenge: start again, anonymously */
    } else if (forbidden || auth->basic || (auth->token && auth->fresh)) {
        return 0;
    }

    drop_token(auth);
    int result = meet(auth, http, reply, err);
    auth->fresh = result > 0;
    return result;
}

void auth_explain(const struct auth *auth, struct buf *out)
{
    const char *host = login_host(auth);
    if (auth->login == LOGIN_FOUND || auth->login == LOGIN_REFUSED)
        buf_addf(
            out,
            "; the login from %s was %s; log in again with 'docker login %s' or check that the "
            "account may pull",
            auth->credentials.source,
            auth->login == LOGIN_FOUND && !auth->used ? "not usable here" : "refused", host);
    else
        buf_addf(out,
                 "; no login for '%s' was found; check the name, or log in with 'docker login %s'",
                 host, host);
}
