#ifndef LBUILD_LAMBDA_API_H
#define LBUILD_LAMBDA_API_H

#include "support/buf.h"
#include "support/error.h"

#include <stdbool.h>

/* A local Lambda Runtime API (2018-06-01) for one program and one event, on a free
 * port of 127.0.0.1. */
struct api_invocation {
    const void *event;
    size_t event_length; /* at most 6,291,556 bytes */
    const char *function_name;
    int timeout_seconds; /* 1 to 900 */
};

struct api_result {
    struct buf body;  /* the response, or the error's JSON */
    bool failed;      /* the handler or the initialization reported an error, which is in `body` */
    char *error_type; /* the function error type header, or NULL */
};

/* Starts the server, runs `argv` in `dir` with the environment `env` plus
 * AWS_LAMBDA_RUNTIME_API, hands over the event, waits for the answer and ends the program.
 * ERROR_BUILD when the program exits, crashes or runs out of time without an answer. The
 * program's own output goes to standard error. */
int api_invoke(const struct api_invocation *invocation, const char *const *argv,
               const char *const *env, const char *dir, struct api_result *result,
               struct error *err) must_check;
void api_result_release(struct api_result *result);

#endif
