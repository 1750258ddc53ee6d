#include "support/glob.h"

#include <stddef.h>
#include <string.h>

/* Matches a set at `pattern` ("[...]"); *next is the place after it, or NULL when the bracket isn't
 * closed and stands for itself. */
static bool match_set(const char *pattern, char c, const char **next)
{
    const char *at = pattern + 1;
    bool negate = *at == '!' || *at == '^', found = false;
    *next = NULL;
    if (negate)
        at++;

    for (bool first = true; *at && (first || *at != ']'); first = false, at++) {
        char low = *at, high = low;
        if (at[1] == '-' && at[2] && at[2] != ']') {
            high = at[2];
            at += 2;
        }
        found |= (unsigned char)low <= (unsigned char)c && (unsigned char)c <= (unsigned char)high;
    }

    if (*at == ']')
        *next = at + 1;
    return found != negate;
}

/* Matches one component without recursion: on a mismatch it goes back to the last '*' and lets that
 * take one character more. */
static bool match_component(const char *pattern, size_t plen, const char *text, size_t tlen)
{
    const char *p = pattern, *pend = pattern + plen, *t = text, *tend = text + tlen;
    const char *star = NULL, *star_text = NULL;

    while (t < tend) {
        const char *next = p + 1;
        bool matched = false;
        if (p < pend && *p == '*') {
            star = p++;
            star_text = t;
            continue;
        }
        if (p < pend && *p == '[') {
            matched = match_set(p, *t, &next);
            if (!next || next > pend) {
                next = p + 1;
                matched = *t == '[';
            }
        } else if (p < pend && *p == '\\' && p + 1 < pend) {
            matched = p[1] == *t;
            next = p + 2;
        } else if (p < pend) {
            matched = *p == '?' || *p == *t;
        }

        if (matched) {
            p = next;
            t++;
        } else if (star) {
            p = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }

    while (p < pend && *p == '*')
        p++;
    return p == pend;
}

bool glob_match(const char *pattern, const char *path)
{
    while (pattern[0] == '.' && pattern[1] == '/')
        pattern += 2;

    for (;;) {
        size_t plen = strcspn(pattern, "/"), tlen = strcspn(path, "/");
        if (plen == 2 && pattern[0] == '*' && pattern[1] == '*') {
            if (!pattern[2])
                return true;
            for (const char *rest = path;; rest += strcspn(rest, "/") + 1) {
                if (glob_match(pattern + 3, rest))
                    return true;
                if (!strchr(rest, '/'))
                    return false;
            }
        }

        if (!match_component(pattern, plen, path, tlen))
            return false;
        pattern += plen;
        path += tlen;
        if (!*pattern || !*path)
            return !*pattern && !*path;
        pattern++;
        path++;
    }
}
