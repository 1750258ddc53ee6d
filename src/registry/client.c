#include "registry/client.h"

#include "registry/auth.h"
#include "registry/endpoint.h"
#include "registry/page.h"
#include "support/json.h"
#include "support/log.h"
#include "support/process.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TRIES = 3, MAX_MANIFEST = 4 * 1024 * 1024, PROGRESS = 1024 * 1024, MAX_SAID = 200 };

#define ACCEPT                                                                                     \
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "        \
    "application/vnd.docker.distribution.manifest.list.v2+json, "                                  \
    "application/vnd.docker.distribution.manifest.v2+json"

struct client {
    struct http *http;
    struct endpoint endpoint;
    struct auth auth;
    char *where; /* "HOST", or "HOST (mirror of REGISTRY)" */
    unsigned second;
};

/* One manifest or blob to get. */
struct exchange {
    struct client *client;
    struct http_request request;
    struct client_sink *sink; /* or NULL */
    const char *what;         /* "'lambda/provided:al2023'", "blob 'sha256:...'" */
    bool blob;
    bool page; /* the blob that comes may be a web page */
};

static unsigned timeout_from_environment(void)
{
    const char *text = getenv("LBUILD_HTTP_TIMEOUT");
    char *end = NULL;
    unsigned long seconds = text && text[0] >= '0' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;

    if (end && *end == '\0' && seconds >= 1 && seconds <= 3600)
        return (unsigned)seconds;
    if (text && text[0])
        log_warn(
            "LBUILD_HTTP_TIMEOUT='%s' is not a number of seconds from 1 to 3600; it is ignored",
            text);
    return 0;
}

struct client *client_open(const struct reference *reference,
                           const struct client_settings *settings, struct error *err)
{
    AUTOPTR(client) client = xcalloc(1, sizeof *client);
    const struct http_settings http = {.ca_file = settings->ca_file,
                                       .timeout = timeout_from_environment()};

    client->second = settings->second ? settings->second : 1000;
    client->http = http_open(&http, err);
    if (!client->http ||
        endpoint_find(reference, settings->mirrors, client->http, &client->endpoint, err) != 0)
        return NULL;

    const struct endpoint *endpoint = &client->endpoint;
    http_set_home(client->http, endpoint->base);
    auth_init(&client->auth, endpoint);
    if (endpoint->mirror_of)
        client->where = xasprintf("%s (mirror of %s)", endpoint->host, endpoint->mirror_of);
    else
        client->where = xstrdup(endpoint->host);
    return take(client);
}

void client_free(struct client *client)
{
    if (!client)
        return;
    auth_release(&client->auth);
    endpoint_release(&client->endpoint);
    http_free(client->http);
    free(client->where);
    free(client);
}

int client_censor(const struct client *client, const char *where, struct error *err)
{
    return censor_error(http_censor(client->http), where, err);
}

/* --- what a status means --- */

static bool transient(long status)
{
    return status == 408 || status == 429 || status >= 500;
}

/* Makes the error for a web page instead of what was asked for. */
static int refuse_page(const struct exchange *exchange, const char *html, struct error *err)
{
    autofree char *title = page_title(http_censor(exchange->client->http), html);
    return error_set(
        err, ERROR_REGISTRY,
        "%s: %s: a web page (HTML) came instead of %s%s%s%s; something in between answers, e.g. a "
        "proxy or the login page of a network: open the registry in a browser",
        exchange->client->where, exchange->what, exchange->blob ? "the blob" : "a manifest",
        title[0] ? ", '" : "", title, title[0] ? "'" : "");
}

/* Adds e.g. "404 MANIFEST_UNKNOWN: manifest unknown": the status, and the first error of a body
 * that follows the spec, or the title of a web page. */
static void add_status(const struct client *client, const struct http_reply *reply, struct buf *out)
{
    struct error ignored;
    buf_addf(out, "%ld", reply->status);

    AUTOPTR(js) root = js_parse(buf_text(&reply->body), reply->body.len, "reply", &ignored);
    const struct js *first = js_at(js_get(root, "errors"), 0);
    const char *code = js_get_text(first, "code"), *message = js_get_text(first, "message");

    if (code) {
        buf_addc(out, ' ');
        censor_quote(http_censor(client->http), code, MAX_SAID, out);
    }
    if (message && message[0]) {
        buf_adds(out, ": ");
        censor_quote(http_censor(client->http), message, MAX_SAID, out);
    }

    bool page = !root && page_is(reply);
    autofree char *title =
        page ? page_title(http_censor(client->http), buf_text(&reply->body)) : NULL;
    if (title && title[0])
        buf_addf(out, ", a web page: '%s'", title);
}

