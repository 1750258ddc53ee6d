#include "command/command.h"
#include "lambda/arch.h"
#include "project/value.h"
#include "support/data.h"
#include "support/fs.h"
#include "support/log.h"
#include "support/options.h"
#include "support/own.h"
#include "template/detect.h"
#include "template/template.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SKELETON_MAX (1024 * 1024)
#define PROJECT_FILE "lbuild.ini"

struct init_options {
    const char *language;
    bool dry_run;
};

static const struct option_row rows[] = {
    {0, "lang", OPTION_TEXT, offsetof(struct init_options, language), "LANGUAGE",
     "The function's language. Default: guessed from the files that are there, else c."},
    {0, "dry-run", OPTION_FLAG, offsetof(struct init_options, dry_run), NULL,
     "Print which files would be written and stop."},
    {0},
};
static const struct option_table tables[] = {{rows, 0}, {0}};

struct scaffold {
    const struct init_options *options;
    char *dir;  /* as the user named it; "." for the current one */
    char *name; /* of the project */
    struct template template;
    bool has_sources; /* files of the language are there already */
    struct strv written;
};

static void scaffold_release(struct scaffold *scaffold)
{
    free(scaffold->dir);
    free(scaffold->name);
    template_release(&scaffold->template);
    strv_release(&scaffold->written);
}

/* A project name made from a folder's name: characters that it can't have become
 * dashes. Caller frees. */
static char *name_of_folder(const char *folder)
{
    AUTO(buf) name = {0};

    for (const char *c = folder; *c && name.len < 100; c++) {
        bool fine = isalnum((unsigned char)*c) && (unsigned char)*c < 0x80;
        if (fine)
            buf_addc(&name, (char)tolower((unsigned char)*c));
        else if (name.len > 0 && name.data[name.len - 1] != '-')
            buf_addc(&name, '-');
    }

    while (name.len > 0 && name.data[name.len - 1] == '-')
        name.len--;
    return name.len > 0 ? xstrndup(name.data, name.len) : xstrdup("function");
}

static int take_names(const char *operand, struct scaffold *scaffold, struct error *err)
{
    if (!operand) {
        autofree char *cwd = getcwd(NULL, 0);
        if (!cwd)
            return error_errno(err, ERROR_BUILD, "can't tell the current folder");
        scaffold->dir = xstrdup(".");
        scaffold->name = name_of_folder(path_base(cwd));
        return 0;
    }

    size_t length = strlen(operand);
    while (length > 1 && operand[length - 1] == '/')
        length--;
    scaffold->dir = xstrndup(operand, length);
    scaffold->name = xstrdup(path_base(scaffold->dir));
    if (value_is_name(scaffold->name))
        return 0;

    autofree char *near = name_of_folder(scaffold->name);
    return error_set(
        err, ERROR_USAGE,
        "'%s' can't be a project's name; use lower-case letters, digits and . _ - between them, "
        "e.g. '%s'",
        scaffold->name, near);
}

/* Puts one file in place, unless something is there already. */
static int put(struct scaffold *scaffold, const char *name, const char *text, struct error *err)
{
    autofree char *path = path_join(scaffold->dir, name), *folder = path_dir(path);
    if (fs_exists(path)) {
        log_step("keep", "%s", path);
        return 0;
    }

    strv_add(&scaffold->written, path);
    if (scaffold->options->dry_run)
        return 0;
    if (fs_mkdirs(folder, err) != 0)
        return -1;
    return fs_write(path, text, strlen(text), 0644, err);
}

static int put_project(struct scaffold *scaffold, struct error *err)
{
    const struct template *t = &scaffold->template;
    autofree char *text = xasprintf("[project]\n"
                                    "name = %s\n\n"
                                    "[function]\n"
                                    "language = %s\n"
                                    "handler = %s\n\n"
                                    "[image]\n"
                                    "base = al2023\n"
                                    "arch = %s\n",
                                    scaffold->name, t->language,
                                    t->handler_fallback ? t->handler_fallback : scaffold->name,
                                    arch_lambda(arch_native()));
    return put(scaffold, PROJECT_FILE, text, err);
}

