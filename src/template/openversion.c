#include "template/openversion.h"

#include "config.h"
#include "support/buf.h"
#include "support/control.h"
#include "support/dl.h"
#include "support/own.h"

#include <expat.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define EXPAT_FUNCTIONS(X)                                                                         \
    X(XML_, ParserCreate)                                                                          \
    X(XML_, ParserFree)                                                                            \
    X(XML_, SetUserData)                                                                           \
    X(XML_, SetElementHandler)                                                                     \
    X(XML_, SetCharacterDataHandler)                                                               \
    X(XML_, SetCommentHandler)                                                                     \
    X(XML_, SetProcessingInstructionHandler)                                                       \
    X(XML_, SetDefaultHandler)                                                                     \
    X(XML_, SetEntityDeclHandler)                                                                  \
    X(XML_, UseForeignDTD)                                                                         \
    X(XML_, Parse)                                                                                 \
    X(XML_, StopParser)                                                                            \
    X(XML_, GetCurrentLineNumber)
DL_TABLE(expat, EXPAT_FUNCTIONS)

enum {
    DEPTH_MAX = 100, /* deeper elements are passed over */
    FOLLOW_MAX = 10, /* properties that refer to properties */
    NAME_MAX_BYTES = 200,
    ENTITY_MAX_BYTES = 100,
};

/* An element that has text and no other element. */
struct leaf {
    char *name; /* the name that "${...}" calls it by; NULL: none */
    char *text;
    int line;
    bool version, open;
};

struct reader {
    XML_Parser parser;
    struct buf path;          /* "/project/properties/a": the open elements, without namespaces */
    size_t starts[DEPTH_MAX]; /* where each one's '/' is */
    size_t depth;
    struct buf text; /* since the last start tag */
    int text_line;
    bool leaf; /* that tag's element is still open, and has no other in it */
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
    buf_release(&r->path);
    buf_release(&r->text);
    if (r->parser)
        expat.ParserFree(r->parser);
}

void openversion_release(struct openversion *found)
{
    free(found->version);
    *found = (struct openversion){0};
}

/* Leaves. */

/* Whether the innermost element is one that holds a version. */
static bool has_version(const struct reader *r)
{
    for (size_t i = 0; r->depth >= 2 && i < r->elements->len; i++)
        if (strcmp(buf_text(&r->path) + r->starts[r->depth - 2] + 1, r->elements->items[i]) == 0)
            return true;
    return false;
}

/* The name by which "${...}" refers to the innermost element: it is a property or near the root.
 * NULL: none. Caller frees. */
static char *name_of(const struct reader *r)
{
    enum { NEAR = 3 };
    static const char properties[] = "/properties/";
    const char *path = buf_text(&r->path);

    if (r->depth >= 2 &&
        strncmp(path + r->starts[r->depth - 2], properties, sizeof properties - 1) == 0)
        return xstrdup(path + r->starts[r->depth - 1] + 1);
    if (r->depth > NEAR)
        return NULL;

    char *name = xstrdup(path + 1);
    for (char *slash = strchr(name, '/'); slash; slash = strchr(slash, '/'))
        *slash = '.';
    return name;
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

static void XMLCALL on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *r = data;
    const char *colon = strrchr(name, ':');
    (void)attributes;

    if (r->depth < DEPTH_MAX) {
        r->starts[r->depth] = r->path.len;
        buf_addf(&r->path, "/%s", colon ? colon + 1 : name);
    }
    r->depth++;
    r->leaf = true;
    r->text_line = (int)expat.GetCurrentLineNumber(r->parser);
    buf_clear(&r->text);
}

static void XMLCALL on_end(void *data, const XML_Char *name)
{
    struct reader *r = data;
    (void)name;

    if (r->leaf && r->depth <= DEPTH_MAX)
        end_leaf(r);
    r->leaf = false;
    r->depth--;
    if (r->depth < DEPTH_MAX) {
        r->path.len = r->starts[r->depth];
        r->path.data[r->path.len] = '\0';
    }
}

