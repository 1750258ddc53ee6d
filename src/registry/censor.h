#ifndef LBUILD_REGISTRY_CENSOR_H
#define LBUILD_REGISTRY_CENSOR_H

#include "support/buf.h"
#include "support/error.h"
#include "support/strv.h"

/* Registries, redirects, proxies and credential helpers can send our own secrets back, and messages
 * quote them. Every such quote goes through the censor of the conversation, which knows all secrets
 * in it. It finds them as they are, as base64 (alone or within "USER:PASSWORD"), percent-encoded,
 * in any case of letters, and cut short at the end of a quote. Secrets of less than 4 bytes are
 * only found together with their user name: otherwise half of each message would be hidden. */
struct censor {
    struct strv forms;
};

void censor_release(struct censor *censor);
/* Adds a token or a password. NULL and "" add nothing. */
void censor_add(struct censor *censor, const char *secret);
void censor_add_login(struct censor *censor, const char *username, const char *password);

/* Appends at most `max` bytes of the text, with "[hidden]" for each secret and '?' for each
 * control character; in a text that isn't UTF-8, for all but ASCII. */
void censor_quote(const struct censor *censor, const char *text, size_t max, struct buf *out);
/* The same as a string of at most 200 bytes. Caller frees. */
char *censor_text(const struct censor *censor, const char *text);
/* Hides the secrets in an error that quotes a document, except in `where`, with which it starts.
 * Returns -1. */
int censor_error(const struct censor *censor, const char *where, struct error *err);

#endif
