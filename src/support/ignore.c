#include "support/ignore.h"
#include "support/buf.h"
#include "support/fs.h"
#include "support/json.h"
#include "support/own.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The rules mean what moby/patternmatcher and moby/patternmatcher/ignorefile make of them,
 * oddities included: a rule is cleaned as a path, then compared as a whole text, as a prefix, as a
 * suffix or as a regular expression. In that expression, stars inside brackets and letters after a
 * backslash get a meaning by accident: such rules are refused. Braces, "|", "+" and parentheses
 * stand for themselves. */

enum { RULES_MAX = 10000, LINE_MAX_BYTES = 65535 };

enum kind { KIND_EXACT, KIND_PREFIX, KIND_SUFFIX, KIND_TOKENS };

enum op {
    OP_CHAR,
    OP_ANY,    /* "?": one character, not a slash */
    OP_STAR,   /* "*": any number of such characters */
    OP_ALL,    /* "**" at the end: anything but a line feed */
    OP_DIRS,   /* "**" or "**" and a slash elsewhere: nothing, or anything that ends in a slash */
    OP_INSIDE, /* the "anything" of OP_DIRS */
    OP_CLASS,
    OP_START, /* "^" outside of brackets: true at the start only */
};

struct range {
    uint32_t low, high;
};

struct token {
    enum op op;
    uint32_t character;
    bool negated;
    struct range *ranges;
    size_t range_count, range_cap;
};

struct rule {
    char *text; /* cleaned, without the "!" */
    enum kind kind;
    bool exception;
    struct token *tokens;
    size_t token_count, token_cap;
};

struct ignore {
    struct rule *rules;
    size_t count, cap;
    bool exceptions, wild_exceptions;
};

/* How long a UTF-8 sequence is, by its first byte. */
static size_t announced_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xe0)
        return 2;
    return first < 0xf0 ? 3 : 4;
}

/* The next character as Go sees it: a byte that is not part of well-formed UTF-8
 * counts as U+FFFD. */
static uint32_t next_character(const char **at)
{
    const unsigned char *s = (const unsigned char *)*at;
    size_t length = announced_length(s[0]);
    if (length == 1) {
        *at += 1;
        return s[0];
    }

    for (size_t i = 1; i < length; i++) {
        if (s[i] == '\0') {
            length = 1;
            break;
        }
    }
    if (length == 1 || !js_valid_utf8(*at, length)) {
        *at += 1;
        return 0xfffd;
    }

    uint32_t character = s[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++)
        character = character << 6 | (s[i] & 0x3f);
    *at += length;
    return character;
}

