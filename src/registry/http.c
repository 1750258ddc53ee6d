#include "registry/http.h"

#include "config.h"
#include "registry/reference.h"
#include "support/dl.h"
#include "support/fs.h"
#include "support/process.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* clang-format off */
#define CURL_FUNCTIONS(X) \
    X(curl_, easy_init) X(curl_, easy_cleanup) X(curl_, easy_reset) X(curl_, easy_setopt) \
    X(curl_, easy_getinfo) X(curl_, easy_perform) X(curl_, slist_append) X(curl_, slist_free_all) \
    X(curl_, url) X(curl_, url_cleanup) X(curl_, url_set) X(curl_, url_get) X(curl_, free)
/* clang-format on */
DL_TABLE(curl, CURL_FUNCTIONS)

enum {
    MAX_HEADERS = 128 * 1024,
    MAX_ERROR_BODY = 64 * 1024,
    MAX_CERTIFICATES = 4 * 1024 * 1024,
    MAX_REDIRECTS = 10,
    MAX_RETRY_AFTER = 60,
    CHUNK = 128 * 1024,
    SLOWEST = 256, /* bytes per second; less during the whole time-out is a stall */
};

struct http {
    CURL *handle;
    struct censor censor;
    long connect_seconds, stall_seconds;
    char *ca_file;           /* with extra certificates, or NULL */
    struct buf certificates; /* the system's and the extra ones; empty without ca_file */
};

/* One request on its way through libcurl's callbacks. */
struct transfer {
    struct http *http;
    const struct http_request *request;
    struct http_reply *reply;
    struct error *err;
    const char *where; /* the host, for messages */
    size_t header_bytes;
    bool failed;  /* *err says why */
    bool enough;  /* the body of an error was cut at MAX_ERROR_BODY */
    bool started; /* begin was called */
};

static const char *server_of(const char *url)
{
    const char *start = strstr(url, "://");
    return start ? start + 3 : url;
}

/* The host of a URL, for messages: a registry chooses those of its token server. Caller frees. */
static char *host_of(const struct http *http, const char *url)
{
    autofree char *host = xstrndup(server_of(url), strcspn(server_of(url), "/?#"));
    return censor_text(&http->censor, host);
}

/* --- opening --- */

static int load_certificates(struct http *http, const char *ca_file, struct error *err)
{
    const char *system = getenv("SSL_CERT_FILE");
    struct error ignored;
#if LIBCURL_VERSION_NUM >= 0x075400
    char *built_in = NULL;
    if ((!system || !system[0]) &&
        curl.easy_getinfo(http->handle, CURLINFO_CAINFO, &built_in) == CURLE_OK)
        system = built_in;
#endif

    if (system && system[0] &&
        fs_read(system, MAX_CERTIFICATES, &http->certificates, &ignored) != 0)
        buf_clear(&http->certificates);
    buf_addc(&http->certificates, '\n');

    if (fs_read(ca_file, MAX_CERTIFICATES, &http->certificates, err) == 0)
        return 0;
    err->kind = ERROR_REGISTRY;
    return error_wrap(err, "CA certificates");
}

struct http *http_open(const struct http_settings *settings, struct error *err)
{
    if (DL_LOAD(curl, SONAME_CURL, err) != 0)
        return NULL;

    AUTOPTR(http) http = xcalloc(1, sizeof *http);
    http->handle = curl.easy_init();
    if (!http->handle) {
        error_set(err, ERROR_ENGINE, "libcurl can't be initialised");
        return NULL;
    }

    http->connect_seconds = settings->timeout ? (long)settings->timeout : 10;
    http->stall_seconds = settings->timeout ? (long)settings->timeout : 30;
    http->ca_file = settings->ca_file ? xstrdup(settings->ca_file) : NULL;
    if (settings->ca_file && load_certificates(http, settings->ca_file, err) != 0)
        return NULL;

    return take(http);
}

