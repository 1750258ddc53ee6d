#include "plan/parts.h"
#include "support/fs.h"
#include "support/glob.h"
#include "support/inifile.h"
#include "support/own.h"

#include <stdlib.h>
#include <string.h>

/* For every compile: sections, so that the linker can drop unused code, no trace of the compiler,
 * and hardening whose cost at run time doesn't matter. gcc 7 (Amazon Linux 2) and clang know all of
 * these flags. */
static const char *const hardening[] = {
    "-fno-pie",
    "-fstack-protector-strong",
    "-U_FORTIFY_SOURCE",
    "-D_FORTIFY_SOURCE=2",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-ident",
};
static const char *const linking[] = {
    "-static",      "-no-pie",    "-Wl,--gc-sections",   "-Wl,-z,noexecstack",
    "-Wl,-z,relro", "-Wl,-z,now", "-Wl,--build-id=none",
};

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static int add_matches(const struct plan_facts *facts, const char *pattern, struct plan *plan,
                       struct error *err)
{
    size_t before = plan->sources.len;
    for (size_t i = 0; i < facts->project_files->len; i++) {
        const char *path = facts->project_files->items[i];
        if (glob_match(pattern, path) && !starts_with(path, ".lbuild/"))
            strv_add(&plan->sources, path);
    }
    if (plan->sources.len > before || !project_is_set(facts->project, KEY_BUILD_SOURCES))
        return 0;

    autofree char *text = xasprintf(
        "no file matches '%.200s'; patterns are relative to the folder of the project file",
        pattern);
    return plan_wrong(facts->project, KEY_BUILD_SOURCES, err, text);
}

bool plan_is_cxx(const char *source)
{
    static const char *const ends[] = {".cc", ".cpp", ".cxx", ".c++", ".cp", ".C", ".CPP", ".ii"};
    size_t length = strlen(source);
    for (size_t i = 0; i < countof(ends); i++)
        if (length > strlen(ends[i]) && strcmp(source + length - strlen(ends[i]), ends[i]) == 0)
            return true;
    return false;
}

/* A source in the other of the two languages where the default patterns look; or NULL. */
static const char *other_source(const struct plan_facts *facts, bool cxx)
{
    static const char *const of_c[] = {"*.c", "src/*.c"};
    for (size_t i = 0; i < facts->project_files->len; i++) {
        const char *path = facts->project_files->items[i];
        if (cxx ? glob_match(of_c[0], path) || glob_match(of_c[1], path)
                : plan_is_cxx(path) && (!strchr(path, '/') || glob_match("src/*", path)))
            return path;
    }
    return NULL;
}

static int no_sources(const struct plan_facts *facts, const struct strv *patterns,
                      struct error *err)
{
    AUTO(buf) text = {0};
    bool cxx = strcmp(facts->template->language, "cpp") == 0,
         c = strcmp(facts->template->language, "c") == 0;
    const char *other = cxx || c ? other_source(facts, cxx) : NULL;

    if (other)
        return error_set(
            err, ERROR_PROJECT,
            "%s: there is no %s source here, and '%.200s' is %s; write 'language = %s' "
            "in [function]",
            facts->project->file, cxx ? "C++" : "C", other, cxx ? "C" : "C++", cxx ? "c" : "cpp");

    for (size_t i = 0; i < patterns->len; i++)
        buf_addf(&text, "%s%s", i == 0 ? "" : " ", patterns->items[i]);
    return error_set(err, ERROR_PROJECT,
                     "%s: there is no %s source (%s); name the files with 'sources' in [build]",
                     facts->project->file, cxx ? "C++" : "C", buf_text(&text));
}

/* An object or an archive among the sources: compilers ignore it when they don't link. */
static int refuse_objects(const struct plan_facts *facts, const struct plan *plan,
                          struct error *err)
{
    static const char *const ends[] = {".a", ".o", ".so", ".lo", ".la"};
    for (size_t i = 0; i < plan->sources.len; i++) {
        const char *end = strrchr(plan->sources.items[i], '.');
        for (size_t k = 0; end && k < countof(ends); k++) {
            if (strcmp(end, ends[k]) != 0)
                continue;
            autofree char *text =
                xasprintf("'%.200s' is compiled already, so it is no source; name it in "
                          "'link-flags', by its path",
                          plan->sources.items[i]);
            return plan_wrong(facts->project, KEY_BUILD_SOURCES, err, text);
        }
    }
    return 0;
}