static bool is_space(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

/* Go's strings.TrimSpace: removes Unicode's white space at both ends. Caller frees. */
static char *trim(const char *text)
{
    const char *start = NULL, *end = text;
    for (const char *at = text; *at;) {
        const char *here = at;
        if (!is_space(next_character(&at))) {
            start = start ? start : here;
            end = at;
        }
    }
    return start ? xstrndup(start, (size_t)(end - start)) : xstrdup("");
}

/* Go's path.Clean: unlike path_clean, it keeps a leading slash and leading "..", and "" becomes
 * ".". Caller frees. */
static char *clean(const char *path)
{
    AUTO(buf) out = {0};
    bool rooted = path[0] == '/';
    size_t floor = rooted; /* ".." doesn't shorten the path below this length */
    if (rooted)
        buf_addc(&out, '/');

    while (*path) {
        size_t length = strcspn(path, "/");
        bool up = length == 2 && path[0] == '.' && path[1] == '.';
        if (up && out.len > floor) {
            while (out.len > floor && out.data[out.len - 1] != '/')
                out.len--;
            if (out.len > floor)
                out.len--;
        } else if (length > 0 && !(length == 1 && path[0] == '.') && !(up && rooted)) {
            if (out.len > rooted)
                buf_addc(&out, '/');
            buf_add(&out, path, length);
            if (up)
                floor = out.len;
        }
        path += length + (path[length] == '/');
    }

    return out.len > 0 ? xstrndup(out.data, out.len) : xstrdup(".");
}

static struct token *add_token(struct rule *rule, enum op op)
{
    grow(rule->tokens, rule->token_count, rule->token_cap);
    struct token *token = &rule->tokens[rule->token_count++];
    *token = (struct token){.op = op};
    return token;
}

/* The parsers of parts return NULL, or what is wrong with the pattern. */
static const char *parse_escape(const char **at, uint32_t *character)
{
    (*at)++;
    if (**at == '\0')
        return "ends in a backslash; write '\\\\' for the character itself";
    *character = next_character(at);
    if (*character >= 0x80 || (*character | 0x20) - 'a' < 26u || *character - '0' < 10u)
        return "has a letter or digit after a backslash, which engines read in different ways; "
               "drop the backslash";
    return NULL;
}

static const char *parse_class_character(const char **at, uint32_t *character)
{
    const char *p = *at;
    if (*p == '\0' || *p == '-' || *p == ']')
        return "has a bad range in '[...]'; put a backslash before '-' or ']'";
    if (*p == '*' || *p == '?' || (p[0] == '[' && p[1] == ':'))
        return "has '*', '?' or '[:' inside '[...]', which engines read in different ways; "
               "use '?' instead of the brackets";
    if (*p == '\\')
        return parse_escape(at, character);
    *character = next_character(at);
    return *character == 0xfffd ? "has bytes in '[...]' that are not UTF-8" : NULL;
}

static const char *parse_class(const char **at, struct rule *rule)
{
    struct token *token = add_token(rule, OP_CLASS);
    const char *wrong = NULL, *p = *at + 1;
    if (*p == '^') {
        token->negated = true;
        p++;
    }

    do {
        struct range range = {0};
        if ((wrong = parse_class_character(&p, &range.low)))
            return wrong;
        range.high = range.low;
        if (*p == '-') {
            p++;
            if ((wrong = parse_class_character(&p, &range.high)))
                return wrong;
        }
        if (range.high < range.low)
            return "has a range in '[...]' that runs backwards; put its lower end first";
        grow(token->ranges, token->range_count, token->range_cap);
        token->ranges[token->range_count++] = range;
    } while (*p != ']');

    *at = p + 1;
    return NULL;
}

/* Parses "**" and a slash after it. Rules that aren't regular expressions get their kind here. */
static void parse_double_star(const char **at, struct rule *rule, bool first)
{
    *at += 2;
    if (**at == '/')
        (*at)++;

    if (**at == '\0') {
        if (rule->kind == KIND_EXACT) {
            rule->kind = KIND_PREFIX;
        } else {
            add_token(rule, OP_ALL);
            rule->kind = KIND_TOKENS;
        }
    } else {
        add_token(rule, OP_DIRS);
        add_token(rule, OP_INSIDE);
        rule->kind = KIND_TOKENS;
    }

    if (first)
        rule->kind = KIND_SUFFIX;
}

static const char *parse_rule(struct rule *rule)
{
    const char *at = rule->text, *wrong = NULL;
    while (*at && !wrong) {
        bool first = at == rule->text;
        if (at[0] == '*' && at[1] == '*') {
            parse_double_star(&at, rule, first);
            continue;
        }

        enum kind kind = KIND_TOKENS;
        if (*at == '*' || *at == '?') {
            add_token(rule, *at++ == '*' ? OP_STAR : OP_ANY);
        } else if (*at == '[') {
            wrong = parse_class(&at, rule);
        } else if (*at == '\\') {
            uint32_t character = 0;
            wrong = parse_escape(&at, &character);
            add_token(rule, OP_CHAR)->character = character;
        } else {
            kind = *at == ']' ? KIND_TOKENS : rule->kind;
            uint32_t character = next_character(&at);
            add_token(rule, character == '^' ? OP_START : OP_CHAR)->character = character;
        }
        rule->kind = kind;
    }
    return wrong;
}

static void rule_release(struct rule *rule)
{
    for (size_t i = 0; i < rule->token_count; i++)
        free(rule->tokens[i].ranges);
    free(rule->tokens);
    free(rule->text);
}

/* Cleans a line twice, as ignorefile.ReadAll and then patternmatcher.New do. NULL: the line has no
 * rule. Caller frees. */
static char *clean_line(const char *line, bool *exception)
{
    autofree char *text = trim(line);
    if (line[0] == '#' || text[0] == '\0')
        return NULL;

    *exception = text[0] == '!';
    autofree char *body = trim(text + *exception);
    autofree char *cleaned = body[0] ? clean(body) : xstrdup("");
    const char *relative = cleaned + (cleaned[0] == '/' && cleaned[1] != '\0');
    autofree char *joined = xasprintf("%s%s", *exception ? "!" : "", relative);

    autofree char *again = trim(joined);
    if (again[0] == '\0')
        return NULL;
    autofree char *final = clean(again);
    *exception = final[0] == '!';
    return xstrdup(final + *exception);
}

static bool has_wildcard(const char *text)
{
    return strpbrk(text, "*?[]\\") != NULL;
}

static int add_line(struct ignore *ignore, const char *line, const char *name, int number,
                    struct error *err)
{
    bool exception = false;
    autofree char *text = clean_line(line, &exception);
    if (!text)
        return 0;

    if (text[0] == '\0')
        return error_set(err, ERROR_PROJECT, "%s:%d:1: '!' needs a pattern after it", name, number);
    if (ignore->count == RULES_MAX)
        return error_set(err, ERROR_PROJECT, "%s:%d:1: more than %d rules; join some with '*'",
                         name, number, RULES_MAX);

    grow(ignore->rules, ignore->count, ignore->cap);
    struct rule *rule = &ignore->rules[ignore->count++];
    *rule = (struct rule){.text = take(text), .exception = exception};
    const char *wrong = parse_rule(rule);
    if (wrong)
        return error_set(err, ERROR_PROJECT, "%s:%d:1: the pattern '%s' %s", name, number,
                         rule->text, wrong);

    ignore->exceptions |= exception;
    ignore->wild_exceptions |= exception && has_wildcard(rule->text);
    return 0;
}

struct ignore *ignore_parse(const char *text, size_t length, const char *name, struct error *err)
{
    AUTOPTR(ignore) ignore = xcalloc(1, sizeof *ignore);
    const char *at = text, *end = text + length;
    if (length > IGNORE_FILE_MAX) {
        error_set(err, ERROR_PROJECT, "'%s' is larger than %d bytes", name, IGNORE_FILE_MAX);
        return NULL;
    }

    if (length >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
        at += 3;
    for (int number = 1; at < end; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t size = (size_t)((stop ? stop : end) - at);
        const char *nul = memchr(at, '\0', size);
        if (nul || size > LINE_MAX_BYTES) {
            error_set(err, ERROR_PROJECT, "%s:%d:%zu: %s", name, number,
                      nul ? (size_t)(nul - at) + 1 : LINE_MAX_BYTES + 1,
                      nul ? "the line has a NUL byte" : "the line is longer than 65,535 bytes");
            return NULL;
        }

        autofree char *line = xstrndup(at, size);
        if (add_line(ignore, line, name, number, err) != 0)
            return NULL;
        at = stop ? stop + 1 : end;
    }
    return take(ignore);
}

void ignore_free(struct ignore *ignore)
{
    if (!ignore)
        return;
    for (size_t i = 0; i < ignore->count; i++)
        rule_release(&ignore->rules[i]);
    free(ignore->rules);
    free(ignore);
}

static bool token_takes(const struct token *token, uint32_t c)
{
    switch (token->op) {
    case OP_CHAR:
        return c == token->character;
    case OP_ANY:
    case OP_STAR:
        return c != '/';
    case OP_ALL:
    case OP_INSIDE:
        return c != '\n';
    case OP_CLASS:
        for (size_t i = 0; i < token->range_count; i++)
            if (c >= token->ranges[i].low && c <= token->ranges[i].high)
                return !token->negated;
        return token->negated;
    default:
        return false;
    }
}

/* Moves every state on past the tokens that may match nothing. */
static void spread(const struct rule *rule, bool *states, bool start)
{
    for (size_t i = 0; i < rule->token_count; i++) {
        enum op op = rule->tokens[i].op;
        if (!states[i])
            continue;
        if (op == OP_STAR || op == OP_ALL || (op == OP_START && start))
            states[i + 1] = true;
        else if (op == OP_DIRS)
            states[i + 1] = states[i + 2] = true;
    }
}

/* Follows all ways through the tokens at once, so the time is at most tokens times characters. */
static bool match_tokens(const struct rule *rule, const char *path)
{
    size_t count = rule->token_count;
    autofree bool *states = xcalloc(2 * (count + 1), sizeof *states);
    bool *now = states, *then = states + count + 1;
    now[0] = true;
    spread(rule, now, true);

    while (*path) {
        uint32_t c = next_character(&path);
        memset(then, 0, count + 1);
        for (size_t i = 0; i < count; i++) {
            const struct token *token = &rule->tokens[i];
            if (!now[i] || !token_takes(token, c))
                continue;
            bool stays = token->op == OP_STAR || token->op == OP_ALL || token->op == OP_INSIDE;
            then[i] |= stays;
            then[i + 1] |= !stays || (token->op == OP_INSIDE && c == '/');
        }

        spread(rule, then, false);
        bool *swap = now;
        now = then;
        then = swap;
    }
    return now[count];
}

static bool rule_matches(const struct rule *rule, const char *path)
{
    size_t length = strlen(path), size = strlen(rule->text);

    switch (rule->kind) {
    case KIND_EXACT:
        return strcmp(path, rule->text) == 0;
    case KIND_PREFIX:
        return strncmp(path, rule->text, size - 2) == 0;
    case KIND_SUFFIX:
        if (length >= size - 2 && strcmp(path + length - (size - 2), rule->text + 2) == 0)
            return true;
        return rule->text[2] == '/' && strcmp(path, rule->text + 3) == 0;
    default:
        return match_tokens(rule, path);
    }
}

/* One step of the walk from the root. `matched` holds what each rule said about
 * the directory above, and a rule is tried only when it could change the
 * verdict (patternmatcher, MatchesUsingParentResults). */
static bool step(const struct ignore *ignore, const char *path, bool *matched)
{
    bool out = false;
    for (size_t i = 0; i < ignore->count; i++) {
        const struct rule *rule = &ignore->rules[i];
        if (!matched[i]) {
            if (rule->exception != out)
                continue;
            matched[i] = rule_matches(rule, path);
        }

        if (matched[i])
            out = !rule->exception;
    }
    return out;
}

bool ignore_matches(const struct ignore *ignore, const char *path)
{
    if (!ignore || ignore->count == 0 || path[0] == '\0')
        return false;
    autofree bool *matched = xcalloc(ignore->count, sizeof *matched);
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        autofree char *parent = xstrndup(path, (size_t)(slash - path));
        (void)step(ignore, parent, matched);
    }
    return step(ignore, path, matched);
}

bool ignore_may_reinclude(const struct ignore *ignore, const char *directory)
{
    if (!ignore || !ignore->exceptions)
        return false;
    if (ignore->wild_exceptions)
        return true;

    for (size_t i = 0; i < ignore->count; i++) {
        const struct rule *rule = &ignore->rules[i];
        const char *rest = NULL;
        if (rule->exception && path_below(rule->text, directory, &rest) && rest[0])
            return true;
    }
    return false;
}