void http_free(struct http *http)
{
    if (!http)
        return;
    if (http->handle)
        curl.easy_cleanup(http->handle);
    censor_release(&http->censor);
    buf_release(&http->certificates);
    free(http->ca_file);
    free(http);
}

struct censor *http_censor(struct http *http)
{
    return &http->censor;
}

void http_reply_release(struct http_reply *reply)
{
    free(reply->content_type);
    free(reply->content_digest);
    challenges_release(&reply->challenges);
    buf_release(&reply->body);
    *reply = (struct http_reply){.length = -1, .range_start = -1};
}

/* --- URLs --- */

static char *url_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    if (curl.url_get(url, part, &text, 0) != CURLUE_OK)
        return NULL;
    char *copy = xstrdup(text);
    curl.free(text);
    return copy;
}

static bool url_has(CURLU *url, CURLUPart part)
{
    autofree char *text = url_part(url, part);
    return text != NULL;
}

static void lower(char *text)
{
    for (; text && *text; text++)
        *text = (char)tolower((unsigned char)*text);
}

void http_url_release(struct http_url *url)
{
    free(url->scheme);
    free(url->host);
    free(url->server);
    free(url->path);
    *url = (struct http_url){0};
}

static bool take_apart(CURLU *url, struct http_url *out)
{
    autofree char *port = url_part(url, CURLUPART_PORT);
    out->scheme = url_part(url, CURLUPART_SCHEME);
    out->host = url_part(url, CURLUPART_HOST);
    out->path = url_part(url, CURLUPART_PATH);
    out->user = url_has(url, CURLUPART_USER) || url_has(url, CURLUPART_PASSWORD);
    out->query = url_has(url, CURLUPART_QUERY);
    out->fragment = url_has(url, CURLUPART_FRAGMENT);

    lower(out->scheme);
    lower(out->host);

    if (!out->scheme || !out->host || !out->path)
        return false;
    out->server = xasprintf("%s%s%s", out->host, port ? ":" : "", port ? port : "");
    return strcmp(out->scheme, "http") == 0 || strcmp(out->scheme, "https") == 0;
}

bool http_url_parse(const char *text, struct http_url *out)
{
    *out = (struct http_url){0};
    CURLU *url = curl.url();
    bool valid =
        url && curl.url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK && take_apart(url, out);

    curl.url_cleanup(url);
    if (!valid)
        http_url_release(out);
    return valid;
}

/* Redirects to HTTPS are allowed, and those from plain HTTP to plain HTTP on this machine. */
static bool redirect_allowed(const char *from, const char *location)
{
    struct http_url before = {0}, after = {0};
    CURLU *url = curl.url();
    bool allowed =
        url && curl.url_set(url, CURLUPART_URL, from, 0) == CURLUE_OK && take_apart(url, &before) &&
        curl.url_set(url, CURLUPART_URL, location, 0) == CURLUE_OK && take_apart(url, &after) &&
        (strcmp(after.scheme, "https") == 0 ||
         (strcmp(before.scheme, "http") == 0 && reference_is_loopback(after.server)));

    curl.url_cleanup(url);
    http_url_release(&before);
    http_url_release(&after);
    return allowed;
}

/* --- callbacks --- */

static int transfer_fail(struct transfer *transfer)
{
    transfer->failed = true;
    return -1;
}

/* The value when the header line has this name, else NULL. */
static const char *header_value(const char *line, const char *name)
{
    size_t length = strlen(name);
    if (strncasecmp(line, name, length) != 0 || line[length] != ':')
        return NULL;
    return line + length + 1 + strspn(line + length + 1, " \t");
}

static void replace(char **slot, const char *text, size_t length)
{
    free(*slot);
    *slot = xstrndup(text, length);
}

