#include "registry/page.h"

#include "support/own.h"

#include <string.h>
#include <strings.h>

enum { MAX_WORDS = 100, MAX_TEXT = 1000 };

bool page_by_type(const struct http_reply *reply)
{
    const char *type = reply->content_type ? reply->content_type : "";
    return strcmp(type, "text/html") == 0 || strcmp(type, "application/xhtml+xml") == 0;
}

/* The first character after a byte order mark and blanks. */
static char first(const char *text)
{
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    return text[strspn(text, " \t\r\n")];
}

bool page_starts(const char *text)
{
    return first(text) == '<';
}

bool page_is(const struct http_reply *reply)
{
    const char *text = buf_text(&reply->body);
    return page_starts(text) || (page_by_type(reply) && first(text) != '{');
}

/* Decodes the usual entity at the start of the text: a secret may hold such a character. Returns
 * its length. */
static size_t read_character(const char *text, char *c)
{
    static const struct {
        const char *name;
        char c;
    } entities[] = {{"&amp;", '&'},  {"&lt;", '<'},   {"&gt;", '>'},
                    {"&quot;", '"'}, {"&#39;", '\''}, {"&nbsp;", ' '}};

    for (size_t i = 0; i < countof(entities); i++)
        if (strncmp(text, entities[i].name, strlen(entities[i].name)) == 0) {
            *c = entities[i].c;
            return strlen(entities[i].name);
        }
    *c = *text;
    return 1;
}

static bool starts(const char *text, const char *tag)
{
    size_t length = strlen(tag);
    return strncasecmp(text, tag, length) == 0 && strchr("> \t\r\n/", text[length]);
}

/* The end of the tag at the start of the text, and with it of what nobody reads. */
static const char *skip_tag(const char *text)
{
    const char *end = ">";
    if (strncmp(text, "<!--", 4) == 0)
        end = "-->";
    else if (starts(text, "<script"))
        end = "</script>";
    else if (starts(text, "<style"))
        end = "</style>";

    const char *found = strcasestr(text, end);
    return found ? found + strlen(end) : text + strlen(text);
}

/* Adds the words up to `end` (NULL: all), blanks as single spaces, without tags. */
static void add_words(struct buf *out, const char *at, const char *end)
{
    while (*at && (!end || at < end) && out->len < MAX_TEXT) {
        char c = ' ';
        if (*at == '<')
            at = skip_tag(at);
        else
            at += read_character(at, &c);

        if (!strchr(" \t\r\n", c))
            buf_addc(out, c);
        else if (out->len > 0 && out->data[out->len - 1] != ' ')
            buf_addc(out, ' ');
    }
}

char *page_title(const struct censor *censor, const char *html)
{
    AUTO(buf) words = {0}, said = {0};
    const char *title = strcasestr(html, "<title"), *start = title ? strchr(title, '>') : NULL;
    if (start && starts(title, "<title"))
        add_words(&words, start + 1, start + strcspn(start, "<"));
    if (words.len == 0)
        add_words(&words, html, NULL);

    while (words.len > 0 && words.data[words.len - 1] == ' ')
        words.data[--words.len] = '\0';
    censor_quote(censor, buf_text(&words), MAX_WORDS, &said);
    return buf_detach(&said);
}
