#include "registry/failure.h"

#include "support/own.h"

#include <stdlib.h>

static int refused_by_proxy(const struct failure *failure, const struct censor *censor,
                            struct error *err)
{
    const struct proxy *proxy = failure->proxy;
    long status = failure->status;
    autofree char *user = censor_text(censor, proxy->username ? proxy->username : "");
    autofree char *login =
        proxy->username ? xasprintf("with the login of '%s'", user) : xstrdup("without a login");
    autofree char *server = censor_text(censor, proxy->server);
    autofree char *who = xasprintf("%s: the proxy '%s' (from %s, %s)", failure->where, server,
                                   proxy->variable, login);

    if (status == 407)
        return error_set(err, ERROR_REGISTRY,
                         "%s asks for %s login (407); write it as http://USER:PASSWORD@HOST:PORT "
                         "in %s",
                         who, proxy->username ? "another" : "a", proxy->variable);
    if (status == 408 || status == 429 || status >= 500)
        return error_set(err, ERROR_RETRY, "%s can't connect now (%ld); try again later", who,
                         status);
    return error_set(err, ERROR_REGISTRY,
                     "%s doesn't allow this connection (%ld); ask its owner, or name the host in "
                     "NO_PROXY",
                     who, status);
}

int failure_error(const struct failure *failure, const struct censor *censor, struct error *err)
{
    const char *where = failure->where;
    autofree char *text = censor_text(censor, failure->text);

    switch (failure->kind) {
    case FAILURE_CERTIFICATE:
        return error_set(
            err, ERROR_REGISTRY,
            "%s: its certificate can't be trusted (%s); if it is right, name a file with its "
            "CA's certificate (PEM) with --registry-ca",
            where, text);
    case FAILURE_CA_FILE:
        return error_set(err, ERROR_REGISTRY,
                         "%s: the CA certificates can't be used (%s); they must be PEM", where,
                         text);
    case FAILURE_PROTOCOL:
        return error_set(err, ERROR_REGISTRY, "%s: %s; ask the registry's owner", where, text);
    case FAILURE_REDIRECTS:
        return error_set(err, ERROR_REGISTRY,
                         "%s: more than %d redirects; ask the registry's owner", where,
                         HTTP_REDIRECTS);
    case FAILURE_CONNECT:
        return error_set(err, ERROR_RETRY,
                         "%s: can't connect (%s); check the name, the network and HTTPS_PROXY",
                         where, text);
    case FAILURE_TIME:
        return error_set(err, ERROR_RETRY, "%s: no answer, or too slow (%s)", where, text);
    case FAILURE_PROXY:
        return refused_by_proxy(failure, censor, err);
    default:
        return error_set(err, ERROR_RETRY, "%s: the connection failed (%s)", where, text);
    }
}
