/*
 * _X_AMZN_TRACE_ID, where X-Ray and OpenTelemetry libraries look for it. glibc's setenv keeps every
 * value it was ever given, so the entry is an array of ours that putenv links into environ and that
 * we rewrite in place. putenv is called again only when the variable was absent: the C library then
 * resizes environ, which leaks nothing. The entry is moved to the front, where it's found without a
 * search.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

extern char **environ;

#define NAME "_X_AMZN_TRACE_ID"

/* Put the entry into environ, in place of one that somebody else made. */
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
        unsetenv(NAME); /* somebody else's, too */
        return;
    }

    memcpy(trace->entry, NAME "=", strlen(NAME "="));
    memcpy(trace->entry + strlen(NAME "="), id, size + 1);
    if (!environ || environ[0] != trace->entry)
        link_entry(trace);
}