/* Makes the error for a reply of the wrong status. */
static int refuse(const struct exchange *exchange, const struct http_reply *reply,
                  struct error *err)
{
    const struct client *client = exchange->client;
    const char *where = client->where, *what = exchange->what;
    long status = reply->status;
    AUTO(buf) said = {0};
    add_status(client, reply, &said);

    if (status == 401 || status == 403) {
        AUTO(buf) login = {0};
        auth_explain(&client->auth, &login);
        return error_set(err, ERROR_REGISTRY, "%s: %s: pulling it is not allowed (%s)%s", where,
                         what, buf_text(&said), buf_text(&login));
    }

    if (status == 404 && exchange->blob)
        return error_set(err, ERROR_REGISTRY,
                         "%s: %s is missing there (%s); the image is incomplete: push it again",
                         where, what, buf_text(&said));
    if (status == 404)
        return error_set(err, ERROR_REGISTRY,
                         "%s: there is no image %s (%s); check its name and tag", where, what,
                         buf_text(&said));

    if (status == 429)
        return error_set(
            err, ERROR_RETRY,
            "%s: %s: too many requests (%s); wait a while, or log in, which often raises the limit",
            where, what, buf_text(&said));
    if (transient(status))
        return error_set(err, ERROR_RETRY,
                         "%s: %s: the registry is in trouble (%s, in %d tries); try again later",
                         where, what, buf_text(&said), TRIES);
    return error_set(err, ERROR_REGISTRY, "%s: %s: unexpected answer (%s); is it a registry?",
                     where, what, buf_text(&said));
}

/* --- trying --- */

static int sleep_ms(unsigned long long milliseconds, struct error *err)
{
    enum { SLICE = 50 };

    while (milliseconds > 0) {
        unsigned long long slice = milliseconds < SLICE ? milliseconds : SLICE;
        struct timespec time = {0, (long)slice * 1000000};
        nanosleep(&time, NULL);
        milliseconds -= slice;
        if (process_check_interrupt(err) != 0)
            return -1;
    }
    return 0;
}

static int pause_before(const struct exchange *exchange, unsigned failures, unsigned retry_after,
                        const char *why, struct error *err)
{
    unsigned seconds = failures == 1 ? 1 : 3;
    if (retry_after > seconds)
        seconds = retry_after;
    int length = (int)strcspn(why, ";"); /* without the remedy */
    log_step("retry", "%s in %u s (%.*s)", exchange->what, seconds, length, why);
    return sleep_ms((unsigned long long)seconds * exchange->client->second, err);
}

/* One try, which may log in. */
static int attempt(struct exchange *exchange, struct http_reply *reply, struct error *err)
{
    struct client *client = exchange->client;
    auth_begin(&client->auth);

    for (;;) {
        auth_apply(&client->auth, &exchange->request);
        exchange->request.from = exchange->sink ? exchange->sink->offset : 0;
        if (http_perform(client->http, &exchange->request, reply, err) != 0)
            return -1;
        if (reply->status != 401 && reply->status != 403)
            return 0;
        int answer = auth_answer(&client->auth, client->http, reply, err);
        if (answer <= 0)
            return answer;
    }
}

static int restart(struct client_sink *sink, struct error *err)
{
    sink->offset = 0;
    return sink->restart(sink->data, err);
}

/* Whether a try that ended well brought the whole blob. */
static int check_complete(const struct exchange *exchange, const struct http_reply *reply,
                          struct error *err)
{
    const struct client_sink *sink = exchange->sink;
    if (!sink || (reply->status != 200 && reply->status != 206) || sink->offset == sink->size)
        return 0;
    return error_set(err, ERROR_RETRY, "%s: %s ended after %llu of %llu bytes",
                     exchange->client->where, exchange->what, (unsigned long long)sink->offset,
                     (unsigned long long)sink->size);
}

static int give_up(const struct exchange *exchange, struct error *err)
{
    struct error last = *err;
    return error_set(err, last.kind, "%s; given up on %s after %d tries, try again later",
                     last.text, exchange->what, TRIES);
}