static int decide_sources(const struct plan_facts *facts, struct plan *plan, struct error *err)
{
    AUTO(strv) patterns = {0};
    if (!project_is_set(facts->project, KEY_BUILD_SOURCES) &&
        facts->template->detect_sources.len > 0)
        strv_add_all(&patterns, &facts->template->detect_sources);
    else if (project_words(facts->project, KEY_BUILD_SOURCES, &patterns, err) != 0)
        return -1;

    for (size_t i = 0; i < patterns.len; i++)
        if (add_matches(facts, patterns.items[i], plan, err) != 0)
            return -1;

    strv_sort(&plan->sources);
    strv_unique(&plan->sources);
    if (plan->sources.len == 0)
        return no_sources(facts, &patterns, err);
    if (refuse_objects(facts, plan, err) != 0)
        return -1;

    autofree char *count = xasprintf("%zu file%s, the first is %s", plan->sources.len,
                                     plan->sources.len == 1 ? "" : "s", plan->sources.items[0]);
    plan_decide_key(plan, facts, KEY_BUILD_SOURCES, count, "the default patterns");
    strv_add_all(&plan->runtime_sources, facts->runtime_files);
    return 0;
}

static int decide_includes(const struct plan_facts *facts, struct plan *plan, struct error *err)
{
    AUTO(strv) dirs = {0};
    if (project_words(facts->project, KEY_BUILD_INCLUDE, &dirs, err) != 0)
        return -1;

    for (size_t i = 0; i < dirs.len; i++) {
        char *clean = dirs.items[i][0] == '/' ? NULL : path_clean(dirs.items[i]);
        if (!clean)
            return plan_wrong(facts->project, KEY_BUILD_INCLUDE, err,
                              "an include folder is outside of the project; copy it in");
        strv_take(&plan->include_dirs, clean[0] ? clean : xstrdup("."));
        if (!clean[0])
            free(clean);
    }

    for (size_t i = 0; dirs.len == 0 && i < facts->project_files->len; i++) {
        if (starts_with(facts->project_files->items[i], "include/")) {
            strv_add(&plan->include_dirs, "include");
            break;
        }
    }
    return 0;
}

/* Whatever the project sets: a -Werror, another standard or a define mustn't break or change the
 * runtime. */
static void decide_runtime_flags(struct plan *plan)
{
    strv_addf(&plan->runtime_flags, "-std=%s", project_keys[KEY_BUILD_STANDARD].fallback);
    for (size_t i = 0; i < countof(hardening); i++)
        strv_add(&plan->runtime_flags, hardening[i]);
    strv_add(&plan->runtime_flags, project_keys[KEY_BUILD_FLAGS].fallback);
}

/* Flags for C and, if there are C++ sources, for C++. A 'standard' of one language leaves the other
 * at its default. */
static void decide_flags(const struct plan_facts *facts, const struct strv *flags,
                         const struct strv *defines, struct plan *plan)
{
    const char *standard = project_get(facts->project, KEY_BUILD_STANDARD);
    bool for_cxx = strstr(standard, "++") != NULL, any = false;
    for (size_t i = 0; i < plan->sources.len; i++)
        any = any || plan_is_cxx(plan->sources.items[i]);

    strv_addf(&plan->compile_flags, "-std=%s",
              for_cxx ? project_keys[KEY_BUILD_STANDARD].fallback : standard);
    for (size_t i = 0; i < countof(hardening); i++)
        strv_add(&plan->compile_flags, hardening[i]);
    strv_add_all(&plan->compile_flags, flags);
    for (size_t i = 0; i < defines->len; i++)
        strv_addf(&plan->compile_flags, "-D%s", defines->items[i]);

    if (!any)
        return;

    strv_addf(&plan->cxx_flags, "-std=%s", for_cxx ? standard : "gnu++17");
    for (size_t i = 1; i < plan->compile_flags.len; i++)
        strv_add(&plan->cxx_flags, plan->compile_flags.items[i]);
    strv_add(&plan->libraries, "stdc++");
    strv_add(&plan->libraries, "m");
}