static void XMLCALL on_text(void *data, const XML_Char *text, int length)
{
    struct reader *r = data;
    if (r->leaf)
        buf_add(&r->text, text, (size_t)length);
}

static void XMLCALL on_comment(void *data, const XML_Char *text)
{
    (void)data, (void)text;
}

static void XMLCALL on_instruction(void *data, const XML_Char *target, const XML_Char *text)
{
    (void)data, (void)target, (void)text;
}

/* Gets markup that has no handler of its own: within an element, an entity or the start or end of
 * CDATA. This handler keeps expat from expanding entities in text. They stay as written, except
 * XML's own five: patterns may look for the '&'. */
static void XMLCALL on_rest(void *data, const XML_Char *text, int length)
{
    if (length > 0 && text[0] == '&')
        on_text(data, text, length);
}

/* Expat still expands entities in attributes. A file in which that could take long isn't read. */
static void XMLCALL on_entity_declaration(void *data, const XML_Char *name, int parameter,
                                          const XML_Char *value, int length, const XML_Char *base,
                                          const XML_Char *system, const XML_Char *public,
                                          const XML_Char *notation)
{
    struct reader *r = data;
    (void)name, (void)parameter, (void)base, (void)system, (void)public, (void)notation;
    if (value && (length > ENTITY_MAX_BYTES || memchr(value, '&', (size_t)length)))
        expat.StopParser(r->parser, XML_FALSE);
}

/* Up to the first error. External entities are never read, since nothing tells expat how to. */
static void read_leaves(struct reader *r, const char *text, size_t length)
{
    static const char mark[] = "\xef\xbb\xbf"; /* UTF-8's byte order mark */
    if (length >= strlen(mark) && memcmp(text, mark, strlen(mark)) == 0) {
        text += strlen(mark);
        length -= strlen(mark);
    }

    expat.SetUserData(r->parser, r);
    expat.SetElementHandler(r->parser, on_start, on_end);
    expat.SetCharacterDataHandler(r->parser, on_text);
    expat.SetCommentHandler(r->parser, on_comment);
    expat.SetProcessingInstructionHandler(r->parser, on_instruction);
    expat.SetDefaultHandler(r->parser, on_rest);
    expat.SetEntityDeclHandler(r->parser, on_entity_declaration);
    /* Maven knows HTML's entities, as if there were a DTD that declares them. */
    (void)expat.UseForeignDTD(r->parser, XML_TRUE);
    (void)expat.Parse(r->parser, text, (int)length, XML_TRUE);
}

/* What versions refer to. */

static int by_name(const void *one, const void *other)
{
    const struct leaf *const *a = one, *const *b = other;
    return strcmp((*a)->name, (*b)->name);
}

/* A name that is set several times, e.g. in profiles, is open if one of its values is. */
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
    /* Not strstr: under a sanitizer each call measures the whole rest of the text. */
    for (const char *at = strchr(leaf->text, '$'); at; at = strchr(at, '$')) {
        size_t length = 0;
        at++;
        if (*at != '{')
            continue;

        for (at++; length < NAME_MAX_BYTES && at[length] && at[length] != '}';)
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

int openversion_find(const char *text, size_t length, const struct strv *elements,
                     const struct strv *patterns, struct openversion *out, struct error *err)
{
    *out = (struct openversion){0};
    if (DL_LOAD(expat, SONAME_EXPAT, err) != 0)
        return -1;

    AUTO(reader) r = {.elements = elements, .patterns = patterns};
    /* As bytes, whatever encoding the file declares: only ASCII means something here, and Maven
     * isn't as strict about the rest as expat. */
    r.parser = expat.ParserCreate("ISO-8859-1");
    if (!r.parser)
        return error_set(err, ERROR_ENGINE, "libexpat can't be initialised");
    read_leaves(&r, text, length);
    follow(&r);

    for (size_t i = 0; i < r.count; i++) {
        if (!r.leaves[i].version || !r.leaves[i].open)
            continue;
        *out = (struct openversion){.version = take(r.leaves[i].text), .line = r.leaves[i].line};
        break;
    }
    return 0;
}