/* Puts one file of templates/LANGUAGE/, with the project's name in place of @NAME@. */
static int put_skeleton(struct scaffold *scaffold, const char *folder, const char *file,
                        struct error *err)
{
    static const char mark[] = "@NAME@";
    AUTO(buf) text = {0}, filled = {0};
    autofree char *path = path_join(folder, file);
    if (fs_read(path, SKELETON_MAX, &text, err) != 0)
        return -1;

    const char *at = buf_text(&text);
    for (const char *found; (found = strstr(at, mark)); at = found + strlen(mark)) {
        buf_add(&filled, at, (size_t)(found - at));
        buf_adds(&filled, scaffold->name);
    }
    buf_adds(&filled, at);
    return put(scaffold, file, buf_text(&filled), err);
}

/* Loads the template of --lang, else of the language that the files are in, else of C. */
static int choose_language(struct scaffold *scaffold, struct error *err)
{
    AUTO(detected) detected = {0};
    const char *language = scaffold->options->language;

    if (language && !value_is_name(language))
        return error_set(err, ERROR_USAGE,
                         "'%.80s' is not a language's name; 'lbuild help templates' lists them",
                         language);
    if (!language && detect_language(scaffold->dir, &detected, err) != 0)
        return -1;
    if (detected.language) {
        log_step("language", "%s: there is '%s'", detected.language, detected.why);
        language = detected.language;
    }

    if (template_load(language ? language : "c", &scaffold->template, err) != 0) {
        err->kind = ERROR_USAGE;
        return -1;
    }
    scaffold->has_sources = detect_has(&scaffold->template, scaffold->dir);
    return 0;
}

/* Puts the files to start from, templates/LANGUAGE/; a template of the user's own may have none. */
static int put_skeletons(struct scaffold *scaffold, struct error *err)
{
    AUTO(strv) files = {0};
    autofree char *relative = xasprintf("templates/%s", scaffold->template.language),
                  *folder = data_path(relative);

    if (scaffold->has_sources || !fs_exists(folder))
        return 0;
    if (data_files(folder, "", &files, err) != 0)
        return -1;

    for (size_t i = 0; i < files.len; i++)
        if (put_skeleton(scaffold, folder, files.items[i], err) != 0)
            return -1;
    return 0;
}

static int scaffold_all(struct scaffold *scaffold, struct error *err)
{
    autofree char *project = path_join(scaffold->dir, PROJECT_FILE);
    bool fresh = !fs_exists(scaffold->dir);

    if (fs_exists(project))
        return error_set(
            err, ERROR_PROJECT,
            "'%s' is there already, and init overwrites nothing; 'lbuild check' checks it",
            project);

    if (choose_language(scaffold, err) != 0 || put_skeletons(scaffold, err) != 0)
        return -1;
    autofree char *ignored = xasprintf("/%s.tar\n", scaffold->name);
    if (fresh && put(scaffold, ".gitignore", ignored, err) != 0)
        return -1;
    /* Last: an init that was cut short can be repeated. */
    return put_project(scaffold, err);
}

static int run(const char *const *argv, struct buf *out, struct error *err)
{
    struct init_options options = {0};
    AUTO(scaffold) scaffold = {.options = &options};
    AUTO(strv) operands = {0};

    if (options_parse(tables, argv, &options, &operands, err) != 0)
        return -1;
    if (operands.len > 1)
        return error_set(err, ERROR_USAGE, "init takes one name, and '%s' is a second one",
                         operands.items[1]);
    if (take_names(operands.len ? operands.items[0] : NULL, &scaffold, err) != 0 ||
        scaffold_all(&scaffold, err) != 0)
        return -1;

    for (size_t i = 0; i < scaffold.written.len; i++)
        buf_addf(out, "%s\n", scaffold.written.items[i]);
    if (!options.dry_run)
        log_step("next",
                 operands.len ? "lbuild -C %s && lbuild invoke -C %s" : "lbuild && lbuild invoke",
                 scaffold.dir, scaffold.dir);
    return 0;
}

static void help(struct buf *out)
{
    options_help(tables, out);
}

const struct command command_init = {
    .name = "init",
    .operands = "[NAME]",
    .summary = "Start a project, here or in a new folder NAME.",
    .run = run,
    .help = help,
};
