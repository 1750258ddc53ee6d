#include "support/rfc3339.h"

#include "support/own.h"

#include <time.h>

char *rfc3339(int64_t seconds)
{
    struct tm parts;
    char text[64];
    time_t time = (time_t)seconds;
    gmtime_r(&time, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return xstrdup(text);
}
