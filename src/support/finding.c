#include "support/finding.h"

#include "support/fs.h"
#include "support/own.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Reads ":NUMBER:" at `at`, in a line that ends at `end`. Returns the place after the number, or
 * NULL for any other text. */
static const char *number(const char *at, const char *end, int *out)
{
    enum { DIGITS = 7 };
    const char *digit = at + 1;
    int value = 0;
    if (at >= end || *at != ':')
        return NULL;

    for (; digit < end && isdigit((unsigned char)*digit) && digit - at <= DIGITS; digit++)
        value = value * 10 + (*digit - '0');
    if (digit == at + 1 || digit == end || *digit != ':' || value == 0)
        return NULL;

    *out = value;
    return digit;
}

/* Finds the first ":LINE[:COLUMN]: " in the line; *rest is what follows it. */
static const char *find_place(const char *line, const char *end, struct finding *out,
                              const char **rest)
{
    for (const char *at = line; at < end; at++) {
        const char *after = number(at, end, &out->line),
                   *column = after ? number(after, end, &out->column) : NULL;
        if (!after)
            continue;

        *rest = column ? column : after;
        out->column = column ? out->column : 0;
        if (end - *rest > 2 && (*rest)[1] == ' ' && at > line) {
            *rest += 2;
            return at;
        }
    }
    return NULL;
}

/* Reads the word for the severity at the start of a message, and moves *text past it. */
static bool read_severity(const char **text, const char *end, const char *word, bool *warning)
{
    static const struct {
        const char *word;
        bool warning;
    } words[] = {{"error: ", false}, {"fatal error: ", false}, {"warning: ", true}};

    for (size_t i = 0; i < countof(words); i++) {
        size_t length = strlen(words[i].word);
        if ((size_t)(end - *text) > length && strncmp(*text, words[i].word, length) == 0) {
            *text += length;
            *warning = words[i].warning;
            return true;
        }
    }

    *warning = word && strcmp(word, "warning") == 0;
    return word != NULL;
}

bool finding_parse(const char *line, size_t length, const char *dir, const char *word,
                   struct finding *out)
{
    const char *end = line + length, *text = NULL;
    struct finding found = {0};
    struct stat st;
    const char *place = find_place(line, end, &found, &text);
    if (!place || !read_severity(&text, end, word, &found.warning))
        return false;

    autofree char *name = xstrndup(line, (size_t)(place - line)),
                  *path = path_join(dir ? dir : ".", name);
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return false;

    found.path = finding_path(path);
    found.text = xstrndup(text, (size_t)(end - text));
    *out = found;
    return true;
}

void finding_release(struct finding *finding)
{
    free(finding->path);
    free(finding->text);
    *finding = (struct finding){0};
}

/* The path below the root, or NULL. */
static const char *below(const char *path, const char *root)
{
    const char *rest = NULL;
    return path_below(path, root, &rest) && rest[0] ? rest : NULL;
}

char *finding_path(const char *path)
{
    static const char *const variables[] = {"GITHUB_WORKSPACE", "CI_PROJECT_DIR"};
    autofree char *real = realpath(path, NULL);
    if (!real)
        return xstrdup(path);

    for (size_t i = 0; i < countof(variables); i++) {
        const char *value = getenv(variables[i]);
        autofree char *root = value && value[0] ? realpath(value, NULL) : NULL;
        const char *relative = root ? below(real, root) : NULL;
        if (relative)
            return xstrdup(relative);
    }

    autofree char *dir = path_dir(real);
    while (strcmp(dir, "/") != 0) {
        autofree char *git = path_join(dir, ".git"), *upper = path_dir(dir);
        if (fs_exists(git))
            return xstrdup(below(real, dir));
        free(dir);
        dir = take(upper);
    }
    return take(real);
}

static void escape(const char *text, const char *special, struct buf *out)
{
    for (; *text; text++) {
        if (strchr(special, *text))
            buf_addf(out, "%%%02X", (unsigned char)*text);
        else
            buf_addc(out, *text);
    }
}

void finding_github(const struct finding *finding, struct buf *out)
{
    buf_adds(out, finding->warning ? "::warning file=" : "::error file=");
    escape(finding->path, "%\r\n:,", out);
    buf_addf(out, ",line=%d", finding->line);
    if (finding->column)
        buf_addf(out, ",col=%d", finding->column);
    buf_adds(out, "::");
    escape(finding->text, "%\r\n", out);
    buf_addc(out, '\n');
}

/* By this GitLab tells new problems from old ones, so the line number, which moves, must not be in
 * it. `nth` tells equal findings in one file apart. */
static char *fingerprint(const struct finding *finding, size_t nth)
{
    uint64_t hash[2] = {0xcbf29ce484222325, 0x9e3779b97f4a7c15};
    autofree char *text =
        xasprintf("%s\n%d\n%s\n%zu", finding->path, finding->warning, finding->text, nth);
    for (const char *c = text; *c; c++)
        for (size_t i = 0; i < countof(hash); i++)
            hash[i] = (hash[i] ^ (unsigned char)*c) * 0x100000001b3;
    return xasprintf("%016" PRIx64 "%016" PRIx64, hash[0], hash[1]);
}

static bool same(const struct js *entry, const struct finding *finding, uint64_t *line)
{
    const struct js *location = js_get(entry, "location");
    return js_get_size(js_get(location, "lines"), "begin", line) &&
           strcmp(js_get_text(location, "path"), finding->path) == 0 &&
           strcmp(js_get_text(entry, "description"), finding->text) == 0;
}

void finding_gitlab(const struct finding *finding, struct js *report)
{
    size_t nth = 0;
    for (size_t i = 0; i < js_count(report); i++) {
        uint64_t line = 0;
        if (!same(js_at(report, i), finding, &line))
            continue;
        if (line == (uint64_t)finding->line)
            return;
        nth++;
    }

    struct js *entry = js_object(), *location = js_object(), *lines = js_object();
    autofree char *print = fingerprint(finding, nth);
    js_set_integer(lines, "begin", finding->line);
    js_set_string(location, "path", finding->path);
    js_set(location, "lines", lines);
    js_set_string(entry, "description", finding->text);
    js_set_string(entry, "check_name", "lbuild");
    js_set_string(entry, "fingerprint", print);
    js_set_string(entry, "severity", finding->warning ? "minor" : "major");
    js_set(entry, "location", location);
    js_append(report, entry);
}
