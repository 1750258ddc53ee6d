#ifndef LBUILD_REGISTRY_FAILURE_H
#define LBUILD_REGISTRY_FAILURE_H

#include "registry/censor.h"
#include "registry/proxy.h"
#include "support/error.h"

/* Why an HTTP request got no reply, and the message about it. Pure. */
enum failure_kind {
    FAILURE_OTHER,
    FAILURE_CERTIFICATE, /* the server's can't be trusted */
    FAILURE_CA_FILE,     /* ours can't be used */
    FAILURE_PROTOCOL,    /* nonsense instead of HTTP */
    FAILURE_REDIRECTS,   /* more than HTTP_REDIRECTS */
    FAILURE_CONNECT,
    FAILURE_TIME,
    FAILURE_PROXY, /* the proxy refused to connect */
};

enum { HTTP_REDIRECTS = 10 };

struct failure {
    enum failure_kind kind;
    const char *where, *text;  /* the host; libcurl's words */
    const struct proxy *proxy; /* that was used */
    long status;               /* of the proxy's reply */
};

/* Sets ERROR_RETRY for what may go away, ERROR_REGISTRY for what won't. Returns -1. */
int failure_error(const struct failure *failure, const struct censor *censor, struct error *err);

#endif