const char *plan_native_word(const struct strv *words)
{
    /* Not -mtune: such a program runs everywhere. */
    static const char *const options[] = {"-march=native", "-mcpu=native", "target-cpu=native",
                                          "-Ctarget-cpu=native"};
    for (size_t i = 0; i < words->len; i++)
        for (size_t k = 0; k < countof(options); k++) {
            const char *word = words->items[i], *at = strstr(word, options[k]);
            if (!at || (at > word && !strchr(",= ", at[-1])) || strncmp(word, "-D", 2) == 0)
                continue;
            if (strchr("+, ", at[strlen(options[k])])) /* finds the final '\0' too */
                return word;
        }
    return NULL;
}

char *plan_native_help(const char *word, enum arch arch)
{
    const char *level = arch == ARCH_ARM64 ? "-mcpu=neoverse-n1" : "-march=x86-64-v3";
    if (strstr(word, "target-cpu"))
        level = arch == ARCH_ARM64 ? "target-cpu=neoverse-n1" : "target-cpu=x86-64-v3";
    return xasprintf("'%.200s' compiles for the processor of this machine, and Lambda may have "
                     "another one; write %s for all of Lambda's %s, or leave it out",
                     word, level, arch_lambda(arch));
}

static int refuse_native(const struct plan_facts *facts, enum arch arch, struct error *err)
{
    static const enum key_id keys[] = {KEY_BUILD_FLAGS, KEY_BUILD_LINK_FLAGS, KEY_BUILD_COMPILER};
    for (size_t i = 0; i < countof(keys); i++) {
        AUTO(strv) words = {0};
        const char *value = project_get(facts->project, keys[i]);
        if (!value || ini_words(value, &words) != 0 || !plan_native_word(&words))
            continue;
        autofree char *text = plan_native_help(plan_native_word(&words), arch);
        return plan_wrong(facts->project, keys[i], err, text);
    }
    return 0;
}

static bool takes_next(const char *option)
{
    static const char *const options[] = {"-Xlinker", "-T", "-u", "-e", "-z", "-L", "-B"};
    for (size_t i = 0; i < countof(options); i++)
        if (strcmp(option, options[i]) == 0)
            return true;
    return false;
}

/* Whether a word of link-flags adds to what is linked, or opens a group of such words. */
static bool adds_input(const char *word)
{
    static const char *const openers[] = {
        "-l", "-Wl,-l", "-Wl,--whole-archive", "-Wl,--start-group", "-Wl,-(", "-Wl,--push-state"};
    const char *end = strrchr(word, '.');
    for (size_t i = 0; i < countof(openers); i++)
        if (starts_with(word, openers[i]))
            return true;
    return word[0] != '-' && word[0] != '@' && end &&
           (strcmp(end, ".a") == 0 || strcmp(end, ".o") == 0);
}

/* A linker takes from an archive what is missing by then, so archives go after the objects; all
 * words from the first of them on, as --whole-archive and --start-group mean those that follow. */
static void decide_link_flags(const struct strv *words, struct plan *plan)
{
    bool inputs = false;
    for (size_t i = 0; i < words->len; i++) {
        bool value = i > 0 && takes_next(words->items[i - 1]);
        inputs = inputs || (!value && adds_input(words->items[i]));
        strv_add(inputs ? &plan->link_inputs : &plan->link_flags, words->items[i]);
    }
}

static int decide_compile(const struct plan_facts *facts, struct plan *plan, struct error *err)
{
    const struct project *project = facts->project;
    AUTO(strv) defines = {0}, flags = {0}, link_flags = {0};
    if (project_words(project, KEY_BUILD_DEFINES, &defines, err) != 0 ||
        project_words(project, KEY_BUILD_FLAGS, &flags, err) != 0 ||
        project_words(project, KEY_BUILD_LINK_FLAGS, &link_flags, err) != 0 ||
        project_words(project, KEY_BUILD_LIBRARIES, &plan->libraries, err) != 0)
        return -1;

    if (refuse_native(facts, plan->arch, err) != 0)
        return -1;

    decide_flags(facts, &flags, &defines, plan);
    decide_runtime_flags(plan);
    for (size_t i = 0; i < countof(linking); i++)
        strv_add(&plan->link_flags, linking[i]);
    if (project_bool(project, KEY_BUILD_STRIP))
        strv_add(&plan->link_flags, "-s");
    decide_link_flags(&link_flags, plan);

    if (project_get(project, KEY_BUILD_COMPILER))
        plan->compiler = xstrdup(project_get(project, KEY_BUILD_COMPILER));
    plan->libc = xstrdup(project_get(project, KEY_BUILD_LIBC));

    plan_decide_key(plan, facts, KEY_BUILD_FLAGS, project_get(project, KEY_BUILD_FLAGS),
                    "the default");
    plan_decide_key(plan, facts, KEY_BUILD_LIBC, plan->libc, "the default");
    return 0;
}

