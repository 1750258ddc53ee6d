#include "project/value.h"

#include "lambda/arch.h"
#include "lambda/limits.h"
#include "support/control.h"
#include "support/fs.h"
#include "support/inifile.h"
#include "support/json.h"
#include "support/own.h"

#include <ctype.h>
#include <string.h>

/* Variables that Lambda sets itself, or refuses to set (Lambda developer guide, "Defined runtime
 * environment variables"). */
static const char *const reserved[] = {
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_EXECUTION_ENV",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
    NULL,
};

/* By the rules for repositories (OCI distribution-spec, "Pulling manifests"): lower case, no
 * separator at the ends. */
bool value_is_name(const char *name)
{
    if (strlen(name) > 128 || !isalnum((unsigned char)name[0]))
        return false;
    for (const char *c = name; *c; c++)
        if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) &&
            !(strchr("._-", *c) && isalnum((unsigned char)c[1])))
            return false;
    return true;
}

static bool printable_word(const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c == ' ' || is_control(*c))
            return false;
    return text[0] != '\0';
}

static bool absolute_path(const char *value)
{
    autofree char *clean = path_clean(value);
    return clean && value[0] == '/' && strlen(value) <= LAMBDA_WORKDIR_MAX;
}

/* Whether it is text in UTF-8. A project file can have nothing else, but --set can. */
static bool text_lines(const char *value)
{
    for (const char *c = value; *c; c++)
        if (is_control(*c) && *c != '\t' && *c != '\n')
            return false;
    return js_valid_utf8(value, strlen(value));
}

static bool one_of(const char *value, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(value, *words) == 0)
            return true;
    return false;
}

static const char *const yes[] = {"yes", "true", "on", "1", NULL};
static const char *const no[] = {"no", "false", "off", "0", NULL};

static bool is_bool(const char *value)
{
    return one_of(value, yes) || one_of(value, no);
}

