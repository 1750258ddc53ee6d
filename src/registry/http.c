#include "registry/http.h"

#include "config.h"
#include "registry/certificates.h"
#include "registry/failure.h"
#include "registry/reference.h"
#include "registry/transfer.h"
#include "support/dl.h"
#include "support/process.h"

#include <ctype.h>
#include <curl/curl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* clang-format off */
#define CURL_FUNCTIONS(X) \
    X(curl_, easy_init) X(curl_, easy_cleanup) X(curl_, easy_reset) X(curl_, easy_setopt) \
    X(curl_, easy_getinfo) X(curl_, easy_perform) X(curl_, slist_append) X(curl_, slist_free_all) \
    X(curl_, url) X(curl_, url_cleanup) X(curl_, url_set) X(curl_, url_get) X(curl_, free)
/* clang-format on */
DL_TABLE(curl, CURL_FUNCTIONS)

enum {
    MAX_RETRY_AFTER = 60,
    CHUNK = 128 * 1024,
    SLOWEST = 1024, /* bytes per second; less during the whole time-out is a stall */
    WHOLE = 10,     /* a document may take so many time-outs */
    LONGER = 12,    /* and a blob so many times that */
};

struct http {
    CURL *handle;
    struct censor censor;
    struct way way;
    long connect_seconds, stall_seconds, whole_seconds;
    char *ca_file;           /* with extra certificates, or NULL */
    struct buf certificates; /* the system's and the extra ones; empty without ca_file */
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
#if LIBCURL_VERSION_NUM >= 0x075400
    char *built_in = NULL;
    if ((!system || !system[0]) &&
        curl.easy_getinfo(http->handle, CURLINFO_CAINFO, &built_in) == CURLE_OK)
        system = built_in;
#endif
    return certificates_load(system, ca_file, &http->certificates, err);
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
    http->whole_seconds = settings->whole ? (long)settings->whole : WHOLE * http->stall_seconds;
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
    way_release(&http->way);
    buf_release(&http->certificates);
    free(http->ca_file);
    free(http);
}

struct censor *http_censor(struct http *http)
{
    return &http->censor;
}

bool http_set_home(struct http *http, const char *base)
{
    struct http_url url = {0};
    bool valid = http_url_parse(base, &url);
    way_release(&http->way);
    http->way.home = take(url.host);
    http_url_release(&url);
    return valid;
}

bool http_allows(const struct http *http, enum zone zone)
{
    return way_allows(&http->way, zone);
}

/* --- URLs --- */

static char *url_part_with(CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL;
    if (curl.url_get(url, part, &text, flags) != CURLUE_OK)
        return NULL;
    char *copy = xstrdup(text);
    curl.free(text);
    return copy;
}

static char *url_part(CURLU *url, CURLUPart part)
{
    return url_part_with(url, part, 0);
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
    free(url->port);
    free(url->server);
    free(url->path);
    *url = (struct http_url){0};
}

