#include "template/openversion.h"

#include "support/buf.h"
#include "support/control.h"
#include "support/own.h"

#include <fnmatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEPTH_MAX = 100, /* what is deeper is passed over */
    FOLLOW_MAX = 10, /* properties that lead to properties */
    NAME_MAX_BYTES = 200,
};

/* An element that has text and no other element. */
struct leaf {
    char *name; /* what "${...}" may say for it; NULL: nothing */
    char *text;
    int line;
    bool version, open;
};

struct name {
    const char *text;
    size_t length;
};

struct reader {
    const char *at, *end;
    int line;
    struct name open[DEPTH_MAX];
    size_t depth;
    struct buf text; /* since the last tag */
    int text_line;
    bool leaf; /* that tag opened an element */
    const struct strv *elements, *patterns;
    struct leaf *leaves;
    size_t count, cap;
};

static void reader_release(struct reader *r)
{
    for (size_t i = 0; i < r->count; i++) {
        free(r->leaves[i].name);
        free(r->leaves[i].text);
    }
    free(r->leaves);
    buf_release(&r->text);
}

void openversion_release(struct openversion *found)
{
    free(found->version);
    *found = (struct openversion){0};
}

/* Leaves. */

static bool is(const struct name *name, const char *text, size_t length)
{
    return name->length == length && memcmp(name->text, text, length) == 0;
}

/* Whether the innermost element is one where a version stands. */
static bool has_version(const struct reader *r)
{
    for (size_t i = 0; r->depth >= 2 && i < r->elements->len; i++) {
        const char *parent = r->elements->items[i], *slash = strchr(parent, '/');
        if (slash && is(&r->open[r->depth - 2], parent, (size_t)(slash - parent)) &&
            is(&r->open[r->depth - 1], slash + 1, strlen(slash + 1)))
            return true;
    }
    return false;
}

/* What "${...}" says for the innermost element, or NULL: a property, or one near the root. Caller
 * frees. */
static char *name_of(const struct reader *r)
{
    enum { NEAR = 3 };
    AUTO(buf) path = {0};
    const struct name *last = &r->open[r->depth - 1];
    if (r->depth >= 2 && is(&r->open[r->depth - 2], "properties", strlen("properties")))
        return xstrndup(last->text, last->length);
    for (size_t i = 0; i < r->depth && r->depth <= NEAR; i++) {
        buf_adds(&path, i == 0 ? "" : ".");
        buf_add(&path, r->open[i].text, r->open[i].length);
    }
    return path.len > 0 ? buf_detach(&path) : NULL;
}

static bool is_open(const struct reader *r, const char *version)
{
    for (size_t i = 0; i < r->patterns->len; i++)
        if (fnmatch(r->patterns->items[i], version, FNM_CASEFOLD) == 0)
            return true;
    return false;
}

/* Without blanks around it. Caller frees. */
static char *trimmed(const char *text)
{
    static const char blanks[] = " \t\r\n";
    const char *start = text + strspn(text, blanks);
    size_t length = strlen(start);
    while (length > 0 && strchr(blanks, start[length - 1]))
        length--;
    char *copy = xstrndup(start, length);
    control_mask(copy, '?');
    return copy;
}

static void end_leaf(struct reader *r)
{
    bool version = has_version(r);
    autofree char *name = name_of(r);
    if (!version && !name)
        return;
    char *text = trimmed(buf_text(&r->text));
    grow(r->leaves, r->count, r->cap);
    r->leaves[r->count++] = (struct leaf){.name = take(name),
                                          .text = text,
                                          .line = r->text_line,
                                          .version = version,
                                          .open = is_open(r, text)};
}

/* The markup. */

static bool starts(const struct reader *r, const char *text)
{
    size_t length = strlen(text);
    return (size_t)(r->end - r->at) >= length && memcmp(r->at, text, length) == 0;
}

static void go_on(struct reader *r, const char *to)
{
    for (; r->at < to; r->at++)
        r->line += *r->at == '\n';
}

/* Behind the next `text`, or to the end. What lies before it is added to `out`, if given. */
static void skip_past(struct reader *r, const char *text, struct buf *out)
{
    const char *found = memmem(r->at, (size_t)(r->end - r->at), text, strlen(text));
    if (out)
        buf_add(out, r->at, (size_t)((found ? found : r->end) - r->at));
    go_on(r, found ? found + strlen(text) : r->end);
}

/* Behind the '>' of a tag or of a declaration, which may have ones in quotes and, between brackets,
 * declarations. Says whether a '/' is before it. */