static bool is_standard(const char *value)
{
    return value[0] && !value[strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789:+")];
}

static bool is_handler(const char *value)
{
    return printable_word(value) && strlen(value) <= 128;
}

static bool is_arch(const char *value)
{
    enum arch arch;
    return arch_parse(value, &arch) == 0;
}

/* What a value of one type must be: one of `words`, or text that `fits`. */
struct rule {
    bool (*fits)(const char *value);
    const char *const *words;
    const char *wrong; /* what an error says after the value */
};

/* A type without a row accepts every text, or is a list (check_list). */
static const struct rule rules[TYPE_SHELL + 1] = {
    [TYPE_NAME] = {.fits = value_is_name,
                   .wrong = "is not a name; use lower-case letters, digits and . _ - between them"},
    [TYPE_LANGUAGE] = {.fits = value_is_name, .wrong = "is not a language's name"},
    [TYPE_STANDARD] = {.fits = is_standard,
                       .wrong = "is not a standard of C or C++; write one like gnu11 or c++17"},
    [TYPE_HANDLER] = {.fits = is_handler,
                      .wrong = "is not a handler name; use one word of at most 128 bytes"},
    [TYPE_BASE] = {.fits = printable_word, .wrong = "is not an image; write one word"},
    [TYPE_ARCH] = {.fits = is_arch,
                   .wrong = "is not an architecture of Lambda; use x86_64 or arm64"},
    [TYPE_LIBC] = {.words = (const char *const[]){"auto", "glibc", "musl", NULL},
                   .wrong = "is not a C library; use auto, glibc or musl"},
    [TYPE_OUTPUT] = {.words = (const char *const[]){"oci", "oci-layout", NULL},
                     .wrong = "is not a kind of output; use oci or oci-layout"},
    [TYPE_LEVEL] = {.words = (const char *const[]){"default", "fast", "best", NULL},
                    .wrong = "is not a level of compression; use default, fast or best"},
    [TYPE_BOOL] = {.fits = is_bool, .wrong = "is neither yes nor no"},
    [TYPE_ABSOLUTE] = {.fits = absolute_path,
                       .wrong = "is not an absolute path of at most 1000 bytes without '..'"},
    [TYPE_MANAGER] = {.words =
                          (const char *const[]){"auto", "dnf", "yum", "apt", "apk", "none", NULL},
                      .wrong = "is not a package manager; use auto, dnf, yum, apt, apk or none"},
};

static char *check_list(enum value_type type, const char *value)
{
    AUTO(strv) words = {0};
    if (type == TYPE_LINES || type == TYPE_SHELL) {
        if (text_lines(value))
            return NULL;
        return xstrdup("a byte that is not text; use UTF-8, without control "
                       "characters except tabs and line ends");
    }

    if (ini_words(value, &words) == 0)
        return NULL;
    return xasprintf("a quote is not closed in '%.80s'", value);
}

char *value_check(enum value_type type, const char *value)
{
    const struct rule *rule = &rules[type];
    if (value_keeps_quotes(type))
        return check_list(type, value);

    if ((rule->fits && !rule->fits(value)) || (rule->words && !one_of(value, rule->words)))
        return xasprintf("'%.80s' %s", value, rule->wrong);
    return NULL;
}

char *value_check_env(const char *name)
{
    size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    if (length < 2 || name[length] || !isalpha((unsigned char)name[0]))
        return xasprintf(
            "'%.80s' can't be set on Lambda; use two or more letters, digits and _, a letter first",
            name);

    if (one_of(name, reserved))
        return xasprintf("'%s' is reserved by Lambda; choose another name", name);
    return NULL;
}

char *value_check_label(const char *name)
{
    if (printable_word(name))
        return NULL;
    return xasprintf("'%.80s' is not a label's name; use one word", name);
}

char *value_check_file(const char *source, const char *dest)
{
    autofree char *from = path_clean(source), *to = path_clean(dest);

    if (source[0] == '/' || !from)
        return xasprintf("'%.80s' is outside of the project; give a path below the project file",
                         source);
    if (dest[0] != '/' || !to)
        return xasprintf("'%.80s' is not a path in the image; write an absolute one without '..'",
                         dest);
    if (to[0] == '\0' && from[0] == '\0')
        return xstrdup("the whole project can't become the image's root");
    return NULL;
}

/* Whether every engine accepts it as the id of a secret or an SSH agent. */
static bool is_id(const char *text)
{
    size_t length =
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    return isalnum((unsigned char)text[0]) && text[length] == '\0' && length <= 128;
}

char *value_check_secret(const char *name, const char *value)
{
    if (!is_id(name))
        return xasprintf("'%.80s' is not a secret's name; use letters, digits and . _ -", name);

    if (strncmp(value, "env:", 4) == 0 && value[4] && !strchr(value + 4, '=') &&
        printable_word(value + 4))
        return NULL;
    /* Engines take the path in a list that is separated by commas. */
    if (strncmp(value, "file:", 5) == 0 && value[5] && !value[5 + strcspn(value + 5, ",\"\n")])
        return NULL;

    return xasprintf(
        "the secret '%s' needs env:VARIABLE or file:PATH; its value doesn't belong in the file",
        name);
}

char *value_check_stage(const char *name)
{
    static const char *const taken[] = {"build", "scratch", "al2023", "al2", NULL};
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

    if (one_of(name, taken))
        return xasprintf(
            "a stage can't be called '%s', which has a meaning already; choose another name", name);
    if (name[0] < 'a' || name[0] > 'z' || name[length])
        return xasprintf(
            "'%.80s' is not a stage's name; use lower-case letters, digits, - and _, a letter "
            "first",
            name);
    return NULL;
}

bool value_keeps_quotes(enum value_type type)
{
    return type == TYPE_WORDS || type == TYPE_PATHS || type == TYPE_PATTERNS ||
           type == TYPE_LINES || type == TYPE_SHELL;
}

bool value_bool(const char *value)
{
    return one_of(value, yes);
}