static int perform(struct exchange *exchange, struct http_reply *reply, struct error *err)
{
    struct client_sink *sink = exchange->sink;
    uint64_t mark = sink ? sink->offset : 0;

    for (unsigned failures = 0;;) {
        int result = attempt(exchange, reply, err);
        if (result == 0 && reply->status == 416 && sink && sink->offset > 0) {
            if (restart(sink, err) != 0)
                return -1;
            continue;
        }

        if (result == 0)
            result = check_complete(exchange, reply, err);
        bool busy = result == 0 && transient(reply->status);
        if (!busy && (result == 0 || err->kind != ERROR_RETRY))
            return result;

        if (sink && sink->offset >= mark + PROGRESS) {
            mark = sink->offset;
            failures = 0;
        }
        if (++failures == TRIES)
            return busy ? refuse(exchange, reply, err) : give_up(exchange, err);

        char status[32];
        snprintf(status, sizeof status, "status %ld", reply->status);
        const char *why = busy ? status : err->text;
        if (pause_before(exchange, failures, reply->retry_after, why, err) != 0)
            return -1;
    }
}

/* --- manifests and blobs --- */

int client_manifest(struct client *client, const char *tag_or_digest, struct http_reply *reply,
                    struct error *err)
{
    const struct endpoint *endpoint = &client->endpoint;
    autofree char *url =
        xasprintf("%s/v2/%s/manifests/%s", endpoint->base, endpoint->repository, tag_or_digest);
    autofree char *what = xasprintf("'%s%s%s'", endpoint->repository,
                                    digest_valid(tag_or_digest) ? "@" : ":", tag_or_digest);

    struct exchange exchange = {.client = client,
                                .what = what,
                                .request = {.url = url, .accept = ACCEPT, .limit = MAX_MANIFEST}};

    if (perform(&exchange, reply, err) != 0)
        return -1;
    if (reply->status != 200)
        return refuse(&exchange, reply, err);
    return page_is(reply) ? refuse_page(&exchange, buf_text(&reply->body), err) : 0;
}

static int begin_blob(void *data, const struct http_reply *reply, struct error *err)
{
    struct exchange *exchange = data;
    struct client_sink *sink = exchange->sink;

    if (reply->status == 206 && reply->range_start != (int64_t)sink->offset) {
        if (restart(sink, err) != 0)
            return -1;
        return error_set(err, ERROR_RETRY, "%s: %s: the registry sent another range than requested",
                         exchange->client->where, exchange->what);
    }

    exchange->page = reply->status == 200 && page_by_type(reply) && reply->length != 0;
    if (exchange->page)
        return 0; /* its first bytes tell */
    if (reply->status == 200 && sink->offset > 0 && restart(sink, err) != 0)
        return -1;
    if (reply->length >= 0 && (uint64_t)reply->length != sink->size - sink->offset)
        return error_set(
            err, ERROR_REGISTRY,
            "%s: %s has %llu bytes there, not %llu as its manifest says; ask the registry's owner",
            exchange->client->where, exchange->what,
            (unsigned long long)reply->length + sink->offset, (unsigned long long)sink->size);
    return 0;
}

static int take_blob(void *data, const void *bytes, size_t length, struct error *err)
{
    struct exchange *exchange = data;
    struct client_sink *sink = exchange->sink;
    if (exchange->page) {
        autofree char *text = xstrndup(bytes, length);
        exchange->page = false;
        if (page_starts(text)) /* what came of the blob before is kept */
            return refuse_page(exchange, text, err);
        if (sink->offset > 0 && restart(sink, err) != 0)
            return -1;
    }
    if (length > sink->size - sink->offset)
        return error_set(
            err, ERROR_REGISTRY,
            "%s: %s has more than the %llu bytes that its manifest says; ask the registry's owner",
            exchange->client->where, exchange->what, (unsigned long long)sink->size);

    if (sink->write(sink->data, bytes, length, err) != 0)
        return -1;
    sink->offset += length;
    return 0;
}

int client_blob(struct client *client, const struct digest *digest, struct client_sink *sink,
                struct error *err)
{
    const struct endpoint *endpoint = &client->endpoint;
    AUTO(http_reply) reply = {0};
    autofree char *url =
        xasprintf("%s/v2/%s/blobs/%s", endpoint->base, endpoint->repository, digest->text);
    autofree char *what = xasprintf("blob '%s' of '%s'", digest->text, endpoint->repository);

    struct exchange exchange = {.client = client, .sink = sink, .what = what, .blob = true};
    exchange.request = (struct http_request){
        .url = url, .begin = begin_blob, .sink = take_blob, .data = &exchange};

    if (perform(&exchange, &reply, err) != 0)
        return -1;
    if (reply.status != 200 && reply.status != 206)
        return refuse(&exchange, &reply, err);
    return 0;
}
