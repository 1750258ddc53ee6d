#include "template/template.h"

#include "support/buf.h"
#include "support/data.h"
#include "support/fs.h"
#include "support/json.h"
#include "support/own.h"
#include "template/parts.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEMPLATE_MAX = 64 * 1024 };

/* Finds the next line "---" or "--- aws" (*aws). *size: its length with the line end. *line goes up
 * by the lines before it. */
static const char *find_divider(const char *text, const char *end, size_t *size, int *line,
                                bool *aws)
{
    for (const char *at = text; at < end; (*line)++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t whole = (size_t)((stop ? stop + 1 : end) - at), length = whole - (stop != NULL);
        while (length > 0 && strchr(" \t\r", at[length - 1]))
            length--;

        *aws = length == 7 && memcmp(at, "--- aws", 7) == 0;
        if (*aws || (length == 3 && memcmp(at, "---", 3) == 0)) {
            *size = whole;
            return at;
        }
        at += whole;
    }
    return NULL;
}

/* Takes a body's text without the CRs of its line ends; the last line gets an end, too. */
static void take_body(const char *text, const char *end, int line, struct template_body *body)
{
    AUTO(buf) made = {0};
    for (const char *at = text; at < end; at++)
        if (at[0] != '\r' || at[1] != '\n')
            buf_addc(&made, *at);
    if (made.len > 0 && made.data[made.len - 1] != '\n')
        buf_addc(&made, '\n');

    body->text = buf_detach(&made);
    body->line = line;
}

/* Splits the text after the first divider into the bodies. */
static int take_bodies(const char *text, const char *end, int line, struct template *out,
                       struct error *err)
{
    size_t size = 0;
    bool aws = false;
    int first = line;
    const char *divider = find_divider(text, end, &size, &line, &aws);
    take_body(text, divider ? divider : end, first, &out->body);

    if (divider && !aws)
        return error_set(err, ERROR_PROJECT, "%s:%d:1: a second body starts with '--- aws'",
                         out->path, line);
    if (divider && !out->aws_base)
        return error_set(err, ERROR_PROJECT,
                         "%s:%d:1: a body for AWS's base image needs [aws] base in the head",
                         out->path, line);
    if (!divider && out->aws_base)
        return error_set(err, ERROR_PROJECT,
                         "%s:1:1: [aws] base needs a second body after a line '--- aws'",
                         out->path);
    if (divider)
        take_body(divider + size, end, line + 1, &out->aws);

    if (template_parse_body(out, &out->body, err) != 0)
        return -1;
    return divider ? template_parse_body(out, &out->aws, err) : 0;
}

int template_parse(const char *text, size_t length, const char *path, struct template *out,
                   struct error *err)
{
    size_t size = 0;
    int line = 1;
    bool aws = false;
    out->path = xstrdup(path);

    if (length > TEMPLATE_MAX)
        return error_set(err, ERROR_PROJECT, "'%s' is larger than 65,536 bytes", path);
    if (memchr(text, '\0', length) || !js_valid_utf8(text, length))
        return error_set(err, ERROR_PROJECT, "'%s' is not UTF-8 text", path);

    autofree char *copy = xstrndup(text, length);
    const char *divider = find_divider(copy, copy + length, &size, &line, &aws);
    if (!divider || aws)
        return error_set(err, ERROR_PROJECT, "%s:%d:1: no line '---' between head and body", path,
                         aws ? line : 1);

    if (template_parse_head(copy, (size_t)(divider - copy), out, err) != 0)
        return -1;
    return take_bodies(divider + size, copy + length, line + 1, out, err);
}

/* Whether a file can be a template: reading it fails then only for want of descriptors or by a bad
 * disk. */
static bool can_be(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= TEMPLATE_MAX &&
           access(path, R_OK) == 0;
}

static int load_file(const char *path, struct template *out, struct error *err)
{
    AUTO(buf) text = {0};
    if (fs_read(path, TEMPLATE_MAX, &text, err) != 0) {
        err->kind = can_be(path) ? ERROR_BUILD : ERROR_PROJECT;
        return -1;
    }
    return template_parse(buf_text(&text), text.len, path, out, err);
}

/* The folders that templates are looked for in, in their order. */
static void find_folders(struct strv *folders)
{
    const char *own = getenv("LBUILD_TEMPLATES");
    while (own && *own) {
        size_t length = strcspn(own, ":");
        if (length > 0)
            strv_take(folders, xstrndup(own, length));
        own += length + (own[length] == ':');
    }

    strv_take(folders, data_path("templates"));
}

#define SUFFIX ".template"

