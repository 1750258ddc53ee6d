/*
 * A Lambda Runtime API for tests, on a free port of 127.0.0.1. It runs one step at a time, in the
 * test's own process, so that a test says exactly what the server does and when. It's as strict
 * about requests as the Lambda guide ("Runtime API"): a wrong request fails the test that receives
 * it.
 */
#ifndef TESTS_FAKES_RUNTIME_API_H
#define TESTS_FAKES_RUNTIME_API_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct runtime_api {
    int listener;
    int connection; /* -1 = none */
    int accepted;   /* connections so far */
    char address[32];
    pid_t program; /* the runtime under test; 0 = none */
    int log;       /* its stderr, an unlinked file */
};

struct runtime_request {
    char method[8];
    char path[256];
    char content_type[128];
    char error_type[128]; /* Lambda-Runtime-Function-Error-Type; "" if absent */
    char *body;           /* ended by NUL */
    size_t body_size;
};

void runtime_api_open(struct runtime_api *api);

/* Start the function, or if it's NULL the program at argv[0], as a child with
 * AWS_LAMBDA_RUNTIME_API set. */
void runtime_api_start(struct runtime_api *api, int (*function)(void), char *const argv[]);

/* Wait for the next request. Accepts a connection if there is none, or if the
 * present one ends first. */
void runtime_api_receive(struct runtime_api *api, struct runtime_request *request);

/* Send bytes as they are. */
void runtime_api_send(struct runtime_api *api, const void *data, size_t size);
void runtime_api_send_text(struct runtime_api *api, const char *text);

/* Send an event, with Content-Length. headers: more header lines, each with CR LF, or "". */
void runtime_api_send_event(struct runtime_api *api, const char *id, const char *headers,
                            const void *data, size_t size);

/* Send a reply with this status, in the Runtime API's form. */
void runtime_api_send_status(struct runtime_api *api, int status, const char *error_type);

void runtime_api_disconnect(struct runtime_api *api);

/* Expect GET next, send the event, expect the POST for it, but don't answer that yet. The caller
 * frees request->body. */
void runtime_api_invoke(struct runtime_api *api, const char *id, const char *headers,
                        const void *data, size_t size, struct runtime_request *request);

/* Close everything and wait for the program. Returns its exit status, or 128 + its signal. log (may
 * be NULL) gets its stderr. */
int runtime_api_finish(struct runtime_api *api, char *log, size_t log_size);

#endif