static int check_location(struct transfer *transfer, const char *location)
{
    char *from = NULL;
    long status = 0;
    curl.easy_getinfo(transfer->http->handle, CURLINFO_RESPONSE_CODE, &status);
    curl.easy_getinfo(transfer->http->handle, CURLINFO_EFFECTIVE_URL, &from);

    if (status < 300 || status > 399 || transfer->request->form ||
        redirect_allowed(from ? from : "", location))
        return 0;

    autofree char *said = censor_text(&transfer->http->censor, location);
    error_set(transfer->err, ERROR_REGISTRY,
              "%s: the redirect to '%s' would leave HTTPS; ask the registry's owner to fix it",
              transfer->where, said);
    return transfer_fail(transfer);
}

static int read_header(struct transfer *transfer, const char *line)
{
    struct http_reply *reply = transfer->reply;
    const char *value;

    if (strncmp(line, "HTTP/", 5) == 0)
        http_reply_release(reply); /* another hop, or the reply after a "100 Continue" */
    else if ((value = header_value(line, "Content-Type"))) {
        replace(&reply->content_type, value, strcspn(value, "; \t"));
        lower(reply->content_type);
    } else if ((value = header_value(line, "Docker-Content-Digest")))
        replace(&reply->content_digest, value, strcspn(value, " \t"));
    else if ((value = header_value(line, "WWW-Authenticate")))
        challenges_parse(&reply->challenges, value);
    else if ((value = header_value(line, "Content-Range")) &&
             strncasecmp(value, "bytes ", 6) == 0 && isdigit((unsigned char)value[6]))
        reply->range_start = strtoll(value + 6, NULL, 10);
    else if ((value = header_value(line, "Location")))
        return check_location(transfer, value);
    return 0;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *data)
{
    struct transfer *transfer = data;
    size_t length = size * count, text = length;

    transfer->header_bytes += length;
    if (transfer->header_bytes > MAX_HEADERS) {
        error_set(transfer->err, ERROR_REGISTRY, "%s: more than %d bytes of headers",
                  transfer->where, MAX_HEADERS);
        transfer_fail(transfer);
        return 0;
    }

    while (text > 0 && isspace((unsigned char)bytes[text - 1]))
        text--;
    autofree char *line = xstrndup(bytes, text);
    return read_header(transfer, line) == 0 ? length : 0;
}

/* Whether the reply's body goes to the request's sink. */
static bool is_streamed(const struct transfer *transfer)
{
    long status = transfer->reply->status;
    return transfer->request->sink && (status == 200 || status == 206);
}

/* Calls `begin`, once per streamed reply. */
static int start_body(struct transfer *transfer)
{
    const struct http_request *request = transfer->request;
    struct http_reply *reply = transfer->reply;
    curl_off_t length = -1;
    if (transfer->started)
        return 0;

    transfer->started = true;
    if (curl.easy_getinfo(transfer->http->handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length) ==
        CURLE_OK)
        reply->length = length;

    if (request->begin && request->begin(request->data, reply, transfer->err) != 0)
        return transfer_fail(transfer);
    return 0;
}

static int keep_body(struct transfer *transfer, const char *bytes, size_t length)
{
    struct buf *body = &transfer->reply->body;
    bool fine = transfer->reply->status == 200;
    size_t limit = fine ? transfer->request->limit : MAX_ERROR_BODY;

    if (body->len + length <= limit) {
        buf_add(body, bytes, length);
        return 0;
    }
    if (!fine) {
        buf_add(body, bytes, limit - body->len);
        transfer->enough = true;
        return -1;
    }

    error_set(transfer->err, ERROR_REGISTRY, "%s: the reply is larger than %zu bytes",
              transfer->where, limit);
    return transfer_fail(transfer);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    struct transfer *transfer = data;
    const struct http_request *request = transfer->request;
    size_t length = size * count;

    curl.easy_getinfo(transfer->http->handle, CURLINFO_RESPONSE_CODE, &transfer->reply->status);
    if (!is_streamed(transfer))
        return keep_body(transfer, bytes, length) == 0 ? length : 0;

    if (start_body(transfer) != 0)
        return 0;
    if (request->sink(request->data, bytes, length, transfer->err) != 0) {
        transfer_fail(transfer);
        return 0;
    }
    return length;
}