/* Settings about C would have no effect with a template that compiles something else,
 * or in another way. */
static int refuse_settings(const struct plan_facts *facts, struct error *err)
{
    static const enum key_id keys[] = {KEY_BUILD_SOURCES, KEY_BUILD_INCLUDE,    KEY_BUILD_COMPILER,
                                       KEY_BUILD_LIBC,    KEY_BUILD_STANDARD,   KEY_BUILD_DEFINES,
                                       KEY_BUILD_FLAGS,   KEY_BUILD_LINK_FLAGS, KEY_BUILD_LIBRARIES,
                                       KEY_BUILD_STRIP};

    for (size_t i = 0; i < countof(keys); i++) {
        if (!project_is_set(facts->project, keys[i]))
            continue;
        autofree char *text = xasprintf(
            "'%s' is about C, and the template of '%s' doesn't use it; 'lbuild help template %s' "
            "lists what can be set in [inputs]",
            project_keys[keys[i]].name, facts->template->language, facts->template->language);
        return plan_wrong(facts->project, keys[i], err, text);
    }
    return 0;
}

/* Whether the body compiles C sources, which the host engine can do, too. */
static bool compiles_c(const struct template *t, bool aws)
{
    const struct template_body *body = aws ? &t->aws : &t->body;
    return t->compile.command.len == 0 &&
           (body->uses[PLACEHOLDER_COMPILE] || body->uses[PLACEHOLDER_SOURCES] ||
            body->uses[PLACEHOLDER_FLAGS]);
}

/* Whether the host engine can do it all: there is nothing but the template's command to run. */
static bool runs_command(const struct template *t, bool aws)
{
    const struct template_body *body = aws ? &t->aws : &t->body;
    return t->compile.command.len > 0 && body->uses[PLACEHOLDER_COMPILE] && !t->deps && !t->app &&
           !t->no_program;
}

static int decide_command(const struct plan_facts *facts, struct plan *plan, struct error *err)
{
    AUTO(plan_command) command = {0};
    AUTO(buf) text = {0};
    if (facts->template->compile.command.len == 0)
        return 0;
    plan_command_make(plan, facts->template,
                      &(struct template_values){.program = "PROGRAM", .cache = "CACHE"}, false,
                      &command);

    for (size_t i = 0; i < command.argv.len; i++)
        buf_addf(&text, "%s%s", i == 0 ? "" : " ", command.argv.items[i]);

    if (plan_native_word(&command.argv)) {
        autofree char *help = plan_native_help(plan_native_word(&command.argv), plan->arch);
        return error_set(err, ERROR_PROJECT, "%s: %s", facts->project->file, help);
    }

    if (command.argv.len > 0 || !command.result)
        plan_decide(plan, "compile", buf_text(&text), "the template's command");
    else if (!strv_contains(facts->project_files, command.result))
        return error_set(err, ERROR_PROJECT,
                         "%s: there is no file '%.200s' here; 'lbuild help template %s' tells how "
                         "to name it, or the command that makes it, in [inputs]",
                         facts->project->file, command.result, facts->template->language);
    else
        plan_decide(plan, "program", command.result, "it is there already");
    return 0;
}

int plan_compile_decide(const struct plan_facts *facts, struct plan *plan, struct error *err)
{
    const struct template *t = facts->template;
    plan->runtime_dir = xstrdup(facts->runtime_dir ? facts->runtime_dir : "");
    plan->runtime_prefix = xasprintf(".lbuild/runtime/%s", t->runtime ? t->runtime : "none");
    plan->template = t;
    plan->compiles_c = compiles_c(t, plan->aws);
    plan->runs_command = runs_command(t, plan->aws);

    if (!plan->compiles_c)
        return refuse_settings(facts, err) == 0 ? decide_command(facts, plan, err) : -1;
    if (decide_sources(facts, plan, err) != 0 || decide_includes(facts, plan, err) != 0)
        return -1;
    return decide_compile(facts, plan, err);
}