static bool skip_tag(struct reader *r)
{
    char quote = 0, last = 0;
    int inside = 0;
    for (; r->at < r->end; r->at++) {
        char c = *r->at;
        r->line += c == '\n';
        if (quote) {
            quote = c == quote ? 0 : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '>' && inside == 0) {
            r->at++;
            return last == '/';
        }
        inside += !quote && c == '[' ? 1 : !quote && c == ']' ? -1 : 0;
        last = c;
    }
    return false;
}

/* Without its namespace. */
static struct name read_name(struct reader *r)
{
    struct name name = {.text = r->at};
    for (; r->at < r->end && !strchr(" \t\r\n/>", *r->at); r->at++)
        if (*r->at == ':')
            name.text = r->at + 1;
    name.length = (size_t)(r->at - name.text);
    return name;
}

static void read_end(struct reader *r)
{
    if (r->leaf && r->depth > 0 && r->depth <= DEPTH_MAX)
        end_leaf(r);
    r->depth -= r->depth > 0;
    r->leaf = false;
    skip_tag(r);
}

static void read_start(struct reader *r)
{
    r->at++;
    struct name name = read_name(r);
    if (skip_tag(r)) {
        r->leaf = false;
        return;
    }
    if (r->depth < DEPTH_MAX)
        r->open[r->depth] = name;
    r->depth++;
    r->leaf = true;
    buf_clear(&r->text);
    r->text_line = r->line;
}

static void read_leaves(struct reader *r)
{
    while (r->at < r->end) {
        if (*r->at != '<') {
            buf_addc(&r->text, *r->at);
            go_on(r, r->at + 1);
        } else if (starts(r, "<!--")) {
            go_on(r, r->at + 4);
            skip_past(r, "-->", NULL);
        } else if (starts(r, "<![CDATA[")) {
            go_on(r, r->at + 9);
            skip_past(r, "]]>", &r->text);
        } else if (starts(r, "<?")) {
            skip_past(r, "?>", NULL);
        } else if (starts(r, "<!")) {
            skip_tag(r);
        } else if (starts(r, "</")) {
            read_end(r);
        } else {
            read_start(r);
        }
    }
}

/* What versions refer to. */

static int by_name(const void *one, const void *other)
{
    const struct leaf *const *a = one, *const *b = other;
    return strcmp((*a)->name, (*b)->name);
}

/* What is said of one name several times, as in profiles, is open when one of it is. */
static void join(struct leaf *const *named, size_t count)
{
    for (size_t first = 0, end; first < count; first = end) {
        bool open = false;
        for (end = first; end < count && strcmp(named[end]->name, named[first]->name) == 0; end++)
            open = open || named[end]->open;
        for (size_t i = first; i < end; i++)
            named[i]->open = open;
    }
}

static bool name_is_open(struct leaf *const *named, size_t count, const char *name)
{
    struct leaf wanted = {.name = (char *)name};
    const struct leaf *key = &wanted;
    struct leaf *const *found = bsearch(&key, named, count, sizeof *named, by_name);
    return found && (*found)->open;
}

static bool refers_to_open(const struct leaf *leaf, struct leaf *const *named, size_t count)
{
    for (const char *at = strstr(leaf->text, "${"); at; at = strstr(at, "${")) {
        size_t length = 0;
        for (at += 2; length < NAME_MAX_BYTES && at[length] && at[length] != '}';)
            length++;
        autofree char *name = xstrndup(at, length);
        if (name_is_open(named, count, name))
            return true;
    }
    return false;
}

static void follow(struct reader *r)
{
    autofree struct leaf **named = xcalloc(r->count + 1, sizeof *named);
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++)
        if (r->leaves[i].name)
            named[count++] = &r->leaves[i];
    qsort(named, count, sizeof *named, by_name);
    bool changed = true;
    for (int round = 0; changed && round < FOLLOW_MAX; round++) {
        changed = false;
        join(named, count);
        for (size_t i = 0; i < r->count; i++) {
            struct leaf *leaf = &r->leaves[i];
            if (!leaf->open && refers_to_open(leaf, named, count))
                leaf->open = changed = true;
        }
    }
}

void openversion_find(const char *text, size_t length, const struct strv *elements,
                      const struct strv *patterns, struct openversion *out)
{
    AUTO(reader)
    r = {.at = text, .end = text + length, .line = 1, .elements = elements, .patterns = patterns};
    *out = (struct openversion){0};
    read_leaves(&r);
    follow(&r);
    for (size_t i = 0; i < r.count; i++) {
        if (!r.leaves[i].version || !r.leaves[i].open)
            continue;
        *out = (struct openversion){.version = take(r.leaves[i].text), .line = r.leaves[i].line};
        return;
    }
}