static int on_progress(void *data, curl_off_t total, curl_off_t now, curl_off_t up_total,
                       curl_off_t up)
{
    (void)data, (void)total, (void)now, (void)up_total, (void)up;
    return process_interrupted() != 0;
}

/* --- performing --- */

static void set_protocols(CURL *handle, bool plain)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl.easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl.easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, plain ? "http,https" : "https");
#else
    curl.easy_setopt(handle, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    curl.easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS,
                     (long)(plain ? CURLPROTO_HTTP | CURLPROTO_HTTPS : CURLPROTO_HTTPS));
#endif
    if (plain)
        curl.easy_setopt(handle, CURLOPT_NOPROXY, "*");
}

static void set_certificates(struct http *http)
{
    const char *file = getenv("SSL_CERT_FILE");
    bool replaced = file && file[0];
    if (replaced) /* otherwise libcurl would also trust its built-in folder */
        curl.easy_setopt(http->handle, CURLOPT_CAPATH, NULL);

    if (http->ca_file) {
#if LIBCURL_VERSION_NUM >= 0x074d00
        struct curl_blob blob = {http->certificates.data, http->certificates.len, CURL_BLOB_NOCOPY};
        curl.easy_setopt(http->handle, CURLOPT_CAINFO_BLOB, &blob);
#else /* the system's certificates then come from libcurl's built-in folder, if it has one */
        curl.easy_setopt(http->handle, CURLOPT_CAINFO, http->ca_file);
#endif
    } else if (replaced) {
        curl.easy_setopt(http->handle, CURLOPT_CAINFO, file);
    }
}

static struct curl_slist *make_headers(const struct http_request *request)
{
    struct curl_slist *list = NULL;

    if (request->accept) {
        autofree char *line = xasprintf("Accept: %s", request->accept);
        list = curl.slist_append(list, line);
    }
    if (request->bearer) {
        autofree char *line = xasprintf("Authorization: Bearer %s", request->bearer);
        list = curl.slist_append(list, line);
    }
    if (request->from > 0) {
        autofree char *line = xasprintf("Range: bytes=%llu-", (unsigned long long)request->from);
        list = curl.slist_append(list, line);
    }
    return list;
}

static void set_request(CURL *handle, const struct http_request *request,
                        struct curl_slist *headers)
{
    curl.easy_setopt(handle, CURLOPT_URL, request->url);
    curl.easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl.easy_setopt(handle, CURLOPT_USERAGENT, "lbuild/" PACKAGE_VERSION);
    set_protocols(handle, strncasecmp(request->url, "http:", 5) == 0);

    if (request->form) {
        curl.easy_setopt(handle, CURLOPT_POST, 1L);
        curl.easy_setopt(handle, CURLOPT_POSTFIELDSIZE, (long)strlen(request->form));
        curl.easy_setopt(handle, CURLOPT_POSTFIELDS, request->form);
    } else {
        curl.easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
        curl.easy_setopt(handle, CURLOPT_MAXREDIRS, (long)MAX_REDIRECTS);
    }

    if (!request->bearer && request->username && request->password) {
        curl.easy_setopt(handle, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl.easy_setopt(handle, CURLOPT_USERNAME, request->username);
        curl.easy_setopt(handle, CURLOPT_PASSWORD, request->password);
    }
}

static void set_transfer(struct http *http, struct transfer *transfer, char *text)
{
    CURL *handle = http->handle;
    curl.easy_setopt(handle, CURLOPT_ERRORBUFFER, text);
    curl.easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
    curl.easy_setopt(handle, CURLOPT_HEADERDATA, transfer);
    curl.easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl.easy_setopt(handle, CURLOPT_WRITEDATA, transfer);

    curl.easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl.easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl.easy_setopt(handle, CURLOPT_BUFFERSIZE, (long)CHUNK);
    curl.easy_setopt(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl.easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, http->connect_seconds);
    curl.easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, (long)SLOWEST);
    curl.easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, http->stall_seconds);
    set_certificates(http);
}