static bool take_apart(CURLU *url, struct http_url *out)
{
    autofree char *port = url_part(url, CURLUPART_PORT);
    out->scheme = url_part(url, CURLUPART_SCHEME);
    out->host = url_part(url, CURLUPART_HOST);
    out->port = url_part_with(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    out->path = url_part(url, CURLUPART_PATH);
    out->user = url_has(url, CURLUPART_USER) || url_has(url, CURLUPART_PASSWORD);
    out->query = url_has(url, CURLUPART_QUERY);
    out->fragment = url_has(url, CURLUPART_FRAGMENT);

    lower(out->scheme);
    lower(out->host);

    if (!out->scheme || !out->host || !out->port || !out->path)
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

/* Where a Location leads that a reply from the URL `from` had, with the parts in *out; NULL when
 * that isn't http:// or https://. Caller frees. */
static char *resolve(const char *from, const char *location, struct http_url *out)
{
    CURLU *url = curl.url();
    char *target = NULL;
    *out = (struct http_url){0};
    if (url && curl.url_set(url, CURLUPART_URL, from, 0) == CURLUE_OK &&
        curl.url_set(url, CURLUPART_URL, location, CURLU_URLENCODE) == CURLUE_OK &&
        take_apart(url, out))
        target = url_part(url, CURLUPART_URL);

    curl.url_cleanup(url);
    if (!target)
        http_url_release(out);
    return target;
}

/* --- callbacks --- */

static size_t on_header(char *bytes, size_t size, size_t count, void *data)
{
    return transfer_head(data, bytes, size * count) == 0 ? size * count : 0;
}

static void read_status(struct transfer *transfer)
{
    CURL *handle = transfer->http->handle;
    curl_off_t length = -1;
    curl.easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &transfer->reply->status);
    if (curl.easy_getinfo(handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length) == CURLE_OK)
        transfer->reply->length = length;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    read_status(data);
    return transfer_body(data, bytes, size * count) == 0 ? size * count : 0;
}

static int on_progress(void *data, curl_off_t total, curl_off_t now, curl_off_t up_total,
                       curl_off_t up)
{
    (void)data, (void)total, (void)now, (void)up_total, (void)up;
    return process_interrupted() != 0;
}

/* --- performing --- */

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

static struct curl_slist *make_headers(const struct http_request *request, bool login)
{
    struct curl_slist *list = NULL;

    if (request->accept) {
        autofree char *line = xasprintf("Accept: %s", request->accept);
        list = curl.slist_append(list, line);
    }
    if (login && request->bearer) {
        autofree char *line = xasprintf("Authorization: Bearer %s", request->bearer);
        list = curl.slist_append(list, line);
    }
    if (request->from > 0) {
        autofree char *line = xasprintf("Range: bytes=%llu-", (unsigned long long)request->from);
        list = curl.slist_append(list, line);
    }
    return list;
}

/* "" instead of nothing keeps libcurl from reading the environment by rules of its own. */
static void set_way(CURL *handle, const struct proxy *proxy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl.easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl.easy_setopt(handle, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    curl.easy_setopt(handle, CURLOPT_PROXY, proxy->url ? proxy->url : "");
    curl.easy_setopt(handle, CURLOPT_NOPROXY, "");
}

static void set_request(CURL *handle, const struct http_request *request, bool login,
                        struct curl_slist *headers)
{
    curl.easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl.easy_setopt(handle, CURLOPT_USERAGENT, "lbuild/" PACKAGE_VERSION);

    if (request->form) {
        curl.easy_setopt(handle, CURLOPT_POST, 1L);
        curl.easy_setopt(handle, CURLOPT_POSTFIELDSIZE, (long)strlen(request->form));
        curl.easy_setopt(handle, CURLOPT_POSTFIELDS, request->form);
    }
    if (login && !request->bearer && request->username && request->password) {
        curl.easy_setopt(handle, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl.easy_setopt(handle, CURLOPT_USERNAME, request->username);
        curl.easy_setopt(handle, CURLOPT_PASSWORD, request->password);
    }
}

/* Called for each address that libcurl is about to connect to. */
static curl_socket_t on_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = data;
    (void)purpose;
    if (transfer->hop.foreign && !transfer->hop.proxy.url &&
        !way_allows(&transfer->http->way, address_zone(&address->addr))) {
        if (getnameinfo(&address->addr, address->addrlen, transfer->inside, sizeof transfer->inside,
                        NULL, 0, NI_NUMERICHOST) != 0)
            snprintf(transfer->inside, sizeof transfer->inside, "?");
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void set_transfer(struct http *http, struct transfer *transfer, char *text)
{
    CURL *handle = http->handle;
    curl.easy_setopt(handle, CURLOPT_ERRORBUFFER, text);
    curl.easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
    curl.easy_setopt(handle, CURLOPT_HEADERDATA, transfer);
    curl.easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl.easy_setopt(handle, CURLOPT_WRITEDATA, transfer);

    curl.easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    curl.easy_setopt(handle, CURLOPT_OPENSOCKETDATA, transfer);
    curl.easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl.easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl.easy_setopt(handle, CURLOPT_BUFFERSIZE, (long)CHUNK);
    curl.easy_setopt(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl.easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, http->connect_seconds);
    int64_t left = transfer->deadline - process_clock();
    curl.easy_setopt(handle, CURLOPT_TIMEOUT_MS, left > 1 ? (long)left : 1L);
    curl.easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, (long)SLOWEST);
    curl.easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, http->stall_seconds);
    set_certificates(http);
}

static enum failure_kind kind_of(CURLcode code)
{
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
        return FAILURE_CERTIFICATE;
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
        return FAILURE_CA_FILE;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_WEIRD_SERVER_REPLY:
        return FAILURE_PROTOCOL;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        return FAILURE_CONNECT;
    case CURLE_OPERATION_TIMEDOUT:
        return FAILURE_TIME;
    case CURLE_TOO_MANY_REDIRECTS:
        return FAILURE_REDIRECTS;
    default:
        return FAILURE_OTHER;
    }
}

/* Makes the error for a failure of libcurl. */
static int explain(const struct transfer *transfer, CURLcode code, const char *text,
                   struct error *err)
{
    struct failure failure = {.kind = kind_of(code),
                              .where = transfer->where,
                              .text = text,
                              .proxy = &transfer->hop.proxy};

    curl.easy_getinfo(transfer->http->handle, CURLINFO_HTTP_CONNECTCODE, &failure.status);
    if (transfer->hop.proxy.url && failure.status >= 300)
        failure.kind = FAILURE_PROXY;
    return failure_error(&failure, &transfer->http->censor, err);
}

static int finish(struct transfer *transfer, CURLcode code, const char *text, struct error *err)
{
    CURL *handle = transfer->http->handle;
    curl_off_t seconds = 0;

    if (process_check_interrupt(err) != 0 || transfer->failed)
        return -1;
    if (code != CURLE_OK && !transfer->enough)
        return explain(transfer, code, text, err);

    read_status(transfer);
    if (curl.easy_getinfo(handle, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0)
        transfer->reply->retry_after =
            seconds > MAX_RETRY_AFTER ? MAX_RETRY_AFTER : (unsigned)seconds;
    return transfer_end(transfer);
}

static bool printable(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f)
            return false;
    return true;
}

/* --- redirects --- */

/* Remembers where the registry is, and says so when an address was refused. */
static CURLcode judge(struct transfer *transfer, const struct http_url *to, CURLcode code)
{
    struct way *way = &transfer->http->way;
    char *address = NULL;

    if (code == CURLE_COULDNT_CONNECT && transfer->inside[0]) {
        autofree char *said = censor_text(&transfer->http->censor, to->server);
        way_refuse(way, said, transfer->inside, transfer->err);
        transfer_fail(transfer);
    }
    if (code != CURLE_OK || !way->home || transfer->hop.foreign)
        return code;

    if (transfer->hop.proxy.url)
        way_found_home(way, way->home);
    else if (curl.easy_getinfo(transfer->http->handle, CURLINFO_PRIMARY_IP, &address) == CURLE_OK)
        way_found_home(way, address);
    return code;
}

static CURLcode send_hop(struct transfer *transfer, const struct http_url *to, const char *url,
                         bool login, char *text)
{
    CURL *handle = transfer->http->handle;
    const struct proxy *proxy = &transfer->hop.proxy;
    transfer->enough = false;
    transfer->inside[0] = '\0';
    curl.easy_reset(handle);
    if (way_choose(&transfer->http->way, to, &transfer->hop, transfer->err) != 0) {
        transfer_fail(transfer);
        return CURLE_ABORTED_BY_CALLBACK;
    }

    censor_add_login(&transfer->http->censor, proxy->username, proxy->password);
    struct curl_slist *headers = make_headers(transfer->request, login);
    curl.easy_setopt(handle, CURLOPT_URL, url);
    set_way(handle, proxy);
    set_request(handle, transfer->request, login, headers);
    set_transfer(transfer->http, transfer, text);

    CURLcode code = curl.easy_perform(handle);
    curl.easy_setopt(handle, CURLOPT_HTTPHEADER, NULL);
    curl.slist_free_all(headers);
    return judge(transfer, to, code);
}

static bool is_redirect(const struct transfer *transfer, CURLcode code)
{
    long status = 0;
    curl.easy_getinfo(transfer->http->handle, CURLINFO_RESPONSE_CODE, &status);
    return (code == CURLE_OK || transfer->enough) && !transfer->failed && transfer->reply->headed &&
           transfer->reply->location && status >= 300 && status <= 399 && status != 304 &&
           !transfer->request->form;
}

/* Where the redirect leads, with the parts in *to. NULL with an error for a place that isn't
 * allowed. Allowed is HTTPS, and plain HTTP that stays on this machine. */
static char *follow(struct transfer *transfer, const struct http_url *from, const char *url,
                    struct http_url *to)
{
    const char *location = transfer->reply->location;
    char *next = resolve(url, location, to);
    if (next && (strcmp(to->scheme, "https") == 0 ||
                 (strcmp(from->scheme, "http") == 0 && reference_is_loopback(to->server))))
        return next;

    autofree char *said = censor_text(&transfer->http->censor, location);
    free(next);
    error_set(transfer->err, ERROR_REGISTRY,
              "%s: the redirect to '%s' would leave HTTPS; ask the registry's owner to fix it",
              transfer->where, said);
    transfer_fail(transfer);
    return NULL;
}

/* Sends the request, and sends it again to wherever redirects lead. The login goes along until they
 * leave the first scheme, host and port. */
static CURLcode send_request(struct transfer *transfer, char *text)
{
    autofree char *url = xstrdup(transfer->request->url);
    AUTO(http_url) at = {0};
    bool login = true;
    if (!http_url_parse(url, &at))
        return CURLE_URL_MALFORMAT;

    for (int hops = 0;; hops++) {
        CURLcode code = send_hop(transfer, &at, url, login, text);
        if (!is_redirect(transfer, code))
            return code;
        if (hops == HTTP_REDIRECTS)
            return CURLE_TOO_MANY_REDIRECTS;

        struct http_url to = {0};
        char *next = follow(transfer, &at, url, &to);
        login = login && next && way_same_origin(&at, &to);
        http_url_release(&at);
        at = to;
        free(url);
        url = next;
        if (!next)
            return CURLE_ABORTED_BY_CALLBACK;
    }
}

int http_perform(struct http *http, const struct http_request *request, struct http_reply *reply,
                 struct error *err)
{
    autofree char *where = host_of(http, request->url);
    struct transfer transfer = {
        .http = http, .request = request, .reply = reply, .err = err, .where = where};
    char text[CURL_ERROR_SIZE] = "";

    transfer.deadline =
        process_clock() + (int64_t)http->whole_seconds * 1000 * (request->sink ? LONGER : 1);
    http_reply_release(reply);
    if (process_check_interrupt(err) != 0)
        return -1;
    if (request->bearer && !printable(request->bearer))
        return error_set(err, ERROR_REGISTRY,
                         "%s: the token has characters that no header can hold", where);

    CURLcode code = send_request(&transfer, text);
    int result = finish(&transfer, code, text, err);
    curl.easy_reset(http->handle); /* keeps nothing of this request, least of all its secrets */
    hop_release(&transfer.hop);
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