static void add_names(const char *folder, struct strv *out)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        size_t length = strlen(entry->d_name), suffix = strlen(SUFFIX);
        if (length > suffix && entry->d_name[0] != '.' &&
            strcmp(entry->d_name + length - suffix, SUFFIX) == 0)
            strv_take(out, xstrndup(entry->d_name, length - suffix));
    }

    if (dir)
        closedir(dir);
}

void template_languages(struct strv *out)
{
    AUTO(strv) folders = {0};
    find_folders(&folders);
    for (size_t i = 0; i < folders.len; i++)
        add_names(folders.items[i], out);
    strv_sort(out);
    strv_unique(out);
}

static int no_template(const char *name, const struct strv *folders, struct error *err)
{
    AUTO(strv) known = {0};
    AUTO(buf) list = {0};
    template_languages(&known);

    const char *near = strv_nearest(name, strv_argv(&known), known.len);
    if (near)
        return error_set(err, ERROR_PROJECT,
                         "no template for the language '%s'; did you mean '%s'?", name, near);

    for (size_t i = 0; i < known.len; i++)
        buf_addf(&list, "%s%s", i == 0 ? "" : ", ", known.items[i]);
    return error_set(err, ERROR_PROJECT, "no template for the language '%s'; %s%s", name,
                     known.len > 0 ? "there are: " : "looked last in ",
                     known.len > 0 ? buf_text(&list) : folders->items[folders->len - 1]);
}

int template_load(const char *name, struct template *out, struct error *err)
{
    AUTO(strv) folders = {0};
    *out = (struct template){0};
    if (strchr(name, '/'))
        return load_file(name, out, err);

    autofree char *file = xasprintf("%s" SUFFIX, name), *path = NULL;
    find_folders(&folders);
    for (size_t i = 0; name[0] != '.' && !path && i < folders.len; i++) {
        autofree char *candidate = path_join(folders.items[i], file);
        path = fs_exists(candidate) ? take(candidate) : NULL;
    }

    if (!path)
        return no_template(name, &folders, err);
    if (load_file(path, out, err) != 0)
        return -1;
    if (strcmp(out->language, name) != 0)
        return error_set(err, ERROR_PROJECT, "%s:1:1: the template is for '%s', not for '%s'", path,
                         out->language, name);
    return 0;
}

static void body_release(struct template_body *body)
{
    strv_release(&body->stages);
    free(body->text);
    free(body->placeholders);
}

static void parts_release(struct template *t)
{
    for (size_t i = 0; i < t->input_count; i++) {
        free(t->inputs[i].name);
        free(t->inputs[i].fallback);
        free(t->inputs[i].help);
        strv_release(&t->inputs[i].choices);
    }

    for (size_t i = 0; i < t->lock_count; i++) {
        free(t->locks[i].file);
        free(t->locks[i].strict);
        strv_release(&t->locks[i].with);
        strv_release(&t->locks[i].versions);
        strv_release(&t->locks[i].open);
    }

    for (size_t i = 0; i < t->failure_count; i++) {
        free(t->failures[i].name);
        free(t->failures[i].says);
        free(t->failures[i].help);
    }

    free(t->inputs);
    free(t->locks);
    free(t->failures);
}

const struct template_failure *template_failure_find(const struct template *t, const char *text)
{
    for (size_t i = 0; i < t->failure_count; i++)
        if (strstr(text, t->failures[i].says))
            return &t->failures[i];
    return NULL;
}

enum error_kind template_failure_kind(const struct template_failure *failure)
{
    return failure->toolchain ? ERROR_ENGINE : failure->lock ? ERROR_LOCKED : ERROR_BUILD;
}

void template_release(struct template *t)
{
    char *const texts[] = {t->path,     t->language,         t->description,
                           t->runtime,  t->handler_fallback, t->handler_help,
                           t->aws_base, t->aws_builder,      t->compile.result};
    struct strv *const lists[] = {&t->packages_dnf,
                                  &t->packages_yum,
                                  &t->packages_apt,
                                  &t->packages_apk,
                                  &t->packages_aws,
                                  &t->manifest_needs,
                                  &t->manifest_takes,
                                  &t->detect_files,
                                  &t->detect_sources,
                                  &t->compile.command,
                                  &t->compile.env,
                                  &t->compile.env_arch[ARCH_X86_64],
                                  &t->compile.env_arch[ARCH_ARM64],
                                  &t->compile.cross[ARCH_X86_64],
                                  &t->compile.cross[ARCH_ARM64],
                                  &t->compile.pass};

    for (size_t i = 0; i < countof(texts); i++)
        free(texts[i]);
    for (size_t i = 0; i < countof(lists); i++)
        strv_release(lists[i]);
    parts_release(t);
    body_release(&t->body);
    body_release(&t->aws);
    *t = (struct template){0};
}
