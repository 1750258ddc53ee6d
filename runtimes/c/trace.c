/*
 * _X_AMZN_TRACE_ID, where X-Ray and OpenTelemetry libraries look for it. glibc's setenv keeps every value it
 * was ever given, so the entry is an array of ours, which putenv links into environ and which we rewrite in
 * place. Only going from absent to present calls putenv again: the C library then resizes environ, which
 * leaks nothing.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

extern char **environ;

#define NAME "_X_AMZN_TRACE_ID"

static bool is_linked(const struct lambda_trace *trace)
{
    for (char **at = environ; at && *at; at++)
        if (*at == trace->entry)
            return true;
    return false;
}

void lambda_trace_set(struct lambda_trace *trace, const char *id)
{
    size_t size = id ? strlen(id) : 0;

    if (size == 0 || size >= sizeof trace->entry - strlen(NAME "=")) {
        unsetenv(NAME); /* whoever put it there */
        return;
    }
    memcpy(trace->entry, NAME "=", strlen(NAME "="));
    memcpy(trace->entry + strlen(NAME "="), id, size + 1);
    if (!is_linked(trace))
        putenv(trace->entry); /* replaces an entry that somebody else put there */
}
