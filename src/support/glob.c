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

static const char *skip_here(const char *pattern)
{
    while (pattern[0] == '.' && pattern[1] == '/')
        pattern += 2;
    return pattern;
}

/* Likewise for components: on a mismatch it goes back to the last "**" and lets that take one
 * component more. To go back further would find nothing else, and take ages. */
bool glob_match(const char *pattern, const char *path)
{
    const char *any = NULL, *any_path = NULL;
    pattern = skip_here(pattern);

    for (;;) {
        size_t plen = strcspn(pattern, "/"), tlen = strcspn(path, "/");
        if (plen == 2 && pattern[0] == '*' && pattern[1] == '*') {
            if (!pattern[2])
                return true;
            any = pattern = skip_here(pattern + 3);
            any_path = path;
            continue;
        }

        bool matched = match_component(pattern, plen, path, tlen);
        const char *more = pattern + plen, *left = path + tlen;
        if (matched && !*more && !*left)
            return true;
        if (matched && *more && *left) {
            pattern = more + 1;
            path = left + 1;
            continue;
        }

        const char *slash = any ? strchr(any_path, '/') : NULL;
        if (!slash)
            return false;
        pattern = any;
        path = any_path = slash + 1;
    }
}