/* Makes the error for a failure of libcurl. */
static int explain(const struct transfer *transfer, CURLcode code, const char *said,
                   struct error *err)
{
    const char *where = transfer->where;
    autofree char *text = censor_text(&transfer->http->censor, said);
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
        return error_set(
            err, ERROR_REGISTRY,
            "%s: its certificate can't be trusted (%s); if it is right, name a file with its "
            "CA's certificate (PEM) with --registry-ca",
            where, text);
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
        return error_set(err, ERROR_REGISTRY,
                         "%s: the CA certificates can't be used (%s); they must be PEM", where,
                         text);
    case CURLE_TOO_MANY_REDIRECTS:
        return error_set(err, ERROR_REGISTRY,
                         "%s: more than %d redirects; ask the registry's owner", where,
                         MAX_REDIRECTS);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_WEIRD_SERVER_REPLY:
        return error_set(err, ERROR_REGISTRY, "%s: %s; ask the registry's owner", where, text);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        return error_set(err, ERROR_RETRY,
                         "%s: can't connect (%s); check the name, the network and HTTPS_PROXY",
                         where, text);
    case CURLE_OPERATION_TIMEDOUT:
        return error_set(err, ERROR_RETRY, "%s: no answer or no data for too long (%s)", where,
                         text);
    default:
        return error_set(err, ERROR_RETRY, "%s: the connection failed (%s)", where, text);
    }
}

static int finish(struct transfer *transfer, CURLcode code, const char *text, struct error *err)
{
    CURL *handle = transfer->http->handle;
    curl_off_t seconds = 0;

    if (process_check_interrupt(err) != 0 || transfer->failed)
        return -1;
    if (code != CURLE_OK && !transfer->enough)
        return explain(transfer, code, text, err);

    curl.easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &transfer->reply->status);
    if (curl.easy_getinfo(handle, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0)
        transfer->reply->retry_after =
            seconds > MAX_RETRY_AFTER ? MAX_RETRY_AFTER : (unsigned)seconds;
    return is_streamed(transfer) ? start_body(transfer) : 0;
}

static bool printable(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f)
            return false;
    return true;
}

int http_perform(struct http *http, const struct http_request *request, struct http_reply *reply,
                 struct error *err)
{
    autofree char *where = host_of(http, request->url);
    struct transfer transfer = {
        .http = http, .request = request, .reply = reply, .err = err, .where = where};
    char text[CURL_ERROR_SIZE] = "";

    http_reply_release(reply);
    if (process_check_interrupt(err) != 0)
        return -1;
    if (request->bearer && !printable(request->bearer))
        return error_set(err, ERROR_REGISTRY,
                         "%s: the token has characters that no header can hold", where);

    curl.easy_reset(http->handle);
    struct curl_slist *headers = make_headers(request);
    set_request(http->handle, request, headers);
    set_transfer(http, &transfer, text);

    CURLcode code = curl.easy_perform(http->handle);
    int result = finish(&transfer, code, text, err);
    curl.easy_reset(http->handle); /* keeps nothing of this request, least of all its secrets */
    curl.slist_free_all(headers);
    return result;
}

bool http_speaks_tls(struct http *http, const char *host)
{
    autofree char *url = xasprintf("https://%s/", host);
    curl.easy_reset(http->handle);
    curl.easy_setopt(http->handle, CURLOPT_URL, url);
    curl.easy_setopt(http->handle, CURLOPT_CONNECT_ONLY, 1L);
    curl.easy_setopt(http->handle, CURLOPT_NOPROXY, "*");
    curl.easy_setopt(http->handle, CURLOPT_CONNECTTIMEOUT, http->connect_seconds);
    set_certificates(http);

    CURLcode code = curl.easy_perform(http->handle);
    curl.easy_reset(http->handle);
    return code != CURLE_SSL_CONNECT_ERROR && code != CURLE_GOT_NOTHING &&
           code != CURLE_RECV_ERROR && code != CURLE_OPERATION_TIMEDOUT;
}
