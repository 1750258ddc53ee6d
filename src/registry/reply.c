#include "registry/reply.h"

#include "support/own.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void http_reply_release(struct http_reply *reply)
{
    free(reply->content_type);
    free(reply->content_digest);
    free(reply->location);
    challenges_release(&reply->challenges);
    buf_release(&reply->body);
    *reply = (struct http_reply){.length = -1, .range_start = -1};
}

/* The value when the header line has this name, else NULL. */
static const char *header_value(const char *line, const char *name)
{
    size_t length = strlen(name);
    if (strncasecmp(line, name, length) != 0 || line[length] != ':')
        return NULL;
    return line + length + 1 + strspn(line + length + 1, " \t");
}

static void replace(char **slot, const char *text, size_t length)
{
    free(*slot);
    *slot = xstrndup(text, length);
}

void http_reply_header(struct http_reply *reply, const char *line)
{
    const char *value;

    if (strncmp(line, "HTTP/", 5) == 0)
        http_reply_release(reply); /* another hop, or the reply after a "100 Continue" */
    else if (!line[0])
        reply->headed = true;
    else if ((value = header_value(line, "Content-Type"))) {
        replace(&reply->content_type, value, strcspn(value, "; \t"));
        for (char *at = reply->content_type; *at; at++)
            *at = (char)tolower((unsigned char)*at);
    } else if ((value = header_value(line, "Docker-Content-Digest")))
        replace(&reply->content_digest, value, strcspn(value, " \t"));
    else if ((value = header_value(line, "Location")))
        replace(&reply->location, value, strlen(value));
    else if ((value = header_value(line, "WWW-Authenticate")))
        challenges_parse(&reply->challenges, value);
    else if ((value = header_value(line, "Content-Range")) &&
             strncasecmp(value, "bytes ", 6) == 0 && isdigit((unsigned char)value[6]))
        reply->range_start = strtoll(value + 6, NULL, 10);
}
