/*
 * _X_AMZN_TRACE_ID, where X-Ray and OpenTelemetry libraries look for it. glibc's setenv keeps every
 * value it was ever given, so the entry is an array of ours, which putenv links into environ and
 * which we rewrite in place. Only going from absent to present calls putenv again: the C library
 * then resizes environ, which leaks nothing. The entry is moved to the front, so that it's found
 * there without a search.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

extern char **environ;

#define NAME "_X_AMZN_TRACE_ID"

/* Replaces an entry that somebody else put there. */
static void link_entry(struct lambda_trace *trace)
{
    putenv(trace->entry);
    for (char **at = environ; at && *at; at++)
        if (*at == trace->entry) {
            *at = environ[0];
            environ[0] = trace->entry;
            break;
        }
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
    if (!environ || environ[0] != trace->entry)
        link_entry(trace);
}
