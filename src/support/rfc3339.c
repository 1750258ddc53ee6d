#include "support/rfc3339.h"

#include "support/own.h"

#include <stdio.h>
#include <string.h>
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

/* Reads "Z" or an offset like "+01:30", as seconds. */
static bool read_offset(const char *text, int64_t *out)
{
    int hours = 0, minutes = 0, end = 0;
    *out = 0;
    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
        return true;
    if ((text[0] != '+' && text[0] != '-') ||
        sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &end) != 2 || text[1 + end])
        return false;
    *out = (text[0] == '-' ? -60 : 60) * (hours * 60 + minutes);
    return hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60;
}

bool rfc3339_read(const char *text, int64_t *out)
{
    struct tm parts = {0};
    int end = 0;
    int64_t offset = 0;

    if (sscanf(text, "%4d-%2d-%2d%*1[Tt]%2d:%2d:%2d%n", &parts.tm_year, &parts.tm_mon,
               &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &end) != 6 ||
        end == 0)
        return false;
    if (parts.tm_mon < 1 || parts.tm_mon > 12 || parts.tm_mday < 1 || parts.tm_mday > 31 ||
        parts.tm_year < 0)
        return false;

    const char *rest = text + end;
    if (*rest == '.')
        rest += 1 + strspn(rest + 1, "0123456789");
    if (!read_offset(rest, &offset))
        return false;

    parts.tm_year -= 1900;
    parts.tm_mon--;
    *out = (int64_t)timegm(&parts) - offset;
    return true;
}
